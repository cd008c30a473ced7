"""Puts the market of a day together: master, lines, merge."""

from collections.abc import Collection, Mapping

from domain.errors import ConfigError
from domain.rules import RulePack
from domain.session import instant, show
from domain.symbols import BadSymbol
from domain.units import SECOND, Micros, Paise, Symbol
from sandbox.facts import DayFacts
from sandbox.kinds import InstrumentLine
from sandbox.market import master
from sandbox.market.line import Line
from sandbox.market.market import Market
from sandbox.market.recorded import Projector, RecordedLine, Tape
from sandbox.market.regimes import weather
from sandbox.market.spot import path
from sandbox.market.synthetic import FutureLine, IndexLine, QuotedLine, Sky, VixLine
from sandbox.market.ticks import TickLine, Ticks, TickTape
from sandbox.params import SandboxParams

EXPIRY_AT = "15:30"
"""When a contract's time runs out on its expiry day (`sandbox.md` 3.1)."""


def synthetic(params: SandboxParams, rules: RulePack, facts: DayFacts) -> Market:
    """Return the synthetic chain's day."""
    session, random_seed = facts.session, params.seed
    mood = weather(params.market, random_seed, session)
    spot = path(Paise(params.market.spot_p), mood, session, random_seed)
    sky = Sky(
        params=params.market,
        random_seed=random_seed,
        session=session,
        spot=spot or [params.market.spot_p],
        weather=mood,
    )
    found = master.synthetic(params.market, rules, facts.day)
    halt = session.instants(mood.halt)
    return _market({s: _synthetic_line(line, sky) for s, line in found.items()}, facts, halt)


def recorded(
    params: SandboxParams, rules: RulePack, facts: DayFacts, tape: Tape | TickTape
) -> Market:
    """Return a recorded day. Raises ConfigError for a tape these rules cannot play."""
    if isinstance(tape, TickTape):
        return _ticks(params, rules, facts, tape)
    projector = Projector(
        tape=tape,
        params=params.market,
        random_seed=params.seed,
        open_at=facts.open,
        ticks_per_bar=params.tape.ticks_per_bar,
        cross=params.tape.path == "cross",
    )
    found = _master(tape.bars, params.tape.file, rules, facts)
    _check_minutes(tape, params.tape.file, facts)
    return _market({s: RecordedLine(line, projector) for s, line in found.items()}, facts)


def _ticks(params: SandboxParams, rules: RulePack, facts: DayFacts, tape: TickTape) -> Market:
    """Return the rows within the session; what lies outside is nothing that could be traded on."""
    file = params.tape.file
    found = _master(tape.lines, file, rules, facts)
    within = {s: ticks.within(facts.open, facts.close) for s, ticks in tape.lines.items()}
    if not any(ticks.at for ticks in within.values()):
        raise ConfigError(
            f"sandbox.tape.file: {file}: holds no tick from {show(facts.open)} to "
            f"{show(facts.close)} on {tape.day}, the hours of the dated rules; take another tape"
        )

    def line(instrument: InstrumentLine, ticks: Ticks) -> Line:
        first = Paise((ticks.ltp or tape.lines[instrument.symbol].ltp)[0])
        return TickLine(
            instrument,
            ticks,
            (facts.open, first),
            params=params.market,
            random_seed=params.seed,
        )

    return _market({s: line(each, within[s]) for s, each in found.items()}, facts)


def _market(
    lines: Mapping[Symbol, Line], facts: DayFacts, halt: tuple[Micros, Micros] | None = None
) -> Market:
    for line in lines.values():
        line.keep(facts.window_s, facts.quiet_s)
    return Market(lines, facts.open, facts.close, halt)


def _synthetic_line(line: InstrumentLine, sky: Sky) -> Line:
    if line.kind == master.INDEX:
        return VixLine(line, sky) if line.symbol == master.VIX else IndexLine(line, sky)
    assert line.expiry is not None
    expiry_s = instant(line.expiry, EXPIRY_AT) // SECOND
    kind = FutureLine if line.kind == master.FUTURE else QuotedLine
    return kind(line, sky, expiry_s)


def _master(
    names: Collection[Symbol], file: str, rules: RulePack, facts: DayFacts
) -> Mapping[Symbol, InstrumentLine]:
    """Return the instruments of a tape, each with its underlying on it. Raises ConfigError."""
    try:
        found = master.recorded(names, rules, facts.day)
    except BadSymbol as error:
        raise ConfigError(f"sandbox.tape.file: {file}: {error}") from error
    for line in found.values():
        if line.name not in names:
            raise ConfigError(
                f"sandbox.tape.file: {file}: {line.symbol} is on the tape, "
                f"its underlying {line.name} is not; add the prices of {line.name}"
            )
    return found


def _check_minutes(tape: Tape, file: str, facts: DayFacts) -> None:
    for symbol, bars in tape.bars.items():
        outside: Micros | None = next(
            (bar.minute for bar in bars if not facts.is_open(bar.minute)), None
        )
        if outside is not None:
            raise ConfigError(
                f"sandbox.tape.file: {file}: {symbol} has a bar at {show(outside)} on {tape.day}, "
                f"outside {show(facts.open)} to {show(facts.close)} of the dated rules; take it out"
            )
