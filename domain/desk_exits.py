"""The exit desk: walks every short from its fill to flat, and an excess of ours back to nothing.

The one surface of `protection.py` (the stop), `climb.py` (the ladder) and `sell_back.py`; a leg
goes from the first to the second and never back.
"""

from domain import events as ev
from domain.bearings import CLOSED, Bearings, ExitTerms
from domain.blotter import Blotter
from domain.climb import Climb
from domain.evidence import Memory
from domain.exits import Reference
from domain.orders import Order, Purpose, State, StopPlan
from domain.pages import Pages
from domain.positions import Leg, Phase
from domain.protection import Protection
from domain.sell_back import SellBack
from domain.units import SECOND, Micros, Paise, Symbol

BARE_FOR = SECOND
"""A stop that takes longer than this to be read may have to give way to the ladder."""


class ExitDesk:
    """Steps every open leg.

    Called after each message; the same situation asks for nothing twice.
    """

    def __init__(self, blotter: Blotter, memory: Memory, terms: ExitTerms) -> None:
        self.bearings = Bearings(blotter, memory, terms)
        self.protection = Protection(self.bearings)
        self.climb = Climb(self.bearings)
        self._sell_back = SellBack(self.bearings)
        self._blotter = blotter
        self._bare_since: dict[str, Micros] = {}
        self._has_looked = False

    @property
    def pages(self) -> Pages:
        """What a human must know."""
        return self.bearings.pages

    @property
    def is_blind(self) -> bool:
        """Whether no quote is worth anything."""
        return self.bearings.is_blind

    @is_blind.setter
    def is_blind(self, is_blind: bool) -> None:
        self.bearings.is_blind = is_blind

    @property
    def is_long(self) -> bool:
        """Whether an excess of ours is being sold back."""
        return bool(self._sell_back.symbols)

    def quoted(self, symbol: Symbol, reference: Reference) -> None:
        """Take a quote for the ladder."""
        self.bearings.tapes[symbol].add(reference)

    def last_price(self, symbol: Symbol) -> Paise | None:
        """Return the newest price the ladder heard of a symbol."""
        return self.bearings.tapes[symbol].last

    def saw(self, asked_at: Micros, at: Micros) -> None:
        """Take note that books asked for then were read and believed."""
        self.bearings.seen_at = asked_at
        self._sell_back.saw(asked_at, at)

    def wanted_quotes(self, at: Micros) -> tuple[tuple[Symbol, str], ...]:
        """Return the symbols whose price is needed now: left, sold back, not protected at once."""
        ledger = self._blotter.ledger
        half = self.bearings.terms.exits.rung_s / 2
        wanted = {leg.symbol: leg.exchange for leg in ledger.open_legs() if self._wants(leg, at)}
        for order in ledger.live():
            is_vague = order.purpose is Purpose.STOP and order.intent in self.bearings.memory.vague
            if order.purpose is Purpose.SELL_BACK or _is_filling(order) or is_vague:
                wanted[order.ticket.symbol] = order.ticket.exchange
        for leg in ledger.legs.values():
            if leg.symbol in self._sell_back.symbols:
                wanted[leg.symbol] = leg.exchange
        tapes = self.bearings.tapes
        return tuple((s, e) for s, e in wanted.items() if tapes[s].fresh(at, half) is None)

    def bare(self, at: Micros) -> dict[str, Micros]:
        """Return the legs without full cover and since when, as far as we can see."""
        for leg in self._blotter.ledger.legs.values():
            if leg.phase is not Phase.DONE and self._blotter.ledger.uncovered(leg) > 0:
                since = at if self._has_looked else self._asked_for_cover(leg, at)
                self._bare_since.setdefault(leg.leg, since)
            else:
                self._bare_since.pop(leg.leg, None)
        self._has_looked = True
        return self._bare_since

    def _asked_for_cover(self, leg: Leg, at: Micros) -> Micros:
        """Return since when a former process waited for cover that never showed; `at` if not."""
        exits = self._blotter.ledger.exits(leg.leg)
        return min((o.sent_at or at for o in exits if o.state.is_in_flight), default=at)

    def jumped(self, at: Micros) -> None:
        """Count from now on: while nobody looked nothing was to be done, nor is anything later."""
        self._bare_since = dict.fromkeys(self._bare_since, at)
        self.bearings.not_after(at)
        self.climb.not_after(at)
        self._sell_back.not_after(at)

    def chase(self, leg: Leg, reason: str, at: Micros) -> None:
        """Stop protecting, start leaving; the first reason is kept."""
        if leg.phase is Phase.PROTECT and leg.short > 0:
            self._blotter.finish(leg.leg, Phase.CHASE, reason, at)

    def move_stop(self, leg: Leg, stop: StopPlan, at: Micros) -> None:
        """Note a new stop for a protected leg; the next step modifies the resting order."""
        if leg.phase is Phase.PROTECT and stop != leg.stop:
            self._blotter.record(ev.StopPlanned(at=at, intent=leg.leg, stop=stop))

    def step(self, at: Micros, *, quiet: bool) -> None:
        """Take every leg one step further. While `quiet`, nothing new is bought or sold."""
        self.bare(at)
        ledger = self._blotter.ledger
        for leg in tuple(ledger.legs.values()):
            if leg.exposed <= 0:
                self._finish(leg, at)
            elif not quiet and (leg.phase is Phase.PROTECT or leg.short <= 0):
                # What only seems short cannot be bought back yet, whatever the leg's phase.
                self._protect(leg, at)
            if ledger.legs[leg.leg].phase is Phase.CHASE and leg.short > 0:
                self.climb.step(ledger.legs[leg.leg], at, quiet=quiet)
        self._sell_back.step(at, quiet=quiet)

    def _protect(self, leg: Leg, at: Micros) -> None:
        reason = self.protection.step(leg, self._bare_since.get(leg.leg), at)
        if reason and leg.short > 0:
            self.chase(leg, reason, at)

    def _finish(self, leg: Leg, at: Micros) -> None:
        """End a leg that is bought back: no BUY of ours may outlive it, however late it shows."""
        ledger = self._blotter.ledger
        for order in tuple(ledger.exits(leg.leg)):
            if order.state is State.PLANNED:
                self.bearings.give_up(order, at, CLOSED)
            else:
                self.bearings.end(order, at, CLOSED)
        if ledger.orders[leg.leg].state.is_terminal and not any(ledger.exits(leg.leg)):
            self._blotter.finish(leg.leg, Phase.DONE, leg.reason or "stopped", at)

    def _wants(self, leg: Leg, at: Micros) -> bool:
        is_left = leg.phase is Phase.CHASE and leg.short > 0
        return is_left or at >= self._bare_since.get(leg.leg, at) + BARE_FOR


def _is_filling(order: Order) -> bool:
    """Whether an entry or a stop was met: one may need its stop, the other may have been jumped."""
    return order.purpose in {Purpose.ENTRY, Purpose.STOP} and order.state is State.OPEN
