"""systemd/deploy.sh against a real git and programs that only write down what they are told."""

import os
import pty
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.capabilities import needs
from tests.deploy.test_docker_deploy import git
from tests.shared import ROOT

SCRIPTS = ("deploy.sh", "deploy-common.sh")
LOCK = "requirements.lock"

# Answers by the file of its kind in $ANSWERS, an exit code in its first line, and by KIND.2 the
# second time; else it succeeds. With a KIND.hup it hangs up on who asks. Nothing else is done.
TOLD = """\
#!/bin/sh
said="${0##*/} $*"
case $said in
*"day --deploy"*) kind=day ;;
*"doctor --deploy unit"*) kind=doctor ;;
*"-m venv"*) kind=venv ;;
*"-m pip"*) kind=pip ;;
*compileall*) kind=compile ;;
*"install.sh --units"*) kind=units ;;
*"systemctl stop"*) kind=stop ;;
*"systemctl start"*) kind=start ;;
*is-active*) kind=active ;;
*ExecMainStatus*) kind=ended ;;
"python - "*) kind=lives ;;
id*) echo 0; exit ;;
*) exit 0 ;;
esac
echo "$kind" >>"$ANSWERS/asked"
if [ $kind = venv ]; then
    mkdir -p "$3/bin"
    cp "$0" "$3/bin/python"
    echo "#!$PWD/$3/bin/python" >"$3/bin/pip"
fi
printf x >>"$ANSWERS/$kind.times"
file=$ANSWERS/$kind
second=$file.$(wc -c <"$file.times")
[ -e "$second" ] && file=$second
[ -e "$file.hup" ] && kill -HUP "$PPID"
[ -e "$file" ] || exit 0
tail -n +2 "$file"
exit "$(head -n 1 "$file")"
"""

PROVED = ["day", "lives", "doctor", "stop", "compile", "units", "start", "doctor"]
BACK = ["stop", "compile", "units", "start", "doctor"]


