"""The files of a recorded day: any split comes to the same, and a torn part loses only itself."""

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from domain.market import Source, Tick
from research import recording
from research.recording import RecordingFailed
from tests.draws import at_most
from tests.research.recorded import CALL, DAY, a_tick, day_of, full, some

splits = st.lists(st.integers(0, 7), min_size=1, max_size=8)


def write(folder: Path, number: int, ticks: list[Tick]) -> Path:
    path = recording.part(folder, DAY, number)
    path.parent.mkdir(exist_ok=True)
    recording.keep(path, recording.encoded(recording.frame(ticks), {"day": DAY, "chain": "x"}))
    return path


def write_all(folder: Path, counts: list[int]) -> list[Path]:
    """Write consecutive ticks as parts of these lengths."""
    starts = [sum(counts[:n]) for n in range(len(counts))]
    parts = zip(counts, starts, strict=True)
    return [write(folder, n, some(count, start)) for n, (count, start) in enumerate(parts, 1)]


def test_file_of_a_day_says_what_was_delivered(tmp_path: Path) -> None:
    index = a_tick(1, symbol="NIFTY", exchange="NSE_INDEX", cum_volume=None, source=Source.REST)
    many = a_tick(2, low=14_990, high=15_020, exch_at=a_tick(1).recv_at, epoch=7)
    write(tmp_path, 1, [a_tick(), index, many])
    recording.merge(tmp_path, DAY)
    rows = day_of(tmp_path)
    assert rows.drop("ts", "exch_ts").rows() == [
        (CALL, "NFO", "primary", 1, 0, 150.0, None, None, 0),
        ("NIFTY", "NSE_INDEX", "rest", 1, 1, 150.05, None, None, None),
        (CALL, "NFO", "primary", 7, 2, 150.1, 149.9, 150.2, 130),
    ]
    assert [str(stamp) for stamp in rows["ts"]] == [
        f"2026-11-19 09:15:0{n}+05:30" for n in range(3)
    ]
    assert rows["exch_ts"].to_list() == [None, None, rows["ts"][1]]
    facts = pl.read_parquet_metadata(recording.file_of(tmp_path, DAY))
    assert (facts["day"], facts["chain"], facts["ltp"]) == (DAY, "x", "rupees")
    assert not recording.parts_of(tmp_path, DAY).exists()


@at_most(60)
@given(before=splits, after=splits)
def test_any_split_into_parts_and_mornings_comes_to_the_same(
    before: list[int], after: list[int]
) -> None:
    """`before` is put together already when `after` is written, as on a day that was begun anew."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_all(folder, before)
        recording.merge(folder, DAY)
        for n, count in enumerate(after, 1):
            write(folder, len(before) + n, some(count, sum(before) + sum(after[: n - 1])))
        whole = recording.merge(folder, DAY)
        assert_frame_equal(whole.rows, recording.frame(some(sum(before) + sum(after))))
        assert_frame_equal(day_of(folder), whole.rows)


@at_most(60)
@given(order=st.permutations(range(12)), cut=st.integers(0, 12))
def test_rows_stand_as_they_were_received(order: list[int], cut: int) -> None:
    """Three ticks at each of four instants, handed over in any order and in two parts."""
    ticks = [a_tick(n, recv_at=a_tick(n // 3).recv_at) for n in order]
    with TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, 1, ticks[:cut])
        write(folder, 2, ticks[cut:])
        assert recording.merge(folder, DAY).rows["seq"].to_list() == list(range(12))


@at_most(60)
@given(counts=st.lists(st.integers(1, 7), min_size=1, max_size=6), data=st.data())
def test_torn_part_loses_only_itself(counts: list[int], data: st.DataObject) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        parts = write_all(folder, counts)
        torn = data.draw(st.integers(0, len(parts) - 1))
        content = parts[torn].read_bytes()
        parts[torn].write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
        seqs = recording.merge(folder, DAY).rows["seq"].to_list()
        lost = range(sum(counts[:torn]), sum(counts[: torn + 1]))
        assert seqs == [n for n in range(sum(counts)) if n not in lost]
        assert recording.merge(folder, DAY).rows["seq"].to_list() == seqs
        assert recording.left_over(folder) == []


def test_half_written_part_is_removed_with_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (part,) = write_all(tmp_path, [3])
    half = part.with_name("000002.parquet.tmp")
    half.write_bytes(part.read_bytes()[:100])
    assert recording.left_over(tmp_path) == [DAY]
    assert recording.merge(tmp_path, DAY).rows.height == 3
    assert "a part was never finished and is lost" in caplog.text
    assert not half.exists()


def test_folders_that_are_named_otherwise_are_left_alone(tmp_path: Path) -> None:
    (part,) = write_all(tmp_path, [3])
    for name in ("foo", "20261119", "2026-W47-4", "2026-11-31", ""):
        other = tmp_path / f"{name}.parts"
        other.mkdir()
        (other / part.name).write_bytes(part.read_bytes())
    assert recording.left_over(tmp_path) == [DAY]


def test_crash_between_file_and_parts_doubles_nothing(tmp_path: Path) -> None:
    """The day's file is named, the parts in it are not removed yet."""
    parts = {path: path.read_bytes() for path in write_all(tmp_path, [3, 4])}
    recording.merge(tmp_path, DAY)
    for path, content in parts.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    write(tmp_path, 3, some(2, 7))
    assert recording.merge(tmp_path, DAY).rows["seq"].to_list() == list(range(9))


def test_parts_stay_where_the_file_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = write_all(tmp_path, [3])
    with monkeypatch.context() as patched:
        patched.setattr(recording, "keep", full)
        with pytest.raises(RecordingFailed, match=r"No space left .* its 1 parts are kept in .*"):
            recording.merge(tmp_path, DAY)
    assert all(path.exists() for path in parts)
    assert recording.merge(tmp_path, DAY).rows.height == 3


def test_file_that_is_none_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = recording.file_of(tmp_path, DAY)
    path.write_bytes(b"PAR1 this is no parquet")
    parts = write_all(tmp_path, [1])
    with pytest.raises(
        RecordingFailed, match=r"2026-11-19\.parquet: cannot be read: .*move it away"
    ):
        recording.merge(tmp_path, DAY)
    assert all(each.exists() for each in (path, *parts))


def test_failed_write_leaves_no_name_behind(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "x.parquet"
    with pytest.raises(FileNotFoundError):
        recording.keep(path, b"x")
    path.parent.mkdir()
    recording.keep(path, b"x")
    assert [each.name for each in path.parent.iterdir()] == ["x.parquet"]
