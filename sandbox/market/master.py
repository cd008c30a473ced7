"""The symbol master of a day: which contracts exist, and what is fixed about each.

`sandbox.md` 3.1, Universe. Lots belong to the expiry, freeze quantities to the trading day
(`market-rules.md` 1). Tokens are made up, as the design says (12).
"""

from collections.abc import Iterable, Iterator
from itertools import count, pairwise

from domain import symbols
from domain.contracts import Side
from domain.rules import RulePack
from domain.units import Day, Paise, Symbol, Units
from sandbox.kinds import NSE_INDEX, InstrumentLine
from sandbox.params import MarketParams

UNDERLYING = "NIFTY"
VIX = "INDIAVIX"
INDEX = "INDEX"
FUTURE = "FUT"
FIRST_TOKEN = 1001
POINT = 100
"""Paise in an index point."""

Master = dict[Symbol, InstrumentLine]


class Scribe:
    """Writes instruments with consecutive tokens, at the rules of one trading day."""

    def __init__(self, rules: RulePack, day: Day) -> None:
        self._rules = rules
        self._day = day
        self._tokens = count(FIRST_TOKEN)

    def index(self, name: str, exchange: str = NSE_INDEX) -> InstrumentLine:
        """Return an index. It cannot be traded: lot 1, freeze 1 as OpenAlgo has it."""
        return self._line(name, exchange, name, INDEX, None, Paise(0))

    def future(self, name: str, expiry: Day) -> InstrumentLine:
        """Return a future of an index."""
        symbol = f"{name}{symbols.compact(expiry)}{FUTURE}"
        return self._line(symbol, self._exchange(name), name, FUTURE, expiry, Paise(0))

    def option(self, name: str, expiry: Day, strike: Paise, side: Side) -> InstrumentLine:
        """Return an option of an index."""
        symbol = symbols.build(name, expiry, strike, side)
        return self._line(symbol, self._exchange(name), name, side.value, expiry, strike)

    def _exchange(self, name: str) -> str:
        return self._rules.exchange(name, self._day)

    def _line(
        self,
        symbol: str,
        exchange: str,
        name: str,
        kind: str,
        expiry: Day | None,
        strike: Paise,
    ) -> InstrumentLine:
        lot, freeze = Units(1), Units(1)
        if expiry is not None:
            lot = self._rules.lot(name, expiry)
            freeze = self._rules.freeze(name, self._day)
        return InstrumentLine(
            symbol=Symbol(symbol),
            exchange=exchange,
            name=name,
            kind=kind,
            expiry=expiry,
            strike=strike,
            lot=lot,
            tick=self._rules.tick(self._day),
            freeze=freeze,
            token=next(self._tokens),
        )


def synthetic(params: MarketParams, rules: RulePack, day: Day) -> Master:
    """Return the chain around the configured spot: indices, the near future, options."""
    return {line.symbol: line for line in _synthetic(params, rules, day)}


def _synthetic(params: MarketParams, rules: RulePack, day: Day) -> Iterator[InstrumentLine]:
    scribe = Scribe(rules, day)
    yield scribe.index(UNDERLYING)
    yield scribe.index(VIX)
    expiries = rules.expiries(UNDERLYING, day, params.expiries)
    yield scribe.future(UNDERLYING, monthly(rules, UNDERLYING, day))
    step = params.step_points * POINT
    middle = (params.spot_p + step // 2) // step * step
    for expiry in expiries:
        for n in range(-params.strikes, params.strikes + 1):
            for side in Side:
                yield scribe.option(UNDERLYING, expiry, Paise(middle + n * step), side)


def monthly(rules: RulePack, name: str, day: Day) -> Day:
    """Return the last expiry of the nearest month that still has one."""
    near = rules.expiries(name, day, 6)
    return next(a for a, b in pairwise(near) if a[:7] != b[:7])


def recorded(names: Iterable[str], rules: RulePack, day: Day) -> Master:
    """Return the instruments of a tape: options by their symbols, anything else an index.

    Raises BadSymbol where a name ends like an option and is none.
    """
    scribe = Scribe(rules, day)
    read = sorted(names, key=lambda name: (name.endswith(("CE", "PE")), name))
    return {line.symbol: line for line in (_recorded(scribe, name) for name in read)}


def _recorded(scribe: Scribe, name: str) -> InstrumentLine:
    if not name.endswith(("CE", "PE")):
        return scribe.index(name)
    try:
        option = symbols.parse(name)
    except symbols.BadSymbol as error:
        raise symbols.BadSymbol(f"{name}: {error}") from error
    return scribe.option(option.name, option.expiry, option.strike, option.side)
