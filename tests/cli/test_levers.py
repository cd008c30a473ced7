"""`freeze`, `resume`, `halt`, `clear`, `ack-foreign`: of a dead agent, and of one that answers."""

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from cli import dropbox, levers
from cli.dropbox import KILL, Answer, Dropbox, Request
from cli.session import locked
from domain import clock
from domain.events import Event, ForeignAcknowledged, LatchSet, ModeChanged
from domain.ledger import Ledger
from domain.levers import Lever
from domain.reasons import LATCHES, REASONS, remedy
from domain.session import trading_day
from domain.units import Micros
from journal.fallback import NAME as FALLBACK
from journal.fallback import Fallback
from journal.orders import JournalReader, OrderJournal
from tests.cli.openalgo import DAY, it_is
from tests.cli.typing_in import RunPy, files_of
from tests.domain.test_status import a_status
from tests.waiting import until

DONE, FAILED, NOT_RUNNING, BAD_INPUT = 0, 1, 3, 78
PAUSE_S = 5.0


@pytest.fixture
def at() -> Micros:
    return it_is("10:00")


@pytest.fixture
def folder(tmp_path: Path, at: Micros) -> Path:
    """The state directory of an agent that ran and died."""
    state = tmp_path / "state"
    state.mkdir()
    left(state, ModeChanged(at=at, mode="ACTIVE", reason=""))
    return state


def left(state: Path, *events: Event) -> None:
    with OrderJournal(state / "orders.db", 4711, clock.now()) as journal:
        journal.append(events)


def events_of(state: Path) -> tuple[Event, ...]:
    return JournalReader(state / "orders.db").after(0, DAY)[0]


def latches(state: Path) -> dict[str, str]:
    return dict(Ledger().fold(events_of(state)).latches)


@contextmanager
def an_agent(state: Path, answer: Answer | None = None) -> Iterator[list[Request]]:
    """Hold the folder, and answer every request so; None never answers."""
    heard: list[Request] = []
    over = threading.Event()

    def live() -> None:
        box = Dropbox(state)
        while not over.is_set():
            for name, request in box.waiting(clock.wall()):
                heard.append(request)
                if answer is not None:
                    box.answer(name, answer)
            over.wait(0.01)

    thread = threading.Thread(target=live)  # noqa: TID251 - the agent
    with locked(state):
        thread.start()
        try:
            yield heard
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize("command", ["freeze", "halt"])
def test_latch_of_a_dead_agent_goes_into_its_journal(
    run_py: RunPy, folder: Path, command: str
) -> None:
    name = command.upper()
    for _ in range(2):
        said = run_py(command)
        told = f"{name} is up in the journal of {DAY}: the agent is not running\n"
        assert (said.code, said.out, said.err) == (DONE, told, "")
    assert latches(folder) == {name: "BY_HAND"}
    assert sum(isinstance(event, LatchSet) for event in events_of(folder)) == 1


@pytest.mark.parametrize("words", [("resume",), ("clear", "--latch", "freeze")])
def test_freeze_is_taken_down_by_either_name(
    run_py: RunPy, folder: Path, words: tuple[str, ...]
) -> None:
    run_py("freeze")
    said = run_py(*words)
    told = f"FREEZE is down in the journal of {DAY}: the agent is not running\n"
    assert (said.code, said.out, latches(folder)) == (DONE, told, {})


def test_latch_that_is_not_up_is_refused_with_those_that_are(run_py: RunPy, folder: Path) -> None:
    run_py("halt")
    assert run_py("resume").refusal(FAILED) == "FREEZE is not up; up: HALT"
    assert latches(folder) == {"HALT": "BY_HAND"}


def test_what_is_no_latch_is_bad_input(run_py: RunPy, folder: Path) -> None:
    run_py("halt")
    told = run_py("clear", "--latch", "hold").refusal(BAD_INPUT)
    assert told == "--latch HOLD: is no latch; up: HALT"


def test_end_of_the_day_is_not_cleared(run_py: RunPy, folder: Path, at: Micros) -> None:
    left(folder, LatchSet(at=at, name="DAY_DONE", reason="DAY_STOP"))
    assert run_py("clear", "--latch", "DAY_DONE").refusal(FAILED).startswith("DAY_DONE ends with")
    assert latches(folder) == {"DAY_DONE": "DAY_STOP"}


def test_file_that_would_raise_the_latch_again_has_to_go_first(run_py: RunPy, folder: Path) -> None:
    run_py("freeze")
    (folder / KILL).touch()
    told = "state/KILL is there and would raise FREEZE again: remove it first (rm state/KILL)"
    assert run_py("resume").refusal(FAILED) == told
    assert latches(folder) == {"FREEZE": "BY_HAND"}
    (folder / KILL).unlink()
    assert (run_py("resume").code, latches(folder)) == (DONE, {})


def test_file_says_nothing_of_other_latches(run_py: RunPy, folder: Path) -> None:
    run_py("halt")
    (folder / KILL).touch()
    assert run_py("clear", "--latch", "HALT").code == DONE


