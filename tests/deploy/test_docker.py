"""The shipped image and compose file in a container engine that is started by hand.

One session is played by the profile `sandbox`; its agent is killed in the two ways there are,
stopped, started again and told to flatten. No step waits for the clock, for the day is long. What
is asserted of it is read from the host: ground truth and journal in the folder that compose mounts,
and what the engine says.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from cli.interrupted import EXIT_CODE as INTERRUPTED
from domain.books import Action
from journal.orders import NAME as JOURNAL
from sandbox.kinds import Status
from tests import tapes
from tests.deploy.engine import BASE, IMAGE, Engine, build, engine, layers, make_base, move
from tests.e2e.sessions import Truth
from tests.processes.kill_verdict import verdict
from tests.tapes import CALL, Leg
from tests.waiting import until

pytestmark = [pytest.mark.deploy, pytest.mark.slow]

COMMIT = "c0ffee" * 6 + "beef"
AGENT, EXCHANGE = "sutradhar_paper-agent_1", "sutradhar_paper-exchange_1"
SPEED = 30
LEG = Leg(ready="10:02", breaks="10:03")
PATIENCE_S = 20.0
"""Each look asks the engine, so this is three times as long in real seconds."""

GRACE_S = 75.0
FLATTEN = ("flatten", "--state-dir", "/state")
KILLED, UNHEALTHY_MEMORY = 137, "48m"

# The shipped file but for the day, which is short and written, and for how often health is asked.
OVERRIDE = f"""\
services:
  paper-exchange:
    command: [exchange, --tape, /state/day.csv, --from, "10:01", --speed, "{SPEED}",
      --start-paused, --end-with-day, --state-dir, /state, --no-color]
  paper-agent:
    command: [sandbox, --attach, "openalgo:5000", --state-dir, /state, --no-color]
    healthcheck: {{interval: 1s}}
"""

ASK = """
import sys, urllib.request as u
token, url = sys.argv[1:]
asked = u.Request(url, headers={'Authorization': 'Bearer ' + token})
print(u.urlopen(asked, timeout=9).read().decode())
"""

LOOK_INSIDE = """
import json, os
status = dict(line.split(':', 1) for line in open('/proc/1/status'))
def may_write(path):
    try:
        open(path, 'w').close()
    except OSError as error:
        return error.strerror
    return ''
print(json.dumps({
    'uid': os.getuid(),
    'capabilities': {name: int(status[name], 16) for name in ('CapEff', 'CapPrm', 'CapBnd')},
    'no_new_privileges': int(status['NoNewPrivs']),
    'app': may_write('/app/run.py'),
    'root': may_write('/new'),
    'state': may_write('/state/probe'),
    'tmp': may_write('/tmp/probe'),
    'secrets': may_write('/settings/probe'),
}))
"""


@dataclass
class Played:
    """What was seen on the way, in order."""

    engine: Engine
    folder: Path
    seconds: dict[str, float] = field(default_factory=dict)
    inside: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    restarts: int = 0
    short: list[int] = field(default_factory=list)
    stops: list[list[tuple[str, int]]] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)

    @property
    def truth(self) -> Truth:
        return Truth(self.folder)

    def took(self, what: str, since: float) -> None:
        self.seconds[what] = perf_counter() - since

    def note_position(self) -> None:
        """Write down the short and the stops that rest, by ground truth."""
        self.short.append(-self.truth.net(CALL))
        rest = [o for o in self.truth.resting(Action.BUY) if o.status is Status.TRIGGER_PENDING]
        self.stops.append([(order.orderid, order.pending) for order in rest])


Tell = Callable[[str], None]


@pytest.fixture(scope="module")
def tell(request: pytest.FixtureRequest) -> Tell:
    """Show a figure in the report of the run, whether or not a test fails."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None

    def show(text: str) -> None:
        with capture.global_and_fixture_disabled():
            sys.stdout.write(f"\n[docker] {text}\n")
            sys.stdout.flush()

    return show


