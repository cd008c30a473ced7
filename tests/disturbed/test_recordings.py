"""A recorder against the paper exchange over real sockets: killed, begun again, told to end."""

import signal
from pathlib import Path

import polars as pl
import pytest

from cli.interrupted import EXIT_CODE as INTERRUPTED
from domain.units import Day
from research import recording
from sandbox.truth import Arrived
from tests.e2e.paper import Paper, paper
from tests.e2e.sessions import LONG_S, Truth, done, run, summary_of
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DAY = Day("2026-11-19")


def name_server(monkeypatch: pytest.MonkeyPatch, exchange: Paper) -> None:
    """Let the environment name the exchange, as it would an OpenAlgo server."""
    host, _, port = exchange.url.removeprefix("http://").partition(":")
    for name, value in {
        "OPENALGO_HOST": host,
        "OPENALGO_PORT": port,
        "OPENALGO_WS_URL": exchange.ws_url,
        "OPENALGO_API_KEY": "sandbox",
    }.items():
        monkeypatch.setenv(name, value)


def parts(folder: Path) -> pl.DataFrame:
    """What is safe by now: the rows of every part."""
    found = recording.numbered(folder, DAY).values()
    return pl.concat([recording.load(path).rows for path in found])


def test_killed_recorder_keeps_every_part_and_the_day_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tapes = tmp_path / "tapes"
    state = tmp_path / "exchange"
    options = {"begin": "09:14", "speed": 60, "wait": True, "state_dir": state}
    with paper(tmp_path, **options) as exchange:
        name_server(monkeypatch, exchange)
        with run(tmp_path / "first", "record", out=tapes) as first:
            until(lambda: len(recording.numbered(tapes, DAY)) > 1, LONG_S)
            second = done("record", "--out", tapes, cwd=tmp_path)
            assert second.returncode == 75, second.stderr
            assert f"--out {tapes}: the recorder with pid {first.process.pid}" in second.stderr
            first.send(signal.SIGKILL)
            assert first.wait() == -signal.SIGKILL
        safe = parts(tapes)
        last = max(recording.numbered(tapes, DAY))
        half = recording.part(tapes, DAY, last + 1)
        half.with_name(half.name + recording.ASIDE).write_bytes(b"PAR1 and no more")
        with run(tmp_path / "second", "record", out=tapes) as third:
            until(lambda: max(recording.numbered(tapes, DAY), default=0) > last, LONG_S)
            third.send(signal.SIGTERM)
            assert third.wait() == INTERRUPTED
        assert exchange.end() == 0
    assert not [row for row in Truth(state).rows if isinstance(row.payload, Arrived)]
    said = (tmp_path / "second" / "said.txt").read_text()
    assert f"recording of {DAY} was left in parts" in said
    assert "a part was never finished and is lost" in said
    whole = recording.load(recording.file_of(tapes, DAY)).rows
    assert whole.head(safe.height).rows() == recording.in_order(safe).rows()
    assert f"ticks={whole.height} symbols=83" in said
    assert whole.height > safe.height
    played = play(recording.file_of(tapes, DAY), tmp_path)
    assert played["symbols"] == 82
    assert played["invariants_broken"] == []


def play(tape: Path, folder: Path) -> dict[str, object]:
    """Play a recording in virtual time; after its end nothing is sent any more."""
    summary = folder / "out.json"
    played = done(
        "sandbox",
        *("--tape", tape, "--speed", "max", "--from", "09:14", "--until", "10:16"),
        *("--state-dir", folder / "state", "--summary", summary),
        cwd=folder,
    )
    assert "Traceback" not in played.stderr
    return summary_of(summary)
