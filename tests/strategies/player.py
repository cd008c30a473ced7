"""The default strategy with its state, and a world a test can move around it."""

from collections.abc import Iterable
from dataclasses import replace

from domain.contracts import Chain, Contract, Side
from domain.market import Bar, Forming
from domain.orders import State as OrderState
from domain.orders import StopPlan
from domain.params import (
    FilterParams,
    SwingBreakParams,
)
from domain.strategy import (
    EntryView,
    EntryWish,
    Note,
    PositionView,
    Room,
    StopAt,
    StopLimit,
    View,
    Wishes,
)
from domain.units import MINUTE, SECOND, Micros, Paise, Symbol, Units
from strategies.swing_break import SwingBreak
from tests.trading import (
    PLAN,
    Prices,
    a_bar,
    a_chain,
    a_contract,
    a_view,
    an_entry,
    minute,
)

CE = a_contract(26_000)
NEAR = a_contract(26_050)
PE = a_contract(25_900, Side.PE)
FAR = a_contract(26_100)
CHAIN = a_chain(CE, NEAR, FAR, PE)

# Four bars that confirm a low: the third and the fourth each vote for the second.
SHAPE = ((0, 300, 0, 100), (1, 150, -400, -300), (2, 300, -350, 250), (3, 600, 0, 550))


def a_low(
    contract: Contract, swing: int = 12_700, first: int = 0, *, hh: int = 13_700
) -> list[Bar]:
    """Bars whose low `swing` is the extreme of bar `first + 1`, confirmed at `first + 3`."""
    bars = []
    for index, high, low, close in SHAPE:
        bars.append(
            a_bar(
                first + index,
                hh if index == 3 else swing + 400 + high,
                swing + 400 + low,
                swing + 400 + close,
                symbol=contract.symbol,
            )
        )
    return bars


def second_low(swing: int, *, vwap: int = 11_800) -> list[Bar]:
    """After `a_low`: a high, then a low `swing` in bar 6, confirmed by bar 8; hh 136.00."""
    rows = (
        (4, 13_650, 13_400, 13_600),
        (5, 13_500, 13_200, 13_250),
        (6, 13_300, swing, swing + 50),
        (7, 13_400, swing + 50, 13_300),
        (8, 13_600, 13_000, 13_550),
    )
    return [a_bar(*row, symbol=CE.symbol, vwap=vwap) for row in rows]


def below(price_max_p: int) -> SwingBreakParams:
    return SwingBreakParams(filter=FilterParams(price_max_p=price_max_p))


class Player:
    """One strategy with its state and the world it looks at."""

    def __init__(self, strategy: SwingBreak | None = None, chain: Chain = CHAIN) -> None:
        self.strategy = strategy or SwingBreak()
        self.state = self.strategy.begin(PLAN, chain)
        self.prices = Prices()
        self.entries: list[EntryView] = []
        self.ended: list[EntryView] = []
        self.positions: dict[Symbol, PositionView] = {}
        self.room = Room(positions=5, ce=3, pe=3)
        self.notes: list[Note] = []
        self.now = minute(0)
        self.blocked: frozenset[Symbol] = frozenset()
        self.seen: View | None = None

    def bars(self, bars: Iterable[Bar], *, until: Micros | None = None) -> Wishes:
        """Feed bars; then a second passes, unless they are history fed at `until`."""
        wishes = Wishes()
        for bar in bars:
            self.now = until or Micros(bar.minute + MINUTE)
            self.state, wishes = self.strategy.on_bar(self.state, bar, self.view())
            self.notes += wishes.notes
        return wishes if until else self.pulse()

    def price(self, now: Forming) -> Wishes:
        self.now = now.at
        self.state, wishes = self.strategy.on_price(self.state, now, self.view())
        self.notes += wishes.notes
        return wishes

    def pulse(self, when: Micros | None = None) -> Wishes:
        self.now = when or Micros(self.now + SECOND)
        self.state, wishes = self.strategy.on_pulse(self.state, self.view())
        self.notes += wishes.notes
        return wishes

    def view(self) -> View:
        seen, self.seen = (
            self.seen,
            a_view(
                self.now,
                last=self.prices,
                entries=self.entries,
                ended=self.ended,
                positions=self.positions,
                room=self.room,
            ),
        )
        if seen is not None and (seen.entries, seen.ended) == (self.seen.entries, self.seen.ended):
            # Facts are the same objects until one changes.
            self.seen = replace(self.seen, entries=seen.entries, ended=seen.ended)
        self.seen = replace(self.seen, blocked=self.blocked)
        return self.seen

    def rest(self, wishes: Wishes, slot: str = "CE", **changes: object) -> EntryView:
        """Let the wish of a slot become a resting order."""
        (wish,) = (w for w in wishes.entries if w.slot == slot)
        assert isinstance(wish.stop, StopAt)
        values: dict[str, object] = {
            "slot": slot,
            "units": wish.units,
            "price": wish.price,
            "stop": StopPlan(trigger=wish.stop.price, limit=Paise(wish.stop.price + 300)),
        }
        index = (wish.minute - minute(0)) // MINUTE
        found = an_entry(wish.symbol, index, **(values | changes))  # type: ignore[arg-type]
        self.entries = [e for e in self.entries if e.slot != slot] + [found]
        return found

    def end(self, state: OrderState, *, filled: int = 0, reason: str = "") -> None:
        """Let the resting entry end now."""
        (live,) = self.entries
        self.entries = []
        self.ended.append(
            an_entry(
                live.symbol,
                (live.minute - minute(0)) // MINUTE,
                slot=live.slot,
                state=state,
                filled=filled,
                touched=filled > 0,
                ended_at=self.now,
                reason=reason,
                attempt=live.attempt,
            )
        )

    def kinds(self, symbol: Symbol = CE.symbol) -> list[str]:
        return [note.kind for note in self.notes if note.symbol == symbol]


def wish_of(
    contract: Contract = CE,
    swing: int = 12_700,
    index: int = 1,
    *,
    units: int = 585,
    stop: int = 13_800,
) -> EntryWish:
    return EntryWish(
        slot=contract.side.value,
        symbol=contract.symbol,
        units=Units(units),
        price=StopLimit(Paise(swing - 5), Paise(swing - 305)),
        stop=StopAt(Paise(stop)),
        minute=minute(index),
    )


def armed() -> tuple[Player, Wishes]:
    player = Player()
    return player, player.bars(a_low(CE))
