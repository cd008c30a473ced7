"""Which alarms hold, by status and pages; what cannot be judged is neither raised nor over."""

import pytest

from domain.alarm_watch import AFTERMATH, BARE_FRESH, PAGE_HOLDS, YOUNG, AlarmWatch, Bare
from domain.alarms import FROM_AFAR, KINDS
from domain.market import Source
from domain.pages import PageCode
from domain.status import Member
from domain.units import SECOND, Micros
from tests.domain.alarm_days import T0, Watched, a_hold, a_page, a_status, alarms, t
from tests.trading import DAY

REST = Source.REST.value


def test_quiet_day_raises_nothing_but_that_it_is_ready() -> None:
    (ready,) = Watched().see(a_status(), for_s=300).held
    assert (ready.key, ready.text) == (("READY", DAY), "entries may go on until 15:10:00 IST")


def test_ready_without_a_last_entry_names_none() -> None:
    (ready,) = Watched().see(a_status(last_entry=None)).held
    assert ready.text == "entries may go on"


def test_socket_is_lost_once_it_stayed_away() -> None:
    watched = Watched()
    assert alarms(watched.see(a_status(connected=False), for_s=44)) == {}
    assert alarms(watched.see(a_status(connected=False), for_s=1)) == {"SOCKET_LOST": ""}
    assert alarms(watched.see(a_status())) == {}


def test_socket_that_came_back_for_a_moment_is_waited_for_anew() -> None:
    watched = Watched()
    watched.see(a_status(connected=False), for_s=40)
    watched.see(a_status())
    assert alarms(watched.see(a_status(connected=False), for_s=40)) == {}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"feed_source": REST}, {"REST_POLLING": ""}),
        ({"feed_source": REST, "feed_rest_long": True}, {"REST_POLLING": "", "REST_LONG": ""}),
        ({"feed": "blind"}, {"BLIND": "no source has live prices"}),
        (
            {"feed": "halt?", "positions": 2},
            {
                "BLIND": "no source has live prices, and the exchange itself may have stopped;"
                " 2 shorts are open, stops rest"
            },
        ),
        (
            {"reconnects": 10},
            {"RECONNECTS": "the WebSocket was opened 10 times and brought no minute of prices"},
        ),
        ({"reconnects": 9}, {}),
        ({"stale": 40}, {}),
        ({"uncovered": 65}, {"UNCOVERED": "65 units are short without a working stop"}),
        (
            {"authenticated": False, "positions": 1, "uncovered": 0},
            {
                "LOGIN": "OpenAlgo refuses the key or has no broker session;"
                " 1 short is open, stops rest"
            },
        ),
        (
            {"mode": "WAIT_LOGIN", "authenticated": None},
            {"LOGIN": "OpenAlgo refuses the key or has no broker session"},
        ),
        (
            {"latches": (a_hold("FREEZE", "BY_HAND"),)},
            {"FREEZE": "a human, or an alarm, wants nothing new entered (BY_HAND)"},
        ),
        (
            {"conditions": (a_hold("DISK_SPACE", ""),)},
            {"DISK_SPACE": "free disk space is below journal.min_free_mb"},
        ),
        (
            {"conditions": (a_hold("OTHER_WORLD", "live"), a_hold("BOOKS"), a_hold("LOGIN"))},
            {"MODE_FLIP": "the server changed between paper and live (live)"},
        ),
    ],
)
def test_what_the_status_tells_is_raised(
    changes: dict[str, object], expected: dict[str, str]
) -> None:
    assert alarms(Watched().see(a_status(**changes), for_s=130)) == expected


def test_uncovered_short_is_told_with_the_loss_of_the_server() -> None:
    status = a_status(unanswered_since=T0, positions=1, uncovered=65)
    found = alarms(Watched().see(status, for_s=60))
    assert found["OPENALGO_DOWN"] == (
        "OpenAlgo does not answer since 10:00:00 IST; 1 short is open, 65 units of it UNCOVERED"
    )
    assert "UNCOVERED" in found


