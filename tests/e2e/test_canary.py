"""A canary for every secret, a server that tells them all on, and a search of all that was written.

The agent first meets a server that echoes key and password in every answer, then a paper exchange
where it really trades. It says everything it can: DEBUG, whole bodies, page, status, stacks.
"""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from config.secrets import SECRETS
from domain.status import Status
from tests.broker.http_server import Reply, Request, serving
from tests.broker.ws_server import Peer, streaming
from tests.cli.conftest import run_py
from tests.cli.typing_in import RunPy
from tests.e2e.paper import paper
from tests.shared import ROOT
from tests.waiting import until

__all__ = ["run_py"]

pytestmark = pytest.mark.e2e

LONG_S = 60.0
RUN_AT_TEN = """
import sys
from cli.door import main
from tests.cli.openalgo import it_is
it_is("10:00")
raise SystemExit(main())
"""
"""run.py on a trading day at ten, whatever today is."""

MARK = "CANARY"
GIVEN = {
    "OPENALGO_API_KEY": "CANARY-api-key-0123456789",
    "OPENALGO_BACKUP_API_KEY": "CANARY-backup-key-0123456789",
    "OPENALGO_BASIC_AUTH": "agent:CANARY-open-sesame-1",
    "OPENALGO_BACKUP_BASIC_AUTH": "agent:CANARY-open-barley-2",
    "SUTRADHAR_PAGE_CONTROL_TOKEN": "CANARY-control-token-of-32-letters",
    "SUTRADHAR_PAGE_READ_TOKEN": "CANARY-read-token-of-32-letters-or-more",
    "SUTRADHAR_ALERT_URLS": "json://CANARY-user-1:CANARY-pass-2@{there}/CANARY-path-3",
    "SUTRADHAR_TELEGRAM_TOKEN": "123456789:CANARY_telegram_token_4",
    "SUTRADHAR_HEARTBEAT_URL": "http://{there}/CANARY-heartbeat-5",
}
KEY = GIVEN["OPENALGO_API_KEY"]
PARKED_ON_PAPER = 11
ENCODED = [
    base64.b64encode(GIVEN[name].encode()).decode()
    for name in ("OPENALGO_BASIC_AUTH", "OPENALGO_BACKUP_BASIC_AUTH")
]
SETTINGS = """
log: {{level: DEBUG, file: agent.log, wire: true}}
page: {{port: {page}}}
broker: {{read_retries: 0}}
heartbeat: {{every_s: 5}}
alerts: {{gather_s: 0, gap_s: 0}}
telegram: {{chat_id: "42", api_url: "http://{there}"}}
"""


def tells_on(request: Request) -> Reply:
    """Answer with everything that was sent."""
    return Reply({"message": f"refused: {json.dumps(request.body)} {dict(request.headers)}"}, 500)


def cries_out(peer: Peer, frame: Any) -> None:
    assert peer.connection.request is not None
    seen = f"{json.dumps(frame)} {dict(peer.connection.request.headers)}"
    peer.send({"status": "error", "code": "AUTHENTICATION_ERROR", "message": seen})


