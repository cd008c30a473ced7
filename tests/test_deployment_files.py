"""The files that start run.py live for an operator, held against the code they start."""

import ast
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from configparser import ConfigParser
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from packaging.requirements import Requirement

from actors import order
from cli import agent, door
from cli import live as lives
from config import sources
from config.settings import Settings, load
from domain import supervision
from domain.params import ShutdownParams
from tests.gates import HOSTS, secret_complaints
from tests.shared import ROOT

UNIT = ROOT / "systemd" / "sutradhar.service"
DOCKERFILE = ROOT / "docker" / "Dockerfile"
COMPOSE = ROOT / "docker" / "docker-compose.yml"
ENV = ROOT / ".env.example"
LOCK = ROOT / "requirements.lock"
FILES = (UNIT, DOCKERFILE, COMPOSE, ENV)

SAME_AGAIN = {door.USAGE, door.LOCKED, door.BAD_CONFIG}
"""What a later start would only repeat."""

PARKS_WITHIN_S = ShutdownParams().park_s + 3 * agent.STOP_S
"""The park time, and the three partings after it: actors, lanes, stream."""

KEY = "k" * 32


class Sections(ConfigParser):
    """A unit file; keys keep their capitals."""

    optionxform = staticmethod(str)  # type: ignore[assignment]  # as the library's manual has it


def the_unit() -> Sections:
    sections = Sections(interpolation=None)
    sections.read(UNIT)
    return sections


def instructions() -> list[tuple[str, str]]:
    """Return the lines of the Dockerfile as instruction and arguments, continued ones joined."""
    text = DOCKERFILE.read_text("ascii").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(head, rest.strip()) for head, _, rest in (line.partition(" ") for line in lines)]


def the_service() -> dict[str, Any]:
    (service,) = yaml.safe_load(COMPOSE.read_text("ascii"))["services"].values()
    assert isinstance(service, dict)
    return service


def seconds_of(text: str) -> float:
    (number,) = re.fullmatch(r"(\d+)s?", text).groups()  # type: ignore[union-attr]  # or it fails
    return float(number)


def options_of(command: str) -> set[str]:
    commands = typer.main.get_command(door.app).commands  # type: ignore[attr-defined]  # a group
    return {option for param in commands[command].params for option in param.opts}


