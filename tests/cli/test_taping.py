"""An agent that records itself: the file is there at the end, and nothing else is different."""

import logging
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cli.session import Locked, Session, locked
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


def test_folder_of_another_recorder_is_refused(tmp_path: Path) -> None:
    with (
        locked(tmp_path),
        pytest.raises(Locked, match=r"--record .* the recorder with pid"),
        taped(tmp_path, a_session(tmp_path), DAY),
    ):
        raise AssertionError


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
