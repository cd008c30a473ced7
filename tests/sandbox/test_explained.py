"""Whether what the journal did is explained by what truly happened: I6, I7, I11."""

from domain.events import ExternalClosed, LatchCleared
from domain.orders import State
from domain.positions import Phase
from domain.units import Units
from sandbox.checker import STALL_S
from sandbox.kinds import Change, Origin, Status
from tests.sandbox.day import BUY, SELL, Day


def a_protected_short() -> Day:
    """Short since 0 s, a stop since 1 s, both known to the journal."""
    day = Day()
    day.short()
    day.move("entry", 0, State.ACKED, known="entry")
    day.book("entry", 0.5, 650)
    day.stop("stop", 650, 1.0)
    day.move("stop", 1.5, State.ACKED, known="stop")
    return day


def test_i6_fill_that_never_traded() -> None:
    day = a_protected_short()
    day.book("stop", 5, 650)
    assert day.judge(until=Day.instant(9)).invariants_broken == [
        "I6 NIFTY23NOV2626000CE: journal 8: 650 units of i-stop are booked, 0 had traded"
    ]


def test_i6_journal_may_be_behind_by_a_stall_at_high_speed_and_no_more() -> None:
    day = a_protected_short()
    day.book("stop", 5, 650)
    day.trade("stop", BUY, 650, 7)
    assert len(day.judge(until=Day.instant(9)).invariants_broken) == 1
    assert day.judge(until=Day.instant(9), speed=60).invariants_broken == []
    day = a_protected_short()
    day.book("stop", 5, 650)
    day.trade("stop", BUY, 650, 5 + 60 * STALL_S + 1)
    assert day.judge(until=Day.instant(90), speed=60).invariants_broken != []


def test_i6_leg_that_is_done_while_it_is_short() -> None:
    day = a_protected_short()
    day.phase(5, Phase.DONE)
    (text,) = day.judge(until=Day.instant(9)).invariants_broken
    assert text == "I6 : journal 8: done while 650 units are short"


def test_i6_leg_bought_back_may_be_done() -> None:
    day = a_protected_short()
    day.trade("stop", BUY, 650, 4)
    day.book("stop", 5, 650)
    day.phase(5, Phase.DONE)
    assert day.broken(until=Day.instant(9)) == []


def test_i6_stop_cancelled_without_a_reason() -> None:
    day = a_protected_short()
    day.cancel("stop", 5, units=650)
    (text,) = [t for t in day.judge().invariants_broken if t[:2] == "I6"]
    assert text == (
        "I6 NIFTY23NOV2626000CE: journal 8: the stop i-stop is cancelled, and no trade, exit or "
        "other stop explains it"
    )


def test_i6_stop_may_go_for_an_exit_or_for_another_one() -> None:
    leaving = a_protected_short()
    leaving.phase(4, Phase.CHASE)
    twice = a_protected_short()
    twice.stop("second", 650, 3)
    twice.move("second", 3.5, State.ACKED, known="second")
    for day in (leaving, twice):
        day.cancel("stop", 5, units=650)
        assert "I6" not in day.broken()


def test_i6_another_stop_that_has_ended_explains_nothing() -> None:
    day = a_protected_short()
    day.stop("second", 650, 3)
    day.move("second", 3.5, State.ACKED, known="second")
    day.state("second", 4, Status.CANCELLED, Change.CANCELLED, units=650)
    day.cancel("stop", 5, units=650)
    assert "I6" in day.broken()


def test_i7_order_of_the_owner_that_we_change() -> None:
    day = Day()
    day.order("his", SELL, 65, 0, origin=Origin.HUMAN, intended=False)
    day.state("his", 2, Status.CANCELLED, Change.CANCELLED, units=65)
    assert day.judge().invariants_broken == [
        "I7 his: truth 2: an order of the account's owner was changed"
    ]


def test_i7_units_of_the_owner_that_we_buy_back() -> None:
    day = Day()
    day.order("his", SELL, 65, 0, origin=Origin.HUMAN, intended=False)
    day.trade("his", SELL, 65, 0, origin=Origin.HUMAN)
    day.cover("ours", 65, 1)
    assert {"I2", "I7"} <= set(day.broken())


def a_human_purchase(units: int) -> Day:
    """Our short, protected, and the account's owner who buys at 3 s."""
    day = a_protected_short()
    day.order("his", BUY, units, 3, origin=Origin.HUMAN, intended=False)
    day.trade("his", BUY, units, 3, origin=Origin.HUMAN)
    return day


def test_short_that_the_owner_bought_back_is_flat_and_needs_no_cover() -> None:
    day = a_human_purchase(650)
    day.write(ExternalClosed(at=Day.instant(5), leg="", units=Units(650), value=0))
    day.cancel("stop", 5, units=650)
    day.phase(7, Phase.DONE)
    report = day.judge(until=Day.instant(60))
    assert (report.flat, report.invariants_broken) == (True, [])


def test_i6_owner_is_said_to_have_bought_more_than_he_did() -> None:
    day = a_human_purchase(325)
    day.write(ExternalClosed(at=Day.instant(5), leg="", units=Units(650), value=0))
    (text,) = day.judge(until=Day.instant(9)).invariants_broken
    assert text == (
        "I6 NIFTY23NOV2626000CE: journal 8: others are said to have bought back 650 units, they "
        "bought 325"
    )


def test_i3_half_a_short_is_still_one() -> None:
    day = a_human_purchase(325)
    day.phase(4, Phase.CHASE)
    day.cancel("stop", 5, units=650)
    assert "I3" in day.broken(until=Day.instant(19))


def test_i11_latch_that_comes_down_where_nobody_is() -> None:
    day = Day()
    day.write(LatchCleared(at=Day.instant(1), name="DUPLICATE", reason=""))
    assert day.judge(is_alone=True).invariants_broken == [
        "I11 journal 1: latch DUPLICATE came down by itself"
    ]
    assert day.broken() == []
