"""The checker against hand-written days: what it must see, and what it must let pass."""

import pytest

from domain.contracts import Chain
from domain.events import DayPlanned
from domain.orders import EntryKey
from domain.session import DayPlan
from domain.units import Day as TradingDay
from domain.units import Micros, Paise, Symbol, seconds
from sandbox.checker import Report
from sandbox.coverage import Naked
from sandbox.kinds import Change, Origin, Status
from tests.sandbox.day import BUY, SELL, Day
from tests.sandbox.pit import PUT

KEY = EntryKey(strategy="t", slot="CE", symbol=Symbol("X"), minute=Micros(0), attempt=0)
FORCE_S = 300.0


def a_good_day() -> Day:
    """Short at 0 s, stop at 1 s, covered at 305 s after force close at 300 s, proved flat."""
    day = Day()
    day.short()
    day.stop("stop", 650, 1.0)
    day.cancel("stop", 303.0, units=650)
    day.cover("cover", 650, 305.0)
    day.prove_flat(309.0)
    return day


def test_good_day_breaks_nothing() -> None:
    day = a_good_day()
    assert day.judge(force_close=Day.instant(FORCE_S)) == Report(
        flat=True,
        flat_at=Day.instant(305),
        naked_seconds_max=2,
        naked_unit_seconds=650 * 1.0 + 650 * 2.0,
        orders_sent=3,
        entries=1,
        exits=1,
        realised_pnl_paise=650 * 1_000,
        charges_paise=20,
        forced_close=True,
        invariants_broken=[],
        naked=(
            Naked(span=seconds(1.0), outage=Micros(0)),
            Naked(span=seconds(2.0), outage=Micros(0)),
        ),
    )


def test_worked_example_of_naked_seconds() -> None:
    """650 filled at 0, stop for 325 at 1.2 s, for 650 at 2.0: 2.0 s and 1040 unit-seconds."""
    day = Day()
    day.short()
    day.stop("half", 325, 1.2)
    day.stop("rest", 325, 2.0)
    report = day.judge(until=Day.instant(60))
    assert report.naked_seconds_max == 2
    assert report.naked_unit_seconds == 1040


def test_spans_are_rounded_up_to_whole_seconds() -> None:
    day = Day()
    day.short()
    day.stop("stop", 650, 2.000_001)
    assert day.judge().naked_seconds_max == 3


def test_day_without_a_trade_is_flat_and_breaks_nothing() -> None:
    day = Day()
    day.order("entry", SELL, 650, 0)
    day.cancel("entry", 5, units=650)
    report = day.judge(force_close=Day.instant(FORCE_S), until=Day.instant(900))
    assert (report.flat, report.flat_at, report.entries, report.orders_sent) == (True, None, 0, 1)
    assert report.invariants_broken == []


def test_i1_order_that_belongs_to_no_intent() -> None:
    day = Day()
    day.order("stray", SELL, 65, 0, intended=False)
    (text,) = day.judge(until=Day.instant(0)).invariants_broken
    assert text == (
        "I1 NIFTY23NOV2626000CE: truth 1: SELL 65 at 15000 trigger 0 belongs to no journaled intent"
    )


def test_i1_second_accepted_order_of_one_intent() -> None:
    day = Day()
    day.order("first", SELL, 650, 0)
    day.order("second", SELL, 650, 1, intended=False)
    (text,) = day.judge().invariants_broken
    assert text == (
        "I1 NIFTY23NOV2626000CE: truth 2: 2 accepted orders first, second "
        "of one intent i-first (journal 1)"
    )


def test_i1_same_fingerprint_from_two_intents_is_two_orders() -> None:
    day = Day()
    day.order("first", SELL, 650, 0)
    day.order("second", SELL, 650, 1)
    assert day.broken() == []


def test_i1_one_entry_decision_accepted_twice() -> None:
    day = Day()
    day.order("first", SELL, 650, 0, key=KEY)
    day.order("second", SELL, 650, 1, price=14_995, key=KEY)
    (text,) = day.judge().invariants_broken
    assert text.startswith("I1 NIFTY23NOV2626000CE: truth 2: 2 accepted entries of one decision")


def test_i1_rejected_order_does_not_count_as_accepted() -> None:
    day = Day()
    day.rejected("no", SELL, 650, 0)
    day.order("yes", SELL, 650, 1, intended=False)
    assert day.broken() == []


def test_i2_buying_more_than_is_short() -> None:
    day = Day()
    day.short()
    day.stop("stop", 650, 0.5)
    day.cover("cover", 650, 1.0)
    day.trade("stop", BUY, 650, 2.0)
    texts = day.judge().invariants_broken
    assert [text for text in texts if text.startswith("I2")] == [
        "I2 NIFTY23NOV2626000CE: truth 6: 650 units long after a BUY"
    ]


