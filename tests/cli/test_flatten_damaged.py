"""`flatten` with a journal that is damaged: the tool of last resort needs none."""

import os
import signal
from pathlib import Path

import pytest

from cli.dropbox import KILL
from cli.session import LOCK
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
from tests.e2e.paper import paper
from tests.e2e.sessions import Truth


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return a_folder(tmp_path)


def damage(folder: Path) -> None:
    """Nothing is left of the journal but its name; who has it open keeps the old file."""
    for name in ("orders.db", "orders.db-wal", "orders.db-shm"):
        (folder / name).unlink(missing_ok=True)
    (folder / "orders.db").write_bytes(b"\x55" * 60_000)


def test_damaged_journal_counts_as_none(run_py: RunPy, folder: Path) -> None:
    damage(folder)
    before = kept(folder)
    said = run_py("flatten", "--dry-run")
    assert (said.code, said.err) == (PROVED, "")
    assert said.out.splitlines() == [
        "state/orders.db is damaged and counts for nothing: file is not a database",
        "would take the lock and leave everything from this process; no agent runs",
        "no journal of today: would list MIS shorts and buy back those named with --symbol",
    ]
    assert kept(folder) == before


@pytest.mark.slow
def test_agent_whose_journal_cannot_be_read_is_asked_all_the_same(
    run_py: RunPy, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTRADHAR_FLATTEN__TAKEOVER_S", "5")
    with an_agent_that_hangs(folder) as agent:
        damage(folder)
        said = run_py("flatten")
        assert (said.code, said.err, agent.poll()) == (STUCK, "", None)
        assert "state/orders.db cannot be read: file is not a database. Move the fi" in said.out
        assert (folder / KILL).read_text() == "FLATTEN"
        (folder / LOCK).write_text(f"{os.getpid()}\n")
        told = run_py("flatten", "--force").error
        assert told.startswith(f"state/lock names pid {os.getpid()}, the kernel does not; the ord")
        (folder / LOCK).write_text(f"{agent.pid}\n")
        run_py("flatten", "--force")  # and then there is no server to speak to
        assert agent.wait(SOON_S) == -signal.SIGKILL


@pytest.mark.slow
def test_damaged_journal_is_kept_aside_and_named_shorts_are_left(
    run_py: RunPy, tmp_path: Path
) -> None:
    folder = tmp_path / "exchange"
    folder.mkdir()
    with paper(folder, begin="10:00", speed=SPEED, state_dir=folder) as running:
        a_short(running, CE)
        words = ("--state-dir", folder, "--attach", running.url.removeprefix("http://"))
        run_py("flatten", *words, "--no-color", "--symbol", CE)
        a_short(running, PE)
        damage(folder)
        listed = run_py("flatten", *words, "--no-color")
        assert (listed.code, listed.err) == (NOT_PROVED, "")
        assert f"  {PE} short 65\nnothing was done: name each one" in listed.out
        left = run_py("flatten", *words, "--no-color", "--symbol", PE)
        assert (left.code, left.out.splitlines()[-1]) == (PROVED, "the book is proved flat")
        assert Truth(folder).net(PE) == 0
        assert (folder / "orders.db.corrupt-1").read_bytes() == b"\x55" * 60_000
