"""What `make run` does, shortened: two processes, real sockets, 09:14 to 10:16.

The first short of random seed 1 is still open when the close comes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import msgspec
import pytest

from domain.books import Action
from domain.session import instant
from domain.status import Status
from domain.units import Day
from tests.e2e.sessions import Truth, done, run, summary_of
from tests.stories import told
from tests.waiting import until

# The session takes a good minute of real time, which the first test that asks for it waits.
pytestmark = [pytest.mark.e2e, pytest.mark.slow]

BLOCKS = ("[CONNECTION STATUS]", "[API STATUS]", "[DATA PIPELINE]", "[RECOMMENDATION]")
SOON_S = 0.5  # fifty questions, each of them a process
NFO = r"NIFTY23NOV26\d{5}[CP]E"

STORY = (
    r"\[RUN\] exchange open url=http://127\.0\.0\.1:\d+ pid=\d+ state=",
    r"\[RUN\] should this agent die: run\.py sandbox --attach 127\.0\.0\.1:\d+ .*--state-dir",
    r"\[MODE\] RECOVERING",
    r"\[RECOVERY\] books read: live orders=0 shorts=0",
    r"\[MODE\] REDUCE_ONLY",
    r"\[WEBSOCKET\] Connected: WebSocket symbols=1 epoch=1",
    r"\[WATCHDOG\] feed was off, is healthy",
    r"\[WATCHDOG\] entries are on: prices are live",
    r"\[WEBSOCKET\] NIFTY: \d+\.\d\d \[WEBSOCKET\]",
    r"\[DAY\] 2026-11-19 NIFTY atm=\d+\.00 expiry=2026-11-23 contracts=82",
    r"\[MODE\] ACTIVE",
    r"\[HEARTBEAT\] Positions: 0 \| Data: 82/82 \| Coverage: 100\.0% \| Stale: \d+ \| Source: WEB",
    rf"\[SWING\] armed {NFO} swing=\d+",
    rf"\[SWING\] wish {NFO} slot=[CP]E units=\d+ ",
    rf"\[ORDER\] entry SELL {NFO} units=\d+ SL price=[\d.]+ trigger=[\d.]+ intent=\S+",
    rf"\[ORDER\] entry {NFO} is trigger_pending orderid=\d+",
    rf"\[FILL\] entry SELL {NFO} filled=(\d+)/\1 average=[\d.]+ orderid=\d+",
    rf"\[EXIT\] stop BUY {NFO} units=\d+ SL price=[\d.]+ trigger=[\d.]+ intent=\S+",
    rf"\[EXIT\] stop {NFO} is trigger_pending orderid=\d+",
    r"\[HEARTBEAT\] Positions: 1 ",
    rf"10:16:\d\d\.\d+ IST .*\[EXIT\] leaving {NFO} units=\d+ reason=FORCE_CLOSE",
    r"\[MODE\] REDUCE_ONLY force close",
    rf"\[EXIT\] cancel stop {NFO} reason=FORCE_CLOSE",
    rf"\[EXIT\] stop {NFO} is cancelled orderid=\d+",
    rf"\[EXIT\] cover BUY {NFO} units=\d+ LIMIT price=[\d.]+ intent=\S+",
    rf"\[FILL\] cover BUY {NFO} filled=(\d+)/\1 average=[\d.]+ orderid=\d+",
    rf"\[EXIT\] {NFO} is closed gross=-?[\d.]+ reason=FORCE_CLOSE",
    r"\[FLAT\] the book is proved flat by two reads",
    r"\[MODE\] CLOSED",
    r"\[RUN\] session over: day done, proved flat",
)
"""The kinds of line a day with one trade must tell, in order."""

SUMMARY: dict[str, type] = {
    "session_date": str,
    "symbols": int,
    "ticks": int,
    "bars": int,
    "swings": int,
    "entries": int,
    "exits": int,
    "orders_sent": int,
    "realised_pnl_paise": int,
    "charges_paise": int,
    "r_multiple": str,
    "forced_close": bool,
    "flat": bool,
    "flat_at": str,
    "naked_seconds_max": int,
    "feed_switches": int,
    "actor_restarts": int,
    "reconcile_findings": int,
    "invariants_broken": list,
}


@dataclass(frozen=True)
class Seen:
    """The session, and what `status` said while it ran."""

    code: int
    folder: Path
    log: str
    said: str
    status_during: tuple[int, str]

    @property
    def summary(self) -> dict[str, Any]:
        return summary_of(self.folder / "summary.json")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    folder = tmp_path_factory.mktemp("session")
    with run(
        folder,
        "sandbox",
        speed=60,
        seed=1,
        begin="09:14",
        until="10:16",
        state_dir=folder,
        summary=folder / "summary.json",
    ) as agent:
        agent.wait_for(r"\[HEARTBEAT\] Positions: 0 \| Data: 82/82")
        (during,) = until(lambda: told_of_all(folder), SOON_S)
        code = agent.wait()
        said = (folder / "said.txt").read_text()
        yield Seen(
            code, folder, agent.log, said, (during.returncode, during.stdout + during.stderr)
        )


def told_of_all(folder: Path) -> list[CompletedProcess[str]]:
    """What `status` says once every symbol was seen; its file lags by up to two seconds."""
    shown = done("status", "--state-dir", folder, cwd=folder)
    return [shown] if "Coverage: 100.0%" in shown.stdout else []


def test_session_ends_by_itself_flat_and_clean(session: Seen) -> None:
    assert session.code == 0, session.said[-3000:]
    summary = session.summary
    assert (summary["flat"], summary["invariants_broken"]) == (True, [])
    assert summary["entries"] >= 1
    assert summary["exits"] >= summary["entries"]
    assert summary["symbols"] == 82


def test_story_of_the_day_is_told_in_order(session: Seen) -> None:
    told(session.log, *STORY)


def test_terminal_tells_the_same_story_and_ends_with_the_summary(session: Seen) -> None:
    told(session.said, r"exchange open", r"\[FILL\] entry", r"proved flat", r"  flat +yes")
    assert re.search(r"  invariants broken +none", session.said)
    assert "\x1b[" not in session.said, "colours where nobody looks at a terminal"


def test_log_is_ascii_and_tells_no_traceback(session: Seen) -> None:
    assert session.log.isascii()
    assert "Traceback" not in session.log
    assert " ERROR " not in session.log


def test_summary_has_exactly_the_agreed_keys_and_types(session: Seen) -> None:
    assert {key: type(value) for key, value in session.summary.items()} == SUMMARY
    assert re.fullmatch(r"-?\d+\.\d{3}", session.summary["r_multiple"])
    assert session.summary["flat_at"].startswith("2026-11-19T10:")
    assert session.summary["flat_at"].endswith("+05:30")


def test_truth_holds_the_stop_soon_after_the_fill(session: Seen) -> None:
    truth = Truth(session.folder)
    entry = next(order for order in truth.orders(Action.SELL) if order.filled)
    (stop,) = (order for order in truth.orders(Action.BUY) if order.trigger)
    assert (stop.symbol, stop.quantity) == (entry.symbol, entry.quantity)
    assert truth.net(entry.symbol) == 0
    assert truth.rows[-1].at >= instant(Day("2026-11-19"), "10:16")


def test_status_works_while_the_agent_runs(session: Seen) -> None:
    code, shown = session.status_during
    assert code == 0, shown
    told(
        shown,
        r"^\[CONNECTION STATUS\]$",
        r"^OpenAlgo URL: http://127\.0\.0\.1:\d+$",
        r"^WebSocket: CONNECTED$",
        r"^Last Tick: \d\d:\d\d:\d\d IST$",
        r"^Symbols Subscribed: 82$",
        r"^Coverage: 100\.0%$",
        r"^\[API STATUS\]$",
        r"^Authentication: VALID$",
        r"^Last Request: \w+ @ \d\d:\d\d:\d\d$",
        r"^Response: 200 OK$",
        r"^Order ID: ",
        r"^\[DATA PIPELINE\]$",
        r"^Bars Generated: \d+$",
        r"^VWAP Calculations: Active$",
        r"^Stale Symbols: \d+$",
        r"^\[RECOMMENDATION\]$",
    )


def test_status_works_when_the_agent_is_gone(session: Seen) -> None:
    after = done("status", "--state-dir", session.folder, cwd=session.folder)
    assert after.returncode == 3
    assert all(block in after.stdout for block in BLOCKS)
    assert "WebSocket: DISCONNECTED" in after.stdout
    assert "Agent is not running" in after.stdout


def test_status_is_there_for_scripts_too(session: Seen) -> None:
    after = done("status", "--json", "--state-dir", session.folder, cwd=session.folder)
    said = msgspec.json.decode(after.stdout)
    assert said["alive"] is False
    assert set(Status.__struct_fields__) <= set(said)
