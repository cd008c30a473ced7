"""The units and scripts of systemd/, held against the code they start and against systemd."""

import os
import shlex
import signal
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from actors import order
from cli import door
from cli import live as lives
from config import secrets
from domain import supervision
from tests.capabilities import needs
from tests.deployment import PARKS_WITHIN_S, options_of, seconds_of
from tests.gates import HOSTS, secret_complaints
from tests.shared import ROOT

FOLDER = ROOT / "systemd"
UNIT = FOLDER / "sutradhar.service"
FAILED = FOLDER / "sutradhar-failed@.service"
TIMER = FOLDER / "sutradhar.timer"
SERVICES = (UNIT, FAILED)
UNITS = (UNIT, FAILED, TIMER)
SCRIPTS = sorted(FOLDER.glob("*.sh"))
PROGRAM = "/opt/sutradhar/.venv/bin/python"

SAME_AGAIN = {door.USAGE, door.LOCKED, door.BAD_CONFIG}
"""What a later start would only repeat."""

EXPOSURE = 20
"""Ten times what systemd-analyze may find at most."""


class Sections(ConfigParser):
    """A unit file; keys keep their capitals, repeated ones their lines."""

    optionxform = staticmethod(str)  # type: ignore[assignment]  # as the library's manual has it


def read(unit: Path) -> Sections:
    sections = Sections(interpolation=None, strict=False)
    sections.read(unit)
    return sections


def lines(unit: Path, key: str) -> list[str]:
    """Return every value of a key that may be repeated."""
    found = (line.partition("=") for line in unit.read_text("ascii").splitlines())
    return [value for name, _, value in found if name == key]


@pytest.mark.parametrize("file", [*UNITS, *SCRIPTS], ids=lambda file: file.name)
def test_file_is_plain_and_holds_neither_host_nor_secret(file: Path) -> None:
    text = file.read_text("ascii")
    assert [host for host in HOSTS if host in text] == []
    assert list(secret_complaints(file.name, text)) == []


def test_unit_starts_the_agent_of_the_checkout() -> None:
    python, run, command, *words = shlex.split(read(UNIT)["Service"]["ExecStart"])
    home = Path(run).parent
    assert (Path(run).name, command) == ("run.py", "live")
    assert python == f"{home}/.venv/bin/python" == PROGRAM
    assert {word for word in words if word.startswith("-")} <= options_of("live")


def test_unit_restarts_what_recovers_and_nothing_else() -> None:
    service = read(UNIT)["Service"]
    rests = set(map(int, service["RestartPreventExitStatus"].split()))
    assert rests == SAME_AGAIN | {order.DAY_DONE}
    assert {int(service["SuccessExitStatus"])} == {order.DAY_DONE} == {lives.DAY_DONE}
    assert service["Restart"] == "always"
    assert rests.isdisjoint({supervision.ESCALATED, door.FAILED, order.PARKED})


def test_crash_loop_reaches_its_limit() -> None:
    """Starts that fail at once are counted, so their pauses must fit into the interval."""
    unit, service = read(UNIT)["Unit"], read(UNIT)["Service"]
    burst = int(unit["StartLimitBurst"])
    assert burst * float(service["RestartSec"]) < float(unit["StartLimitIntervalSec"])
    assert (burst, unit["StartLimitIntervalSec"]) == (10, "600")


def test_unit_stops_by_parking_and_waits_for_it() -> None:
    service = read(UNIT)["Service"]
    assert service["KillSignal"] == signal.SIGTERM.name
    assert seconds_of(service["TimeoutStopSec"]) >= PARKS_WITHIN_S


def test_unit_is_ready_by_its_own_word_and_watched() -> None:
    service = read(UNIT)["Service"]
    assert (service["Type"], service["NotifyAccess"]) == ("notify", "main")
    assert (service["WatchdogSec"], service["TimeoutStartSec"]) == ("30", "120")
    assert seconds_of(service["TimeoutAbortSec"]) < seconds_of(service["TimeoutStopSec"])


def test_unit_wants_openalgo_and_requires_nobody() -> None:
    unit = read(UNIT)["Unit"]
    servers = {"openalgo.service", "openalgo-websocket.service"}
    assert set(unit["Wants"].split()) == servers | {"network-online.target"}
    assert set(unit["After"].split()) == set(unit["Wants"].split()) | {"time-sync.target"}
    assert not {"Requires", "Requisite", "BindsTo", "PartOf", "Conflicts"} & set(unit)


def test_unit_is_started_at_boot_and_by_a_timer_before_each_session() -> None:
    assert read(UNIT)["Install"]["WantedBy"] == "multi-user.target"
    timer = read(TIMER)
    assert timer["Timer"]["OnCalendar"] == "*-*-* 08:45:00 Asia/Kolkata"
    assert timer["Timer"]["Unit"] == UNIT.name
    assert timer["Timer"]["Persistent"] == "yes"
    assert timer["Install"]["WantedBy"] == "timers.target"