def imported_rooms() -> set[str]:
    """Return the top folders that run.py reaches by imports, wherever in a file they stand."""
    waiting, seen = [ROOT / "run.py"], set()
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in names:
                place = ROOT.joinpath(*name.split("."))
                found = (place.with_suffix(".py"), place / "__init__.py")
                waiting += [path for path in found if path.is_file()]
    return {file.relative_to(ROOT).parts[0] for file in seen} - {"run.py"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_file_is_plain_and_holds_neither_host_nor_secret(file: Path) -> None:
    text = file.read_text("ascii")
    assert [host for host in HOSTS if host in text] == []
    assert list(secret_complaints(file.name, text)) == []


# systemd


def test_unit_starts_the_agent_of_the_checkout() -> None:
    python, run, command, *words = shlex.split(the_unit()["Service"]["ExecStart"])
    home = Path(run).parent
    assert (Path(run).name, command) == ("run.py", "live")
    assert python == f"{home}/.venv/bin/python"
    assert {word for word in words if word.startswith("-")} <= options_of("live")


def test_unit_restarts_what_recovers_and_nothing_else() -> None:
    service = the_unit()["Service"]
    rests = set(map(int, service["RestartPreventExitStatus"].split()))
    assert rests == SAME_AGAIN | {order.DAY_DONE}
    assert {int(service["SuccessExitStatus"])} == {order.DAY_DONE} == {lives.DAY_DONE}
    assert service["Restart"] == "always"
    assert rests.isdisjoint({supervision.ESCALATED, door.FAILED, order.PARKED})


def test_crash_loop_reaches_its_limit() -> None:
    """Starts that fail at once are counted, so their pauses must fit into the interval."""
    unit, service = the_unit()["Unit"], the_unit()["Service"]
    burst = int(unit["StartLimitBurst"])
    assert burst * float(service["RestartSec"]) < float(unit["StartLimitIntervalSec"])


def test_unit_stops_by_parking_and_waits_for_it() -> None:
    service = the_unit()["Service"]
    assert service["KillSignal"] == signal.SIGTERM.name
    assert seconds_of(service["TimeoutStopSec"]) >= PARKS_WITHIN_S


def test_unit_runs_as_a_user_of_its_own_and_keeps_its_state() -> None:
    service = the_unit()["Service"]
    assert service["DynamicUser"] == "yes"
    assert (service["StateDirectoryMode"], service["UMask"]) == ("0700", "0077")
    words = shlex.split(service["ExecStart"])
    assert words[words.index("--state-dir") + 1] == f"%S/{service['StateDirectory']}"


def test_unit_takes_the_key_from_a_file_and_not_from_its_text() -> None:
    service = the_unit()["Service"]
    assert "Environment" not in service
    assert service["EnvironmentFile"].startswith("/etc/")
    assert service["EnvironmentFile"] in ENV.read_text("ascii")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_knows_every_line_of_the_unit(tmp_path: Path) -> None:
    """It only warns of what it does not know, and misses a program that is not there."""
    service = the_unit()["Service"]
    program = shlex.split(service["ExecStart"])[0]
    copy = tmp_path / UNIT.name

    def said(text: str) -> str:
        copy.write_text(text.replace(program, "/bin/sh"))
        command = ["systemd-analyze", "verify", "--man=no", str(copy)]
        return subprocess.run(command, check=False, capture_output=True, text=True).stderr

    text = UNIT.read_text("ascii")
    assert said(text) == ""
    assert "RestartSek" in said(text.replace("RestartSec", "RestartSek"))


# Docker


def test_image_holds_every_room_that_run_py_reaches() -> None:
    copied = [words.split() for head, words in instructions() if head == "COPY"]
    folders = {words[0] for words in copied if (ROOT / words[0]).is_dir()}
    assert folders == imported_rooms()
    assert all(words == [words[0], words[0]] for words in copied if words[0] in folders)
    files = {name for words in copied for name in words[:-1]} - folders
    assert {"run.py", "requirements.lock"} <= files
    assert all((ROOT / name).is_file() for name in files)

        "OPENALGO_URL": "https://algo.example.org:443/",
        "OPENALGO_CA_FILE": "/etc/ssl/own.pem",
        "OPENALGO_BACKUP_URL": "https://spare.example.org:444/",
        "OPENALGO_BACKUP_CA_FILE": "/etc/ssl/other.pem",

def test_nothing_that_is_copied_is_kept_out_of_the_build() -> None:
    lines = (ROOT / ".dockerignore").read_text("ascii").splitlines()
    ignored = {line.strip("/") for line in lines if line and not line.startswith("#")}
    copied = {name for head, words in instructions() if head == "COPY" for name in words.split()}
    assert copied.isdisjoint(ignored)
    assert {".*", "tests", "state"} <= ignored


def test_image_installs_what_the_lock_file_pins_by_hash() -> None:
    installs = [words for head, words in instructions() if head == "RUN" and "pip install" in words]
    assert len(installs) == 1
    for option in ("--require-hashes", "--no-deps", "--only-binary :all:", "-r requirements.lock"):
        assert option in installs[0]


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


def test_image_starts_the_agent_as_nobody_in_particular() -> None:
    said = dict(instructions())
    words = [*yaml.safe_load(said["ENTRYPOINT"]), *yaml.safe_load(said["CMD"])]
    python, run, command, *options = words
    assert (run, command) == ("/app/run.py", "live")
    assert python == "/app/.venv/bin/python"
    assert {word for word in options if word.startswith("-")} <= options_of("live")
    assert options[options.index("--state-dir") + 1] == said["VOLUME"]
    user, _, group = said["USER"].partition(":")
    assert min(int(user), int(group)) > 0
    made = next(words for head, words in instructions() if head == "RUN" and "install -d" in words)
    assert made.split()[-1] == said["VOLUME"]
    assert f"-m 0700 -o {user} -g {group}" in made
    assert said["STOPSIGNAL"] == signal.SIGTERM.name


def test_image_has_its_base_as_an_argument_and_no_setting() -> None:
    heads = [head for head, _ in instructions()]
    assert heads[:2] == ["ARG", "FROM"]
    assert not {"ENV", "ADD"} & set(heads)
    base = dict(instructions())["ARG"].partition("=")[2]
    assert re.fullmatch(r"python:3\.1[1-9]-slim-\w+", base)


def test_compose_builds_the_image_of_this_checkout() -> None:
    build = the_service()["build"]
    context = (COMPOSE.parent / build["context"]).resolve()
    assert (context, context / build["dockerfile"]) == (ROOT, DOCKERFILE)


def test_compose_waits_for_parking_and_keeps_the_state() -> None:
    service = the_service()
    assert seconds_of(service["stop_grace_period"]) >= PARKS_WITHIN_S
    assert service["init"] is True
    (volume,) = service["volumes"]
    name, _, place = volume.partition(":")
    assert place == dict(instructions())["VOLUME"]
    assert name in yaml.safe_load(COMPOSE.read_text("ascii"))["volumes"]


def test_compose_restarts_a_crash_but_not_for_ever() -> None:
    policy, _, most = the_service()["restart"].partition(":")
    assert policy == "on-failure"
    assert int(most) == int(the_unit()["Unit"]["StartLimitBurst"])


def test_compose_opens_no_port_and_holds_no_setting() -> None:
    service = the_service()
    assert not {"ports", "expose", "environment", "command", "privileged", "user"} & set(service)
    assert (COMPOSE.parent / service["env_file"]).resolve() == ROOT / ".env"
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True


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
