"""The pool under random lows, prices and orders."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.pool import EntryId, Pool, Standing
from domain.units import MINUTE, Micros, Paise
from tests.domain.test_pool import CE, a_low, a_pool
from tests.trading import minute

prices = st.integers(min_value=100, max_value=120)


class AnyLife(RuleBasedStateMachine):
    """Random lows, prices, orders: spent stays spent, and an order keeps its candidate."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = Pool([CE])
        self.now = 1
        self.live: EntryId | None = None
        self.spent: set[EntryId] = set()

    @rule(low=prices, age=st.integers(0, 3))
    def new_low(self, low: int, age: int) -> None:
        extreme = max(1, self.now - age)
        self.pool.offer(CE, a_low(low, extreme, hh=low + 10), minute(self.now))

    @rule(low=prices, high=prices, closed=st.booleans())
    def trade(self, low: int, high: int, closed: bool) -> None:
        self.now += 1
        lowest, highest = Paise(min(low, high)), Paise(max(low, high))
        self.pool.see(CE, minute(self.now), lowest, highest, closed=closed)

    @precondition(lambda self: self.live is None)
    @rule()
    def order(self) -> None:
        armed = self.pool.candidate(CE)
        if armed is not None and armed.standing is Standing.ARMED:
            self.live = armed.entry
            self.pool.orders(frozenset({armed.entry}), {})

    @precondition(lambda self: self.live is not None)
    @rule(touched=st.booleans())
    def end(self, touched: bool) -> None:
        assert self.live is not None
        over = {self.live: Micros(minute(self.now) + MINUTE)} if touched else {}
        self.live = None
        self.pool.orders(frozenset(), over)

    @rule()
    def drop(self) -> None:
        self.pool.drop(CE)

    @invariant()
    def order_keeps_its_candidate(self) -> None:
        found = self.pool.candidate(CE)
        pinned = found.entry if found and found.standing is Standing.PINNED else None
        assert pinned == self.live

    @invariant()
    def spent_is_for_ever(self) -> None:
        found = self.pool.candidate(CE)
        if found is None:
            return
        if found.standing is Standing.SPENT:
            self.spent.add(found.entry)
            assert found.broke_at is not None
        else:
            assert found.entry not in self.spent

    @invariant()
    def successor_waits_only_behind_an_order(self) -> None:
        assert self.pool.successor(CE) is None or self.live is not None


TestAnyLife = AnyLife.TestCase


@given(st.lists(st.tuples(prices, prices), max_size=20))
def test_bars_break_exactly_as_their_ticks_do(pairs: list[tuple[int, int]]) -> None:
    """The same lows as ticks in progress or as closed bars leave the same candidate."""
    ticks, bars = a_pool(a_low(110, hh=112)), a_pool(a_low(110, hh=112))
    for index, pair in enumerate(pairs, 4):
        low, high = Paise(min(pair)), Paise(max(pair))
        ticks.see(CE, minute(index), low, high)
        ticks.see(CE, minute(index), low, high, closed=True)
        bars.see(CE, minute(index), low, high, closed=True)
    assert ticks.candidate(CE) == bars.candidate(CE)
