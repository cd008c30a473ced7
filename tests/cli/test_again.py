"""How an agent is started again: kept where it can be, and never in the way of a start."""

import errno
from pathlib import Path

import pytest

from cli.again import NAME, Again, command, keep, recall

AGAIN = Again(restart="run.py live --stay --state-dir x", rejoin="run.py sandbox --attach y")


def test_what_is_kept_is_recalled_and_the_last_word_counts(tmp_path: Path) -> None:
    keep(tmp_path, Again(restart="before"))
    keep(tmp_path, AGAIN)
    assert recall(tmp_path) == AGAIN
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_full_disk_is_said_and_leaves_what_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(path: Path, _: bytes) -> int:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    keep(tmp_path, AGAIN)
    monkeypatch.setattr(Path, "write_bytes", full)
    keep(tmp_path, Again(restart="run.py live"))
    assert recall(tmp_path) == AGAIN
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert "No space left on device; start again with: run.py live" in caplog.text


def test_folder_without_a_word_is_told_by_its_other_files(tmp_path: Path) -> None:
    assert recall(tmp_path) == Again(restart=command("live", tmp_path))