def test_i3_short_without_a_stop() -> None:
    day = Day()
    day.short()
    (naked,) = [t for t in day.judge(until=Day.instant(13.1)).invariants_broken if t[:2] == "I3"]
    assert naked == (
        "I3 NIFTY23NOV2626000CE: after truth 2: 650 units uncovered for more than 13 s"
    )
    assert "I3" not in day.broken(until=Day.instant(13))


def test_i3_stop_for_the_first_slice_only() -> None:
    day = Day()
    day.short()
    day.stop("part", 325, 1.0)
    assert "I3" in day.broken(until=Day.instant(20))


def test_i3_triggered_stop_that_nobody_fills_covers_nothing() -> None:
    day = Day()
    day.short()
    day.order("stop", BUY, 650, 1.0, price=16_500, trigger=16_000)
    day.trigger("stop", 10.0, units=650, price=16_500, trigger=16_000)
    assert "I3" not in day.broken(until=Day.instant(24))
    assert "I3" in day.broken(until=Day.instant(24.2))
    day.modify("stop", 20.0, units=650, price=17_000)
    assert "I3" not in day.broken(until=Day.instant(34))


def test_i3_is_told_once_a_spell_and_again_for_the_next() -> None:
    day = Day()
    day.short()
    day.stop("stop", 650, 20.0)
    day.cancel("stop", 30.0, units=650)
    assert day.broken(until=Day.instant(60)).count("I3") == 2


def test_i3_bound_grows_with_the_speed_but_no_stop_at_all_is_never_forgiven() -> None:
    """13 s + 2 s of this machine x 60."""
    day = Day()
    day.short()
    assert "I3" not in day.broken(speed=60, until=Day.instant(133))
    assert "I3" in day.broken(speed=60, until=Day.instant(134))


def test_i4_second_stop_that_stays() -> None:
    day = Day()
    day.short()
    day.stop("one", 650, 1.0)
    day.stop("two", 650, 2.0)
    assert "I4" not in day.broken(until=Day.instant(7))
    (text,) = [t for t in day.judge(until=Day.instant(7.1)).invariants_broken if t[:2] == "I4"]
    assert text == (
        "I4 NIFTY23NOV2626000CE: after truth 4: BUY orders for 650 units more than are short, "
        "for more than 5 s"
    )


def test_i4_surplus_cancelled_in_time() -> None:
    day = Day()
    day.short()
    day.stop("one", 650, 1.0)
    day.stop("two", 650, 2.0)
    day.cancel("two", 6.0, units=650)
    assert "I4" not in day.broken(until=Day.instant(60))


def test_i5_intent_written_after_its_order_arrived() -> None:
    day = Day()
    day.order("late", SELL, 65, 0, planned_s=0.5)
    (text,) = day.judge().invariants_broken
    assert text == (
        "I5 NIFTY23NOV2626000CE: truth 1: SELL 65 at 15000 trigger 0 arrived before "
        "journal 1 (i-late) was sent"
    )


def test_i5_modify_and_cancel_need_a_row_too() -> None:
    day = Day()
    day.order("o", SELL, 650, 0)
    day.modify("o", 1.0, units=585, price=15_000)
    day.modify("o", 2.0, units=585, price=14_990, planned=False)
    day.cancel("o", 3.0, units=585, planned=False)
    assert day.judge().invariants_broken == [
        "I5 o: truth 3: modify to (585, 14990, 0) of i-o was in no earlier journal row",
        "I5 o: truth 4: cancel of i-o was in no earlier journal row",
    ]


def test_stray_order_is_told_once_not_with_every_change() -> None:
    day = Day()
    day.order("stray", SELL, 65, 0, intended=False)
    day.state("stray", 1.0, Status.CANCELLED, Change.CANCELLED, units=65)
    assert day.broken() == ["I1"]


def test_i9_ninth_write_of_a_second() -> None:
    day = Day()
    for n in range(9):
        day.arrive(0.1 + n / 100)
    texts = day.judge().invariants_broken
    assert texts == [
        f"I9 truth 9: 9 writes in the {name} second of 10:00:00, allowed are 8"
        for name in ("rolling", "calendar")
    ]


def test_i9_rolling_second_is_not_the_calendar_second() -> None:
    day = Day()
    for at_s in (0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.3, 1.4):
        day.arrive(at_s)
    assert [text.split()[7] for text in day.judge().invariants_broken] == ["rolling"]
    assert day.broken(speed=60) == []


def test_i9_eight_writes_a_second_are_allowed() -> None:
    day = Day()
    for n in range(24):
        day.arrive(n / 8)
    assert day.broken() == []


