"""docker/deploy.sh against a real git and an engine that only writes down what it is told."""

import os
import pty
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.capabilities import needs
from tests.shared import ROOT

SCRIPTS = ("docker/deploy.sh", "systemd/deploy-common.sh")
BEFORE = "sha256:before"

# Answers by the file of that name in $ANSWERS, an exit code in its first line; else it succeeds.
# With a NAME.hup it hangs up on who asks.
DOCKER = """\
#!/bin/sh
printf '%s\\n' "docker $*" >>"$ANSWERS/asked"
case "$*" in
*"compose version"*) name=version ;;
*"container inspect --format {{.Image}}"*) name=before ;;
*"container inspect --format {{index"*) name=runs ;;
*"container inspect --format {{.State.ExitCode}}"*) name=code ;;
*"image inspect"*) name=label ;;
*"day --deploy"*) name=day ;;
*"doctor --deploy"*) name=doctor ;;
*" stop "*) name=stop ;;
*" up "*) name=up ;;
"tag "*) name=tag ;;
*printenv*) name=commit ;;
*healthz*) name=healthz ;;
"build "*) name=build ;;
*) name=other ;;
esac
printf x >>"$ANSWERS/$name.times"
[ -e "$ANSWERS/$name.hup" ] && kill -HUP "$PPID"
times=$(wc -c <"$ANSWERS/$name.times")
file=$ANSWERS/$name
[ -e "$file.$times" ] && file=$file.$times
[ -e "$file" ] || exit 0
tail -n +2 "$file"
exit "$(head -n 1 "$file")"
"""


def git(*words: str, cwd: Path) -> str:
    names = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
    ran = subprocess.run(
        ["git", *names, *words], check=True, cwd=cwd, capture_output=True, text=True
    )
    return ran.stdout.strip()


@dataclass
class Host:
    """A checkout that is one commit behind its upstream, and an engine of paper beside it."""

    folder: Path
    answers: Path = field(init=False)
    checkout: Path = field(init=False)
    origin: Path = field(init=False)
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.answers, self.checkout = self.folder / "answers", self.folder / "checkout"
        self.origin, programs = self.folder / "origin", self.folder / "programs"
        for made in (self.answers, self.origin, programs):
            made.mkdir()
        (programs / "docker").write_text(DOCKER)
        (programs / "docker").chmod(0o755)
        git("init", "-q", "-b", "main", cwd=self.origin)
        for script in SCRIPTS:
            place = self.origin / script
            place.parent.mkdir()
            place.write_bytes((ROOT / script).read_bytes())
            place.chmod(0o755)
        self.commit("first")
        git("clone", "-q", str(self.origin), str(self.checkout), cwd=self.folder)
        self.new = self.commit("second")
        self.answer("before", BEFORE)
        self.answer("code", "0")
        self.answer("label", self.new)
        self.answer("commit", self.new)

    def commit(self, text: str) -> str:
        (self.origin / "file").write_text(text)
        git("add", ".", cwd=self.origin)
        git("commit", "-qm", text, cwd=self.origin)
        return git("rev-parse", "HEAD", cwd=self.origin)

    def answer(self, name: str, text: str = "", code: int = 0) -> None:
        (self.answers / name).write_text(f"{code}\n{text}\n")

    def deploy(self, *words: str, out: int = subprocess.PIPE) -> "subprocess.CompletedProcess[str]":
        path = f"{self.folder / 'programs'}:{os.environ['PATH']}"
        environment = {"PATH": path, "ANSWERS": str(self.answers), "SUTRADHAR_TRIES": "1"}
        environment |= self.environment
        return subprocess.run(
            [self.checkout / "docker" / "deploy.sh", *words],
            check=False,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            text=True,
        )

    @property
    def asked(self) -> list[str]:
        """What the engine was told, in order, by words that tell it apart."""
        lines = (self.answers / "asked").read_text().splitlines()
        kinds = (
            "docker build",
            "stop",
            "up -d",
            "tag",
            "day --deploy",
            "doctor --deploy",
            "healthz",
        )
        return [kind for line in lines for kind in kinds if kind in line]

    @property
    def changed(self) -> list[str]:
        return [kind for kind in self.asked if kind in {"docker build", "stop", "up -d", "tag"}]

    @property
    def head(self) -> str:
        return git("rev-parse", "HEAD", cwd=self.checkout)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    needs("git")
    return Host(tmp_path)


def test_deploying_builds_parks_starts_and_looks(host: Host) -> None:
    ran = host.deploy()
    assert (ran.returncode, ran.stderr) == (0, "")
    steps = ["day --deploy", "doctor --deploy", "docker build", "stop", "up -d", "doctor --deploy"]
    assert host.asked == steps
    assert host.head == host.new
    assert f"{host.new} runs" in ran.stdout


def test_first_deploy_has_nobody_to_ask_and_nothing_to_park(host: Host) -> None:
    host.answer("before", code=1)
    assert host.deploy().returncode == 0
    assert host.asked == ["docker build", "up -d", "doctor --deploy"]


def test_changed_checkout_is_refused(host: Host) -> None:
    (host.checkout / "file").write_text("mine")
    ran = host.deploy()
    assert ran.returncode == 1
    assert "has changes of its own" in ran.stderr
    assert not (host.answers / "asked").exists()


def test_diverged_checkout_is_refused(host: Host) -> None:
    (host.checkout / "own").write_text("mine")
    git("add", ".", cwd=host.checkout)
    git("commit", "-qm", "mine", cwd=host.checkout)
    ran = host.deploy()
    assert ran.returncode == 1
    assert "has commits that origin/main has not" in ran.stderr
    assert not (host.answers / "asked").exists()