@dataclass
class Host:
    """A checkout that is one commit behind its upstream, and a systemd of paper below it."""

    folder: Path
    answers: Path = field(init=False)
    checkout: Path = field(init=False)
    origin: Path = field(init=False)

    def __post_init__(self) -> None:
        self.answers, self.origin = self.folder / "answers", self.folder / "origin"
        self.checkout = self.folder / "checkout"
        for made in (self.answers, self.origin / "systemd"):
            made.mkdir(parents=True)
        for program in ("systemctl", "journalctl", "python3", "id"):
            self.program(self.folder / "programs" / program)
        git("init", "-q", "-b", "main", cwd=self.origin)
        for script in SCRIPTS:
            place = self.origin / "systemd" / script
            place.write_bytes((ROOT / "systemd" / script).read_bytes())
            place.chmod(0o755)
        for script in ("run.sh", "install.sh"):
            self.program(self.origin / "systemd" / script)
        (self.origin / LOCK).write_text("one\n")
        (self.origin / ".gitignore").write_text(".venv/\n.venv.new/\n.venv.old/\n")
        self.old = self.commit("first")
        git("clone", "-q", str(self.origin), str(self.checkout), cwd=self.folder)
        self.program(self.checkout / ".venv/bin/python")
        (self.checkout / ".venv" / LOCK).write_text("one\n")
        self.new = self.commit("second")

    @staticmethod
    def program(place: Path) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(TOLD)
        place.chmod(0o755)

    def commit(self, text: str) -> str:
        (self.origin / "file").write_text(text)
        git("add", ".", cwd=self.origin)
        git("commit", "-qm", text, cwd=self.origin)
        return git("rev-parse", "HEAD", cwd=self.origin)

    def answer(self, kind: str, text: str = "", code: int = 1) -> None:
        (self.answers / kind).write_text(f"{code}\n{text}\n")

    def deploy(self, *words: str, out: int = subprocess.PIPE) -> "subprocess.CompletedProcess[str]":
        path = f"{self.folder / 'programs'}:{os.environ['PATH']}"
        environment = {"PATH": path, "ANSWERS": str(self.answers), "SUTRADHAR_TRIES": "1"}
        return subprocess.run(
            [self.checkout / "systemd" / "deploy.sh", *words],
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
        """What was done, in order."""
        file = self.answers / "asked"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def stands(self) -> tuple[str, str]:
        """The commit that is checked out, and the lock file of the libraries in place."""
        lock = (self.checkout / ".venv" / LOCK).read_text().strip()
        return git("rev-parse", "HEAD", cwd=self.checkout), lock


@pytest.fixture
def host(tmp_path: Path) -> Host:
    needs("git")
    return Host(tmp_path)


def assert_refused(host: Host, why: str, *words: str) -> None:
    """Nothing was touched."""
    ran = host.deploy(*words)
    assert ran.returncode == 1, ran.stdout
    assert why in ran.stderr
    assert {"stop", "start", "units"}.isdisjoint(host.asked)
    assert host.stands == (host.old, "one")


def test_deploying_parks_moves_forward_starts_and_looks(host: Host) -> None:
    ran = host.deploy()
    assert (ran.returncode, ran.stderr) == (0, "")
    assert host.asked == PROVED
    assert host.stands == (host.new, "one")
    assert f"{host.new} runs" in ran.stdout


def test_other_libraries_are_built_before_anything_stops_and_know_their_place(host: Host) -> None:
    (host.origin / LOCK).write_text("two\n")
    new = host.commit("third")
    assert host.deploy().returncode == 0
    assert host.asked == ["day", "lives", "venv", "pip", *PROVED[2:]]
    assert host.stands == (new, "two")
    pip = (host.checkout / ".venv/bin/pip").read_text()
    assert pip == f"#!{host.checkout}/.venv/bin/python\n"
    assert not list(host.checkout.glob(".venv.*"))


def test_nothing_new_touches_nothing(host: Host) -> None:
    git("pull", "-q", cwd=host.checkout)
    ran = host.deploy()
    assert (ran.returncode, host.asked) == (0, ["day", "lives"])
    assert "nothing is new" in ran.stdout


@pytest.mark.parametrize("lock", ["one", "two"])
def test_checkout_pulled_by_hand_is_deployed_and_what_ran_is_gone_back_to(
    host: Host, lock: str
) -> None:
    (host.origin / LOCK).write_text(f"{lock}\n")
    new = host.commit("third")
    git("pull", "-q", cwd=host.checkout)
    host.answer("lives", host.old, code=0)
    host.answer("start.1")
    assert host.deploy().returncode == 2
    assert host.stands == (host.old, "one")
    git("pull", "-q", cwd=host.checkout)
    assert host.deploy().returncode == 0
    assert host.stands == (new, lock)


def test_libraries_that_are_not_those_of_the_commit_are_built_though_nothing_is_new(
    host: Host,
) -> None:
    git("pull", "-q", cwd=host.checkout)
    (host.checkout / ".venv" / LOCK).write_text("older\n")
    assert host.deploy().returncode == 0
    assert host.stands == (host.new, "one")


def test_trading_hours_are_refused_unless_forced(host: Host) -> None:
    host.answer("day", "refused: the market is open")
    assert_refused(host, "the market is open")
    ran = host.deploy("--force")
    assert ran.returncode == 0
    assert host.stands == (host.new, "one")


def test_changed_or_diverged_checkout_is_refused(host: Host) -> None:
    (host.checkout / "file").write_text("mine")
    assert_refused(host, "has changes of its own", "--force")
    git("commit", "-qam", "mine", cwd=host.checkout)
    host.old = git("rev-parse", "HEAD", cwd=host.checkout)
    assert_refused(host, "has commits that origin/main has not", "--force")


@pytest.mark.parametrize("step", ["venv", "pip"])
def test_libraries_that_cannot_be_built_leave_what_runs_alone(host: Host, step: str) -> None:
    (host.origin / LOCK).write_text("two\n")
    host.commit("third")
    host.answer(step)
    assert_refused(host, "what runs was not touched")


@pytest.mark.parametrize("step", ["compile", "units", "start", "doctor.2"])
def test_what_does_not_prove_itself_is_put_back(host: Host, step: str) -> None:
    (host.origin / LOCK).write_text("two\n")
    host.commit("third")
    host.answer(step if "." in step else f"{step}.1")
    ran = host.deploy()
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert host.asked[-len(BACK) :] == BACK
    assert host.stands == (host.old, "one")
    assert "the old commit is back" in ran.stdout


@pytest.mark.parametrize("kind", ["stop", "compile", "units", "start"])
def test_line_that_drops_ends_with_an_agent_that_runs(host: Host, kind: str) -> None:
    """The terminal is gone with it, so that nothing can be said there."""
    (host.origin / LOCK).write_text("two\n")
    host.commit("third")
    (host.answers / f"{kind}.hup").touch()
    terminal, line = pty.openpty()
    os.close(terminal)
    try:
        assert host.deploy(out=line).returncode == 2
    finally:
        os.close(line)
    assert host.asked[-len(BACK) :] == BACK
    assert host.stands == (host.old, "one")
    assert "the old commit is back" in (host.checkout / ".git/deploy.log").read_text()


def test_agent_that_cannot_be_parked_is_started_all_the_same(host: Host) -> None:
    host.answer("stop")
    assert host.deploy().returncode == 2
    assert host.asked[-len(BACK) :] == BACK


def test_libraries_left_by_an_earlier_deploy_are_never_put_in_place(host: Host) -> None:
    (host.checkout / ".venv.old").mkdir()
    (host.checkout / ".venv.old" / LOCK).write_text("stale\n")
    host.answer("start.1")
    assert host.deploy().returncode == 2
    assert host.stands == (host.old, "one")


def test_nothing_that_runs_is_said_loudly(host: Host) -> None:
    host.answer("start")
    ran = host.deploy()
    assert ran.returncode == 3
    assert host.asked[-1] == "start"
    assert "THE OLD COMMIT DOES NOT RUN EITHER" in ran.stdout
    assert host.stands == (host.old, "one")


def test_what_was_not_ready_before_need_only_live(host: Host) -> None:
    host.answer("doctor")
    host.answer("active", "active", code=0)
    host.answer("lives", host.new, code=0)
    ran = host.deploy()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert host.asked[-2:] == ["active", "lives"]


def test_day_that_is_over_says_nothing_against_a_commit(host: Host) -> None:
    host.answer("doctor")
    host.answer("active", "inactive", code=3)
    host.answer("ended", "10", code=0)
    assert host.deploy().returncode == 0
    host.answer("ended", "78", code=0)
    host.commit("third")
    assert host.deploy().returncode == 3
