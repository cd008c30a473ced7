"""The doctor looks at this machine: its clock, the page's port, the calendar, days on paper."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli import host_checks
from cli.session import locked
from domain.units import Day
from tests.broker.http_server import Reply
from tests.cli.openalgo import OpenAlgo, an_openalgo, it_is, ok
from tests.cli.test_doctor import failing, lines
from tests.cli.typing_in import RunPy


@pytest.fixture
def server(run_py: RunPy, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAlgo]:
    it_is("10:00")
    with an_openalgo(monkeypatch) as running:
        yield running


def test_kernel_tells_of_its_clock_or_says_nothing() -> None:
    found = host_checks.timex()
    assert found is None or (found[0] >= 0 and found[1] >= 0)


@pytest.mark.parametrize(
    ("timex", "text"),
    [
        ((0x2001, 3_400), "PASS synchronised, at most 3 ms off"),
        (
            (0x40, 16_000_000),
            (
                "WARN nobody synchronises this machine's clock. Switch on NTP (timedatectl set-ntp"
                " true), and let nothing else set the clock."
            ),
        ),
        (None, "SKIP the kernel does not tell"),
    ],
)
def test_clock_that_nobody_keeps_is_warned_of(
    run_py: RunPy,
    server: OpenAlgo,
    monkeypatch: pytest.MonkeyPatch,
    timex: tuple[int, int] | None,
    text: str,
) -> None:
    monkeypatch.setattr(host_checks, "timex", lambda: timex)
    said = run_py("doctor")
    assert (said.code, lines(said)["ntp"]) == (0, text)


def test_port_that_somebody_has_is_found_unless_it_is_the_agent(
    run_py: RunPy, server: OpenAlgo, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("SUTRADHAR_PAGE__PORT", str(port))
        said = run_py("doctor")
        assert (said.code, lines(said)["page"]) == (
            1,
            (
                f"FAIL 127.0.0.1:{port} cannot be listened on (Address already in use); the agent"
                " would trade without it. End the process that has it, or set page.port to a"
                " free port."
            ),
        )
        with locked(Path("state")):
            text = lines(run_py("doctor"))["page"]
    assert text == f"PASS 127.0.0.1:{port}, of the agent that runs"


def test_page_that_is_off_has_no_port(
    run_py: RunPy, server: OpenAlgo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTRADHAR_PAGE__ON", "false")
    assert lines(run_py("doctor"))["page"].startswith("SKIP page.on is false")


def test_page_that_others_reach_without_a_token_is_refused(
    run_py: RunPy, server: OpenAlgo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTRADHAR_PAGE__HOST", "0.0.0.0")
    found = failing(run_py("doctor"))["page"]
    assert found.startswith("FAIL page.host: 0.0.0.0 is not allowed without a token")


@pytest.mark.parametrize(
    ("day", "text"),
    [
        ("2027-01-04", "FAIL rules: holidays are known through 2026-12-31 only. Renew config"),
        ("2026-12-31", "WARN version 3, valid through 2026-12-31, 0 days left"),
    ],
)
def test_rules_are_good_until_their_day(
    run_py: RunPy, server: OpenAlgo, day: str, text: str
) -> None:
    it_is("10:00", Day(day))
    assert lines(run_py("doctor"))["rules"].startswith(text)


def test_rules_that_end_within_a_month_are_warned_of(run_py: RunPy, server: OpenAlgo) -> None:
    it_is("10:00", Day("2026-12-02"))
    text = lines(run_py("doctor"))["rules"]
    assert text == (
        "WARN version 3, valid through 2026-12-31, 29 days left; holidays known through"
        " 2026-12-31. Renew config/rules from the exchange's circulars."
    )


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (
            4,
            (
                "WARN real money with 4 clean paper sessions from 2026-10-01 to 2026-10-04, 8"
                " entries, 5 are asked for. Play on paper until there are, or keep to one lot and"
                " tight limits."
            ),
        ),
        (
            5,
            (
                "PASS 5 clean paper sessions from 2026-10-01 to 2026-10-05, 10 entries; 5 are asked"
                " for before PAPER_TRADING=false"
            ),
        ),
    ],
)
def test_real_money_before_a_week_on_paper_is_warned_of(
    run_py: RunPy, server: OpenAlgo, monkeypatch: pytest.MonkeyPatch, count: int, text: str
) -> None:
    Path("state").mkdir()
    line = '{"day":"2026-10-%02d","mode":"analyze","code":10,"entries":2}\n'
    rows = "".join(line % day for day in range(1, count + 1))
    Path("state/sessions.jsonl").write_text(rows)
    monkeypatch.setenv("PAPER_TRADING", "false")
    server.table["analyzer"] = ok({"mode": "live"})
    server.table["cancelorder"] = Reply({"status": "error", "message": "Order not found"}, 404)
    said = run_py("doctor")
    assert (said.code, lines(said)["sessions"]) == (0, text)
