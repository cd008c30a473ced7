"""StrategyActor, built and never started: what it hears, tells, asks, and how it comes back."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from actors.commands import command
from actors.strategy import StrategyActor
from config.pack import load
from domain import clock
from domain.calls import ChainRead, Failed, Outcome, Quotes, ReadChain, ReadQuotes
from domain.clock import WallClock
from domain.contracts import Contract, Side
from domain.market import Quote, Source
from domain.orders import StopPlan
from domain.params import UniverseParams
from domain.positions import Phase
from domain.strategy import Last
from domain.trader import Role
from domain.units import MINUTE, SECOND, Day, Micros, Paise, Symbol, Units
from domain.wishes import Cancel, Decision, Flatten, Leave, Move, Raise
from messages.control import (
    Begin,
    ChainChosen,
    ChainFound,
    DecisionMade,
    ModeEntered,
    Pulse,
    RecoveryDone,
)
from messages.market import (
    BarClosed,
    BarsBackfilled,
    BarsWanted,
    BarUpdated,
    FeedLost,
    FeedRestored,
    WatchPrice,
)
from messages.orders import (
    CancelEntry,
    EntryRefused,
    ExitPosition,
    FactsWanted,
    FeedTrusted,
    FlattenAll,
    MoveStop,
    OrderChanged,
    PlaceEntry,
    PlanDay,
    PositionChanged,
    RaiseStop,
    StrategyReady,
)
from strategies.swing_break import SwingBreak
from tests.actors.fakes import FakeBroker, RecordingPost, To
from tests.strategies.test_swing_break import a_low, second_low
from tests.trading import (
    DAY,
    PLAN,
    TAG,
    a_bar,
    a_chain,
    a_contract,
    a_forming,
    a_key,
    a_leg,
    a_ticket,
    an_order,
    at,
    minute,
)

CE = a_contract()
PE = a_contract(side=Side.PE)
CHAIN = a_chain(CE, PE)
INDEX = Symbol("NIFTY")
PACK = load()


class Hands:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.at = Micros(0)

    def now(self) -> Micros:
        return self.at

    def machine(self) -> Micros:
        return self.at


@dataclass
class Stand:
    """The actor with the post and the broker it was handed."""

    hands: Hands
    post: RecordingPost = field(default_factory=RecordingPost)
    broker: FakeBroker = field(default_factory=FakeBroker)
    role: Role = field(default_factory=lambda: Role(strategy=SwingBreak(), tag=TAG))
    min_symbols: int = 2

    def __post_init__(self) -> None:
        self.actor = StrategyActor(
            "strategy",
            self.post,
            broker=self.broker,
            role=self.role,
            universe=UniverseParams(min_symbols=self.min_symbols),
            pack=PACK,
        )

    def hear(self, message: Any, when: Micros | None = None) -> list[To]:
        """Hand a message over at an instant and return what was sent because of it."""
        self.hands.at = when or self.hands.at
        self.actor.on_receive(message)
        return self.post.take()

    def pulse(self, when: Micros) -> list[To]:
        return self.hear(Pulse(at=when), when)

    def answer(self, reply: Any) -> list[To]:
        """Answer the oldest read and let the actor hear it."""
        self.broker.answer(reply)
        (told,) = self.post.take()
        assert told == To("strategy", ChainFound(reply=reply))
        return self.hear(told.message)

    def begin(self, *, restarted: bool = False, chain: bool = False) -> list[To]:
        self.hear(Begin(at=minute(0), restarted=restarted), minute(0))
        return self.hear(RecoveryDone(at=minute(0), plan=PLAN, chain=CHAIN if chain else None))

    def go(self) -> "Stand":
        """Begin with the chain of this morning, verified, active and trusted."""
        self.begin(chain=True)
        self.answer(a_read())
        self.hear(ModeEntered(at=minute(0), mode="ACTIVE", reason=""))
        self.hear(FeedTrusted(at=minute(0), entries=True, reason=""))
        return self

    def low(self, contract: Contract = CE) -> list[To]:
        """Let a low of 127.00 be confirmed at 09:19, with a price of 130.00."""
        sent = []
        for bar in a_low(contract):
            over = Micros(bar.minute + MINUTE)
            sent += self.hear(BarClosed(bar=bar, settled=over), over)
        now = a_forming(4, 13_000, symbol=contract.symbol, second=1)
        return sent + self.hear(BarUpdated(now=now), now.at)


@pytest.fixture
def hands() -> Iterator[Hands]:
    source = Hands()
    clock.use(source)
    yield source
    clock.use(WallClock())


@pytest.fixture
def stand(hands: Hands) -> Stand:
    return Stand(hands)


def a_quote(ltp: int = 2_600_500, *, got_at: Micros | None = None) -> Quotes:
    zero = Paise(0)
    quote = Quote(
        symbol=INDEX,
        exchange="NSE_INDEX",
        ltp=Paise(ltp),
        bid=zero,
        ask=zero,
        open=zero,
        high=zero,
        low=zero,
        prev_close=Paise(2_590_000),
        volume=Units(0),
        oi=Units(0),
        asked_at=at("09:16"),
        got_at=got_at or at("09:16"),
    )
    return Quotes(quotes=(quote,), missing=())


def a_read(*contracts: Contract) -> ChainRead:
    return ChainRead(expiry=Day("2026-11-23"), contracts=contracts or (CE, PE), missing=())


def to(sent: list[To], address: str) -> list[Any]:
    return [message for told, message in sent if told == address]


def of(sent: list[To], kind: type) -> list[Any]:
    return [message for _, message in sent if isinstance(message, kind)]


# The day's contracts.


def test_index_is_watched_until_the_contracts_are_chosen(stand: Stand) -> None:
    assert stand.begin() == [To("bar:NIFTY", WatchPrice(symbol=INDEX, on=True))]
    assert stand.pulse(at("09:15:59")) == []
    assert stand.broker.reads == []


def test_contracts_are_chosen_a_minute_after_the_open_and_told_to_all(stand: Stand) -> None:
    stand.begin()
    now = a_forming(0, 2_601_500, symbol=INDEX, second=59)
    stand.hear(BarUpdated(now=now), now.at)
    stand.pulse(at("09:16"))
    assert stand.broker.reads[0][0] == ReadQuotes(symbols=((INDEX, "NSE_INDEX"),))
    assert stand.answer(a_quote()) == []
    call = stand.broker.reads[0][0]
    assert isinstance(call, ReadChain)
    assert (call.exchange, call.day, len(call.strikes), call.strikes[20]) == (
        "NFO",
        DAY,
        41,
        2_600_000,
    )
    when = at("09:16")
    chosen = ChainChosen(at=when, plan=PLAN, chain=CHAIN)
    assert stand.answer(a_read()) == [
        To("bar:NIFTY", WatchPrice(symbol=INDEX, on=False)),
        To("order", PlanDay(at=when, plan=PLAN, chain=CHAIN)),
        To("feed", chosen),
        To("watchdog", chosen),
        To("monitor", chosen),
        To("order", StrategyReady(at=when)),
    ]
    stand.pulse(at("09:17"))
    assert stand.broker.reads == []


def test_failed_read_is_said_and_tried_again(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    stand.begin()
    stand.pulse(at("09:16"))
    failed = Failed(call="ReadQuotes", outcome=Outcome.UNKNOWN, at=at("09:16"), status=500)
    assert stand.answer(failed) == []
    assert "no contracts chosen yet: ReadQuotes failed status=500" in caplog.text
    caplog.clear()
    stand.pulse(at("09:16:05"))
    stand.answer(failed)
    assert caplog.text == ""
    stand.pulse(at("09:16:10"))
    stand.answer(a_quote(got_at=at("09:16:10")))
    assert of(stand.answer(a_read()), ChainChosen) != []


def test_answer_to_nobody_is_ignored(stand: Stand) -> None:
    assert stand.hear(ChainFound(reply=a_read()), at("09:16")) == []


@pytest.mark.parametrize(
    ("contracts", "reason"),
    [
        ((a_contract(lot=75), a_contract(side=Side.PE, lot=75)), "rules_mismatch: lot NIFTY"),
        ((CE,), "universe: 1 symbols, at least 2"),
    ],
)
def test_contracts_that_may_not_be_traded_are_followed_and_not_entered(
    stand: Stand,
    caplog: pytest.LogCaptureFixture,
    contracts: tuple[Contract, ...],
    reason: str,
) -> None:
    stand.begin()
    stand.hear(ModeEntered(at=minute(0), mode="ACTIVE", reason=""))
    stand.hear(FeedTrusted(at=minute(0), entries=True, reason=""))
    stand.pulse(at("09:16"))
    stand.answer(a_quote())
    assert of(stand.answer(a_read(*contracts)), ChainChosen) != []
    assert f"no entries today: {reason}" in caplog.text
    sent = stand.hear(
        BarsBackfilled(symbol=CE.symbol, since=minute(0), bars=tuple(a_low(CE)), settled=minute(4)),
        minute(4),
    )
    sent += stand.hear(BarUpdated(now=a_forming(4, 13_000)), minute(4))
    assert {m.kind for m in of(sent, DecisionMade)} >= {"armed", "in"}
    assert of(sent, PlaceEntry) == []


def test_difference_that_forbids_nothing_is_a_warning(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    stand.begin()
    stand.pulse(at("09:16"))
    stand.answer(a_quote())
    stand.answer(a_read(CE, a_contract(side=Side.PE, freeze=900)))
    assert "rules_mismatch: freeze NIFTY pack=1800 master=900" in caplog.text


# Playing.


def test_armed_swing_is_asked_for_with_the_price_it_was_judged_by(stand: Stand) -> None:
    sent = stand.go().low()
    when = a_forming(4, second=1).at
    asked = PlaceEntry(
        at=when,
        key=a_key(),
        side=Side.CE,
        ticket=a_ticket(units=585),
        stop=StopPlan(trigger=Paise(13_800), limit=Paise(14_100)),
        last=Paise(13_000),
        last_at=when,
        reason="swing 09:16:00",
    )
    # The price came after the bar: it is asked for with the next second.
    assert of(sent, PlaceEntry) == []
    assert to(stand.pulse(when), "order") == [asked]


def test_candidates_are_watched_price_by_price(stand: Stand) -> None:
    sent = stand.go().low()
    assert of(sent, WatchPrice) == [WatchPrice(symbol=CE.symbol, on=True)]
    sent = stand.hear(BarUpdated(now=a_forming(4, 12_600)))
    assert of(sent, WatchPrice) == [WatchPrice(symbol=CE.symbol, on=False)]


def test_every_note_goes_into_the_decision_log(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    made = of(stand.go().low(), DecisionMade)
    assert made[:2] == [
        DecisionMade(
            at=minute(4),
            strategy=TAG,
            symbol=CE.symbol,
            kind="swing_low",
            detail="price=12700 extreme=09:16:00 vwap=11800 hh=13700",
        ),
        DecisionMade(
            at=minute(4),
            strategy=TAG,
            symbol=CE.symbol,
            kind="armed",
            detail="swing=12700 extreme=09:16:00 hh=13700",
        ),
    ]
    lines = [r for r in caplog.records if r.getMessage().startswith("armed")]
    story = [(record.levelname, record.__dict__["tag"]) for record in lines]
    assert story == [("INFO", "SWING")]
    assert "in NIFTY" not in caplog.text


@pytest.mark.incident("INC-33")
def test_break_is_seen_on_the_tick_that_crosses(stand: Stand) -> None:
    stand.go().low()
    equal = stand.hear(BarUpdated(now=a_forming(4, 12_700)))
    assert of(equal, DecisionMade) == []
    crossed = stand.hear(BarUpdated(now=a_forming(4, 12_695)))
    assert [m.kind for m in of(crossed, DecisionMade)] == ["spent"]


@pytest.mark.incident("INC-43")
def test_rejected_entry_is_not_resent_each_bar(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    """Refused after 0, 5 and 15 s; the third ends the symbol's day, with one warning."""
    stand.go().low()
    when, asked = at("09:19:05"), []
    for _ in range(200):
        sent = stand.pulse(when)
        for command_ in of(sent, PlaceEntry):
            asked.append((when - at("09:19:05")) // SECOND)
            refused = EntryRefused(at=when, key=command_.key, code="BAND", text="no")
            stand.hear(refused)
        stand.hear(BarUpdated(now=a_forming(4, 13_000, second=(when - minute(4)) // SECOND)), when)
        when = Micros(when + SECOND)
    assert asked == [0, 5, 20]
    warned = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert warned == [f"blocked {CE.symbol} refusals=3 reason=BAND"]


def test_order_that_lives_is_kept_and_one_that_ended_is_not(stand: Stand) -> None:
    stand.go().low()
    (asked,) = of(stand.pulse(at("09:19:02")), PlaceEntry)
    order = an_order(asked.key, ticket=asked.ticket, stop=asked.stop)
    assert to(stand.hear(OrderChanged(at=at("09:19:03"), order=order)), "order") == []
    # Its high grew: fewer lots, so its end is asked for.
    grown = stand.hear(BarUpdated(now=a_forming(4, 13_000, high=13_760)))
    assert to(grown, "order") == [
        CancelEntry(at=at("09:19:02"), strategy=TAG, slot="CE", reason="520 units are wished")
    ]


def test_higher_high_of_the_same_size_raises_the_planned_stop(stand: Stand) -> None:
    stand.go().low()
    (asked,) = of(stand.pulse(at("09:19:02")), PlaceEntry)
    order = an_order(asked.key, ticket=asked.ticket, stop=asked.stop)
    stand.hear(OrderChanged(at=at("09:19:03"), order=order))
    grown = stand.hear(BarUpdated(now=a_forming(4, 13_000, high=13_705)))
    stop = StopPlan(trigger=Paise(13_805), limit=Paise(14_105))
    assert to(grown, "order") == [RaiseStop(at=at("09:19:02"), key=asked.key, stop=stop)]


def test_nothing_is_asked_for_while_prices_are_not_trusted(stand: Stand) -> None:
    stand.go().low()
    stand.hear(FeedTrusted(at=minute(4), entries=False, reason="REST"))
    assert of(stand.pulse(at("09:19:02")), PlaceEntry) == []
    trusted = FeedTrusted(at=minute(4), entries=True, reason="")
    assert len(of(stand.hear(trusted), PlaceEntry)) == 1


def test_nothing_is_asked_for_while_the_feed_is_lost_and_its_gap_not_filled(stand: Stand) -> None:
    stand.go().low()
    lost = FeedLost(at=minute(4), source=Source.PRIMARY, epoch=1, since=minute(4), reason="mute")
    assert of(stand.hear(lost), PlaceEntry) == []
    assert of(stand.pulse(at("09:19:02")), PlaceEntry) == []
    back = FeedRestored(
        at=minute(4), source=Source.PRIMARY, epoch=2, since=minute(4), until=at("09:19:02")
    )
    assert of(stand.hear(back), PlaceEntry) == []
    filled = BarsBackfilled(
        symbol=CE.symbol, since=minute(4), bars=(a_bar(4, 13_100, 12_900),), settled=minute(5)
    )
    stand.hear(filled, at("09:20:15"))
    now = a_forming(5, 13_000, second=16)
    stand.hear(BarUpdated(now=now), now.at)
    assert len(of(stand.pulse(now.at), PlaceEntry)) == 1


def test_day_limit_is_told_once_confirmed(stand: Stand) -> None:
    stand.go()
    lost = a_leg(bought=((650, 12_950 + 6 * 1_150),), phase=Phase.DONE)
    assert to(stand.hear(PositionChanged(at=minute(5), leg=lost), minute(5)), "order") == []
    after = Micros(minute(5) + 2 * SECOND)
    assert to(stand.pulse(after), "order") == [FlattenAll(at=after, reason="DAY_STOP")]


def test_force_close_is_told_as_a_second_voice(stand: Stand) -> None:
    stand.go()
    stand.hear(PositionChanged(at=minute(5), leg=a_leg()), minute(5))
    told = to(stand.pulse(PLAN.force_close), "order")
    assert told == [FlattenAll(at=PLAN.force_close, reason="FORCE_CLOSE")]


def test_facts_before_the_contracts_are_known_say_nothing(stand: Stand) -> None:
    stand.begin()
    for message in (
        OrderChanged(at=minute(1), order=an_order()),
        BarClosed(bar=a_bar(0), settled=minute(1)),
        FeedTrusted(at=minute(1), entries=True, reason=""),
    ):
        assert stand.hear(message) == []


# Coming back.


def test_new_process_plays_at_once_and_verifies_behind(stand: Stand) -> None:
    chosen = ChainChosen(at=minute(0), plan=PLAN, chain=CHAIN)
    assert stand.begin(chain=True) == [
        To("feed", chosen),
        To("watchdog", chosen),
        To("monitor", chosen),
        To("order", FactsWanted(who="strategy")),
        To("order", StrategyReady(at=minute(0))),
    ]
    assert isinstance(stand.broker.reads[0][0], ReadChain)
    assert stand.answer(a_read()) == []


def test_contracts_that_changed_since_the_morning_are_not_entered(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    stand.begin(chain=True)
    stand.answer(a_read(CE))
    assert f"no entries today: contracts differ from this morning's: {PE.symbol}" in caplog.text


def test_restarted_actor_asks_for_all_bars_and_facts_and_waits(stand: Stand) -> None:
    assert stand.begin(restarted=True, chain=True) == [
        To(f"bar:{CE.symbol}", BarsWanted(symbol=CE.symbol)),
        To(f"bar:{PE.symbol}", BarsWanted(symbol=PE.symbol)),
        To("order", FactsWanted(who="strategy")),
    ]
    ce, pe = (
        BarsBackfilled(
            symbol=c.symbol, since=minute(0), bars=(a_bar(0, symbol=c.symbol),), settled=minute(1)
        )
        for c in (CE, PE)
    )
    assert of(stand.hear(ce), StrategyReady) == []
    assert of(stand.hear(pe), StrategyReady) == [StrategyReady(at=minute(0))]
    assert of(stand.hear(pe), StrategyReady) == []


@pytest.mark.incident("INC-112")
def test_replaying_a_day_sends_nothing(stand: Stand) -> None:
    """A restarted strategy eats the day again and tells of none of it."""
    stand.begin(restarted=True, chain=True)
    bars = tuple(a_low(CE) + second_low(12_850))
    told = []
    for contract in (CE, PE):
        day = tuple(b for b in bars if b.symbol == contract.symbol)
        message = BarsBackfilled(
            symbol=contract.symbol, since=minute(0), bars=day, settled=minute(9)
        )
        told += stand.hear(message, at("11:00"))
    assert told == [To("order", StrategyReady(at=at("11:00")))]


def test_restarted_strategy_keeps_the_entry_that_rests(stand: Stand) -> None:
    stand.begin(restarted=True, chain=True)
    stand.hear(
        OrderChanged(
            at=minute(4),
            order=an_order(
                ticket=a_ticket(units=585),
                stop=StopPlan(trigger=Paise(13_800), limit=Paise(14_100)),
            ),
        )
    )
    stand.hear(ModeEntered(at=minute(4), mode="ACTIVE", reason=""), minute(4))
    stand.hear(FeedTrusted(at=minute(4), entries=True, reason=""))
    for contract in (PE, CE):
        bars = tuple(a_low(contract))
        stand.hear(
            BarsBackfilled(symbol=contract.symbol, since=minute(0), bars=bars, settled=minute(4))
        )
    for _ in range(3):
        sent = stand.pulse(Micros(stand.hands.at + SECOND))
        assert [m for m in to(sent, "order") if isinstance(m, CancelEntry)] == []


# One command for each decision.


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (
            Cancel(key=a_key(), reason="why"),
            CancelEntry(at=minute(1), strategy=TAG, slot="CE", reason="why"),
        ),
        (
            Raise(key=a_key(), stop=StopPlan(trigger=Paise(1), limit=Paise(2))),
            RaiseStop(at=minute(1), key=a_key(), stop=StopPlan(trigger=Paise(1), limit=Paise(2))),
        ),
        (
            Move(symbol=CE.symbol, stop=StopPlan(trigger=Paise(1), limit=Paise(2))),
            MoveStop(
                at=minute(1),
                strategy=TAG,
                symbol=CE.symbol,
                stop=StopPlan(trigger=Paise(1), limit=Paise(2)),
            ),
        ),
        (
            Leave(symbol=CE.symbol, reason="why"),
            ExitPosition(at=minute(1), strategy=TAG, symbol=CE.symbol, reason="why"),
        ),
        (Flatten(reason="why"), FlattenAll(at=minute(1), reason="why")),
    ],
)
def test_every_decision_has_its_command(decision: Decision, expected: object) -> None:
    assert command(decision, TAG, lambda _: Last(Paise(1), minute(0), True), minute(1)) == expected
