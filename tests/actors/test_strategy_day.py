"""StrategyActor around its day: choosing the contracts, coming back, one command per decision."""

import pytest
from msgspec.structs import replace

from actors.commands import command
from domain.calls import Failed, Outcome, ReadChain, ReadQuotes
from domain.contracts import Contract, Side
from domain.orders import StopPlan
from domain.strategy import Last
from domain.units import SECOND, Micros, Paise
from domain.wishes import Cancel, Decision, Flatten, Leave, Move, Raise
from messages.control import (
    ChainChosen,
    ChainFound,
    DecisionMade,
    ModeEntered,
)
from messages.market import (
    BarsBackfilled,
    BarsWanted,
    BarUpdated,
    WatchPrice,
)
from messages.orders import (
    CancelEntry,
    ExitPosition,
    FactsWanted,
    FeedTrusted,
    FlattenAll,
    MoveStop,
    OrderChanged,
    PlaceEntry,
    PlanDay,
    RaiseStop,
    StrategyReady,
)
from tests.actors.fakes import To
from tests.actors.strategy_stand import (
    CE,
    CHAIN,
    INDEX,
    PE,
    Hands,
    Stand,
    a_quote,
    a_read,
    of,
    to,
)
from tests.strategies.player import a_low, second_low
from tests.trading import (
    DAY,
    PLAN,
    TAG,
    a_bar,
    a_contract,
    a_forming,
    a_key,
    a_ticket,
    an_order,
    at,
    minute,
)


@pytest.fixture
def stand(hands: Hands) -> Stand:
    return Stand(hands)


# The day's contracts.


def test_nothing_is_asked_before_the_index_had_a_minute(stand: Stand) -> None:
    assert stand.begin() == []
    assert stand.pulse(at("09:15:59")) == []
    assert stand.broker.reads == []


def test_contracts_are_chosen_a_minute_after_the_open_and_told_to_all(stand: Stand) -> None:
    stand.begin()
    now = a_forming(0, 2_611_500, symbol=INDEX, second=59)
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
        2_610_000,
    )
    when, chain = at("09:16"), replace(CHAIN, atm=Paise(2_610_000))
    chosen = ChainChosen(at=when, plan=PLAN, chain=chain)
    assert stand.answer(a_read()) == [
        To("bar:NIFTY", WatchPrice(symbol=INDEX, on=False)),
        To("order", PlanDay(at=when, plan=PLAN, chain=chain)),
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
    assert stand.hear(ChainFound(question=1, reply=a_read()), at("09:16")) == []


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


@pytest.mark.parametrize("restarted", [False, True])
def test_nothing_is_entered_before_the_contracts_of_the_morning_are_verified(
    stand: Stand, restarted: bool
) -> None:
    stand.begin(restarted=restarted, chain=True)
    stand.hear(ModeEntered(at=minute(0), mode="ACTIVE", reason=""))
    stand.hear(FeedTrusted(at=minute(0), entries=True, reason=""))
    for contract in (CE, PE) if restarted else ():
        none = BarsBackfilled(symbol=contract.symbol, since=minute(0), bars=(), settled=minute(0))
        stand.hear(none)
    failed = Failed(call="ReadChain", outcome=Outcome.UNKNOWN, at=minute(0), status=500)
    assert of(stand.answer(failed), PlaceEntry) == []
    stand.low()
    assert of(stand.pulse(at("09:19:02")), PlaceEntry) == []
    assert len(of(stand.answer(a_read()), PlaceEntry)) == 1


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
