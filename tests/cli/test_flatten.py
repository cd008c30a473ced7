"""`flatten` and `reconcile`: on a real exchange, of a dead agent, of one that stands still."""

import errno
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cli.dropbox import KILL
from cli.session import LOCK, locked
from domain import clock
from domain.books import Action
from domain.events import LatchSet, ProvedFlat
from domain.ledger import Ledger
from domain.units import Day
from journal.orders import JournalReader, OrderJournal
from sandbox.params import SandboxParams
from tests.cli.flattening import (
    CE,
    NOT_PROVED,
    PE,
    PROVED,
    SOON_S,
    SPEED,
    STUCK,
    a_folder,
    a_short,
    an_agent_that_hangs,
    kept,
)
from tests.cli.typing_in import RunPy
from tests.e2e.paper import Paper, paper
from tests.e2e.sessions import Truth

DAY = Day(SandboxParams().date)
FAILED, BAD_INPUT = 1, 78

OBEDIENT = """
import os, sys
from pathlib import Path
from cli.levers import pause
from cli.session import locked
from domain.events import LatchSet, ProvedFlat
from journal.orders import OrderJournal
folder = Path(sys.argv[1])
kill, at = folder / "KILL", int(sys.argv[2])
with locked(folder), OrderJournal(folder / "orders.db", os.getpid(), at) as journal:
    print("held", flush=True)
    while not kill.exists() or kill.read_text() != "FLATTEN":
        pause()
    journal.append([LatchSet(at=at, name="FLATTEN", reason="KILL_FILE")])
    journal.append([ProvedFlat(at=at, first="a", second="b")])
    sys.stdin.read()
"""