def test_server_that_does_not_answer_is_one_alarm_whatever_follows_from_it() -> None:
    watched = Watched()
    down = a_status(
        unanswered_since=T0,
        mode="WAIT_LOGIN",
        authenticated=None,
        connected=False,
        reconnects=12,
        feed="blind",
        feed_source=REST,
        feed_rest_long=True,
        conditions=(a_hold("BOOKS"), a_hold("LOGIN")),
    )
    found = watched.see(down, for_s=1800)
    assert alarms(found).keys() == {"OPENALGO_DOWN"}
    assert found.unknown == FROM_AFAR | {"LOGIN"}
    back = a_status(connected=False, feed_source=REST)
    assert alarms(watched.see(back, for_s=AFTERMATH // SECOND - 1)) == {}
    assert alarms(watched.see(back, for_s=60)).keys() == {"SOCKET_LOST", "REST_POLLING"}


def test_login_that_is_missing_once_the_server_is_back_is_told() -> None:
    watched = Watched()
    watched.see(a_status(unanswered_since=T0), for_s=60)
    found = watched.see(a_status(authenticated=False))
    assert alarms(found).keys() == {"LOGIN"}
    assert found.unknown == FROM_AFAR


def test_one_request_without_an_answer_is_no_outage() -> None:
    watched = Watched()
    found = watched.see(a_status(unanswered_since=T0), for_s=9)
    assert (alarms(found), found.unknown) == ({}, frozenset())


@pytest.mark.incident("INC-03")
def test_feed_is_no_alarm_outside_the_session() -> None:
    lost = a_status(silent_since=None, connected=False, feed="blind", feed_source=REST)
    found = Watched().see(lost, for_s=300)
    assert alarms(found) == {}
    assert found.unknown == FROM_AFAR - {"BOOKS"}


@pytest.mark.parametrize("mode", ["STARTING", "RECOVERING"])
def test_recovery_is_muted_but_for_what_is_bare(mode: str) -> None:
    starting = a_status(
        mode=mode, connected=False, latches=(a_hold("FREEZE"),), uncovered=65, reconnects=20
    )
    found = Watched().see(starting, for_s=100)
    assert alarms(found).keys() == {"UNCOVERED"}
    assert found.unknown >= {"UNCOVERED", "FREEZE", "BLIND", "LOGIN"}
    assert "STATUS_OLD" not in found.unknown


def test_recovery_that_does_not_end_is_told() -> None:
    assert alarms(Watched().see(a_status(mode="RECOVERING"), for_s=120)) == {"SLOW_START": ""}


def test_end_of_the_day_is_told_with_its_result_and_nothing_else_is_judged() -> None:
    closed = a_status(
        mode="CLOSED", trades=8, result_p=-532_675, result_r="-1.05", connected=False, reconnects=30
    )
    found = Watched().see(closed, for_s=60)
    assert alarms(found) == {
        "DAY_OVER": "the book is proved flat; 8 shorts were closed,"
        " Rs -5326.75 after charges, -1.05 R"
    }
    assert "LOGIN" in found.unknown
    assert "DAY_OVER" not in found.unknown


def test_one_closed_short_is_one() -> None:
    found = alarms(Watched().see(a_status(mode="CLOSED", trades=1)))
    assert "1 short was closed" in found["DAY_OVER"]


def test_news_are_of_one_day() -> None:
    watched = Watched()
    watched.see(a_status())
    found = watched.see(a_status(day="2026-12-01", mode="REDUCE_ONLY"))
    assert found.held == ()


def test_parked_agent_judges_nothing_any_more() -> None:
    parked = a_status(ended="stopped", connected=False, latches=(a_hold("FREEZE"),))
    assert alarms(Watched().see(parked, for_s=100)) == {}


def test_agent_that_says_nothing_of_itself_is_told() -> None:
    watched = Watched()
    assert alarms(watched.see(None, for_s=34)) == {}
    assert alarms(watched.see(None, for_s=1)) == {"STATUS_OLD": ""}
    assert alarms(watched.see(a_status())) == {}
    assert alarms(watched.see(None, for_s=35)) == {"STATUS_OLD": ""}


def test_life_after_a_bad_end_is_told_while_it_is_young() -> None:
    watched = Watched("order: KeyError()")
    assert alarms(watched.see(a_status())) == {
        "RESTARTED": "the agent was started again: order: KeyError()"
    }
    assert alarms(watched.see(a_status(), for_s=YOUNG // SECOND)) == {}


BARE_65 = {"UNCOVERED": "65 units are short without a working stop"}


def after_a_life(mode: str, covered: int | None = None) -> Watched:
    """Return the life after one of ten seconds that saw something bare, then `covered` units."""
    first = Watched()
    first.see(a_status(mode=mode, uncovered=65), for_s=10)
    if covered is not None:
        first.see(a_status(mode=mode, uncovered=covered))
    second = Watched(begun=15)
    second.watch = AlarmWatch(bare=first.watch.bare)
    return second


@pytest.mark.parametrize("mode", ["RECOVERING", "REDUCE_ONLY"])
def test_what_is_bare_through_several_lives_is_told(mode: str) -> None:
    second = after_a_life(mode)
    assert alarms(second.see(None, for_s=2)) == {}
    assert alarms(second.see(a_status(mode="RECOVERING"), for_s=2)) == {}
    assert alarms(second.see(a_status(mode=mode, uncovered=65))) == {}
    assert alarms(second.see(a_status(mode=mode, uncovered=65), for_s=1)) == BARE_65


def test_what_the_last_life_saw_covered_is_waited_for_anew() -> None:
    second = after_a_life("REDUCE_ONLY", covered=0)
    assert second.watch.bare is None
    assert alarms(second.see(a_status(uncovered=65), for_s=19)) == {}
    assert alarms(second.see(a_status(uncovered=65), for_s=1)) == BARE_65


def test_what_was_bare_in_a_life_long_ago_is_waited_for_anew() -> None:
    watched = Watched()
    old = Bare(since=T0, seen=Micros(T0 - BARE_FRESH))
    watched.watch = AlarmWatch(bare=old)
    assert alarms(watched.see(a_status(uncovered=65), for_s=19)) == {}


def test_three_bad_ends_within_ten_minutes_are_a_crash_loop_until_they_are_old() -> None:
    watched = Watched()
    watched.watch = AlarmWatch("it was killed", bad_ends=(t(-599), t(-300), t(0)))
    assert alarms(watched.see(a_status()))["CRASH_LOOP"] == (
        "the agent ended badly 3 times within ten minutes: it was killed"
    )
    assert "CRASH_LOOP" not in alarms(watched.see(a_status(), for_s=1))


def test_parts_rebuilt_within_minutes_are_counted() -> None:
    watched = Watched()
    watched.see(a_status(actor_restarts=5))
    assert alarms(watched.see(a_status(actor_restarts=7))) == {}
    assert alarms(watched.see(a_status(actor_restarts=8))) == {
        "REBUILT": "3 parts of the agent died and were rebuilt within ten minutes"
    }
    assert alarms(watched.see(a_status(actor_restarts=8), for_s=600)) == {}


@pytest.mark.parametrize(
    ("address", "state", "is_missed"),
    [
        ("feed", "alive", False),
        ("feed", "down", False),
        ("journal", "given up", True),
        ("bar", "82 of 82 alive", False),
        ("bar", "80 of 82 alive", True),
    ],
)
def test_part_that_stays_down_is_told(address: str, state: str, *, is_missed: bool) -> None:
    cast = (Member(address=address, state=state),)
    watched = Watched()
    assert alarms(watched.see(a_status(cast=cast), for_s=119)) == {}
    text = f"of the agent's parts, {address} is {state}"
    expected = {"QUARANTINED": text} if is_missed else {}
    assert alarms(watched.see(a_status(cast=cast), for_s=1)) == expected


def test_page_holds_until_it_is_not_found_again() -> None:
    watched = Watched()
    watched.watch.page(a_page(text="went by"), t(0))
    watched.see(a_status(), for_s=60)
    watched.watch.page(a_page(text="went by again"), t(60))
    found = watched.see(a_status(), for_s=PAGE_HOLDS // SECOND - 1)
    assert [(a.key, a.text) for a in found.held if a.kind == "GAP"] == [
        (("GAP", "CE"), "went by again")
    ]
    assert alarms(watched.see(a_status(), for_s=1)) == {}


def test_pages_of_one_trouble_are_one_alarm() -> None:
    watched = Watched()
    watched.watch.page(a_page(PageCode.UNCOVERED, "CE", "CE is bare"), t(0))
    watched.watch.page(a_page(PageCode.UNCOVERED, "PE", "PE is bare"), t(0))
    found = watched.see(a_status(uncovered=130))
    assert alarms(found) == {"UNCOVERED": "CE is bare; PE is bare"}


def test_page_is_told_during_recovery_and_after_the_day() -> None:
    for mode in ("RECOVERING", "CLOSED"):
        watched = Watched()
        watched.watch.page(a_page(PageCode.STOP_REFUSED), t(0))
        assert "STOP_REFUSED" in alarms(watched.see(a_status(mode=mode)))


def test_page_that_follows_from_a_server_that_is_down_is_hidden() -> None:
    watched, down = Watched(), a_status(unanswered_since=T0)
    watched.see(down, for_s=25)
    watched.watch.page(a_page(PageCode.BOOKS, "books"), t(25))
    assert alarms(watched.see(down, for_s=20)).keys() == {"OPENALGO_DOWN"}


def test_day_played_again_forgets_what_lies_in_the_future() -> None:
    watched = Watched(begun=500)
    watched.watch.page(a_page(), t(500))
    watched.see(a_status(connected=False), for_s=10)
    watched.now = 0
    assert alarms(watched.see(a_status(connected=False), for_s=44)) == {}


def test_kinds_of_the_agent_itself_are_those_told_while_it_recovers() -> None:
    own = {name for name, kind in KINDS.items() if kind.of_agent}
    assert own >= {"RESTARTED", "STATUS_OLD", "SLOW_START"}
