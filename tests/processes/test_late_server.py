"""OpenAlgo that starts after us: waited for, not crashed over."""

import re
import signal
from pathlib import Path

import msgspec
import pytest

from domain import clock
from domain.clock import Anchor
from domain.session import instant, show
from domain.units import seconds
from sandbox.sockets import bound
from tests import tapes
from tests.e2e.paper import paper
from tests.e2e.sessions import LONG_S, run
from tests.tapes import DAY, Leg
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SPEED = 30
LATE_S = 90
PARKED = 0


def two_ports() -> tuple[int, int]:
    """Return ports nobody listens on."""
    with bound("127.0.0.1", 0, "REST") as rest, bound("127.0.0.1", 0, "WebSocket") as stream:
        return rest.getsockname()[1], stream.getsockname()[1]


@pytest.mark.incident("INC-99")
def test_openalgo_90_s_late_is_waited_for(tmp_path: Path) -> None:
    port, ws_port = two_ports()
    server = {"PORT": port, "WS_URL": f"ws://127.0.0.1:{ws_port}", "API_KEY": "sandbox"}
    lines = [f"OPENALGO_{name}={value}" for name, value in server.items()]
    home = tmp_path / "agent"
    home.mkdir()
    (home / ".env").write_text("\n".join(lines))
    tape = tapes.write(tmp_path / "day.csv", Leg(breaks=None), since="09:40")
    anchor = Anchor(r0=clock.wall(), v0=instant(DAY, "10:00"), speed=SPEED)
    program = ("-m", "tests.processes.lived", msgspec.json.encode(anchor).decode())

    def said() -> str:
        return (home / "said.txt").read_text()

    with run(home, "live", program=program, state_dir=home / "state") as agent:
        until(lambda: anchor.at(clock.wall()) >= anchor.v0 + seconds(LATE_S), LONG_S)
        assert agent.process.poll() is None, said()
        assert "books read" not in said()
        begin = show(anchor.at(clock.wall()))
        with paper(
            tmp_path, tape=tape, begin=begin, speed=SPEED, port=port, ws_port=ws_port
        ) as exchange:
            until(lambda: "books read: live orders=0 shorts=0" in said(), LONG_S)
            assert len(re.findall(r"asking again every", said())) == 1, said()
            agent.send(signal.SIGTERM)
            assert agent.wait() == PARKED, said()
            assert exchange.process.poll() is None