@dataclass
class Place:
    """A folder in which run.py works, and whose every byte is looked at. Secrets lie elsewhere."""

    folder: Path
    environment: dict[str, str]
    page: int
    state: str = "state"
    said: dict[str, str] = field(default_factory=dict)

    def run(self, *words: str) -> "subprocess.Popen[bytes]":
        with (self.folder / "said.txt").open("ab") as said:
            return subprocess.Popen(
                [sys.executable, "-c", RUN_AT_TEN, *words, "--state-dir", self.state],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

    def ask(self, path: str, token: str = "", method: str = "GET") -> int:
        """Ask the page and keep the answer."""
        connection = HTTPConnection("127.0.0.1", self.page, timeout=LONG_S)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            shown = f"{answer.getheaders()} {answer.read().decode()}"
            self.said[f"{self.state} {method} {path}"] = shown
            return answer.status
        finally:
            connection.close()

    def mode(self) -> str:
        path = self.folder / self.state / "status.json"
        if not path.exists():
            return ""
        return msgspec.json.decode(path.read_bytes(), type=Status).mode

    def log(self) -> str:
        path = self.folder / "agent.log"
        return path.read_text("ascii") if path.exists() else ""

    def leaks(self) -> list[str]:
        """Return where a secret is, by the name of file, answer or command."""
        written = {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file()
        }
        written |= {name: text.encode() for name, text in self.said.items()}
        return sorted(name for name, text in written.items() if is_in(text))


def is_in(text: bytes) -> bool:
    return any(mark.encode() in text for mark in (MARK, *ENCODED))


@contextmanager
def agent(place: Place, *words: str, code: int = 0) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the agent; it parks when the block is left."""
    process = place.run(*words, "--config", "own.yaml")
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(LONG_S) == code
    finally:
        process.kill()
        process.wait()


def a_place(tmp_path: Path, there: str, **more: str) -> Place:
    """Give one half of the secrets as variables, the other in files and as a credential."""
    folder, secrets = tmp_path / "place", tmp_path / "secrets"
    folder.mkdir()
    secrets.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        page = int(listener.getsockname()[1])
    (folder / "own.yaml").write_text(SETTINGS.format(page=page, there=there))
    environment = {"CREDENTIALS_DIRECTORY": str(secrets)}
    for number, (name, text) in enumerate(GIVEN.items()):
        file = secrets / name.lower()
        file.write_text(text.format(there=there))
        file.chmod(0o600)
        if number % 3 == 0:
            environment[name] = file.read_text()
            file.unlink()
        if number % 3 == 1:
            environment[f"{name}_FILE"] = str(file.rename(f"{file}.txt"))
    plain = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "DOCKER_ENV": "0"}
    return Place(folder, {**plain, **environment, **more}, page)


@pytest.mark.incident("INC-109")
def test_canary_secret_appears_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_py: RunPy
) -> None:
    assert set(GIVEN) == set(SECRETS.values())
    with serving(tells_on) as rest, streaming(cries_out) as stream:
        urls = {"OPENALGO_BACKUP_URL": rest.url, "OPENALGO_BACKUP_WS_URL": stream.url}
        there = urlsplit(rest.url).netloc
        place = a_place(tmp_path, there, **urls)
        hostile = {"OPENALGO_URL": rest.url, "OPENALGO_WS_URL": stream.url}
        calm = place.environment
        place.environment = calm | hostile
        with agent(place, "live") as process:
            assert not is_in(Path(f"/proc/{process.pid}/cmdline").read_bytes())
            until(lambda: place.mode() == "WAIT_LOGIN", LONG_S)
            until(lambda: all(f"/{path}" in str(rest.routes) for path in REACHED), LONG_S)
            look_around(place, process, (monkeypatch, run_py))
        sent = "".join(str((request.body, dict(request.headers))) for request in rest.requests)
    place.environment = calm
    place.state = "exchange"
    with paper(place.folder, speed=20, api_key=KEY, state_dir=Path(place.state)) as exchange:
        address = urlsplit(exchange.url).netloc
        words = ("sandbox", "--attach", address, "--api-key", KEY)
        with agent(place, *words, code=PARKED_ON_PAPER) as process:
            until(lambda: place.mode() == "ACTIVE", LONG_S)
            look_around(place, process, (monkeypatch, run_py))
    assert KEY in sent
    assert ENCODED[0] in sent
    assert "[WIRE]" in place.log()
    assert "***" in place.log()
    assert len(place.said) > 15
    assert place.leaks() == []


REACHED = ("CANARY-path-3", "bot123456789:CANARY_telegram_token_4")
"""What shows that alarms and Telegram were tried, so that their failures were told."""


COMMANDS = (
    ("status",),
    ("status", "--json"),
    ("config", "--config", "own.yaml"),
    ("config", "--config", "own.yaml", "--json"),
    ("doctor", "--config", "own.yaml"),
)
Hands = tuple[pytest.MonkeyPatch, RunPy]


def look_around(place: Place, process: "subprocess.Popen[bytes]", hands: Hands) -> None:
    """Have everything shown that shows anything."""
    process.send_signal(signal.SIGUSR2)
    for path in ("/", "/state", "/metrics", "/healthz", "/readyz", "/nowhere"):
        place.ask(path, GIVEN["SUTRADHAR_PAGE_READ_TOKEN"])
    assert place.ask("/levers/freeze", GIVEN["SUTRADHAR_PAGE_READ_TOKEN"], "POST") == 403
    assert place.ask("/levers/freeze", GIVEN["SUTRADHAR_PAGE_CONTROL_TOKEN"], "POST") < 500
    monkeypatch, run_py = hands
    monkeypatch.chdir(place.folder)
    with monkeypatch.context() as named:
        for name, text in place.environment.items():
            named.setenv(name, text)
        for words in COMMANDS:
            folder = ("--state-dir", place.state) if words[0] != "config" else ()
            said = run_py(*words, *folder)
            place.said[f"{place.state} {words}"] = said.out + said.err
