"""The recorder: ticks are left with it and found in the day's file, whatever the disk does."""

from collections.abc import Sequence
from pathlib import Path
from threading import Event

import polars as pl
import pytest

from domain.market import Tick
from domain.units import Day
from research import recorder as recorders
from research import recording
from research.recorder import Recorded, Recorder
from research.recording import RecordingFailed
from tests.research.recorded import DAY, a_tick, day_of, full, some
from tests.waiting import until

LONG_S = 30.0


def test_ticks_come_to_the_file_of_the_day_in_their_order(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, DAY)
    recorder.start()
    for n in range(20):
        recorder.take(some(5, 5 * n))
    recorder.tell(chain="82 contracts")
    path = tmp_path / "2026-11-19.parquet"
    recorded = recorder.close()
    size = path.stat().st_size
    assert recorded == Recorded(path=path, ticks=100, symbols=1, size=size, lost=0)
    assert f"ticks=100 symbols=1 bytes={size} bytes_per_tick={size / 100:.1f} lost=0" in str(
        recorded
    )
    assert day_of(tmp_path)["seq"].to_list() == list(range(100))
    assert recording.load(path).facts["chain"] == "82 contracts"


def test_parts_are_written_while_the_day_goes_on(tmp_path: Path) -> None:
    """What a kill leaves behind: nobody closed this recorder."""
    recorder = Recorder(tmp_path, DAY, part_s=0.01)
    recorder.start()
    for n in range(3):
        recorder.take(some(5, 5 * n))
        until(lambda n=n: len(recording.numbered(tmp_path, DAY)) > n, LONG_S)  # type: ignore[misc]
    following = Recorder(tmp_path, Day("2026-11-20"))
    following.start()
    assert day_of(tmp_path)["seq"].to_list() == list(range(15))
    following.close()
    recorder.close()


def test_day_that_was_begun_goes_on_in_the_same_file(tmp_path: Path) -> None:
    for n in range(3):
        recorder = Recorder(tmp_path, DAY)
        assert recorder.start().rows.height == 10 * n
        recorder.take(some(10, 10 * n))
        recorder.close()
    assert day_of(tmp_path)["seq"].to_list() == list(range(30))


def test_full_disk_is_told_once_and_what_waits_is_written_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    tried, is_full = Event(), True

    def sometimes(path: Path, content: bytes) -> None:
        if is_full:
            tried.set()
            full(path, content)
        recording.keep(path, content)

    recorder = Recorder(tmp_path, DAY, part_s=0.01, write=sometimes)
    recorder.start()
    recorder.take(some(10))
    assert tried.wait(10)
    until(lambda: recorder.fault, LONG_S)
    assert recorder.fault.endswith("000001.parquet: No space left on device; make room")
    is_full = False
    assert recorder.close().lost == 0
    assert recorder.fault == ""
    assert day_of(tmp_path)["seq"].to_list() == list(range(10))
    assert caplog.text.count("recording stands still") == 1
    assert "recording goes on" in caplog.text


def test_what_waits_for_a_full_disk_is_made_a_part_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the agent's process: what grows must not be done again every few seconds."""
    packed: list[int] = []
    tried: list[Path] = []
    frame = recording.frame

    def framed(ticks: Sequence[Tick]) -> pl.DataFrame:
        packed.append(len(ticks))
        return frame(ticks)

    def never(path: Path, content: bytes) -> None:
        tried.append(path)
        full(path, content)

    monkeypatch.setattr(recording, "frame", framed)
    recorder = Recorder(tmp_path, DAY, part_s=0.01, write=never)
    recorder.start()
    for n in range(3):
        recorder.take(some(5, 5 * n))
        until(lambda n=n: sum(packed) > 5 * n, LONG_S)  # type: ignore[misc]
    seen = len(tried)
    until(lambda: len(tried) > seen + 3, LONG_S)
    assert recorder.close().lost == 15
    assert sum(packed) == 15
    assert {path.name for path in tried} == {"000001.parquet"}


def test_ticks_that_no_column_holds_are_lost_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(tmp_path, DAY, part_s=0.01)
    recorder.start()
    recorder.take([a_tick(0), a_tick(1, cum_volume=10**20)])
    until(lambda: recorder.fault, LONG_S)
    assert recorder.fault.startswith("ticks cannot be recorded n=2: no column holds this: ")
    recorder.take(some(3, 2))
    until(lambda: not recorder.fault, LONG_S)
    recorded = recorder.close()
    assert (recorded.ticks, recorded.lost) == (3, 2)
    assert "ticks were lost n=2" in caplog.text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_recorder_that_died_takes_nothing_more_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def bug(path: Path, content: bytes) -> None:
        raise ZeroDivisionError

    recorder = Recorder(tmp_path, DAY, part_s=0.01, write=bug)
    recorder.start()
    recorder.take(some(5))
    until(lambda: not recorder.is_writing, LONG_S)
    assert recorder.fault == "the thread that writes died, see the log"
    assert "recording is over: the thread that writes died" in caplog.text
    for n in range(3):
        recorder.take(some(10, 10 * n))
    assert recorder._queue.empty()
    recorded = recorder.close()
    assert (recorded.ticks, recorded.lost) == (0, 35)


def test_full_disk_loses_nothing_that_was_written(tmp_path: Path) -> None:
    parts = 0

    def two(path: Path, content: bytes) -> None:
        if parts == 2:
            full(path, content)
        recording.keep(path, content)

    recorder = Recorder(tmp_path, DAY, part_s=0.01, write=two)
    recorder.start()
    for n in range(2):
        recorder.take(some(5, 5 * n))
        until(lambda n=n: len(recording.numbered(tmp_path, DAY)) > n, LONG_S)  # type: ignore[misc]
        parts = n + 1
    recorder.take(some(5, 10))
    recorded = recorder.close()
    assert (recorded.ticks, recorded.lost) == (10, 5)
    assert recorder.fault


def test_ticks_beyond_what_may_wait_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorders, "MOST_WAITING", 12)
    go_on = Event()

    def hanging(path: Path, content: bytes) -> None:
        assert go_on.wait(LONG_S)
        recording.keep(path, content)

    recorder = Recorder(tmp_path, DAY, part_s=0.01, write=hanging)
    recorder.start()
    for n in range(3):
        recorder.take(some(5, 5 * n))
    go_on.set()
    recorded = recorder.close()
    assert (recorded.ticks, recorded.lost) == (12, 3)


def test_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(RecordingFailed, match=r"file/2026-11-19\.parts: cannot be written"):
        Recorder(file, DAY).start()


def test_day_without_a_tick_leaves_no_file(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, DAY)
    recorder.start()
    recorded = recorder.close()
    assert (recorded.ticks, recorded.size, list(tmp_path.iterdir())) == (0, 0, [])
