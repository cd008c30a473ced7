"""The order desk lives through weather: any broker that is honest in its books, at any moment.

The broker is tests/domain/model_broker.py. The desk is driven as OrderActor drives it: a message,
`settle`, commit, send. A restart may come at any moment, also between commit and send.
"""

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from domain import events as ev
from domain.books import Action, Books, Status
from domain.calls import PlaceOrder, Quotes, WriteReply
from domain.desk import Desk
from domain.ledger import Ledger
from domain.orders import EntryKey, Purpose
from domain.positions import Leg, Phase
from domain.reconcile import digest, faults
from domain.units import Micros, seconds
from tests.domain.model_broker import LOT, Manners, ModelBroker, Resting
from tests.orders import (
    CE,
    PARAMS,
    PE,
    PLANNED,
    T0,
    a_quote,
    a_ready,
    an_entry_wish,
)
from tests.trading import PLAN, a_key, a_ticket

PLACE = "prompt late lost failed_but_placed never refused not_sent rejected_later".split()
CHANGE = "prompt slow lost never refused not_sent".split()
BOOKS = "good short empty down".split()
LOTS_OR_NONE = st.sampled_from((0, 1, 5, 10))
SLOTS = {"CE": CE, "PE": PE}
CALM_S = 60
"""Fair weather in which every short must be covered: a time-out, an emergency, a few reads."""

GIVEN_UP_S = 150
"""When an order in flight has found its end: `orders.unknown_s` and the reads after it."""


