"""One agent a state directory; who only looks at it keeps none from starting."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from cli.session import LOCK, Locked, is_held, locked


def a_look(folder: Path) -> int:
    """What `status` does, held on to."""
    lock = os.open(folder / LOCK, os.O_RDONLY | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


def test_look_at_the_state_directory_keeps_no_agent_from_starting(tmp_path: Path) -> None:
    look, pauses = a_look(tmp_path), list[int]()

    def pause() -> None:
        pauses.append(1)
        if len(pauses) == 3:
            os.close(look)

    with locked(tmp_path, pause):
        assert is_held(tmp_path)
    assert len(pauses) == 3
    assert not is_held(tmp_path)


def test_second_agent_is_refused_at_once_and_told_of_the_first(tmp_path: Path) -> None:
    pauses = list[int]()
    with locked(tmp_path):
        with pytest.raises(Locked, match=f"the agent with pid {os.getpid()} holds it"):
            locked(tmp_path, lambda: pauses.append(1)).__enter__()
        assert is_held(tmp_path)
    assert pauses == []


def test_look_that_never_ends_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    look, pauses = a_look(tmp_path), list[int]()
    with pytest.raises(Locked):
        locked(tmp_path, lambda: pauses.append(1)).__enter__()
    assert len(pauses) == 50
    os.close(look)


def test_lock_holds_where_the_disk_takes_no_pid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with locked(tmp_path):
        assert is_held(tmp_path)
    assert "does not name this process: [Errno 28] No space left on device" in caplog.text


def test_pid_of_an_earlier_holder_is_written_over_in_place(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("4711471147\n")
    with locked(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
