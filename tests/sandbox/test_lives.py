"""What the journal says of orders: covers that were sent, purchases beside one in doubt."""

from domain.books import Action
from domain.orders import State
from domain.positions import Phase
from domain.units import Micros, seconds
from sandbox.coverage import Naked
from sandbox.lives import beside, covers
from sandbox.truth import Outage
from tests.sandbox.day import BUY, Day
from tests.sandbox.pit import CALL


def a_doubtful_stop() -> Day:
    """Short since 0 s; a stop was sent at 1 s and never answered."""
    day = Day()
    day.short()
    day.stop("stop", 650, 1.0)
    return day


def test_cover_counts_when_it_is_sent_and_a_climb_too() -> None:
    day = a_doubtful_stop()
    day.move("stop", 2, State.OPEN, known="stop")
    day.send("stop", 3)
    assert covers(day.journal) == {}
    day.phase(4, Phase.CHASE)
    day.modify("stop", 5, units=650, price=17_000)
    day.intend("cover", BUY, 650, 6)
    assert covers(day.journal) == {CALL: [Day.instant(6)]}


def test_i3_cover_sent_in_time_is_enough_and_a_late_one_is_not() -> None:
    for at_s, is_broken in ((16.0, False), (17.5, True)):
        day = Day()
        day.short()
        day.intend("cover", BUY, 650, at_s)
        report = day.judge(until=Day.instant(60), detection_s=7.0)
        assert any(text[:2] == "I3" for text in report.invariants_broken) is is_broken


def test_i3_unseen_time_does_not_count() -> None:
    day = Day()
    day.short()
    span = (Day.instant(5), Day.instant(25))
    assert "I3" not in day.broken(until=Day.instant(33), unseen=(span,))
    assert "I3" in day.broken(until=Day.instant(33.1), unseen=(span,))


def test_i4_time_in_which_no_change_got_through_does_not_count() -> None:
    day = Day()
    day.stop("stray", 650, 0)
    span = (Day.instant(2), Day.instant(10))
    assert "I4" not in day.broken(until=Day.instant(13), unheard=(span,))
    assert "I4" in day.broken(until=Day.instant(13.1), unheard=(span,))


def test_purchase_beside_a_stop_in_doubt_may_double() -> None:
    day = a_doubtful_stop()
    day.cover("cover", 650, 7)
    day.trade("stop", BUY, 650, 8)
    report = day.judge(until=Day.instant(9))
    assert (report.doubled, report.long_unit_seconds) == (1, 0)
    assert "I2" not in {text[:2] for text in report.invariants_broken}
    assert [one.units for one in beside(day.journal)[CALL]] == [650]


def test_purchase_beside_a_stop_that_is_known_may_not() -> None:
    day = a_doubtful_stop()
    day.move("stop", 2, State.ACKED, known="stop")
    day.cover("cover", 650, 7)
    day.trade("stop", BUY, 650, 8)
    day.add(10, Outage(id="x", on=True, what="reads"))
    report = day.judge(until=Day.instant(10))
    assert (report.doubled, report.long_unit_seconds) == (0, 650 * 2)
    assert "I2" in {text[:2] for text in report.invariants_broken}


def test_uncovered_time_is_split_by_the_outage() -> None:
    day = Day()
    day.short()
    day.add(1, Outage(id="x", on=True, what="calls"))
    day.add(4, Outage(id="x", on=False, what="calls"))
    day.stop("stop", 650, 6)
    report = day.judge(until=Day.instant(60))
    assert report.naked == (Naked(span=seconds(6), outage=seconds(3)),)


def test_what_is_naked_at_the_end_counts_up_to_then() -> None:
    day = Day()
    day.short()
    report = day.judge(until=Day.instant(4))
    assert report.naked == (Naked(span=seconds(4), outage=Micros(0)),)


def test_duplicates_and_entries_without_an_intent_are_counted() -> None:
    day = Day()
    day.order("first", Action.SELL, 65, 0)
    day.order("again", Action.SELL, 65, 1, intended=False)
    day.order("stray", Action.SELL, 65, 2, price=14_000, intended=False)
    report = day.judge(until=Day.instant(3))
    assert (report.orders_duplicated, report.entries_without_intent) == (1, 1)


def test_i4_cover_beside_an_order_that_is_known_to_live() -> None:
    day = a_doubtful_stop()
    day.move("stop", 2, State.ACKED, known="stop")
    day.order("cover", BUY, 650, 4)
    (text,) = day.judge(until=Day.instant(5)).invariants_broken
    assert text == (
        "I4 NIFTY23NOV2626000CE: truth 4: a cover for 650 units beside BUY orders for 650 that are "
        "known to live, 650 are short"
    )
    span = (Day.instant(3), Day.instant(5))
    assert day.broken(until=Day.instant(5), unseen=(span,)) == []