def test_foreign_orders_of_a_dead_agent_are_acknowledged(
    run_py: RunPy, folder: Path, at: Micros
) -> None:
    assert run_py("ack-foreign").code == DONE
    assert isinstance(events_of(folder)[-1], ForeignAcknowledged)


@pytest.mark.parametrize(
    "words", [("freeze",), ("halt",), ("resume",), ("clear", "--latch", "HALT")]
)
def test_folder_without_a_journal_had_no_agent(
    run_py: RunPy, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "empty").mkdir()
    for place in ("nowhere", "empty"):
        told = run_py(*words, "--state-dir", place).refusal(NOT_RUNNING)
        assert told.startswith(f"--state-dir {place}: holds no orders.db, no agent ran there")
    assert files_of(tmp_path) == {"empty": b""}


def test_damaged_journal_is_left_to_the_agent(run_py: RunPy, folder: Path) -> None:
    path = folder / "orders.db"
    path.write_bytes(b"\0" * 8192)
    assert "orders.db cannot be used" in run_py("freeze").refusal(BAD_INPUT)
    assert path.read_bytes() == b"\0" * 8192


def test_what_only_the_fallback_holds_comes_before_the_latch(
    run_py: RunPy, folder: Path, at: Micros
) -> None:
    spare = LatchSet(at=at, name="ORDER_MODE", reason="semi-auto")
    fallback = Fallback(folder / FALLBACK)
    fallback.append(1, 2, [spare])
    fallback.close()
    assert run_py("freeze").code == DONE
    assert events_of(folder)[1] == spare
    assert list(latches(folder)) == ["ORDER_MODE", "FREEZE"]


def test_dead_agent_of_a_paper_exchange_keeps_to_its_own_day(
    run_py: RunPy, folder: Path, at: Micros
) -> None:
    (folder / "truth.jsonl").touch()
    assert "tells the day that was played" in run_py("freeze").refusal(BAD_INPUT)
    played = Micros(at - 86_400_000_000)
    (folder / "status.json").write_bytes(msgspec.json.encode(a_status(at=played)))
    assert f"in the journal of {trading_day(played)}" in run_py("freeze").out


def test_running_agent_is_asked_and_answers(run_py: RunPy, folder: Path) -> None:
    answer = Answer(refusal="", mode="REDUCE_ONLY", latches=("FREEZE",))
    with an_agent(folder, answer) as heard:
        said = run_py("freeze")
    told = "FREEZE is up; the agent is REDUCE_ONLY, latches up: FREEZE\n" + remedy("FREEZE") + "\n"
    assert (said.code, said.out, said.err) == (DONE, told, "")
    assert {(request.lever, request.reason) for request in heard} == {(Lever.FREEZE, "BY_HAND")}
    assert list((folder / "levers").iterdir()) == []
    assert latches(folder) == {}, "its journal is its own"


def test_refusal_of_a_running_agent_is_told(run_py: RunPy, folder: Path) -> None:
    answer = Answer(refusal="FLATTEN stays", mode="REDUCE_ONLY", latches=("FLATTEN",))
    with an_agent(folder, answer) as heard:
        assert run_py("clear", "--latch", "flatten").refusal(FAILED) == "FLATTEN stays"
    assert heard[0].name == "FLATTEN"


def test_agent_that_does_not_answer_is_asked_no_longer(
    run_py: RunPy, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(levers, "ANSWER_S", 0.1)
    with an_agent(folder) as heard:
        told = run_py("freeze").refusal(FAILED)
        assert until(lambda: heard, PAUSE_S)
    assert "did not answer within 0.1 s, and is not asked any more; write state/KILL" in told
    assert list((folder / "levers").iterdir()) == []


def test_full_disk_is_told_with_the_way_that_needs_no_room(
    run_py: RunPy, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path, path: Path) -> None:
        if path.is_file():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with an_agent(folder) as heard:
        monkeypatch.setattr(dropbox, "hand_over", full)
        told = run_py("freeze").refusal(FAILED)
    assert told == (
        "state/levers: cannot be written (No space left on device); make room in state, or signal "
        "the agent, its pid is in the file lock there: kill -USR1 freezes, a second one within "
        "10 s flattens, as `run.py flatten` does then"
    )
    assert (heard, list((folder / "levers").iterdir())) == ([], [])


def test_agent_that_ends_meanwhile_is_a_dead_one(run_py: RunPy, folder: Path) -> None:
    begun = threading.Event()

    def live_shortly() -> None:
        with locked(folder):
            begun.set()
            until(lambda: list((folder / "levers").glob("*.json")), PAUSE_S)

    thread = threading.Thread(target=live_shortly)  # noqa: TID251 - the agent
    thread.start()
    begun.wait()
    said = run_py("freeze")
    thread.join()
    assert (said.code, latches(folder)) == (DONE, {"FREEZE": "BY_HAND"})


def test_every_latch_tells_how_it_is_taken_down() -> None:
    for name in LATCHES:
        assert name == "DAY_DONE" or "run.py" in REASONS[name].remedy
