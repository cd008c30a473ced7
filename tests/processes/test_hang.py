"""A main loop that hangs where nobody watches it: the process ends, and may be started again."""

import os
from pathlib import Path

import msgspec
import pytest

from cli.dropbox import KILL
from domain import clock
from domain.clock import Anchor
from domain.session import instant
from tests.e2e.sessions import run
from tests.processes.test_late_server import two_ports
from tests.tapes import DAY

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

IMPATIENT = """
import cli.hang
from tests.processes import lived
import runpy
cli.hang.LIMIT_S = 1
runpy.run_path(lived.__file__, run_name="__main__")
"""


def test_hanging_loop_in_a_container_ends_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hangs in opening a file that never comes: here a pipe without a writer."""
    monkeypatch.setenv("DOCKER_ENV", "1")
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    port, ws_port = two_ports()
    server = {"PORT": port, "WS_URL": f"ws://127.0.0.1:{ws_port}", "API_KEY": "sandbox"}
    server["HOST"] = "127.0.0.1"
    lines = [f"OPENALGO_{name}={value}" for name, value in server.items()]
    (tmp_path / ".env").write_text("\n".join(lines))
    state = tmp_path / "state"
    state.mkdir()
    os.mkfifo(state / KILL)
    anchor = Anchor(r0=clock.wall(), v0=instant(DAY, "10:00"), speed=1)
    program = ("-c", IMPATIENT, msgspec.json.encode(anchor).decode())
    with run(tmp_path, "live", program=program, state_dir=state) as agent:
        assert agent.wait() == 1
    said = (tmp_path / "said.txt").read_text()
    assert "nobody watches this process: it ends itself if it hangs 1 s" in said
    assert "in kill_text" in said
