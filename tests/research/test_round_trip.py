"""A session is played and recorded; the recording is played; both agents saw the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from msgspec.structs import replace

from actors.pump import Pump
from cli.virtual import Parts
from config import pack
from domain.market import Bar, Provenance, Tick, minute_of
from domain.session import instant
from domain.units import Micros
from messages.market import BarClosed, TicksSeen
from research import recording
from research.recorder import Recorder
from sandbox.exchange import Exchange, Setup
from sandbox.kinds import PriceOut
from sandbox.market.tape import read
from sandbox.market.ticks import TickTape
from sandbox.params import SandboxParams
from sandbox.truth import Truth
from tests.days import Stage, a_stage
from tests.research.recorded import DAY

BEGIN, END = "09:14", "09:29"
BROKEN = {
    "id": "gone",
    "at": "ws:conn",
    "when": {"at": "09:20:30"},
    "do": {"close": {"code": 1006}},
}
MUTE = {
    "id": "mute",
    "at": "ws:conn",
    "when": {"between": ["09:20", "09:26"]},
    "do": {"silent": {"pong": True}},
}


class Hearing(Pump):
    """A pump that keeps the ticks and bars that go through it."""

    def __init__(self) -> None:
        super().__init__()
        self.ticks: list[Tick] = []
        self.bars: list[Bar] = []

    def tell(self, address: str, message: object) -> None:
        if isinstance(message, TicksSeen):
            self.ticks += message.ticks
        elif isinstance(message, BarClosed) and address == "strategy":
            self.bars.append(message.bar)
        super().tell(address, message)

    def clean(self) -> dict[tuple[str, Micros], Bar]:
        """The bars that one WebSocket made, but for the minutes before them and their ticks.

        Ticks that lag are told as few, which changes a bar's number of ticks and nothing else.
        """
        ours = (bar for bar in self.bars if bar.provenance is Provenance.WS)
        return {(b.symbol, b.minute): replace(b, vwap_num=0, vwap_den=0, ticks=0) for b in ours}


@contextmanager
def a_morning(folder: Path, **given: Any) -> Iterator[tuple[Stage, Hearing]]:
    """Play the first minutes of a day."""
    hearing = Hearing()
    with a_stage(folder, begin=BEGIN, parts=Parts(pump=lambda: hearing), **given) as stage:
        stage.begin().run_to(END)
        yield stage, hearing


def seen(ticks: list[Tick]) -> list[tuple[Any, ...]]:
    """What the market said, and when, of what, and how much was traded so far; in that order.

    Both agents subscribe at 09:16, each at a moment of its own, so from the minute after. Ticks of
    one batch are handed on symbol by symbol.
    """
    ordered = sorted(ticks, key=lambda tick: tick.recv_at)
    since = instant(DAY, "09:17")
    return [(t.recv_at, t.symbol, t.ltp, t.cum_volume) for t in ordered if t.recv_at >= since]


@pytest.mark.slow
def test_recording_is_played_as_it_was_delivered(tmp_path: Path) -> None:
    """With a connection that breaks at 09:20:30, so that the recording has a hole and two epochs.

    Options are on it from when the contracts were chosen, a minute after the open.
    """
    with a_morning(tmp_path / "first", faults=(BROKEN,)) as (_, first):
        recorder = Recorder(tmp_path / "tapes", DAY)
        recorder.start()
        recorder.take(first.ticks)
        recorded = recorder.close()
    assert {tick.epoch for tick in first.ticks} >= {1, 2}
    tape = read(recorded.path)
    assert isinstance(tape, TickTape)
    with a_morning(tmp_path / "second", tape=tape) as (_, second):
        told = seen(first.ticks)
        known = set(told)
        assert [tick for tick in seen(second.ticks) if tick in known] == told
        theirs, ours = first.clean(), second.clean()
        both = theirs.keys() & ours.keys()
        assert len(both) > 500
        assert {key: ours[key] for key in both} == {key: theirs[key] for key in both}
    whole = {minute_of(bar.minute) for bar in ours.values()}
    assert {bar.minute for bar in theirs.values()} <= whole


@pytest.mark.slow
def test_polled_minutes_are_on_the_recording_and_played(tmp_path: Path) -> None:
    """The socket is mute for six minutes; all quotes of a poll bear the same instant."""
    with a_morning(tmp_path / "first", faults=(MUTE,)) as (_, first):
        recorder = Recorder(tmp_path / "tapes", DAY)
        recorder.start()
        recorder.take(first.ticks)
        path = recorder.close().path
    rows = recording.load(path).rows
    assert set(rows["source"]) == {"primary", "rest"}
    polled = rows.filter(pl.col("source") == "rest")
    assert polled["ts"].n_unique() < polled.height
    tape = read(path)
    assert isinstance(tape, TickTape)
    exchange = Exchange(Setup(SandboxParams(), tape), pack.load(), Truth())
    exchange.watch(tape.lines)
    outs = exchange.advance(instant(DAY, END))
    played = [(out.symbol, out.ltp / 100) for out in outs if isinstance(out, PriceOut)]
    told = rows.select("symbol", "tick_high", "tick_low", "ltp").rows()
    assert played == [(s, price) for s, *prices in told for price in prices if price is not None]
