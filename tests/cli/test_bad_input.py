"""Whatever a person can get wrong is one clear line: what, its value, what to do. Nothing is lost.

tests/config proves the words about settings, tests/sandbox those about tapes and fault scripts;
here the door is held to them: exit code, one line a problem, no traceback, nothing made.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from cli.session import locked
from domain.status import Status
from journal.orders import NAME as JOURNAL
from journal.orders import OrderJournal
from tests.cli.test_bad_day import a_tape
from tests.cli.typing_in import REFUSED, RunPy, Said, files_of
from tests.orders import T0, an_open_short
from tests.shared import ROOT
from tests.waiting import until

DONE, USAGE, HELD = 0, 2, 75
LONG_S = 60.0
KEY = "k" * 32

LIVE_AT_TEN = """
import sys
from cli.door import main
from tests.cli.openalgo import it_is
it_is("10:00")
raise SystemExit(main())
"""
"""run.py on a trading day, whatever today is."""


def journal_in(folder: Path) -> bytes:
    """Put a journal with an open short there, and return it."""
    folder.mkdir(exist_ok=True)
    with OrderJournal(folder / JOURNAL, 1, T0) as journal:
        journal.append(tuple(an_open_short().events))
    return (folder / JOURNAL).read_bytes()


def in_a_process(*words: object, env: dict[str, str], cwd: Path) -> "subprocess.Popen[str]":
    """Start run.py on a trading day at ten, as a process."""
    return subprocess.Popen(
        [sys.executable, "-c", LIVE_AT_TEN, *map(str, words)],
        cwd=cwd,
        env={
            "PYTHONPATH": str(ROOT),
            "PATH": os.environ["PATH"],
            "TZ": "America/New_York",
            "DOCKER_ENV": "0",
        }
        | env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "sesion: {force_close: '15:10'}",
            "sesion: unknown key; did you mean session? (read from own.yaml; correct it there)",
        ),
        (
            "feed: {rest_poll_ms: soon}",
            (
                "feed.rest_poll_ms: 'soon' is not allowed; allowed is a whole number of "
                "milliseconds from 500 to 10,000; the default is 1500 (read from own.yaml; correct "
                "it there)"
            ),
        ),
        (
            "session: {force_close: '25:00'}",
            (
                "session.force_close: '25:00' is not allowed; allowed is a time of day as HH:MM or "
                "HH:MM:SS; the default is 15:15:00 (read from own.yaml; correct it there)"
            ),
        ),
        (
            "universe: {underlying: GOLD}",
            (
                "universe.underlying: GOLD is not allowed; the dated rules know NIFTY, BANKNIFTY, "
                "FINNIFTY, MIDCPNIFTY, NIFTYNXT50, SENSEX (read from own.yaml; correct it there)"
            ),
        ),
        (
            "strategies: [{tag: one}, {tag: two}]",
            (
                "strategies: 2 strategies are not allowed; allowed is exactly one: several at once "
                "come with a later version (read from own.yaml; correct it there)"
            ),
        ),
        ("feed: {", "own.yaml line 2, column 1: expected the node content, but found '<stream "),
    ],
)
@pytest.mark.parametrize("command", [("live",), ("sandbox",), ("sandbox", "--speed", "max")])
def test_bad_setting_refuses_every_command_before_anything_is_made(
    run_py: RunPy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    text: str,
    line: str,
) -> None:
    monkeypatch.setenv("OPENALGO_API_KEY", KEY)
    (tmp_path / "own.yaml").write_text(text + "\n")
    assert run_py(*command, "--config", "own.yaml").refusal().startswith(line)
    assert list(files_of(tmp_path)) == ["own.yaml"]


def test_every_bad_setting_has_its_line(run_py: RunPy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENALGO_PORT", "70000")
    monkeypatch.setenv("PAPER_TRADING", "perhaps")
    monkeypatch.setenv("SUTRADHAR_FEED__STALE_S", "1")
    said = run_py("live")
    assert (said.code, said.out) == (REFUSED, "")
    assert sorted(line.partition(": ")[0] for line in said.errors) == [
        "feed.stale_s",
        "openalgo.paper_trading",
        "openalgo.port",
    ]
    assert len(said.err.splitlines()) == 3


def test_missing_key_says_where_to_put_it(run_py: RunPy, tmp_path: Path) -> None:
    assert run_py("live").refusal() == (
        "openalgo.api_key: is missing; set OPENALGO_API_KEY in the environment or .env to the key "
        "that OpenAlgo shows under API Key"
    )
    assert files_of(tmp_path) == {}


def test_malformed_key_is_refused_and_not_shown(
    run_py: RunPy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENALGO_API_KEY", "abc def 0123456789")
    said = run_py("live")
    assert said.refusal() == (
        "openalgo.api_key: *** (18 characters) is not allowed; allowed is 1 to 256 visible ASCII "
        "characters: copy the key from OpenAlgo once more (read from OPENALGO_API_KEY in the "
        "environment; correct it there)"
    )
    assert "0123456789" not in said.err


def test_server_over_plain_http_is_one_problem_of_the_host(
    run_py: RunPy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENALGO_API_KEY", KEY)
    monkeypatch.setenv("OPENALGO_HOST", "algo.example.org")
    line = run_py("live").refusal()
    assert line.startswith("openalgo.host: http://algo.example.org:5000 is not allowed: the key ")
    assert line.endswith("(read from OPENALGO_HOST in the environment; correct it there)")


@pytest.mark.incident("INC-104")
@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("file", "File exists"),
        ("file/deeper", "Not a directory"),
        ("/proc/sutradhar", "No such file or directory"),
        ("has-a-folder-for-a-lock", "Is a directory"),
    ],
)
@pytest.mark.parametrize("command", [("live",), ("sandbox", "--speed", "max")])
def test_unwritable_folder_is_named_and_refused(
    run_py: RunPy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    place: str,
    why: str,
) -> None:
    """Root may write anywhere, but into these."""
    (tmp_path / "file").touch()
    (tmp_path / "has-a-folder-for-a-lock" / "lock").mkdir(parents=True)
    before = files_of(tmp_path)
    monkeypatch.setenv("OPENALGO_API_KEY", KEY)
    assert run_py(*command, "--state-dir", place).refusal() == (
        f"--state-dir {place}: cannot be written ({why}); name a folder you may write to"
    )
    assert files_of(tmp_path) == before


def test_exchange_that_cannot_keep_its_truth_does_not_open(run_py: RunPy, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = run_py("exchange", "--port", 0, "--ws-port", 0, "--state-dir", "file")
    assert said.refusal() == (
        "state directory file: truth.jsonl cannot be written (File exists); name a folder you may "
        "write to"
    )


@pytest.mark.parametrize("command", [("live",), ("sandbox", "--speed", "max"), ("sandbox",)])
def test_held_state_directory_names_who_holds_it_and_loses_nothing(
    run_py: RunPy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("OPENALGO_API_KEY", KEY)
    state = tmp_path / "held"
    journal_in(state)
    with locked(state):
        before = files_of(state)
        line = run_py(*command, "--state-dir", "held").refusal(HELD)
        assert line == (
            f"--state-dir held: the agent with pid {os.getpid()} holds it; end that one or name "
            "another folder"
        )
        assert files_of(state) == before


def test_damaged_journal_of_a_paper_day_is_left_as_it_is(run_py: RunPy, tmp_path: Path) -> None:
    """An agent of `run.py live` would set it aside and protect what it finds in the books."""
    state = tmp_path / "state"
    whole = journal_in(state)
    damaged = b"\0" * 512 + whole[512:]
    (state / JOURNAL).write_bytes(damaged)
    said = run_py("sandbox", "--speed", "max", "--state-dir", "state")
    assert said.code == REFUSED
    assert said.error.startswith("the order journal state/orders.db cannot be used: ")
    assert "Move the file aside (keep it)" in said.error
    assert (state / JOURNAL).read_bytes() == damaged


def test_journal_of_another_exchange_is_left_as_it_is(run_py: RunPy, tmp_path: Path) -> None:
    journal = journal_in(tmp_path / "state")
    said = run_py("sandbox", "--speed", "max", "--date", "2026-11-20", "--state-dir", "state")
    assert said.code == REFUSED
    assert said.error.startswith("state/truth.jsonl: [Errno 2] No such file or directory")
    assert said.error.endswith("; name a fresh folder, or restore the file")
    assert (tmp_path / "state" / JOURNAL).read_bytes() == journal


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "own.csv cannot be read (No such file or directory); check the path"),
        (b"\xff\xfe", "own.csv cannot be read: 'utf-8' codec can't decode byte 0xff"),
        (b"open,high\n1,1\n", "own.csv: column low, close, volume is missing; bars are rows of "),
        (b"open,high,low,close,volume\n1,2,1,x,1\n", "own.csv row 2: close 'x' is not a number"),
    ],
)
def test_bad_bars_print_one_line_and_no_swing(
    run_py: RunPy, tmp_path: Path, content: bytes | None, line: str
) -> None:
    if content is not None:
        (tmp_path / "own.csv").write_bytes(content)
    assert run_py("swings", "--bars", "own.csv").refusal().startswith(line)


@pytest.mark.parametrize(
    "words",
    [
        ("swings",),
        ("live", "--speed", "60"),
        ("sandbox", "--seed", "x"),
        ("sandbox", "extra"),
        ("exchange", "--port", "x"),
        ("doctor", "--ticks", "many", "NIFTY"),
    ],
)
def test_wrong_usage_is_one_line_that_names_the_help(run_py: RunPy, words: tuple[str, ...]) -> None:
    line = run_py(*words).refusal(USAGE)
    assert line.endswith(f"; see run.py {words[0]} --help")


@pytest.mark.parametrize("word", ["sandpit", "--bogus"])
def test_wrong_command_is_sent_to_the_list_of_all(run_py: RunPy, word: str) -> None:
    assert run_py(word).refusal(USAGE).endswith("; see run.py --help")


def test_ctrl_c_while_all_is_imported_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    ran = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), "sandbox"],
        check=False,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=LONG_S,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")


def test_exchange_of_our_own_is_not_blamed_for_what_an_earlier_one_said(tmp_path: Path) -> None:
    """What only the exchange finds out comes from its log, which several may have written."""
    (tmp_path / "day.csv").write_text(a_tape("NIFTY", "NIFTY17JUN21157OOCE"))
    state = tmp_path / "state"
    state.mkdir()
    (state / "exchange.log").write_text("error: said by another one\n")
    words = ("sandbox", "--tape", tmp_path / "day.csv", "--state-dir", state)
    ran = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), *map(str, words), "--no-color"],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LONG_S,
    )
    line = Said(ran.returncode, ran.stdout, ran.stderr).refusal()
    assert line.startswith("sandbox.tape.file: ")
    assert "NIFTY17JUN21157OOCE" in line
    assert (state / "exchange.log").read_text().startswith("error: said by another one\n")


def test_server_that_cannot_be_reached_is_waited_for_and_named_to_whoever_looks(
    tmp_path: Path, run_py: RunPy
) -> None:
    """Before the login nothing is there yet, so nobody crashes, and SIGTERM ends it at once.

    Neither does a torn recording stop it: nobody else would look after the shorts of a crash.
    """
    (tmp_path / "rec").mkdir()
    (tmp_path / "rec" / "2026-11-20.parquet").write_bytes(b"PAR1 this is no parquet")
    env = {"OPENALGO_API_KEY": KEY, "OPENALGO_PORT": "1"}
    state = tmp_path / "state"

    def waits() -> bool:
        path = state / "status.json"
        if not path.exists():
            return False
        return msgspec.json.decode(path.read_bytes(), type=Status).mode == "WAIT_LOGIN"

    words = ("live", "--state-dir", state, "--record", "rec")
    with in_a_process(*words, env=env, cwd=tmp_path) as agent:
        try:
            until(waits, LONG_S)
            seen = run_py("status", "--state-dir", state)
            with in_a_process("live", "--state-dir", state, env=env, cwd=tmp_path) as second:
                out, err = second.communicate(timeout=LONG_S)
            agent.send_signal(signal.SIGTERM)
            _, log = agent.communicate(timeout=LONG_S)
        finally:
            agent.kill()
    assert seen.code == DONE
    assert seen.out.endswith(
        "[RECOMMENDATION]\nOpenAlgo does not answer at http://127.0.0.1:1: start it, the agent "
        "goes on by itself\n"
    )
    assert Said(second.returncode, out, err).refusal(HELD) == (
        f"--state-dir {state}: the agent with pid {agent.pid} holds it; end that one or name "
        "another folder"
    )
    assert agent.returncode == DONE
    assert "trading 2026-11-20 by http://127.0.0.1:1 and ws://127.0.0.1:8765, analyzer mode" in log
    assert (
        "the server does not answer status=0 connect; asking again every 30 s: start OpenAl" in log
    )
    assert "not recording, the session goes on without: rec/2026-11-20.parquet: cannot be " in log
    assert "Traceback" not in log
    assert KEY not in log
