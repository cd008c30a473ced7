"""`run.py sandbox`: what it plays, and with which exchange."""

import logging
import shlex
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli import exchange as exchanges
from cli import sandbox as sandboxes
from cli.attach import ChildFailed
from cli.interrupted import EXIT_CODE
from cli.virtual import VirtualDay, VirtualSession
from domain.session import instant
from domain.units import Micros
from messages.control import Ended
from sandbox.exchange import Setup
from sandbox.faults import Script
from sandbox.server import Serving
from tests import tapes
from tests.cli.typing_in import RunPy
from tests.tapes import Leg

OWN = """
sandbox:
  date: "2026-11-20"
  seed: 7
  matching: {queue_factor: 0}
  latency: {cancel_ms: {sigma: 1}}
  market: {regime: calm}
"""

Played = tuple[Setup, Script]


class Playing:
    """Stands where exchange and virtual day would be started, and keeps what they would play."""

    def __init__(self) -> None:
        self.child: list[str] = []
        self.played: list[Played] = []

    def start_child(self, run: Path, options: Sequence[str], log_path: Path) -> None:
        self.child = [str(word) for word in options]
        raise ChildFailed(1, "not in this test")

    def play_virtual(self, session: object, day: VirtualDay, plan: object) -> None:
        self.played.append((day.setup, day.script))
        raise ChildFailed(1, "not in this test")

    def serve(self, serving: Serving, ports: object, ready: object) -> None:
        assert self.played[-1][1] == serving.faults

    def read(self, *asked: Any) -> Setup:
        setup = self._setup_of(*asked)
        self.played.append((setup, exchanges.script_of(setup.params, setup.day)))
        return setup

    _setup_of = staticmethod(exchanges.setup_of)


@pytest.fixture
def playing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Playing]:
    recorder = Playing()
    monkeypatch.setattr(sandboxes, "Child", recorder.start_child)
    monkeypatch.setattr(sandboxes, "VirtualSession", recorder.play_virtual)
    monkeypatch.setattr(exchanges, "setup_of", recorder.read)
    monkeypatch.setattr(exchanges, "serve", recorder.serve)
    level = logging.getLogger().level
    yield recorder
    logging.getLogger().setLevel(level)


def test_settings_of_ones_own_reach_the_exchange_at_every_speed(
    run_py: RunPy, playing: Playing, tmp_path: Path
) -> None:
    (tmp_path / "own.yaml").write_text(OWN)
    words = ("sandbox", "--config", "own.yaml", "--state-dir", "there")
    assert run_py(*words).code == 1
    assert run_py("exchange", *playing.child).code == 0
    assert run_py(*words, "--speed", "max").code == 1
    by_socket, virtual = (setup.params for setup, _ in playing.played)
    assert replace(by_socket, rest_port=5000, ws_port=8765) == virtual
    params = by_socket
    assert (params.date, params.seed, params.market.regime) == ("2026-11-20", 7, "calm")
    assert (params.matching.queue_factor, params.latency.cancel_ms.sigma) == (0, 1)


def test_market_that_was_named_is_the_one_of_the_exchange(
    run_py: RunPy, playing: Playing, tmp_path: Path
) -> None:
    tapes.write(tmp_path / "day.csv", since="09:40")
    (tmp_path / "own.yaml").write_text(
        "sandbox: {market: {source: synthetic}, tape: {file: day.csv}}"
    )
    words = ("sandbox", "--config", "own.yaml", "--state-dir", "there", "--market", "tape")
    assert run_py(*words).code == 1
    assert run_py("exchange", *playing.child).code == 0
    assert playing.played[-1][0].tape is not None


def test_odd_prices_of_a_recording_are_counted_in_the_log(
    run_py: RunPy, playing: Playing, tmp_path: Path
) -> None:
    day = tapes.DAY
    row = f"{day}T10:00:00+05:30,{{}},{{}},,primary,1,1"
    rows = [row.format(tapes.INDEX, 26000), *(row.format(tapes.CALL, p) for p in (150, 150.03))]
    text = "\n".join(["ts,symbol,ltp,cum_volume,source,epoch,seq", *rows, ""])
    (tmp_path / "day.csv").write_text(text)
    said = "rows of day.csv are not played n=1: their prices are off the tick of that day"
    for speed in (("--speed", "max"), ()):
        assert said in run_py("sandbox", "--tape", "day.csv", *speed, "--state-dir", "there").err


def test_ctrl_c_in_virtual_time_names_the_way_on(
    run_py: RunPy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tape = tapes.write(tmp_path / "day.csv", Leg(ready="10:02", breaks="10:03"), since="09:40")
    at = instant(tapes.DAY, "10:05")

    class Interrupted(VirtualSession):
        """A virtual day at which somebody presses Ctrl-C at 10:05."""

        def play(self) -> Ended:
            self.world.before_pulse = self.press
            return super().play()

        def press(self, now: Micros) -> None:
            if now == at:
                signal.raise_signal(signal.SIGINT)

    handler = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(sandboxes, "VirtualSession", Interrupted)
    words = ("sandbox", "--speed", "max", "--tape", tape, "--from", "10:00", "--until", "10:16")
    said = run_py(*words, "--state-dir", "there")
    assert said.code == EXIT_CODE
    again = f"run.py {shlex.join(map(str, words))} --state-dir there"
    end = f"interrupted at 10:05 with 1 short and its stop; go on with: {again}"
    assert said.out.splitlines()[-1] == end
    assert signal.getsignal(signal.SIGINT) is handler
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert run_py(*shlex.split(again)[1:]).code == 0
