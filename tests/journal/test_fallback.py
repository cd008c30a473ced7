"""The fallback journal: on the disk before it answers, whole up to the first doubt."""

import os
import zlib
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import events as ev
from domain.errors import JournalError, JournalNewer
from journal.fallback import RESERVE, SIZE, Fallback, Found, Record, parse, read
from tests.journal.test_orders import DAY_EVENTS
from tests.orders import T0

Events = tuple[ev.Event, ...]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fallback.log"


def latch(name: str) -> ev.Event:
    return ev.LatchSet(at=T0, name=name, reason="")


def filled(path: Path, *records: Events, boot: int = 1) -> list[int]:
    """Write records numbered from 1 and return where each ends."""
    spare, seq, ends = Fallback(path), 1, []
    for events in records:
        spare.append(boot, seq, events)
        seq += len(events)
        ends.append(spare._end)
    spare.close()
    return ends


def test_records_are_read_back_in_order(path: Path) -> None:
    end = filled(path, DAY_EVENTS[:2], DAY_EVENTS[2:3], boot=7)[-1]
    first = Record(boot=7, seq=1, events=DAY_EVENTS[:2])
    second = Record(boot=7, seq=3, events=DAY_EVENTS[2:3])
    assert read(path) == Found(records=(first, second), end=end)


def test_file_has_its_size_from_the_start(path: Path) -> None:
    Fallback(path).close()
    assert path.stat().st_size == SIZE
    assert path.stat().st_blocks * 512 >= SIZE
    assert path.stat().st_mode & 0o777 == 0o600
    filled(path, DAY_EVENTS)
    assert path.stat().st_size == SIZE


def test_file_that_was_never_written_holds_nothing(path: Path) -> None:
    assert read(path) == Found(records=(), end=0)
    Fallback(path).close()
    assert read(path) == Found(records=(), end=0)


def test_record_is_on_the_disk_before_it_is_answered(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spare = Fallback(path)
    seen: list[int] = []
    sync = os.fsync

    def synced(file: int) -> None:
        sync(file)
        seen.append(len(read(path).records))

    monkeypatch.setattr(os, "fsync", synced)
    spare.append(1, 1, DAY_EVENTS[:1])
    spare.append(1, 2, DAY_EVENTS[1:2])
    assert seen == [1, 2]


def test_next_process_goes_on_behind_the_last_record(path: Path) -> None:
    filled(path, DAY_EVENTS[:1])
    spare = Fallback(path)
    assert len(spare.found.records) == 1
    spare.append(2, 2, DAY_EVENTS[1:2])
    assert [record.boot for record in read(path).records] == [1, 2]


def test_emptied_file_holds_nothing_of_before(path: Path) -> None:
    """A shorter record over a longer one must not bring the one behind it back."""
    spare = Fallback(path)
    spare.append(1, 1, [latch("A")])
    spare.append(1, 2, [latch("B")])
    spare.empty()
    assert not any(path.read_bytes())
    spare.append(1, 3, [latch("C")])
    assert [record.seq for record in read(path).records] == [3]


def test_crash_while_emptying_leaves_nothing_to_be_read(path: Path) -> None:
    filled(path, DAY_EVENTS[:1], DAY_EVENTS[1:2])
    data = path.read_bytes()
    path.write_bytes(bytes(8) + data[8:])
    assert read(path) == Found(records=(), end=0)
    spare = Fallback(path)
    assert not any(path.read_bytes())
    spare.append(1, 5, DAY_EVENTS[:1])
    assert [record.seq for record in read(path).records] == [5]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0), junk=st.binary(max_size=40))
def test_torn_last_record_is_ignored(path: Path, cut: int, junk: bytes) -> None:
    first, second = filled(path, DAY_EVENTS[:2], DAY_EVENTS[2:4])
    data = path.read_bytes()
    path.unlink()
    kept = first + cut % (second - first)
    torn = data[:kept] + junk[: second - kept] + bytes(SIZE - kept - len(junk[: second - kept]))
    if torn != data:
        found = parse(torn)
        assert [record.seq for record in found.records] == [1]
        assert found.end == first


