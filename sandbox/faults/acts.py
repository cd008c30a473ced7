"""What faults do to the account, the market and the clock: when they begin, and when they end.

The other faults only stand between the exchange and what is told of it; these change what is true,
so each change is in ground truth like any other. Here outages are written down too.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from domain.books import Action
from domain.units import Micros, Symbol, seconds
from sandbox.faults.account_verbs import (
    ACTED,
    ClockSkew,
    EmptySide,
    Gap,
    Halt,
    HumanTrade,
    LppFreeze,
    MarginShrink,
    ModeFlip,
    RevokeSession,
    RmsSquareOff,
    SemiAuto,
    StaticIpDenied,
)
from sandbox.faults.force import EVERY_ROUTE, REST, Force
from sandbox.faults.order_verbs import DropBeforeAccept
from sandbox.faults.script import Fault, Script, began
from sandbox.faults.verbs import Html502, Status
from sandbox.market import bends
from sandbox.truth import Mode, Outage

OF_CALLS = (RevokeSession, StaticIpDenied, SemiAuto, ModeFlip)
"""These are met by calls; the others by beginning."""

MODES = ("analyze", "live")


def outage(fault: Fault) -> str:
    """Return what gets through no more while a fault holds, in the words of ground truth, or ''.

    What is drawn, numbered or chosen by side lets some calls through and is no outage.
    """
    when = fault.when
    if fault.place in ACTED:
        return _outage_of_account(fault)
    if when.probability < 1 or when.nth or when.action:
        return ""
    if not isinstance(fault.do, Status | Html502 | DropBeforeAccept):
        return ""
    return "reads" if fault.place == EVERY_ROUTE else fault.place.removeprefix(REST)


def _outage_of_account(fault: Fault) -> str:
    match fault.do:
        case RevokeSession():
            return "calls"
        case StaticIpDenied() | SemiAuto() | ModeFlip():
            return "writes"
        case Halt():
            return "market"
        case _:
            return ""


class Acts:
    """The faults that hold by themselves on one exchange. One thread at a time."""

    def __init__(self, force: Force) -> None:
        self._force = force
        self._exchange = force.exchange
        self._script = Script()
        self._watched: tuple[Fault, ...] = ()
        self._held: dict[str, tuple[Fault, Micros]] = {}
        self._begun: Counter[str] = Counter()
        self._last: dict[str, Micros] = {}
        self._bent: dict[str, frozenset[Symbol]] = {}

    @property
    def is_idle(self) -> bool:
        """Whether nothing holds and nothing can begin."""
        return not self._held and self._force.is_idle

    def step(self, at: Micros) -> None:
        """Let end and begin what does at an instant."""
        if self._force.script is not self._script:
            self._script = self._force.script
            faults = self._script.faults
            self._watched = tuple(f for f in faults if f.place in ACTED or outage(f))
        if not self._watched and not self._held:
            return
        holding = {f.id: since for f in self._watched if (since := self._since(f, at)) is not None}
        for fault, since in tuple(self._held.values()):
            if holding.get(fault.id) != since:
                del self._held[fault.id]
                self._end(at, fault)
        for fault in self._watched:
            if fault.id in holding and fault.id not in self._held:
                self._take_up(at, fault, holding[fault.id])

    def of_calls(self) -> Iterator[tuple[Fault, Micros]]:
        """Yield what hits calls by itself, with its beginning."""
        return (held for held in self._held.values() if isinstance(held[0].do, OF_CALLS))

    def _since(self, fault: Fault, at: Micros) -> Micros | None:
        """Return since when a fault holds; its draw and its number are those of the beginning."""
        since = began(fault.when, at, self._force.past)
        if since is None:
            return None
        if self._last.get(fault.id) != since:
            self._last[fault.id] = since
            self._begun[fault.id] += 1
        number = self._begun[fault.id]
        nth = fault.when.nth
        if fault.place in ACTED and nth is not None and number not in nth:
            return None
        return since if self._force.happens(fault, "", number) else None

    def _take_up(self, at: Micros, fault: Fault, since: Micros) -> None:
        self._held[fault.id] = fault, since
        if (what := outage(fault)) != "":
            self._exchange.note(at, Outage(id=fault.id, on=True, what=what))
        if fault.place in ACTED and self._begin(at, fault):
            self._force.met(at, fault, since, fault.place)

    def _begin(self, at: Micros, fault: Fault) -> bool:
        """Do what a fault begins with; False where it found nothing to do yet."""
        match fault.do:
            case HumanTrade(symbol=word, action=action, lots=lots):
                found = sorted(self._force.universe.chosen((word,), at))
                return bool(found) and self._exchange.human(at, found[0], Action(action), lots)
            case RmsSquareOff():
                self._exchange.square_off(at)
            case ModeFlip():
                self._exchange.note(at, Mode(mode=MODES[not self._exchange.is_live]))
            case MarginShrink(to_pct=to_pct):
                self._exchange.withhold(fault.id, to_pct)
            case ClockSkew(by=by):
                self._exchange.skews[fault.id] = seconds(by)
            case do:
                return not isinstance(do, OF_CALLS) and self._disturb(at, fault)
        return True

    def _disturb(self, at: Micros, fault: Fault) -> bool:
        """Begin what a fault does to the market."""
        market = self._exchange.market
        match fault.do:
            case Gap() as gap:
                found = self._force.universe.chosen(gap.symbols, at)
                for symbol in sorted(found):
                    self._bend(at, fault, {symbol}, bends.leap(self._leap(at, symbol, gap)))
                return bool(found)
            case EmptySide(side=side, symbols=words):
                chosen = self._force.universe.chosen(words, at) if words else market.lines.keys()
                self._bend(at, fault, chosen, bends.one_sided(side))
            case Halt():
                market.stopped.add(fault.id)
                self._bend(at, fault, market.lines.keys(), bends.silence)
            case LppFreeze():
                market.frozen_at[fault.id] = at
            case _:
                return False
        return True

    def _end(self, at: Micros, fault: Fault) -> None:
        if (what := outage(fault)) != "":
            self._exchange.note(at, Outage(id=fault.id, on=False, what=what))
        match fault.do:
            case ModeFlip():
                self._exchange.note(at, Mode(mode=MODES[self._exchange.is_live]))
            case MarginShrink():
                self._exchange.withhold(fault.id, None)
            case ClockSkew():
                self._exchange.skews.pop(fault.id, None)
            case LppFreeze():
                self._exchange.market.frozen_at.pop(fault.id, None)
            case Halt():
                self._exchange.market.stopped.discard(fault.id)
                self._straighten(at, fault)
            case _:
                self._straighten(at, fault)

    def _bend(self, at: Micros, fault: Fault, symbols: Iterable[Symbol], bend: bends.Bend) -> None:
        chosen = frozenset(symbols)
        self._bent[fault.id] = self._bent.get(fault.id, frozenset()) | chosen
        self._exchange.market.bend(fault.id, sorted(chosen), at, bend)

    def _straighten(self, at: Micros, fault: Fault) -> None:
        bent = self._bent.pop(fault.id, None)
        if bent:
            self._exchange.market.straighten(fault.id, sorted(bent), at)

    def _leap(self, at: Micros, symbol: Symbol, gap: Gap) -> int:
        last = self._exchange.quote(at, symbol).ltp
        by = round(gap.points * 100) if gap.points is not None else round(last * gap.pct / 100)
        tick = self._exchange.market.lines[symbol].instrument.tick
        return by // tick * tick