class Life(RuleBasedStateMachine):
    """One desk, restarted now and then, one broker, and everything that may come between them."""

    @initialize(filled=st.tuples(LOTS_OR_NONE, LOTS_OR_NONE))
    def start(self, filled: tuple[int, int]) -> None:
        self.broker = ModelBroker(T0)
        self.events: list[ev.Event] = [PLANNED]
        self.boots = 0
        self.seen = 0
        self.beside: dict[str, int] = {}
        self.in_the_air: set[str] = set()
        self.last_read = Micros(0)
        self.reading = False
        self.quotes_come = True
        self.dies_in = -1
        self.boot()
        for slot, lots in zip(sorted(SLOTS), filled, strict=True):
            if lots:
                self.entry_is_placed_and_fills(slot, 10, lots)

    # The agent's process.

    def boot(self) -> None:
        self.broker.forget()
        self.boots += 1
        self.reading = False
        self.in_the_air = set()
        ledger = Ledger().fold(self.events)
        self.desk = Desk(ledger, PLAN, f"{PLAN.day}-{self.boots}", PARAMS)
        self.desk.begin(self.broker.now)
        self.desk.preflight(a_ready(self.broker.now), self.broker.now)
        self.desk.strategy_ready()
        self.desk.trusted(entries=True, reason="")
        self.finish()

    def finish(self) -> None:
        """End a message as OrderActor does."""
        self.desk.settle(self.broker.now)
        events, writes = self.desk.blotter.drain()
        self.events += events
        for write in writes:
            if isinstance(write, PlaceOrder):
                self.note_place(write)
        for number, write in enumerate(writes):
            if self.dies_in == number:
                self.dies_in = -1
                self.boot()
                return
            self.in_the_air.add(write.ref)
            self.broker.send(write, self.replied)
        self.read_if_due()

    def note_place(self, write: PlaceOrder) -> None:
        """Remember the cases in which a BUY may live beside others: those were in flight.

        A second stop beside the first; covers beside stops and each other, three in all.
        """
        ledger = self.desk.ledger
        order = ledger.orders[write.ref]
        others = [o for o in ledger.exits(order.leg) if o.intent != order.intent]
        flying = [o for o in others if o.state.is_in_flight]
        if order.purpose not in {Purpose.STOP, Purpose.COVER} or not flying:
            return
        stops = sum(o.purpose is Purpose.STOP for o in flying)
        assert stops <= 2, "a third stop"
        most = stops + 3 if order.purpose is Purpose.COVER else 1
        assert len(flying) <= most, "placed beside too many orders in flight"
        self.beside[order.leg] = max(self.beside.get(order.leg, 0), len(flying))

    def replied(self, ref: str, op: str, reply: WriteReply) -> None:
        self.in_the_air.discard(ref)
        self.desk.replied(ref, op, reply, self.broker.now)
        self.finish()

    def read_if_due(self) -> None:
        every, _ = self.desk.attention(self.broker.now)
        if not self.reading and self.broker.now >= self.last_read + every:
            self.reading = True
            self.last_read = self.broker.now
            self.broker.read(self.books)

    def books(self, books: Books | None) -> None:
        self.reading = False
        if books is not None:
            on_disk = Ledger().fold(self.events)
            if faults(books, on_disk, "analyze", PARAMS.reconcile.window_s):
                self.desk.doubted()
            else:
                self.desk.judged(books, digest(books), self.broker.now, None)
        self.finish()

    def pulse(self) -> None:
        self.broker.run_to(Micros(self.broker.now + seconds(1)))
        wanted = self.desk.exits.wanted_quotes(self.broker.now)
        if wanted and self.quotes_come:
            quotes = tuple(
                a_quote(14_000, 14_010, symbol=symbol, when=self.broker.now) for symbol, _ in wanted
            )
            self.desk.quoted(Quotes(quotes=quotes, missing=()))
        self.finish()
        self.one_slot_has_one_live_entry()
        self.never_more_buying_than_short()

    def live(self) -> list[Resting]:
        return [order for order in self.broker.own() if order.is_live]

    def is_entry(self, order: Resting) -> bool:
        return self.desk.ledger.orders[order.ref].purpose is Purpose.ENTRY

    # What may happen.

    @rule(count=st.integers(1, 25))
    def time_passes(self, count: int) -> None:
        for _ in range(count):
            self.pulse()

    @rule(
        place=st.sampled_from(PLACE),
        change=st.sampled_from(CHANGE),
        late=st.integers(0, 110),
        shown=st.integers(0, 6),
    )
    def orders_are_treated_badly(self, place: str, change: str, late: int, shown: int) -> None:
        self.broker.manners = Manners(place, change, "good", late, shown)

    @rule(books=st.sampled_from(BOOKS), quotes=st.booleans(), count=st.integers(1, 20))
    def books_are_bad_for_a_while(self, books: str, quotes: bool, count: int) -> None:
        self.broker.manners.books, self.quotes_come = books, quotes
        self.time_passes(count)
        self.broker.manners.books, self.quotes_come = "good", True

    @rule()
    def fair_weather(self) -> None:
        self.broker.manners = Manners()
        self.quotes_come = True

    @rule(slot=st.sampled_from(sorted(SLOTS)), lots=st.integers(1, 10), minute=st.integers(1, 3))
    def wish(self, slot: str, lots: int, minute: int) -> None:
        """Ask as StrategyActor does: again each second, until there is an order or 4 s are over."""
        for _ in range(4):
            key = self.key(slot, minute)
            wanted = an_entry_wish(key, lots * LOT, when=self.broker.now)
            self.desk.wish(wanted, self.broker.now, None)
            self.finish()
            self.pulse()
            if any(order.key == key for order in self.desk.ledger.orders.values()):
                return

    @rule(slot=st.sampled_from(sorted(SLOTS)), lots=st.integers(1, 10), filled=st.integers(1, 10))
    def entry_is_placed_and_fills(self, slot: str, lots: int, filled: int) -> None:
        self.wish(slot, lots, 1)
        for order in self.live():
            if order.ticket.symbol == SLOTS[slot] and order.ticket.action is Action.SELL:
                self.broker.fill(order, filled)

    def key(self, slot: str, minute: int) -> EntryKey:
        """The key StrategyActor would choose: one attempt more than have ended."""
        key = a_key(SLOTS[slot], minute, slot=slot)
        ended = [
            o
            for o in self.desk.ledger.orders.values()
            if o.key is not None
            and (o.key.slot, o.key.symbol, o.key.minute) == (slot, key.symbol, key.minute)
            and o.state.is_terminal
        ]
        return a_key(SLOTS[slot], minute, slot=slot, attempt=len(ended))

    @rule(
        slot=st.sampled_from(sorted(SLOTS)),
        late=st.integers(20, 110),
        wait=st.integers(0, GIVEN_UP_S),
    )
    def entry_shows_late(self, slot: str, late: int, wait: int) -> None:
        """Nobody knows what became of an entry; after a while the strategy wishes again."""
        self.broker.manners = Manners("late", late_s=late)
        self.wish(slot, 1, 1)
        self.fair_weather()
        self.time_passes(wait)
        self.wish(slot, 1, 1)
        self.time_passes(GIVEN_UP_S - wait)

    @rule(slot=st.sampled_from(sorted(SLOTS)), late=st.integers(1, 110), wait=st.integers(0, 60))
    def process_is_killed_while_a_stop_is_late(self, slot: str, late: int, wait: int) -> None:
        self.broker.manners = Manners("late", late_s=late)
        for order in self.live():
            if order.ticket.symbol == SLOTS[slot] and order.ticket.action is Action.SELL:
                self.broker.fill(order, 10)
        self.time_passes(4)
        self.boot()
        self.fair_weather()
        self.time_passes(wait)
        for order in self.live():
            if order.status is Status.OPEN:
                self.broker.fill(order, 10)
        self.time_passes(10)

    @rule(slot=st.sampled_from(sorted(SLOTS)), lots=st.integers(1, 3), ticks=st.integers(0, 3))
    def human_rests_a_look_alike(self, slot: str, lots: int, ticks: int) -> None:
        """Any numbers but those of an order of ours whose id nobody knows: they would be ours.

        Our next entry must see them: its numbers are free as of a read of the last five seconds.
        """
        ticket = a_ticket(SLOTS[slot], lots * LOT, trigger=12_995, price=12_695 - 5 * ticks)
        orders = self.desk.ledger.orders.values()
        if ticket not in [order.ticket for order in orders if not order.orderid]:
            self.broker.human_order(ticket)
            self.time_passes(6)

    @rule(slot=st.sampled_from(sorted(SLOTS)))
    def take_back(self, slot: str) -> None:
        self.desk.cancel(a_key().strategy, slot, "outranked")
        self.finish()

    @precondition(lambda self: self.live())
    @rule(data=st.data(), lots=st.integers(1, 10))
    def order_trades(self, data: st.DataObject, lots: int) -> None:
        self.broker.fill(data.draw(st.sampled_from(self.live())), lots)

    @precondition(lambda self: self.live())
    @rule(data=st.data())
    def order_is_jumped(self, data: st.DataObject) -> None:
        self.broker.trigger(data.draw(st.sampled_from(self.live())))

    @precondition(lambda self: self.live())
    @rule(data=st.data())
    def order_is_cancelled_by_others(self, data: st.DataObject) -> None:
        self.broker.cancel_by_others(data.draw(st.sampled_from(self.live())))

    @rule(slot=st.sampled_from(sorted(SLOTS)))
    def strategy_leaves(self, slot: str) -> None:
        self.desk.leave(a_key().strategy, SLOTS[slot], "EXIT", self.broker.now)
        self.finish()

    @rule(dies_in=st.integers(-1, 1))
    def process_is_killed_now_or_before_sending(self, dies_in: int) -> None:
        self.dies_in = dies_in
        if dies_in < 0:
            self.boot()

    @precondition(lambda self: self.live())
    @rule()
    def recovering_twice_equals_once(self) -> None:
        """Two boots on one snapshot: what the first sent, the second does not send again."""
        self.dies_in = -1
        self.boot()
        books = self.read_now()
        if faults(books, self.desk.ledger, "analyze", 5):
            return
        self.desk.judged(books, digest(books), self.broker.now, None)
        self.finish()
        placed = {name for name, order in self.desk.ledger.orders.items() if order.sent_at}
        self.boot()
        self.desk.judged(books, digest(books), self.broker.now, None)
        self.desk.settle(self.broker.now)
        events, writes = self.desk.blotter.drain()
        self.events += events
        assert {w.ref for w in writes if isinstance(w, PlaceOrder)} <= placed
        self.boot()

    def read_now(self) -> Books:
        found: list[Books] = []
        manners, self.broker.manners = self.broker.manners, Manners()
        self.broker.read(lambda books: found.append(books) if books is not None else None)
        self.broker.manners = manners
        while not found:
            self.broker.run_to(Micros(self.broker.now + seconds(0.3)))
        return found[0]

    @rule()
    def fair_weather_covers_every_short(self) -> None:
        self.fair_weather()
        for _ in range(CALM_S):
            self.pulse()
        for symbol, net in self.broker.net().items():
            covered = self.broker.buying(symbol) >= -net
            beside = any(leg.symbol == symbol for leg in self.legs_with_two_orders())
            assert covered or beside or net >= 0, f"{symbol} short {-net}, uncovered"

    def legs_with_two_orders(self) -> list[Leg]:
        """Legs whose one exception is spent: if both orders were lost, only time tells."""
        legs = self.desk.ledger.legs.values()
        return [
            leg for leg in legs if leg.leg in self.beside and any(self.desk.ledger.exits(leg.leg))
        ]

    # What is always true.

    @invariant()
    def state_is_the_fold_of_the_events(self) -> None:
        assert vars(Ledger().fold(self.events)) == vars(self.desk.ledger)

    @invariant()
    def one_intent_is_one_order(self) -> None:
        refs = [order.ref for order in self.broker.own()]
        assert len(refs) == len(set(refs))
        entries = [ref for ref in refs if self.desk.ledger.orders[ref].key is not None]
        keys = [self.desk.ledger.orders[ref].key for ref in entries]
        assert len(keys) == len(set(keys))

    @invariant()
    def one_slot_has_one_live_entry(self) -> None:
        slots = [order.ticket.symbol for order in self.live() if self.is_entry(order)]
        assert len(slots) == len(set(slots))

    @invariant()
    def never_more_buying_than_short(self) -> None:
        allowed: dict[str, int] = {}
        for leg in self.desk.ledger.legs.values():
            if leg.leg in self.beside:
                units = leg.sold.units * self.beside[leg.leg]
                allowed[leg.symbol] = allowed.get(leg.symbol, 0) + units
        for symbol, net in self.broker.net().items():
            assert net + self.broker.buying(symbol) <= allowed.get(symbol, 0), symbol
            assert net <= 0 or self.beside, "a long that no order in flight explains"

    @invariant()
    def ids_and_fills_are_those_of_our_orders(self) -> None:
        for order in self.desk.ledger.orders.values():
            if order.orderid:
                true = self.broker.orders[order.orderid]
                assert true.ref == order.intent
                assert order.filled <= true.filled

    def teardown(self) -> None:
        """Let the day end in fair weather: everything is flat, and proved so."""
        if not hasattr(self, "broker"):
            return
        self.fair_weather()
        self.broker.run_to(PLAN.force_close)
        self.finish()
        for _ in range(GIVEN_UP_S + 120):
            self.pulse()
            for order in self.live():
                if not self.is_entry(order) and order.status is Status.OPEN:
                    self.broker.fill(order, 10)
        self.end_is_flat()

    def end_is_flat(self) -> None:
        assert self.live() == []
        assert not any(self.broker.net().values())
        assert [leg for leg in self.desk.ledger.legs.values() if leg.phase is not Phase.DONE] == []
        assert self.desk.ledger.proved_flat_at is not None


# Shrinking what was found may take a while.
TestLife: Any = pytest.mark.slow(Life.TestCase)
TestLife.settings = settings(stateful_step_count=40)
