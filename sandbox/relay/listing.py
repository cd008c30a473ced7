"""Reads the day another OpenAlgo server lists: which contracts there are, and their last prices.

Done once, before the exchange opens. Lot, tick and freeze quantity follow the dated rules, as on
every day of the paper exchange; where the server's symbol master differs, that is reported.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec

from domain import clock
from domain.clock import Anchor
from domain.errors import ConfigError
from domain.rules import RulePack
from domain.session import trading_day
from domain.symbols import BadSymbol, compact, parse
from domain.units import Day, Paise, Symbol, rupees
from sandbox.api.desk import BROKER
from sandbox.kinds import InstrumentLine
from sandbox.market.live import LiveDay, Seen
from sandbox.market.master import VIX, Scribe
from sandbox.relay import wire
from sandbox.relay.rest import Rest, Route, Unread
from sandbox.relay.wire import Listed, Unreadable

log = logging.getLogger(__name__)

MOST_STRIKES = 100
"""What /optionchain takes on each side of the money."""

FORBIDDEN = 403


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What of the server's contracts is listed: `strikes` on each side, this many `expiries`.

    `around` and `traded` belong to an earlier life of the day: the strike its chain was listed
    around, and the symbols of its orders. They stay listed wherever the spot has gone since.
    """

    underlying: str
    strikes: int
    expiries: int
    around: Paise = Paise(0)
    traded: frozenset[Symbol] = frozenset()


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """What a paper exchange says of itself: its broker's name, its day and its clock."""

    broker: str
    date: str
    anchor: Anchor


@dataclass(frozen=True, slots=True)
class Pace:
    """The day and the clock of a server. `is_paper`: it is a paper exchange with its own."""

    day: Day
    anchor: Anchor
    is_paper: bool


def pace(rest: Rest) -> Pace:
    """Return the day and the clock to play by: the wall clock's, or a paper exchange's own.

    Raises ConfigError naming the remedy if the server does not answer or refuses the key.
    """
    try:
        if wire.broker(rest.read(Route.PING)) != BROKER:
            now = clock.wall()
            return Pace(trading_day(now), Anchor(r0=now, v0=now, speed=1), is_paper=False)
        found = moment(rest)
    except (Unread, Unreadable) as error:
        raise _no_start(rest, error) from error
    return Pace(Day(found.date), found.anchor, is_paper=True)


def moment(rest: Rest) -> Moment:
    """Return where the clock of a paper exchange stands. Raises Unread or Unreadable."""
    try:
        return msgspec.json.decode(rest.discovery(), type=Moment)
    except msgspec.DecodeError as error:
        raise Unreadable(f"its discovery document: {error}") from error


def listed(rest: Rest, wanted: Wanted, rules: RulePack, day: Day) -> LiveDay:
    """Return the day as the server lists it.

    Raises ConfigError if it cannot be read, or without a price of the underlying or any option.
    """
    try:
        return _Listing(rest, wanted, rules, day).read()
    except (Unread, Unreadable) as error:
        raise _no_start(rest, error) from error


