"""Ground truth on disk survives a crash and belongs to one process."""

from pathlib import Path

import pytest

from domain.errors import ConfigError
from sandbox.truth import Started, Truth
from sandbox.truth_file import TruthFile
from tests.sandbox.stage import AT, DAY


def wrote(folder: Path, rows: int) -> None:
    file = TruthFile(folder)
    truth = Truth(file.append, file.rows)
    for n in range(rows):
        row = Started(day=DAY, source="synthetic", random_seed=n, regime="calm", made_up=False)
        truth.add(AT, row)
    file.close()


def seqs(folder: Path) -> list[int]:
    file = TruthFile(folder)
    file.close()
    return [row.seq for row in file.rows]


def test_rows_are_there_again_and_go_on(tmp_path: Path) -> None:
    wrote(tmp_path / "state", 2)
    wrote(tmp_path / "state", 1)
    assert seqs(tmp_path / "state") == [1, 2, 3]


def test_row_is_the_systems_before_the_next_one(tmp_path: Path) -> None:
    file = TruthFile(tmp_path)
    file.append(b"x\n")
    assert file.path.read_bytes() == b"x\n"
    file.close()


def test_torn_last_row_is_cut_off(tmp_path: Path) -> None:
    wrote(tmp_path, 2)
    path = tmp_path / "truth.jsonl"
    whole = path.read_bytes()
    for cut in (1, 20, len(whole) // 2 - 1):
        path.write_bytes(whole[:-cut])
        assert seqs(tmp_path) == [1]
        wrote(tmp_path, 1)
        assert seqs(tmp_path) == [1, 2]


def test_damaged_rows_are_not_built_upon(tmp_path: Path) -> None:
    wrote(tmp_path, 2)
    path = tmp_path / "truth.jsonl"
    path.write_bytes(b"{}\n" + path.read_bytes())
    with pytest.raises(ConfigError, match="move it away"):
        TruthFile(tmp_path)


def test_second_exchange_is_refused(tmp_path: Path) -> None:
    first = TruthFile(tmp_path)
    with pytest.raises(ConfigError, match=f"state directory {tmp_path}: another exchange"):
        TruthFile(tmp_path)
    first.close()
    TruthFile(tmp_path).close()


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match=r"state directory .*name a folder you may write to"):
        TruthFile(tmp_path / "file" / "state")


def test_state_is_private(tmp_path: Path) -> None:
    wrote(tmp_path / "state", 1)
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0
    assert (tmp_path / "state" / "truth.jsonl").stat().st_mode & 0o077 == 0