SIGNALLED = """
import os, signal, sys
from pathlib import Path
from cli.levers import pause
from cli.session import locked
from domain.events import LatchSet, ProvedFlat
from journal.orders import OrderJournal
folder, at, taps = Path(sys.argv[1]), int(sys.argv[2]), []
signal.signal(signal.SIGUSR1, lambda *_: taps.append(1))
with locked(folder), OrderJournal(folder / "orders.db", os.getpid(), at) as journal:
    print("held", flush=True)
    while len(taps) < 2:
        pause()
    journal.append([LatchSet(at=at, name="FLATTEN", reason="SIGUSR1")])
    journal.append([ProvedFlat(at=at, first="a", second="b")])
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Paper, Path]]:
    """An exchange at 10:00 and its folder, where no agent ran yet."""
    folder = tmp_path_factory.mktemp("exchange")
    with paper(folder, begin="10:00", speed=SPEED, state_dir=folder) as running:
        yield running, folder


@pytest.mark.slow
def test_shorts_without_a_journal_are_listed_and_left_only_where_named(
    run_py: RunPy, exchange: tuple[Paper, Path]
) -> None:
    running, folder = exchange
    a_short(running, CE)
    a_short(running, PE)
    words = ("--state-dir", folder, "--attach", running.url.removeprefix("http://"))

    listed = run_py("flatten", *words, "--no-color")
    assert (listed.code, listed.err) == (NOT_PROVED, "")
    assert f"  {CE} short 65\n  {PE} short 65\nnothing was done: name each one" in listed.out
    assert not (folder / "orders.db").exists()

    other = run_py("flatten", *words, "--no-color", "--symbol", "NIFTY23NOV2625000CE")
    assert other.code == BAD_INPUT
    assert (
        other.error == "--symbol NIFTY23NOV2625000CE: is no MIS short of this account; see the list"
    )

    left = run_py("flatten", *words, "--no-color", "--symbol", CE)
    assert (left.code, left.out.splitlines()[-1]) == (PROVED, "the book is proved flat")
    truth = Truth(folder)
    assert (truth.net(CE), truth.net(PE)) == (0, -65)
    assert [order.symbol for order in truth.resting(Action.BUY)] == [PE]

    again = run_py("flatten", *words, "--no-color")
    assert (again.code, truth.net(PE)) == (PROVED, -65)

    compared = run_py("reconcile", *words)
    rows = {line.split()[0]: line.split()[-1] for line in compared.out.splitlines()[1:]}
    assert (compared.code, rows) == (0, {CE: "equal", PE: "ours"})
    latched = Ledger().fold(JournalReader(folder / "orders.db").after(0, DAY)[0]).latches
    assert dict(latched) == {"FLATTEN": "BY_HAND"}
    assert not (folder / KILL).exists()


def test_paper_exchange_has_to_be_named(run_py: RunPy, tmp_path: Path) -> None:
    (tmp_path / "truth.jsonl").touch()
    for command in ("flatten", "reconcile"):
        with OrderJournal(tmp_path / "orders.db", 1, clock.now()):
            pass
        (tmp_path / "status.json").unlink(missing_ok=True)
        said = run_py(command, "--state-dir", tmp_path)
        assert (said.code, "Traceback" in said.err) == (BAD_INPUT, False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return a_folder(tmp_path)


def test_halt_is_obeyed_before_flatten(run_py: RunPy, folder: Path) -> None:
    run_py("halt")
    before = kept(folder)
    told = run_py("flatten").refusal(FAILED)
    assert told.startswith("HALT is up, so nothing is sent. Look at the broker's books")
    assert kept(folder) == before


def test_dry_run_says_what_would_be_done_and_does_nothing(run_py: RunPy, folder: Path) -> None:
    before = kept(folder)
    said = run_py("flatten", "--dry-run")
    assert (said.code, said.err) == (PROVED, "")
    assert said.out.splitlines() == [
        "would take the lock and leave everything from this process; no agent runs",
        "no journal of today: would list MIS shorts and buy back those named with --symbol",
    ]
    assert kept(folder) == before


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUTRADHAR_FLATTEN__TAKEOVER_S", "5")


@pytest.mark.slow
def test_agent_that_stands_still_is_told_and_left_alone(
    run_py: RunPy, folder: Path, impatient: None
) -> None:
    with an_agent_that_hangs(folder) as agent:
        said = run_py("flatten")
        assert agent.poll() is None
    assert (said.code, said.err) == (STUCK, "")
    assert said.out.splitlines() == [
        "not proved flat: the agent journaled nothing for 5 s; with --force it is ended",
        "  state/KILL stays: whatever agent is started there flattens",
        "look at the broker's positions and orders, and close by hand what is open",
    ]
    assert (folder / KILL).read_text() == "FLATTEN"


@pytest.mark.slow
def test_agent_is_ended_only_if_it_is_certain_who_it_is(
    run_py: RunPy, folder: Path, impatient: None
) -> None:
    with an_agent_that_hangs(folder) as agent:
        with OrderJournal(folder / "orders.db", os.getpid(), clock.now()):
            pass
        told = run_py("flatten", "--force").error
        assert told == (
            f"state/lock names pid {agent.pid}, orders.db was opened last by pid {os.getpid()}"
        )
        (folder / LOCK).write_text("nobody\n")
        assert run_py("flatten", "--force").error == "state/lock names no process"
        assert agent.poll() is None


def test_agent_that_hangs_is_ended_by_force(run_py: RunPy, folder: Path, impatient: None) -> None:
    with an_agent_that_hangs(folder) as agent:
        said = run_py("flatten", "--force")  # and then there is no server to speak to
        assert agent.wait(SOON_S) == -signal.SIGKILL
    assert f"ended the agent with pid {agent.pid}, which journaled nothing" in said.out
    assert (said.code, "OPENALGO_API_KEY" in said.err) == (BAD_INPUT, True)


def test_proof_of_a_running_agent_is_taken(run_py: RunPy, folder: Path) -> None:
    proved(folder)
    with an_agent_that_hangs(folder):
        said = run_py("flatten")
    assert (said.code, said.out) == (PROVED, "the book is proved flat\n")
    assert not (folder / KILL).exists()


def test_agent_that_proved_it_and_left_between_two_looks_is_believed(
    run_py: RunPy, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as agent:
        agent.enter_context(locked(folder))

        def prove_and_leave() -> None:
            proved(folder)
            agent.close()

        monkeypatch.setattr("cli.following.pause", prove_and_leave)
        said = run_py("flatten")
    assert (said.code, said.out.splitlines()[-1]) == (PROVED, "the book is proved flat")


@pytest.fixture
def full(folder: Path) -> str:
    """A disk that takes no file, as far as KILL goes: what is told of it."""
    (folder / "KILL.new").mkdir()
    return f"state/KILL: cannot be written ({os.strerror(errno.EISDIR)})"


def test_agent_on_a_full_disk_is_signalled(run_py: RunPy, folder: Path, full: str) -> None:
    with an_agent_that_hangs(folder, SIGNALLED) as agent:
        said = run_py("flatten")
    assert (said.code, said.err) == (PROVED, "")
    assert said.out.splitlines()[0] == (
        f"{full}; SIGUSR1 went to the agent with pid {agent.pid} instead, twice is FLATTEN. Make "
        "room in state: until then it leaves the shorts but may not journal it, so look at the "
        "broker's books"
    )
    assert not (folder / KILL).exists()


def test_agent_that_can_be_asked_in_no_way_is_told_of_in_one_line(
    run_py: RunPy, folder: Path, full: str
) -> None:
    with an_agent_that_hangs(folder) as agent:
        (folder / LOCK).write_text("nobody\n")
        told = run_py("flatten").refusal(FAILED)
        assert agent.poll() is None
    assert told == (
        f"{full}, and the agent cannot be signalled: state/lock names no process; make room in "
        "state, or end the agent and flatten again, or close by hand at the broker"
    )


def proved(folder: Path) -> None:
    at = clock.now()
    with OrderJournal(folder / "orders.db", 1, at) as journal:
        latch = LatchSet(at=at, name="FLATTEN", reason="KILL_FILE")
        journal.append([latch, ProvedFlat(at=at, first="a", second="b")])


def test_word_that_an_earlier_try_left_does_not_end_the_next_day(
    run_py: RunPy, folder: Path
) -> None:
    """An agent that stood still left `KILL` behind; the latch is in the journal of this day."""
    (folder / KILL).write_text("FLATTEN")
    proved(folder)
    with an_agent_that_hangs(folder):
        said = run_py("flatten")
    assert (said.code, said.out.splitlines()) == (
        PROVED,
        [
            "the book is proved flat",
            "state/KILL is taken away: the latch FLATTEN is in the journal of this day",
        ],
    )
    assert not (folder / KILL).exists()


def test_file_that_froze_before_is_a_humans_to_remove(run_py: RunPy, folder: Path) -> None:
    (folder / KILL).write_text("gone fishing")
    with an_agent_that_hangs(folder, OBEDIENT):
        said = run_py("flatten")
    assert (said.code, said.out.splitlines()[-2:]) == (
        PROVED,
        [
            "the book is proved flat",
            "state/KILL stays: no agent there enters anything, tomorrow neither (rm state/KILL)",
        ],
    )
    assert (folder / KILL).read_text() == "gone fishing"
