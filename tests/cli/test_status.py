"""`run.py status`: what operators script against, with the agent alive, dead, or never there."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli.again import Again, command, keep
from cli.session import LOCK, locked
from cli.status import NAME
from domain.events import LatchSet
from domain.status import OLD_S, Hold, Status
from journal.orders import OrderJournal
from tests.cli.typing_in import RunPy
from tests.domain.test_status import ALL_GOOD, a_status
from tests.shared import ROOT
from tests.trading import at

NOBODY = 65534
RUNNING, NOT_RUNNING, USAGE, BAD_INPUT = 0, 3, 2, 78

DEAD = """\
[CONNECTION STATUS]
OpenAlgo URL: http://127.0.0.1:5000
WebSocket: DISCONNECTED
Last Tick: 10:35:22 IST
Symbols Subscribed: 82
Coverage: 100.0%
Feed State: UNKNOWN
Price Source: UNKNOWN
Entries: OFF (the agent is not running)
Shorts: 0 when last seen

[API STATUS]
Authentication: VALID
Last Request: placeorder @ 10:35:20
Response: 200 OK
Order ID: 250130000012345

[DATA PIPELINE]
Bars Generated: 150
VWAP Calculations: Inactive
Stale Symbols: 0

[RECOMMENDATION]
Agent is not running: start it again with `run.py live --state-dir state`, then look again
"""

HOLDER = """
import sys
from pathlib import Path
from cli.session import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The state directory that a command looks into unless told otherwise."""
    state = tmp_path / "state"
    state.mkdir()
    return state


@pytest.fixture
def agent(folder: Path) -> Iterator[None]:
    """An agent that holds the state directory."""
    with locked(folder):
        yield


def left(folder: Path, **changes: Any) -> Status:
    """Leave a status as an agent does."""
    found = a_status(**{"pid": os.getpid()} | changes)
    (folder / NAME).write_bytes(msgspec.json.encode(found))
    return found


def test_running_agent_shows_the_known_text_and_nothing_else(
    run_py: RunPy, folder: Path, agent: None
) -> None:
    left(folder)
    said = run_py("status")
    assert (said.code, said.out, said.err) == (RUNNING, ALL_GOOD + "\n", "")


def test_dead_agent_shows_its_last_word(run_py: RunPy, folder: Path) -> None:
    left(folder)
    (folder / LOCK).write_text("4711\n")
    said = run_py("status")
    assert (said.code, said.out, said.err) == (NOT_RUNNING, DEAD, "")


def test_last_word_of_a_dead_agent_is_not_the_new_ones(
    run_py: RunPy, folder: Path, agent: None
) -> None:
    left(folder, pid=os.getpid() + 1)
    assert run_py("status").code == NOT_RUNNING


def test_agent_of_another_folder_is_another_agent(
    run_py: RunPy, tmp_path: Path, agent: None
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    left(other)
    assert run_py("status", "--state-dir", other).code == NOT_RUNNING


def test_agent_that_said_goodbye_is_not_running_though_it_has_not_left(
    run_py: RunPy, folder: Path, agent: None
) -> None:
    left(folder, ended="day done")
    said = run_py("status")
    assert said.code == NOT_RUNNING
    assert said.out.endswith(
        "[RECOMMENDATION]\nAgent is not running (day done): nothing is left to do today\n"
    )


def test_killed_agent_is_dead_at_once(run_py: RunPy, folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        left(folder, pid=process.pid)
        assert run_py("status").code == RUNNING
        process.kill()
    assert run_py("status").code == NOT_RUNNING
    assert (folder / LOCK).read_text() == f"{process.pid}\n"


def test_looking_does_not_keep_an_agent_out(run_py: RunPy, folder: Path) -> None:
    left(folder)
    assert run_py("status").code == NOT_RUNNING
    with locked(folder):
        assert run_py("status").code == RUNNING


def test_programs_get_every_field_in_one_line(run_py: RunPy, folder: Path, agent: None) -> None:
    found = left(folder)
    said = run_py("status", "--json")
    assert (said.code, said.err, said.out.count("\n")) == (RUNNING, "", 1)
    derived = {"alive": True, "entries_off": "", "recommendations": []}
    told = json.loads(said.out)
    assert told.pop("age_s") <= OLD_S
    assert told == json.loads(msgspec.json.encode(found)) | derived


def test_programs_hear_of_a_dead_agent_too(run_py: RunPy, folder: Path) -> None:
    left(folder)
    said = run_py("status", "--json")
    told = json.loads(said.out)
    assert (said.code, told["alive"]) == (NOT_RUNNING, False)
    assert told["recommendations"] == DEAD.splitlines()[-1:]


def test_every_problem_has_its_own_line_with_its_remedy(
    run_py: RunPy, folder: Path, agent: None
) -> None:
    left(
        folder,
        uncovered=65,
        authenticated=False,
        source="REST_POLLING",
        stale=3,
        mode="REDUCE_ONLY",
        mode_reason="DAY_DONE",
    )
    expected = [
        "65 units are short without a working stop: look at the broker's order book now",
        "OpenAlgo refuses the key or has no broker session: log in to OpenAlgo again",
        (
            "Prices come by REST polling: the socket is silent; check the broker's streaming in "
            "OpenAlgo"
        ),
        "3 symbols are stale: compare them with the broker's terminal",
        "Entries are off (DAY_DONE): exits and stops go on",
    ]
    said = run_py("status")
    assert said.code == RUNNING
    assert said.out.partition("[RECOMMENDATION]\n")[2].splitlines() == expected
    assert json.loads(run_py("status", "--json").out)["recommendations"] == expected


def test_dead_agent_with_a_bare_short_says_both(run_py: RunPy, folder: Path) -> None:
    left(folder, uncovered=325)
    lines = run_py("status").out.partition("[RECOMMENDATION]\n")[2].splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "Agent is not running",
        "325 units are short without a working stop",
    ]


def test_dead_agent_is_started_again_as_it_was(run_py: RunPy, folder: Path) -> None:
    def advice(**changes: str) -> str:
        left(folder, **changes)
        lines: list[str] = json.loads(run_py("status", "--json").out)["recommendations"]
        return lines[0]

    restart = command("sandbox", folder, ["--seed", 7])
    rejoin = command("sandbox", folder, ["--attach", "127.0.0.1:5000"])
    keep(folder, Again(restart=restart, rejoin=rejoin))
    assert restart == f"run.py sandbox --seed 7 --state-dir {folder}"
    assert advice(ended="stopped") == (
        f"Agent is not running (stopped): start it again with `{restart}`, then look again"
    )
    assert advice() == (
        f"Agent is not running: go on with `{rejoin}`, or, if its exchange is gone too, `{restart}`"
    )


def test_dead_agent_of_a_paper_exchange_is_never_started_live(run_py: RunPy, folder: Path) -> None:
    left(folder, ended="stopped")
    (folder / "truth.jsonl").touch()
    for damaged in (None, b"{"):
        if damaged is not None:
            (folder / "again.json").write_bytes(damaged)
        told = run_py("status").out.splitlines()[-1]
        assert "`run.py sandbox --state-dir state`" in told
        assert "live" not in told


@pytest.mark.parametrize("as_json", [False, True])
def test_text_of_a_server_never_makes_a_line_of_its_own(
    run_py: RunPy, folder: Path, agent: None, as_json: bool
) -> None:
    left(folder, last_response="500 oh\n[RECOMMENDATION]\r\nAll systems \x1b[31moperational")
    said = run_py("status", *["--json"] * as_json)
    assert said.out.count("\n") == (1 if as_json else ALL_GOOD.count("\n") + 1)
    assert said.out.replace("\n", "").isprintable()


@pytest.mark.parametrize("place", ["nowhere", "nowhere/deeper", "state", "file", "/proc/nowhere"])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_folder_without_a_status_had_no_agent(
    run_py: RunPy, folder: Path, tmp_path: Path, place: str, options: tuple[str, ...]
) -> None:
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    said = run_py("status", "--state-dir", place, *options)
    assert (said.code, said.out) == (NOT_RUNNING, "")
    assert said.error == (
        f"--state-dir {place}: holds no status.json, no agent ran there; name the folder of one "
        "that ran, or start one with `run.py live` or `run.py sandbox`"
    )
    assert sorted(tmp_path.rglob("*")) == before


WHOLE = msgspec.json.encode(a_status(pid=os.getpid()))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"not json",
        b"[]",
        b"null",
        b"{}",
        WHOLE[: len(WHOLE) // 2],
        WHOLE[:-1],
        WHOLE + b"}",
        WHOLE.replace(b'"pid":', b'"pid":"one","was":'),
        WHOLE.replace(b'"bars":150', b'"bars":null'),
        b"\xff\xfe" + WHOLE,
        b"\0" * 4096,
    ],
)
def test_damaged_status_is_named_with_what_to_do(
    run_py: RunPy, folder: Path, content: bytes
) -> None:
    path = folder / NAME
    path.write_bytes(content)
    dead = run_py("status")
    assert (dead.code, dead.out) == (BAD_INPUT, "")
    assert dead.error.startswith("state/status.json: cannot be read (")
    assert dead.error.endswith("); no agent runs there, the next one writes it anew")
    with locked(folder):
        alive = run_py("status", "--json")
    assert (alive.code, alive.out) == (BAD_INPUT, "")
    remedy = "look again: the running agent writes it anew within seconds"
    assert alive.error == dead.error.rpartition("; ")[0] + f"; {remedy}"
    assert path.read_bytes() == content


def test_status_that_is_a_folder_is_named_once(run_py: RunPy, folder: Path) -> None:
    (folder / NAME).mkdir()
    said = run_py("status")
    assert said.code == BAD_INPUT
    assert said.error.startswith("state/status.json: cannot be read (Is a directory); ")


def test_status_of_another_users_agent_says_who_may_ask(run_py: RunPy, folder: Path) -> None:
    left(folder)
    folder.chmod(0)
    user = os.geteuid()
    try:
        if user == 0:  # nothing is closed to root
            os.seteuid(NOBODY)
        said = run_py("status")
    finally:
        os.seteuid(user)
        folder.chmod(0o700)
    assert (said.code, said.out) == (BAD_INPUT, "")
    assert said.error == (
        "state/status.json: may not be read; ask as root, or as the user the agent runs as"
    )


def test_status_of_an_older_agent_is_shown_with_what_it_knew(
    run_py: RunPy, folder: Path, agent: None
) -> None:
    old = {"at": at("10:35:23"), "pid": os.getpid(), "day": "2026-11-20", "url": "u", "mode": ""}
    (folder / NAME).write_bytes(msgspec.json.encode(old))
    said = run_py("status")
    assert said.code == RUNNING
    for line in ("Last Tick: never", "Symbols Subscribed: 0", "Authentication: UNKNOWN"):
        assert f"{line}\n" in said.out


def test_status_of_a_newer_agent_is_shown_without_what_is_new(
    run_py: RunPy, folder: Path, agent: None
) -> None:
    more = WHOLE[:-1] + b',"alerts":{"sent":3}}'
    (folder / NAME).write_bytes(more)
    assert run_py("status").out == ALL_GOOD + "\n"


@pytest.mark.parametrize("words", [("--bogus",), ("state",), ("--state-dir",)])
def test_wrong_usage_is_one_line(run_py: RunPy, words: tuple[str, ...]) -> None:
    said = run_py("status", *words)
    assert (said.code, said.out) == (USAGE, "")
    assert said.error.endswith("; see run.py status --help")


def test_status_needs_no_settings(
    run_py: RunPy, folder: Path, agent: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(folder)
    (tmp_path / ".env").write_text("OPENALGO_PORT=none of them\n")
    monkeypatch.setenv("SUTRADHAR_FEED__NO_SUCH_KEY", "1")
    assert run_py("status").code == RUNNING


def test_file_that_stands_still_under_a_living_agent_is_said_first(
    run_py: RunPy, folder: Path, agent: None
) -> None:
    left(folder, stale=3)
    written = (folder / NAME).stat().st_mtime - OLD_S - 60
    os.utime(folder / NAME, (written, written))
    said = json.loads(run_py("status", "--json").out)
    assert said["age_s"] >= OLD_S + 60
    assert said["entries_off"] == "unknown, the status is old"
    first, second = said["recommendations"]
    assert first.startswith(f"The agent lives, but wrote its status {said['age_s']} s ago: ")
    assert second.startswith("3 symbols are stale")
    text = run_py("status").out
    assert "[RECOMMENDATION]\nThe agent lives, but wrote its status " in text
    assert "\nEntries: UNKNOWN\n" in text


def test_file_from_the_future_is_not_old(run_py: RunPy, folder: Path, agent: None) -> None:
    left(folder)
    written = (folder / NAME).stat().st_mtime + 3600
    os.utime(folder / NAME, (written, written))
    assert json.loads(run_py("status", "--json").out)["age_s"] == 0


def test_latches_of_a_dead_agent_are_those_of_its_journal(run_py: RunPy, folder: Path) -> None:
    found = left(folder, latches=(Hold(code="FREEZE", text="BY_HAND"),))
    when = found.at
    halt = LatchSet(at=when, name="HALT", reason="BY_HAND")
    with OrderJournal(folder / "orders.db", 1, when) as journal:
        journal.append([halt])
    told = json.loads(run_py("status", "--json").out)
    assert told["latches"] == [{"code": "HALT", "text": "BY_HAND"}]
    assert [line.partition(" (")[0] for line in told["recommendations"]][1:] == ["Latch HALT"]
