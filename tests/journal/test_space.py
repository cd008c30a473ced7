"""Entries need room on the disk; what is set aside never covers what was."""

from pathlib import Path

import pytest

from domain.errors import JournalError
from journal.space import free_mb, free_name, shortage


def test_room_is_told_in_mib(tmp_path: Path) -> None:
    assert 0 < free_mb(tmp_path) < 1 << 40


def test_room_of_a_folder_that_is_gone_is_not_known(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="is not known: "):
        free_mb(tmp_path / "gone")


def test_entries_need_as_much_as_is_set() -> None:
    assert shortage(500, 500) == ""
    assert shortage(499, 500) == "499 MB free, journal.min_free_mb is 500"


def test_name_that_is_taken_is_not_given_again(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    names = []
    for _ in range(3):
        name = free_name(path)
        name.touch()
        names.append(name.name)
    assert names == ["orders.db.corrupt-1", "orders.db.corrupt-2", "orders.db.corrupt-3"]