def test_failure_is_told_by_a_command_that_exists() -> None:
    assert read(UNIT)["Unit"]["OnFailure"] == FAILED.name.replace("@", "@%n")
    python, _, command, unit, *words = shlex.split(read(FAILED)["Service"]["ExecStart"])
    assert (python, command, unit) == (PROGRAM, "failed", "%i")
    assert {word for word in words if word.startswith("-")} <= options_of("failed")


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_unit_runs_as_a_user_of_its_own_and_keeps_its_state(unit: Path) -> None:
    service = read(unit)["Service"]
    assert service["DynamicUser"] == "yes"
    assert (service["StateDirectoryMode"], service["UMask"]) == ("0700", "0077")
    words = shlex.split(service["ExecStart"])
    assert words[words.index("--state-dir") + 1] == f"%S/{service['StateDirectory']}"


def test_every_secret_reaches_the_agent_as_a_file_of_its_own() -> None:
    assert lines(UNIT, "Environment") == lines(FAILED, "Environment") == []
    given = dict(line.split(":") for line in lines(UNIT, "LoadCredential"))
    for name in map(str.lower, secrets.SECRETS.values()):
        prefix, _, _ = name.partition("_")
        assert given[prefix] == f"/etc/sutradhar/credentials/{prefix}"
    told = dict(line.split(":") for line in lines(FAILED, "LoadCredential"))
    assert told.items() <= given.items()
    assert secrets.SECRETS["keys", "alert_urls"].lower().startswith(tuple(told))


def test_example_says_where_the_unit_reads_its_environment() -> None:
    file = read(UNIT)["Service"]["EnvironmentFile"]
    assert file in (ROOT / ".env.example").read_text("ascii")
    assert read(FAILED)["Service"]["EnvironmentFile"] == f"-{file}"


def verified(folder: Path, **changes: str) -> str:
    """Return what systemd says of all units, whose program is one that exists."""
    for unit in UNITS:
        text = unit.read_text("ascii").replace(PROGRAM, "/bin/sh")
        for old, new in changes.items():
            text = text.replace(old, new)
        (folder / unit.name.replace("@.", "@sutradhar.service.")).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", *map(str, sorted(folder.iterdir()))]
    return subprocess.run(command, check=False, capture_output=True, text=True).stderr


def test_systemd_knows_every_line_of_the_units(tmp_path: Path) -> None:
    """It only warns of what it does not know, and misses a program that is not there."""
    needs("systemd-analyze")
    assert verified(tmp_path) == ""
    assert "RestartSek" in verified(tmp_path, RestartSec="RestartSek")


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_unit_is_exposed_as_little_as_it_can_be(unit: Path, tmp_path: Path) -> None:
    needs("systemd-analyze")

    def scored(text: str) -> "subprocess.CompletedProcess[str]":
        copy = tmp_path / unit.name
        copy.write_text(text)
        command = ["systemd-analyze", "security", "--offline=yes", "--no-pager"]
        command += [f"--threshold={EXPOSURE}", str(copy)]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    text = unit.read_text("ascii")
    found = scored(text)
    assert found.returncode == 0, found.stdout
    assert scored(text.replace("ProtectSystem", "#").replace("Capability", "#")).returncode != 0


def test_scripts_are_plain_shell() -> None:
    needs("shellcheck")
    command = ["shellcheck", "-x", *map(str, SCRIPTS)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert (ran.returncode, ran.stdout) == (0, "")


@pytest.mark.parametrize("name", ["install.sh", "uninstall.sh", "run.sh", "deploy.sh"])
def test_script_is_executable_and_for_root_alone(name: str) -> None:
    script = FOLDER / name
    assert script.stat().st_mode & 0o111 == 0o111
    assert 'id -u)" = 0' in script.read_text("ascii")


def test_wrong_usage_changes_nothing() -> None:
    for script in ("install.sh", "uninstall.sh"):
        command = [str(FOLDER / script), "--no-such-option"]
        ran = subprocess.run(command, check=False, capture_output=True, text=True)
        assert ran.returncode == 1
        assert ran.stderr == f"{script}: --no-such-option is unknown; there " + (
            "are --now and --units\n"
            if script == "install.sh"
            else "is --purge, and --purge --force\n"
        )


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """Programs of paper: root runs them, and systemd says what it was told."""
    for name, text in {"id": "echo 0", "systemd-run": 'echo "$@"'}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ("status", "status --state-dir /var/lib/sutradhar"),
        ("clear --latch day", "clear --latch day --state-dir /var/lib/sutradhar"),
        ("config --changed", "config --changed"),
        ("day --date 2026-11-20", "day --date 2026-11-20"),
        ("--version", "--version"),
        ("status --state-dir /tmp/try", "status --state-dir /tmp/try"),
        ("doctor --deploy unit", "doctor --deploy unit --state-dir /var/lib/sutradhar"),
    ],
)
def test_run_gives_the_state_directory_to_commands_that_take_one(
    paper: Path, words: str, given: str
) -> None:
    ran = subprocess.run(
        [FOLDER / "run.sh", *words.split()],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": f"{paper}:{os.environ['PATH']}"},
    )
    assert ran.stdout.strip().partition("/run.py ")[2] == given
    command = words.split(maxsplit=1)[0]
    if not command.startswith("-") and "/tmp" not in words:
        assert ("--state-dir" in options_of(command)) == ("--state-dir" in given)


def test_checkout_in_another_place_is_refused() -> None:
    needs("root", "systemd-analyze")
    ran = subprocess.run([FOLDER / "install.sh"], check=False, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "the units expect the checkout in /opt/sutradhar" in ran.stderr
