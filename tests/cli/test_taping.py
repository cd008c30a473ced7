"""An agent that records itself: the file is there at the end, and nothing else is different."""

import logging
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cli.session import Session, locked
from cli.taping import taped
from research import recording
from tests import tapes
from tests.cli.typing_in import RunPy
from tests.research.recorded import DAY, full, some


def a_session(folder: Path) -> Session:
    nothing: Any = None
    return Session(settings=nothing, folder=folder)


def test_session_that_records_itself_is_played_as_any_other(run_py: RunPy, tmp_path: Path) -> None:
    tape = tapes.write(
        tmp_path / "day.csv", tapes.Leg(ready="10:02", breaks="10:03"), since="09:40"
    )
    play = ("sandbox", "--tape", tape, "--speed", "max", "--from", "10:00", "--until", "10:16")
    plain = run_py(*play, "--state-dir", "plain")
    taping = run_py(*play, "--state-dir", "taping", "--record", "tapes")
    assert (plain.code, taping.code) == (0, 0), taping.err
    same = "decisions.jsonl"
    assert Path("taping", same).read_bytes() == Path("plain", same).read_bytes()
    assert "recorded tapes/2026-11-19.parquet ticks=" in taping.err
    rows = pl.read_parquet("tapes/2026-11-19.parquet")
    assert set(rows["symbol"]) == {tapes.INDEX, tapes.CALL, tapes.PUT, *tapes.OTHERS}


def not_recording(folder: Path, caplog: pytest.LogCaptureFixture) -> str:
    """Begin a session that is to record, hold it to going on without, and return what was said."""
    session = a_session(folder)
    with taped(folder, session, DAY) as same:
        assert same is session
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    return record.getMessage().removeprefix("not recording, the session goes on without: ")


def test_folder_of_another_recorder_stops_no_session(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with locked(tmp_path):
        said = not_recording(tmp_path, caplog)
    assert said.startswith(f"--record {tmp_path}: the recorder with pid ")
    assert said.endswith(" holds it; end that one or name another folder")


def test_torn_file_stops_no_session_and_is_let_go_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recording.file_of(tmp_path, DAY).write_bytes(b"PAR1 this is no parquet")
    said = not_recording(tmp_path, caplog)
    assert said.startswith(f"{tmp_path}/2026-11-19.parquet: cannot be read: ")
    assert said.endswith("; move it away")
    with locked(tmp_path):
        pass


@pytest.mark.parametrize("is_begun", [True, False])
def test_full_disk_stops_no_session(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    is_begun: bool,
) -> None:
    """Neither where parts of a crash are put together nor where new ones are to lie."""
    if is_begun:
        path = recording.part(tmp_path, DAY, 1)
        path.parent.mkdir()
        recording.keep(path, recording.encoded(recording.frame(some(5)), {}))
        monkeypatch.setattr(recording, "keep", full)
        assert "its 1 parts are kept in" in not_recording(tmp_path, caplog)
    else:
        monkeypatch.setattr(recording, "settle", lambda folder: full(folder, b""))
        assert "cannot be written (No space left on device)" in not_recording(tmp_path, caplog)


def test_folder_that_is_none_stops_no_session(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "file"
    file.touch()
    assert not_recording(file, caplog).startswith(f"--record {file}: cannot be written (")


def test_day_with_a_bad_recording_is_played_all_the_same(run_py: RunPy, tmp_path: Path) -> None:
    tape = tapes.write(tmp_path / "day.csv", since="09:40")
    (tmp_path / "tapes").mkdir()
    torn = tmp_path / "tapes" / "2026-11-19.parquet"
    torn.write_bytes(b"PAR1 this is no parquet")
    said = run_py(
        *("sandbox", "--tape", tape, "--speed", "max", "--from", "10:00", "--until", "10:16"),
        *("--state-dir", "there", "--record", "tapes"),
    )
    assert said.code == 0, said.err
    assert "not recording, the session goes on without: tapes/2026-11-19.parquet: " in said.err
    assert torn.read_bytes() == b"PAR1 this is no parquet"


def test_nobody_records_unless_told_to(tmp_path: Path) -> None:
    session = a_session(tmp_path)
    with taped(None, session, DAY) as same:
        assert same is session
    assert list(tmp_path.iterdir()) == []


def test_disk_that_says_no_at_the_end_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with taped(tmp_path, a_session(tmp_path), DAY) as session:
        assert session.take is not None
        session.take(some(5))
        monkeypatch.setattr(recording, "keep", full)
    assert caplog.records[-1].levelno == logging.ERROR
    assert "No space left on device); its 1 parts are kept in" in caplog.text
    monkeypatch.undo()
    assert recording.merge(tmp_path, DAY).rows.height == 5
