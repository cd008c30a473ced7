"""`run.py day`: what timers and deploy scripts ask, without settings, key or server."""

import json

import pytest

from tests.cli.openalgo import it_is
from tests.cli.typing_in import RunPy

TRADED, REFUSED, DAY_DONE = 0, 1, 10


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ((), TRADED, "2026-11-20 is traded from 09:15:00 to 15:40:00 IST"),
        (
            ("--date", "2026-11-22"),
            DAY_DONE,
            "2026-11-22 is not traded: weekend; the next day is 2026-11-23",
        ),
        (
            ("--date", "20261108"),
            TRADED,
            (
                "2026-11-08 is traded from 18:00:00 to 19:15:00 IST, special session Muhurat, "
                "traded only with session.trade_special"
            ),
        ),
        (
            ("--date", "2026-12-31"),
            TRADED,
            "2026-12-31 is traded from 09:15:00 to 15:40:00 IST",
        ),
        (
            ("--date", "2027-01-02"),
            DAY_DONE,
            (
                "2027-01-02 is not traded: weekend; the next day is beyond the known calendar; "
                "rules: holidays are known through 2026-12-31 only"
            ),
        ),
    ],
)
def test_day_is_told_in_a_line_and_by_the_exit_code(
    run_py: RunPy, words: tuple[str, ...], code: int, text: str
) -> None:
    it_is("10:00")
    said = run_py("day", *words)
    assert (said.code, said.out, said.err) == (code, text + "\n", "")


def test_script_may_read_it_as_json(run_py: RunPy) -> None:
    it_is("10:00")
    said = run_py("day", "--json")
    assert (said.code, json.loads(said.out)) == (
        TRADED,
        {
            "day": "2026-11-20",
            "session": True,
            "open": "09:15:00",
            "close": "15:40:00",
            "reason": "",
            "next_day": None,
            "rules": "",
            "deploy": False,
            "deploy_refusal": "it is 10:00 IST of a trading day: nothing is deployed from 09:00 to "
            "15:45; wait, or force it",
        },
    )


@pytest.mark.parametrize(
    ("wall", "code", "text"),
    [
        ("08:59", TRADED, "may be deployed now"),
        ("09:00", REFUSED, "refused: it is 09:00 IST of a trading day: nothing is deployed from "),
        ("15:45", TRADED, "may be deployed now"),
    ],
)
def test_deploy_script_is_told_whether_it_may(
    run_py: RunPy, wall: str, code: int, text: str
) -> None:
    it_is(wall)
    said = run_py("day", "--deploy")
    assert (said.code, said.out.startswith(text), said.err) == (code, True, "")


def test_date_that_is_none_is_refused_in_a_line(run_py: RunPy) -> None:
    assert run_py("day", "--date", "2026-02-30").refusal() == (
        "--date 2026-02-30: is no date; write it as 2026-11-19"
    )
