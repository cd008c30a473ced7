"""StrategyActor, built and never started: what it hears, tells, asks, and how it comes back."""

import logging

import pytest

from domain.contracts import Side
from domain.market import Source
from domain.orders import StopPlan
from domain.positions import Phase
from domain.units import SECOND, Micros, Paise
from messages.control import (
    DecisionMade,
)
from messages.market import (
    BarClosed,
    BarsBackfilled,
    BarUpdated,
    FeedLost,
    FeedRestored,
    WatchPrice,
)
from messages.orders import (
    CancelEntry,
    EntryRefused,
    FeedTrusted,
    FlattenAll,
    OrderChanged,
    PlaceEntry,
    PositionChanged,
    RaiseStop,
)
from tests.actors.strategy_stand import (
    CE,
    Hands,
    Stand,
    of,
    to,
)
from tests.trading import (
    PLAN,
    TAG,
    a_bar,
    a_forming,
    a_key,
    a_leg,
    a_ticket,
    an_order,
    at,
    minute,
)


@pytest.fixture
def stand(hands: Hands) -> Stand:
    return Stand(hands)


# History.


@pytest.mark.incident("INC-18")
def test_bars_that_do_not_come_are_said_to_be_warming(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    stand.go()
    for second in range(1, 200):
        stand.pulse(Micros(minute(0) + second * SECOND))
    said = [(r.levelname, r.getMessage()) for r in caplog.records if r.__dict__.get("tag")]
    assert said == [
        ("INFO", "history 0/2 symbols loaded"),
        ("WARNING", "WARMING: 2 of 2 symbols wait for history from 09:15:00 on, no signals"),
    ]


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
            detail="price=127.00 extreme=09:16:00 vwap=118.00 hh=137.00",
        ),
        DecisionMade(
            at=minute(4),
            strategy=TAG,
            symbol=CE.symbol,
            kind="armed",
            detail="swing=127.00 extreme=09:16:00 hh=137.00",
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
    swings = [r for r in caplog.records if r.__dict__.get("tag") == "SWING"]
    warned = [r.getMessage() for r in swings if r.levelno == logging.WARNING]
    assert warned == [f"blocked {CE.symbol} refusals=3 reason=BAND"]


def test_order_that_lives_is_kept_and_one_that_ended_is_not(stand: Stand) -> None:
    stand.go().low()
    (asked,) = of(stand.pulse(at("09:19:02")), PlaceEntry)
    order = an_order(asked.key, ticket=asked.ticket, stop=asked.stop)
    assert to(stand.hear(OrderChanged(at=at("09:19:03"), order=order)), "order") == []
    # Its high grew: fewer lots, so it is to become smaller; a slot is asked for once a second.
    assert to(stand.hear(BarUpdated(now=a_forming(4, 13_000, high=13_760))), "order") == []
    (smaller,) = of(stand.pulse(at("09:19:03")), PlaceEntry)
    assert (smaller.key, smaller.ticket.quantity) == (asked.key, 520)
    assert smaller.stop.trigger == 13_860


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


def test_nothing_is_entered_by_a_polled_price_older_than_three_seconds(stand: Stand) -> None:
    stand.go().low()
    polled = FeedRestored(
        at=minute(3), source=Source.REST, epoch=2, since=minute(3), until=minute(3)
    )
    stand.hear(polled)
    assert of(stand.pulse(at("09:19:14")), PlaceEntry) == []
    stand.hear(BarUpdated(now=a_forming(4, 13_000, second=12)), at("09:19:15"))
    assert len(of(stand.pulse(at("09:19:15")), PlaceEntry)) == 1


def test_entry_in_a_silent_symbol_is_warned_of_and_ends(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    stand.go().low()
    (asked,) = of(stand.pulse(at("09:19:02")), PlaceEntry)
    order = an_order(asked.key, ticket=asked.ticket, stop=asked.stop)
    stand.hear(OrderChanged(at=at("09:19:03"), order=order))
    assert of(stand.pulse(at("09:21:03")), CancelEntry) == []
    cancelled = of(stand.pulse(at("09:23:03")), CancelEntry)
    assert [command_.slot for command_ in cancelled] == ["CE"]
    warned = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert [line for line in warned if line.startswith("silent")] == [
        f"silent {CE.symbol} no tick for 120 s, and its entry rests",
        f"silent {CE.symbol} no tick for 240 s: its entry ends",
    ]