@pytest.fixture(scope="module")
def built(tell: Tell) -> Iterator[Engine]:
    """An engine in its own network space, with the image of this checkout."""
    started = perf_counter()
    with engine() as made:
        make_base(made)
        based = perf_counter()
        build(made, COMMIT)
        ready = perf_counter()
        tell(f"base image {based - started:.1f} s, build {ready - based:.1f} s")
        size = int(made.about(IMAGE)["Size"]) / 1e6
        base = int(made.about(BASE)["Size"]) / 1e6
        tell(f"image {size:.0f} MB, {size - base:.0f} of them above its base\n{layers(made)}")
        move(made)
        yield made


@pytest.fixture(scope="module")
def played(built: Engine, tell: Tell, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """One session with everything that may befall its agent."""
    try:
        seen = play(built, tmp_path_factory.mktemp("compose"))
    except AssertionError:
        tell(built.evidence())
        raise
    tell(", ".join(f"{what} {took:.1f} s" for what, took in seen.seconds.items()))
    return seen


def play(built: Engine, folder: Path) -> Played:
    """Play it, kill after kill, and take everything down."""
    override = folder / "short.yml"
    override.write_text(OVERRIDE, "ascii")
    seen = Played(built, built.folder / "kept" / "paper")
    seen.folder.mkdir(parents=True)
    tapes.write(seen.folder / "day.csv", LEG, since="09:40")

    started = perf_counter()
    up(seen, override)
    seen.took("up to healthy", started)
    until(lambda: any(stops_of(seen)), PATIENCE_S)
    seen.note_position()
    look(seen)

    started = perf_counter()
    kill_process(seen)
    seen.took("killed process to healthy", started)
    seen.note_position()

    started = perf_counter()
    built.docker("kill", "-s", "KILL", AGENT)
    seen.codes["docker kill"] = ended(seen, AGENT)
    up(seen, override)
    seen.took("docker kill to healthy", started)
    seen.note_position()

    started = perf_counter()
    built.compose("stop", "paper-agent", override=override)
    seen.took("stop", started)
    seen.codes["stop"] = ended(seen, AGENT)
    seen.note_position()

    up(seen, override)
    # The container may be over before who asked in it has said so: the books tell.
    built.docker("exec", AGENT, "/app/.venv/bin/python", "/app/run.py", *FLATTEN, check=False)
    seen.codes["agent"] = ended(seen, AGENT)
    built.compose("stop", "paper-exchange", override=override)
    seen.codes["exchange"] = ended(seen, EXCHANGE)
    built.compose("down", "--volumes", override=override)
    return seen


def up(seen: Played, override: Path) -> None:
    """Start whatever is not running, and wait until the agent is healthy."""
    seen.engine.compose("up", "-d", override=override)
    until(lambda: health(seen) == "healthy", PATIENCE_S)


def health(seen: Played) -> str:
    state = seen.engine.about(AGENT)["State"]
    assert state["Status"] != "exited", state
    return str(state["Health"]["Status"])


def stops_of(seen: Played) -> list[str]:
    resting = seen.truth.resting(Action.BUY)
    return [order.orderid for order in resting if order.status is Status.TRIGGER_PENDING]


def ended(seen: Played, name: str) -> int:
    """Wait for the end of a container and return its exit code."""
    until(lambda: seen.engine.about(name)["State"]["Status"] == "exited", PATIENCE_S)
    return int(seen.engine.about(name)["State"]["ExitCode"])


def kill_process(seen: Played) -> None:
    """Kill the agent below its init, as the kernel would, and wait until it is well again."""
    before = seen.engine.about(AGENT)
    children = Path(f"/proc/{before['State']['Pid']}/task/{before['State']['Pid']}/children")
    (agent,) = children.read_text("ascii").split()
    os.kill(int(agent), signal.SIGKILL)

    def is_well() -> bool:
        now = seen.engine.about(AGENT)
        seen.restarts = now["RestartCount"]
        return seen.restarts > 0 and now["State"]["Health"]["Status"] == "healthy"

    until(is_well, PATIENCE_S)


def look(seen: Played) -> None:
    """Ask the engine, the container and the page what they are."""
    seen.about = seen.engine.about(AGENT)
    program = ("exec", AGENT, "/app/.venv/bin/python", "-c", LOOK_INSIDE)
    seen.inside = json.loads(seen.engine.docker(*program))
    token = (seen.folder.parent / "settings" / "sutradhar_page_control_token").read_text("ascii")
    url = "http://127.0.0.1:8501/state"
    seen.state = json.loads(seen.engine.outside("python3", "-c", ASK, token, url))


@pytest.mark.incident("INC-97")
def test_compose_turns_healthy_and_restarts_the_killed(played: Played) -> None:
    """It turned healthy four times, or the fixture would have failed."""
    assert played.restarts == 1
    assert played.codes["docker kill"] == KILLED
    assert "/readyz" in played.about["Config"]["Healthcheck"]["Test"][-1]


@pytest.mark.incident("INC-98")
def test_running_version_is_the_commit(played: Played) -> None:
    label = played.engine.about(IMAGE)["Config"]["Labels"]["org.opencontainers.image.revision"]
    assert label == COMMIT
    assert played.state["commit"] == COMMIT
    # No volume hides the code: all that is mounted are the state and the settings.
    assert {mount["Destination"] for mount in played.about["Mounts"]} == {"/state", "/settings"}


def test_killed_agent_recovers_the_same_state_and_doubles_nothing(played: Played) -> None:
    assert len(set(played.short)) == 1
    assert played.short[0] == tapes.UNITS
    assert all(units == [played.short[0]] for units in resting_units(played))
    found = verdict(played.folder, [])
    assert found.broken == ()
    assert len(played.truth.orders(Action.SELL)) == 1


def resting_units(played: Played) -> list[list[int]]:
    return [[units for _, units in stops] for stops in played.stops]


def test_session_ends_flat_and_both_containers_rest(played: Played) -> None:
    assert (played.codes["agent"], played.codes["exchange"]) == (0, 0)
    assert played.truth.net(CALL) == 0


def test_stop_parks_within_its_grace(played: Played) -> None:
    assert played.codes["stop"] == INTERRUPTED
    assert played.seconds["stop"] < GRACE_S
    log = (played.folder / "agent.log").read_text("ascii")
    assert "PARKED: stops verified" in log


def test_container_may_write_its_state_and_nothing_else(played: Played) -> None:
    host = played.about["HostConfig"]
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["CapAdd"]) == (True, ["ALL"], None)
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert played.inside == {
        "uid": 10001,
        "capabilities": {"CapEff": 0, "CapPrm": 0, "CapBnd": 0},
        "no_new_privileges": 1,
        "app": "Read-only file system",
        "root": "Read-only file system",
        "state": "",
        "tmp": "",
        "secrets": "Read-only file system",
    }