@dataclass(slots=True)
class _Listing:
    rest: Rest
    wanted: Wanted
    rules: RulePack
    day: Day
    differing: set[str] = field(default_factory=set)

    def read(self) -> LiveDay:
        name, scribe = self.wanted.underlying, Scribe(self.rules, self.day)
        index = scribe.index(name, self.rules.index_exchange(name, self.day))
        around, options = self._options(index)
        others = [index, scribe.index(VIX), *self._futures(scribe)]
        quotes = wire.quotes(self.rest.read(Route.QUOTES, symbols=[_pair(each) for each in others]))
        known = [
            (i, quotes[i.symbol, i.exchange]) for i in others if (i.symbol, i.exchange) in quotes
        ]
        if not known or known[0][0] is not index or not known[0][1].ltp:
            raise Unreadable(f"it has no price of {name}")
        lines = [*known, *self._instruments(scribe, options)]
        for difference in sorted(self.differing):
            log.warning("%s: the dated rules are followed", difference)
        log.info("listed day=%s symbols=%d around=%s", self.day, len(lines), rupees(around))
        return LiveDay(day=self.day, around=self.wanted.around or around, listed=tuple(lines))

    def _options(self, index: InstrumentLine) -> tuple[Paise, list[Listed]]:
        """Return the strike at the money and the options around it, of every expiry wanted."""
        name, exchange = index.name, self.rules.exchange(index.name, self.day)
        fields = {"symbol": name, "exchange": exchange, "instrumenttype": "options"}
        days = wire.expiries(self.rest.read(Route.EXPIRY, **fields))
        near = [day for day in days if day >= self.day][: self.wanted.expiries]
        if not near:
            raise Unreadable(f"it knows no options of {name}; let OpenAlgo load its contracts")
        middle = Paise(0)
        found: list[Listed] = []
        for expiry in near:
            atm, options = self._chain(index, exchange, expiry)
            middle = middle or atm
            found += options
        return middle, found

    def _chain(
        self, index: InstrumentLine, exchange: str, expiry: Day
    ) -> tuple[Paise, Sequence[Listed]]:
        def read(count: int) -> wire.ChainSaid:
            body = self.rest.read(
                Route.CHAIN,
                underlying=index.name,
                exchange=index.exchange,
                expiry_date=compact(expiry),
                strike_count=count,
            )
            return wire.chain(body, exchange)

        said = read(self.wanted.strikes)
        if (count := self._width(said)) > self.wanted.strikes:
            said = read(min(count, MOST_STRIKES))
        return said.atm, said.options

    def _width(self, said: wire.ChainSaid) -> int:
        """Return how many strikes a side it takes to hold what an earlier life listed."""
        strikes = sorted({each.strike for each in said.options})
        steps = [b - a for a, b in pairwise(strikes)]
        if not self.wanted.around or not steps:
            return self.wanted.strikes
        step, span = min(steps), self.wanted.strikes * min(steps)
        ends = {self.wanted.around - span, self.wanted.around + span, *self._strikes_traded()}
        return max(-(-abs(end - said.atm) // step) for end in ends)

    def _strikes_traded(self) -> Iterator[int]:
        for symbol in self.wanted.traded:
            if symbol.endswith(("CE", "PE")):
                yield parse(symbol).strike

    def _futures(self, scribe: Scribe) -> Iterator[InstrumentLine]:
        name = self.wanted.underlying
        fields = {"symbol": name, "exchange": self.rules.exchange(name, self.day)}
        try:
            days = wire.expiries(self.rest.read(Route.EXPIRY, **fields, instrumenttype="futures"))
        except (Unread, Unreadable) as error:
            log.warning("no future is listed: %s", error)
            return
        yield from (scribe.future(name, day) for day in days[:1])

    def _instruments(
        self, scribe: Scribe, options: Iterable[Listed]
    ) -> Iterator[tuple[InstrumentLine, Seen]]:
        for each in options:
            try:
                said = parse(each.seen.symbol)
            except BadSymbol as error:
                self.differing.add(f"{each.seen.symbol} is left out, {error}")
                continue
            if said.name != self.wanted.underlying:
                continue
            line = scribe.option(said.name, said.expiry, said.strike, said.side)
            self._compare(line, each)
            yield line, each.seen

    def _compare(self, line: InstrumentLine, said: Listed) -> None:
        what = f"{line.name} expiring {line.expiry}"
        if said.lot not in {0, line.lot}:
            self.differing.add(f"{what} has lot {said.lot} upstream and {line.lot} by our rules")
        if said.tick not in {0, line.tick}:
            theirs, ours = rupees(said.tick), rupees(line.tick)
            self.differing.add(f"{what} has tick {theirs} upstream and {ours} by our rules")


def _pair(line: InstrumentLine) -> dict[str, str]:
    return {"symbol": line.symbol, "exchange": line.exchange}


def _no_start(rest: Rest, error: Unread | Unreadable) -> ConfigError:
    """Return what does not allow a start, with the remedy."""
    if isinstance(error, Unreadable):
        return ConfigError(f"OpenAlgo at {rest.url} cannot be played: {str(error)[:200]}")
    if not error.status:
        return ConfigError(
            f"OPENALGO_HOST: nobody answers at {rest.url} ({error.text}); start OpenAlgo, or "
            "correct OPENALGO_HOST and OPENALGO_PORT"
        )
    if error.status == FORBIDDEN:
        return ConfigError(
            f"OPENALGO_API_KEY: {rest.url} refuses it ({error.text}); copy the key from OpenAlgo "
            "once more, or log in to the broker there: both look the same"
        )
    return ConfigError(
        f"OpenAlgo at {rest.url} cannot be played: {error}; log in to the broker in OpenAlgo and "
        "see that it shows prices"
    )
