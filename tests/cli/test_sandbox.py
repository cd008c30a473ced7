"""`run.py sandbox`: what it plays, and with which exchange."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli import exchange as exchanges
from cli import sandbox as sandboxes
from cli.attach import ChildFailed
from cli.virtual import VirtualDay
from sandbox.exchange import Setup
from sandbox.faults import Script
from sandbox.server import Serving
from tests.cli.typing_in import RunPy

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