def test_ports_are_bound_to_the_loopback(played: Played) -> None:
    bindings = played.about["HostConfig"]["PortBindings"]
    assert bindings == {"8501/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8501"}]}


def test_state_survives_down_with_its_volumes(played: Played) -> None:
    """The fixture has taken everything down; what is read here is the host's."""
    assert played.engine.docker("ps", "-aq") == ""
    assert (played.folder / JOURNAL).stat().st_uid == 10001
    assert (played.folder.stat().st_mode & 0o777, played.folder.stat().st_uid) == (0o700, 10001)


def test_no_secret_and_no_test_is_in_the_image(built: Engine) -> None:
    listed = built.docker(
        "run", "--rm", "--entrypoint", "find", IMAGE, "/app", "/state", "-maxdepth", "1"
    )
    names = {Path(line).name for line in listed.splitlines()}
    assert {"run.py", "domain", ".venv"} <= names
    assert names.isdisjoint({".env", ".git", "tests", "docs", ".deploy"})
    history = built.docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", IMAGE)
    assert "API_KEY" not in history


def test_image_without_settings_says_what_is_missing(built: Engine) -> None:
    """And with them unreadable nothing is half started: exit 78, one line each."""
    started = ("run", "--name", "bare", "--read-only", "--network", "none", IMAGE)
    built.docker(*started, check=False)
    assert built.about("bare")["State"]["ExitCode"] == 78
    assert "OPENALGO_API_KEY" in built.logs("bare")


def test_memory_limit_kills_what_exceeds_it(built: Engine) -> None:
    program = "x = bytearray(300_000_000)"
    limited = ("--memory", UNHEALTHY_MEMORY, "--network", "none", "--name", "greedy")
    started = ("run", *limited, "--entrypoint", "/app/.venv/bin/python", IMAGE, "-c", program)
    built.docker(*started, check=False)
    state = built.about("greedy")["State"]
    assert (state["ExitCode"], state["OOMKilled"]) == (KILLED, True)
