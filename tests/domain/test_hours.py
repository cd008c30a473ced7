"""Is a day traded, and when nothing is deployed: by the dated rules alone."""

import pytest

from config.pack import load
from domain.hours import Hours, deploy_refusal, hours
from domain.session import instant
from domain.units import Day

PACK = load()
THURSDAY = Day("2026-11-19")
MUHURAT = Day("2026-11-08")


def at(wall: str, day: Day = THURSDAY) -> str:
    """Why nothing is deployed at a wall time of a day."""
    return deploy_refusal(instant(day, wall), hours(day, PACK))


def test_trading_day_has_its_session_and_its_quiet_hours() -> None:
    assert hours(THURSDAY, PACK) == Hours(
        day=THURSDAY,
        open=instant(THURSDAY, "09:15"),
        close=instant(THURSDAY, "15:40"),
        quiet_from=instant(THURSDAY, "09:00"),
        quiet_until=instant(THURSDAY, "15:45"),
    )


@pytest.mark.parametrize(
    ("day", "reason", "following"),
    [
        ("2026-11-22", "weekend", "2026-11-23"),
        ("2026-11-24", "holiday: Guru Nanak Jayanti", "2026-11-25"),
    ],
)
def test_day_off_has_neither(day: str, reason: str, following: str) -> None:
    found = hours(Day(day), PACK)
    assert found == Hours(day=Day(day), reason=reason, next_day=Day(following))
    assert at("11:00", Day(day)) == ""


def test_special_session_counts_and_is_quiet_around_it() -> None:
    found = hours(MUHURAT, PACK)
    assert (found.reason, found.open) == ("special session Muhurat", instant(MUHURAT, "18:00"))
    walls = ("11:00", "17:44", "17:45", "19:29", "19:30")
    assert [bool(at(wall, MUHURAT)) for wall in walls] == [False, False, True, True, False]


def test_nothing_is_deployed_from_nine_to_a_quarter_to_four() -> None:
    walls = ("08:59:59", "09:00", "12:00", "15:44:59", "15:45")
    assert [bool(at(wall)) for wall in walls] == [False, True, True, True, False]
    assert at("11:02") == (
        "it is 11:02 IST of a trading day: nothing is deployed from 09:00 to 15:45; "
        "wait, or force it"
    )


def test_rules_that_are_too_old_are_said() -> None:
    found = hours(Day("2027-01-04"), PACK)
    assert found.refusal == "rules: holidays are known through 2026-12-31 only"
    assert found.open is not None
