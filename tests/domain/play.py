"""A trader with a scripted plug-in, and the day around it."""

from dataclasses import dataclass, field, replace
from typing import Any

from domain.charges import ChargeRates
from domain.conditions import Conditions
from domain.contracts import Chain, Side, UniverseRule
from domain.market import Bar, Forming
from domain.role import Role, Stage, Start
from domain.session import DayPlan
from domain.strategy import (
    EntryWish,
    Mode,
    Note,
    StopAt,
    StopLimit,
    View,
    Wishes,
)
from domain.trader import Backfill, Told, Trader
from domain.units import MINUTE, SECOND, Micros, Paise, Symbol, Units
from tests.trading import (
    PLAN,
    TAG,
    a_bar,
    a_chain,
    a_contract,
    a_forming,
    minute,
)

CE = a_contract()
PE = a_contract(side=Side.PE)
CHAIN = a_chain(CE, PE)
FREE = ChargeRates(brokerage=Paise(0), stt_sell=0, transaction=0, sebi=0, stamp_buy=0, gst_bps=0)


@dataclass(slots=True)
class Script:
    """A plug-in that wishes what it is told to, and writes down what it is shown."""

    wishes: Wishes = field(default_factory=Wishes)
    log: list[str] = field(default_factory=list)
    view: View | None = None
    is_quiet: bool = False

    def universe(self, day: DayPlan) -> UniverseRule:
        return UniverseRule(
            underlying="NIFTY", width_points=1000, step_points=50, atm_round_points=100
        )

    def begin(self, day: DayPlan, chain: Chain) -> int:
        self.log.append("begin")
        return 0

    def on_bar(self, state: int, bar: Bar, view: View) -> tuple[int, Wishes]:
        return self._next(state, view, f"bar {(bar.minute - minute(0)) // MINUTE}", bar.symbol)

    def on_price(self, state: int, now: Forming, view: View) -> tuple[int, Wishes]:
        return self._next(state, view, f"price {now.last}", now.symbol)

    def on_pulse(self, state: int, view: View) -> tuple[int, Wishes]:
        self.view = view
        return state + 1, self.wishes

    def _next(self, state: int, view: View, what: str, symbol: Symbol) -> tuple[int, Wishes]:
        self.log.append(what)
        self.view = view
        if self.is_quiet:
            return state, self.wishes
        return state + 1, replace(self.wishes, notes=(Note(symbol, "seen", what),))


def an_entry_wish(symbol: Symbol = CE.symbol) -> EntryWish:
    return EntryWish(
        slot="CE",
        symbol=symbol,
        units=Units(650),
        price=StopLimit(Paise(12_695), Paise(12_395)),
        stop=StopAt(Paise(13_600)),
        minute=minute(1),
    )


class Play:
    """A trader whose feed is whole: bars to 09:19, a price, mode ACTIVE, prices trusted."""

    def __init__(
        self,
        wishes: Wishes | None = None,
        *,
        start: Start = Start.FRESH,
        began: Micros = minute(0),
        **role: Any,
    ) -> None:
        self.script = Script()
        self.conditions = Conditions()
        played = Role(strategy=self.script, tag=TAG, **role)
        stage = Stage(plan=PLAN, chain=CHAIN, rates=FREE)
        self.trader = Trader(played, stage, self.conditions, began, start)
        self.trader.is_verified = True
        self.conditions.mode = Mode.ACTIVE
        self.conditions.trusted(entries=True)
        self.now = minute(4)
        self.script.wishes = wishes or Wishes()

    def warm(self) -> "Play":
        for symbol in (CE.symbol, PE.symbol):
            self.bars(symbol, 0, 1, 2, 3)
            self.trader.price(a_forming(4, 13_000, symbol=symbol, second=0), self.now)
        self.script.log.clear()
        return self

    def bars(self, symbol: Symbol, *indices: int) -> Told:
        bars = tuple(a_bar(index, symbol=symbol) for index in indices)
        settled = Micros(bars[-1].minute + MINUTE)
        return self.trader.backfilled(symbol, bars[0].minute, Backfill(bars, settled), self.now)

    def pulse(self, when: Micros | None = None) -> Told:
        self.now = when or Micros(self.now + SECOND)
        return self.trader.pulse(self.now)

    def wish(self, *entries: EntryWish, **wishes: Any) -> Told:
        self.script.wishes = Wishes(entries=entries, **wishes)
        return self.pulse()


def kinds(told: Told) -> list[type]:
    return [type(each) for each in told.decisions]


def fresh(play: Play, symbol: Symbol = CE.symbol) -> bool:
    last = play.trader.last(symbol)
    return last is not None and last.fresh