def test_l3_not_flat_at_the_end() -> None:
    day = Day()
    day.short()
    day.stop("stop", 650, 1.0)
    report = day.judge(force_close=Day.instant(FORCE_S), until=Day.instant(421))
    assert (report.flat, report.flat_at) == (False, None)
    assert report.invariants_broken == [
        "L3 not flat at 10:07:01: held {'NIFTY23NOV2626000CE': -650}, working ['stop']"
    ]


def test_l3_is_not_due_while_the_day_is_interrupted() -> None:
    """A truth that ends before force close and its tolerance: not flat, and nothing broken."""
    day = Day()
    day.short()
    day.stop("stop", 650, 1.0)
    for given in ({}, {"force_close": Day.instant(FORCE_S)}):
        report = day.judge(until=Day.instant(420), **given)
        assert (report.flat, report.invariants_broken) == (False, [])


def test_l3_entry_that_rests_on_though_nothing_traded() -> None:
    day = Day()
    day.order("entry", SELL, 65, 0)
    report = day.judge(force_close=Day.instant(FORCE_S), until=Day.instant(900))
    assert not report.flat
    assert report.invariants_broken == ["L3 not flat at 10:15:00: held {}, working ['entry']"]


def test_l3_proof_from_before_the_position_proves_nothing() -> None:
    day = Day()
    day.prove_flat(-100)
    day.short()
    day.stop("stop", 650, 1.0)
    day.cancel("stop", 303.0, units=650)
    day.cover("cover", 650, 305.0)
    terms = {"force_close": Day.instant(FORCE_S), "until": Day.instant(421)}
    assert day.judge(**terms).invariants_broken == [
        "L3 no ProvedFlat in the journal after 10:05:05 and by 10:07:00"
    ]
    day.prove_flat(305.0)
    assert day.broken(**terms) == []


def test_l3_flat_too_late() -> None:
    day = Day()
    day.short()
    day.stop("stop", 650, 1.0)
    day.cancel("stop", 421.0, units=650)
    day.cover("cover", 650, 422.0)
    day.prove_flat(425.0)
    texts = day.judge(force_close=Day.instant(FORCE_S)).invariants_broken
    assert texts == [
        "L3 flat at 10:07:02, later than 10:07:00",
        "L3 no ProvedFlat in the journal after 10:07:02 and by 10:07:00",
    ]


def test_l3_flat_without_a_proof() -> None:
    day = a_good_day()
    day.journal = [row for row in day.journal if row["kind"] != "ProvedFlat"]
    assert day.broken(force_close=Day.instant(FORCE_S)) == []
    assert day.broken(force_close=Day.instant(FORCE_S), until=Day.instant(421)) == ["L3"]


def test_l3_broker_had_to_close_for_us() -> None:
    day = Day()
    day.short()
    day.order("rms", BUY, 650, 1.0, origin=Origin.RMS, intended=False)
    day.trade("rms", BUY, 650, 1.0, origin=Origin.RMS)
    assert day.judge().invariants_broken == [
        "L3 NIFTY23NOV2626000CE: truth 4: the broker closed 650 units"
    ]


def test_force_close_is_read_from_the_journal() -> None:
    day = a_good_day()
    plan = DayPlan(
        day=TradingDay("2026-11-19"), open=Micros(0), close=Micros(0), last_entry=Micros(0),
        force_close=Day.instant(306), square_off=None, quiet=None,
    )  # fmt: skip
    chain = Chain(
        underlying="NIFTY", index_exchange="NSE_INDEX", expiry=plan.day, atm=Paise(0), contracts=()
    )
    day.write(DayPlanned(at=Day.instant(0), plan=plan, chain=chain))
    assert not day.judge().forced_close


def test_what_the_owner_does_by_hand_is_not_ours() -> None:
    day = Day()
    day.order("his", BUY, 65, 0, origin=Origin.HUMAN, intended=False)
    day.trade("his", BUY, 65, 0, origin=Origin.HUMAN)
    day.order("resting", BUY, 65, 1, origin=Origin.HUMAN, intended=False, price=100)
    report = day.judge(until=Day.instant(60))
    assert (report.flat, report.orders_sent, report.invariants_broken) == (True, 0, [])


def test_each_symbol_is_judged_by_itself() -> None:
    day = Day()
    day.short()
    day.order("other", BUY, 650, 1.0, price=16_500, trigger=16_000, symbol=PUT)
    broken = day.broken(until=Day.instant(60))
    assert broken.count("I3") == broken.count("I4") == 1


@pytest.mark.parametrize("speed", [1, 60])
def test_bad_policy_is_caught_at_any_speed(speed: int) -> None:
    """No stop after a fill, covered by the force close only."""
    day = Day()
    day.short()
    day.cover("cover", 650, 600.0)
    day.prove_flat(610.0)
    assert "I3" in day.broken(speed=speed, force_close=Day.instant(599))
