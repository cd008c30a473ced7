"""The files that start run.py live for an operator, held against the code they start."""

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from config import sources
from config.settings import Settings, load
from tests.deployment import imported_rooms
from tests.gates import HOSTS, secret_complaints
from tests.shared import ROOT

ENV = ROOT / ".env.example"
LOCK = ROOT / "requirements.lock"
FILES = (ENV,)

KEY = "k" * 32


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_file_is_plain_and_holds_neither_host_nor_secret(file: Path) -> None:
    text = file.read_text("ascii")
    assert [host for host in HOSTS if host in text] == []
    assert list(secret_complaints(file.name, text)) == []


# The libraries


@pytest.mark.incident("INC-123")
def test_locked_install_imports_every_module() -> None:
    """What the image installs is what runs here: each library as pinned, and nothing warns."""
    pins = re.findall(r"^([^\s#].*?)\s*\\$", LOCK.read_text("ascii"), re.MULTILINE)
    wanted = [Requirement(pin) for pin in pins]
    here = [pin for pin in wanted if pin.marker is None or pin.marker.evaluate()]
    assert len(here) > 20
    assert {pin.name: str(pin.specifier) for pin in here} == {
        pin.name: f"=={metadata.version(pin.name)}" for pin in here
    }
    files = [file for room in sorted(imported_rooms()) for file in (ROOT / room).rglob("*.py")]
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    modules = sorted(name.removesuffix(".__init__") for name in names)
    program = f"import importlib\nfor name in {modules}: importlib.import_module(name)"
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stderr) == (0, "")


# The environment


PLAIN = {"false", "1", "zerodha"}


def variables(*, commented: bool = False) -> dict[str, str]:
    """Return the variables of .env.example, with those that are commented out or without."""
    pattern = rf"^{'#?' if commented else ''}([A-Z][A-Z0-9_]*)=(.*)$"
    return dict(re.findall(pattern, ENV.read_text("ascii"), re.MULTILINE))


def settings_of(monkeypatch: pytest.MonkeyPatch, file: Path, **more: str) -> Settings:
    for name in [name for name in os.environ if name in sources.WELL_KNOWN or name in variables()]:
        monkeypatch.delenv(name)
    for name, value in more.items():
        monkeypatch.setenv(name, value)
    return load("live", env_file=file)


def test_example_names_every_variable_of_the_server() -> None:
    assert set(sources.WELL_KNOWN) <= set(variables())


def test_example_changes_nothing_but_what_an_operator_fills_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert variables()["OPENALGO_API_KEY"] == ""
    with_example = settings_of(monkeypatch, ENV, OPENALGO_API_KEY=KEY)
    assert with_example == settings_of(monkeypatch, tmp_path / "none", OPENALGO_API_KEY=KEY)


def test_every_variable_of_the_example_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = {
        "OPENALGO_URL": "https://algo.example.org:443/",
        "OPENALGO_CA_FILE": "/etc/ssl/own.pem",
        "OPENALGO_BACKUP_URL": "https://spare.example.org:444/",
        "OPENALGO_BACKUP_CA_FILE": "/etc/ssl/other.pem",
        "OPENALGO_HOST": "https://algo.example.org",
        "OPENALGO_PORT": "443",
        "OPENALGO_WS_URL": "wss://algo.example.org/ws",
        "OPENALGO_API_KEY": KEY,
        "OPENALGO_BACKUP_HOST": "https://spare.example.org",
        "OPENALGO_BACKUP_PORT": "444",
        "OPENALGO_BACKUP_WS_URL": "wss://spare.example.org/ws",
        "OPENALGO_BACKUP_API_KEY": KEY,
        "OPENALGO_BASIC_AUTH": "desk:open-sesame",
        "OPENALGO_BACKUP_BASIC_AUTH": "desk:open-barley",
        "SUTRADHAR_PAGE_CONTROL_TOKEN": KEY * 4,
        "SUTRADHAR_PAGE_READ_TOKEN": KEY * 5,
        "SUTRADHAR_ALERT_URLS": "json://127.0.0.1/alarms",
        "SUTRADHAR_TELEGRAM_TOKEN": "123456789:AAbbccddeeffgghhii",
        "SUTRADHAR_HEARTBEAT_URL": "https://ping.example.org/4f5e6d7c",
        "PAPER_TRADING": "false",
        "SUTRADHAR_BROKER__NAME": "zerodha",
        "SUTRADHAR_STRATEGIES__0__PARAMS__SIZING__MAX_LOTS": "1",
    }
    assert {*given, "OPENALGO_API_KEY_FILE"} == set(variables(commented=True))
    file = tmp_path / "env"
    file.write_text("".join(f"{name}={value}\n" for name, value in given.items()))
    found = settings_of(monkeypatch, file)
    openalgo = found.openalgo
    assert (openalgo.rest_url, openalgo.stream_url, openalgo.paper_trading) == (
        "https://algo.example.org:443",
        "wss://algo.example.org/ws",
        False,
    )
    assert openalgo.api_key.get_secret_value() == KEY
    assert set(given.values()) - PLAIN - _addresses(given) <= set(found.secrets())
    assert (openalgo.ca_file, openalgo.backup.ca_file) == (
        "/etc/ssl/own.pem",
        "/etc/ssl/other.pem",
    )
    assert (found.broker.name, found.strategy.params.sizing.max_lots) == ("zerodha", 1)


def _addresses(given: dict[str, str]) -> set[str]:
    ends = ("_HOST", "_PORT", "LGO_URL", "BACKUP_URL", "_WS_URL", "_CA_FILE")
    return {text for name, text in given.items() if name.endswith(ends)}