@pytest.mark.parametrize("number", [0, 1])
def test_damage_in_the_middle_stops_there_and_is_reported(
    path: Path, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    ends = [0, *filled(path, DAY_EVENTS[:1], DAY_EVENTS[1:2], DAY_EVENTS[2:3])]
    data = bytearray(path.read_bytes())
    data[ends[number] + 12] ^= 1
    path.write_bytes(data)
    says = f"record {number + 1} at byte {ends[number]} is damaged"
    spare = Fallback(path)
    assert spare.found.damage == says
    assert [record.seq for record in spare.found.records] == [1][:number]
    assert f"{path}: {says}; a copy is kept as fallback.log.corrupt-1" in caplog.text
    assert path.with_name("fallback.log.corrupt-1").read_bytes() == data
    spare.append(2, number + 1, DAY_EVENTS[:1])
    assert read(path).damage == ""
    assert [record.seq for record in read(path).records] == [1, 2][: number + 1]


def test_full_file_refuses_and_keeps_what_it_has(path: Path) -> None:
    spare = Fallback(path)
    large = [latch("X" * 60_000)]
    count = SIZE // 60_100
    for seq in range(1, count + 1):
        spare.append(1, seq, large)
    with pytest.raises(JournalError, match=f"the fallback journal {path} is full"):
        spare.append(1, count + 1, large)
    assert len(read(path).records) == count
    assert path.stat().st_size == SIZE


def test_what_is_no_exit_fills_half_of_it(path: Path) -> None:
    spare = Fallback(path)
    spare.append(1, 1, [latch("X" * (SIZE - RESERVE - 1000))], reserve=RESERVE)
    with pytest.raises(JournalError, match="is full"):
        spare.append(1, 2, [latch("X" * 1000)], reserve=RESERVE)
    spare.append(1, 2, [latch("X" * 1000)])
    assert len(read(path).records) == 2


def test_disk_that_fails_is_named_and_the_record_is_none(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spare = Fallback(path)
    spare.append(1, 1, DAY_EVENTS[:1])

    def failing(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing)
        with pytest.raises(JournalError, match=r"did not take a record: .* Input/output error"):
            spare.append(1, 2, DAY_EVENTS[1:3])
    spare.append(1, 2, DAY_EVENTS[1:2])
    assert [record.events for record in read(path).records] == [DAY_EVENTS[:1], DAY_EVENTS[1:2]]


def test_half_a_write_is_no_record(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spare = Fallback(path)
    write = os.pwrite
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", lambda file, data, at: write(file, data[:20], at))
        with pytest.raises(JournalError, match="took half a record"):
            spare.append(1, 1, DAY_EVENTS[:1])
    assert read(path).records == ()
    spare.append(1, 1, DAY_EVENTS[:1])
    assert len(read(path).records) == 1


def test_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"none/fallback\.log cannot be opened: "):
        Fallback(tmp_path / "none" / "fallback.log")


def test_folder_in_its_place_cannot_be_read(path: Path) -> None:
    path.mkdir()
    with pytest.raises(JournalError, match="cannot be read: "):
        read(path)


@pytest.mark.parametrize(
    "payload", [b"[]", b'{"boot":1,"seq":1,"events":[{"schema":2,"event":{}}]}']
)
def test_record_of_a_later_version_is_refused(path: Path, payload: bytes) -> None:
    head = len(payload).to_bytes(4) + zlib.crc32(payload).to_bytes(4)
    path.write_bytes((head + payload).ljust(SIZE, b"\0"))
    before = path.read_bytes()
    with pytest.raises(JournalNewer, match=f"the fallback journal {path} cannot be used: "):
        Fallback(path)
    assert path.read_bytes() == before


@given(sizes=st.lists(st.integers(1, 4), max_size=5), known=st.integers(0, 20))
def test_only_what_goes_on_from_the_journal_is_new(sizes: list[int], known: int) -> None:
    starts = list(accumulate(sizes, initial=3))
    records = tuple(
        Record(boot=1, seq=seq, events=tuple(latch(str(seq + i)) for i in range(size)))
        for seq, size in zip(starts, sizes, strict=False)
    )
    names = [(n, latch(str(n))) for n in range(max(3, known + 1), starts[-1])]
    found = Found(records=records, end=0)
    assert list(found.after(known)) == (names if known >= 2 else [])


def test_event_is_told_once_though_two_records_hold_it() -> None:
    twice = tuple(Record(boot=1, seq=1, events=(latch("1"), latch("2"))) for _ in range(2))
    numbers = [seq for seq, _ in Found(records=twice, end=0).after(0)]
    assert numbers == [1, 2]


def test_unread_bytes_are_no_record() -> None:
    assert parse(b"\0\0\0") == Found(records=(), end=0)