def test_trading_hours_are_refused_unless_forced(host: Host) -> None:
    host.answer("day", "refused: it is 11:00 IST of a trading day", code=1)
    ran = host.deploy()
    assert ran.returncode == 1
    assert "it is 11:00 IST of a trading day; nothing was changed" in ran.stderr
    assert host.changed == []
    assert host.head != host.new
    forced = host.deploy("--force")
    assert forced.returncode == 0, forced.stderr
    assert "forced: refused: it is 11:00" in forced.stdout
    assert host.changed == ["docker build", "stop", "up -d"]


def test_build_that_fails_touches_nothing_that_runs(host: Host) -> None:
    head = host.head
    host.answer("build", "no", code=1)
    ran = host.deploy()
    assert ran.returncode == 1
    assert host.changed == ["docker build", "tag"]
    assert host.head == head


def test_image_of_another_commit_is_not_started(host: Host) -> None:
    host.answer("label", "f" * 40)
    ran = host.deploy()
    assert ran.returncode == 1
    assert f"the image says {'f' * 40}" in ran.stderr
    assert host.changed == ["docker build", "tag"]
    assert f"docker tag {BEFORE} sutradhar" in (host.answers / "asked").read_text()


def test_version_that_does_not_stand_is_rolled_back(host: Host) -> None:
    head = host.head
    host.answer("doctor.2", "FAIL ready: no", code=1)
    ran = host.deploy()
    assert ran.returncode == 2
    assert "FAIL ready: no" in ran.stdout
    assert "the image before runs again" in ran.stdout
    assert host.head == head
    assert host.changed == ["docker build", "stop", "up -d", "tag", "up -d"]
    assert f"docker tag {BEFORE} sutradhar" in (host.answers / "asked").read_text()


def test_container_of_another_commit_is_rolled_back(host: Host) -> None:
    host.answer("commit", "f" * 40)
    ran = host.deploy()
    assert ran.returncode == 2
    assert f"the container says {'f' * 40}" in ran.stdout
    assert host.changed[-2:] == ["tag", "up -d"]


@pytest.mark.parametrize("name", ["stop", "code", "up", "commit"])
def test_line_that_drops_ends_with_an_agent_that_runs(host: Host, name: str) -> None:
    """The engine starts nothing again that was stopped; and nothing can be said any more."""
    head = host.head
    (host.answers / f"{name}.hup").touch()
    terminal, line = pty.openpty()
    os.close(terminal)
    try:
        assert host.deploy(out=line).returncode == 2
    finally:
        os.close(line)
    assert host.changed[-2:] == ["tag", "up -d"]
    assert host.head == head
    assert "runs again" in (host.checkout / ".git/deploy.log").read_text()


@pytest.mark.parametrize("name", ["stop", "code", "up.1"])
def test_step_that_fails_ends_with_an_agent_that_runs(host: Host, name: str) -> None:
    host.answer(name, code=1)
    assert host.deploy().returncode == 2
    assert host.changed[-2:] == ["tag", "up -d"]


@pytest.mark.parametrize("name", ["tag", "up", "doctor.3"])
def test_nothing_that_is_proved_to_run_is_said_loudly(host: Host, name: str) -> None:
    host.answer("doctor.2", code=1)
    host.answer(name, code=1)
    ran = host.deploy()
    assert ran.returncode == 3
    assert "NOR DOES WHAT WAS BEFORE" in ran.stdout
    assert (host.answers / "asked").read_text().endswith("docker start sutradhar\n")


def test_checkout_pulled_by_hand_goes_back_to_what_ran(host: Host) -> None:
    ran_before = host.head
    git("pull", "-q", cwd=host.checkout)
    host.answer("runs", ran_before)
    host.answer("doctor.2", code=1)
    assert host.deploy().returncode == 2
    assert host.head == ran_before


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("", "-f docker/docker-compose.yml --profile live stop"),
        ("docker-compose.override.yml", ".yml -f docker/docker-compose.override.yml --profile"),
    ],
)
def test_settings_of_compose_that_are_the_operators_own_stay_in_effect(
    host: Host, file: str, told: str
) -> None:
    if file:
        (host.checkout / ".git/info/exclude").write_text(file)
        (host.checkout / "docker" / file).touch()
    assert host.deploy().returncode == 0
    assert told in (host.answers / "asked").read_text()


def test_files_of_compose_that_the_operator_names_are_taken(host: Host) -> None:
    host.environment["COMPOSE_FILE"] = "docker/docker-compose.yml:mine.yml"
    assert host.deploy().returncode == 0
    asked = (host.answers / "asked").read_text()
    assert "docker compose --profile live stop sutradhar" in asked


def test_agent_that_was_not_ready_has_an_heir_that_need_only_live(host: Host) -> None:
    """As before the broker's login in the morning: the new one cannot be readier than the old."""
    host.answer("doctor", "FAIL ready: WAIT_LOGIN", code=1)
    ran = host.deploy()
    assert ran.returncode == 0, ran.stderr
    assert host.asked[-1] == "healthz"
    assert "need only live" in ran.stdout


def test_agent_that_did_not_park_is_named_and_its_heir_started(host: Host) -> None:
    host.answer("code", "137")
    ran = host.deploy()
    assert ran.returncode == 0
    assert "it ended with 137" in ran.stdout
    assert host.changed == ["docker build", "stop", "up -d"]


def test_unknown_option_is_refused(host: Host) -> None:
    ran = host.deploy("--now")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "--now is unknown" in ran.stderr
