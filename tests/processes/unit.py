"""A service manager that keeps the unit's own policy: who is started again, and how often."""

import re
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import msgspec

from domain.clock import Anchor
from tests.cli.listener import Listener
from tests.e2e.sessions import LONG_S, Process, run
from tests.shared import ROOT
from tests.waiting import until

UNIT = ROOT / "systemd" / "sutradhar.service"
_TOLD = re.compile(r"(?:CRITICAL|WARNING|INFO) ([A-Z_]+)\b")


def policy(path: Path = UNIT) -> tuple[frozenset[int], int]:
    """Return after which exit codes it rests, and after how many starts it gives up."""
    lines = dict(re.findall(r"^(\w+)=(.*)$", path.read_text("ascii"), re.MULTILINE))
    assert lines["Restart"] == "always"
    rests = frozenset(map(int, lines["RestartPreventExitStatus"].split()))
    return rests, int(lines["StartLimitBurst"])


@dataclass
class Unit:
    """One host of `run.py live` in a market time of its own. Alerts go to `listener`."""

    home: Path
    anchor: Anchor
    listener: Listener
    settings: Mapping[str, Any]
    codes: list[int] = field(default_factory=list)

    def life(self, during: Callable[[Process], None] = lambda _: None) -> list[int]:
        """Start, do something meanwhile, start again as the policy says; return the exit codes.

        Whoever is still there in the end is ended as a stop does.
        """
        rests, burst = policy()
        for _ in range(burst):
            with self._started() as process:
                during(process)
                if process.process.poll() is None:
                    process.send(signal.SIGTERM)
                    self.codes.append(process.wait())
                    return self.codes
                self.codes.append(process.process.returncode)
            if self.codes[-1] in rests:
                return self.codes
        return self.codes

    def said(self) -> str:
        return (self.home / "said.txt").read_text()

    def status(self) -> dict[str, Any]:
        """What `status.json` says; empty before the first."""
        path = self.home / "state" / "status.json"
        try:
            found: dict[str, Any] = msgspec.json.decode(path.read_bytes())
        except FileNotFoundError:
            return {}
        return found

    def ready(self) -> int:
        """What /readyz answers."""
        (port,) = re.findall(r"page open url=http://127\.0\.0\.1:(\d+)", self.said())[-1:]
        connection = HTTPConnection("127.0.0.1", int(port), timeout=LONG_S)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status
        finally:
            connection.close()

    def alerts(self, but: str = "") -> list[str]:
        """The kinds of the alarms people were told of, in order, but one; ends are not in it."""
        texts = [got["message"] for got in self.listener.got]
        kinds = [kind for text in texts for kind in _TOLD.findall(text)]
        return [kind for kind in kinds if kind != but]

    def _started(self) -> Any:
        self.home.mkdir(exist_ok=True)
        (self.home / "own.yaml").write_text(msgspec.yaml.encode(dict(self.settings)).decode())
        program = ("-m", "tests.processes.lived", msgspec.json.encode(self.anchor).decode())
        state = self.home / "state"
        return run(
            self.home, "live", program=program, state_dir=state, config=self.home / "own.yaml"
        )


def waits_for(unit: Unit, mode: str) -> None:
    """Wait until the agent says that it is in a mode."""
    until(lambda: unit.status().get("mode") == mode, LONG_S)
