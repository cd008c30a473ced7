"""The shipped service on a machine, beside a paper exchange that stands in for OpenAlgo.

Each machine goes on with the same morning: an agent sold one option on a fast exchange and was
killed once its stop rested. Its journal and the exchange's truth are put where systemd has
them; from there on all is real time, and the clock of the machine says which.
"""

import json
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from domain.books import Action
from domain.session import instant
from domain.units import Day
from journal.orders import NAME as JOURNAL
from journal.orders import JournalReader
from sandbox.checker import Terms, judge
from tests import tapes
from tests.deploy.machine import HOME, Machine, machine
from tests.deploy.openalgo import BROKER
from tests.e2e.sessions import Truth
from tests.processes.desk import a_desk
from tests.tapes import CALL, DAY, UNITS, Leg

UNIT = "sutradhar.service"
FAILED = "sutradhar-failed@sutradhar.service.service"
KEY = "k" * 32
SOLD = Leg(ready="10:02", breaks="10:03")
EXCHANGE = "srv/exchange"
SHOW = f"systemctl show {UNIT} --value -p"
RESTS = f'{{ systemctl is-failed -q {UNIT} || [ "$({SHOW} ActiveState)" = inactive ]; }}'
LONG_S = 60.0
NOT_OURS = {"truth.jsonl", "lock", "marks.jsonl", "said.txt", "agent.log"}

OPENALGO = f"""\
[Service]
Type=exec
WorkingDirectory=/{HOME}
ExecStart=/{HOME}/.venv/bin/python -m tests.deploy.openalgo exchange \
    --api-key {KEY} --tape /srv/day.csv --state-dir /{EXCHANGE}
Restart=always
[Install]
WantedBy=multi-user.target
"""

MAIL = f"""\
[Service]
ExecStart=/{HOME}/.venv/bin/python /{HOME}/tests/deploy/postbox.py /srv/mail.jsonl
[Install]
WantedBy=multi-user.target
"""

ENVIRONMENT = f"""\
OPENALGO_HOST=127.0.0.1
PAPER_TRADING=true
SUTRADHAR_BROKER__NAME={BROKER}
"""
ALERTS = "json://127.0.0.1:8025/\n"


def sell_in_the_morning(folder: Path) -> Path:
    """Play until a short has its stop, kill the agent, and return the state directory."""
    with a_desk(folder, SOLD, begin="10:01") as desk, desk.agent() as agent:
        agent.wait_for(r"stop NIFTY\w+ is trigger_pending")
        desk.hands.stand()
        agent.send(signal.SIGKILL)
        agent.wait()
        assert (desk.short(CALL), len(desk.stops())) == (UNITS, 1)
        return desk.folder


@dataclass(frozen=True)
class Life:
    """One life of the unit: which process, and since when by the steady clock of the machine."""

    pid: int
    since_us: int


NOT_BORN = Life(0, 0)


@dataclass(frozen=True)
class Service:
    """The unit on its machine, and what the exchange knows."""

    machine: Machine

    @property
    def truth(self) -> Truth:
        return Truth(self.machine.root / EXCHANGE)

    @property
    def failures(self) -> list[str]:
        """How often, and by what title, people were told that systemd has given up."""
        file = self.machine.root / "srv/mail.jsonl"
        lines = file.read_text("ascii").splitlines() if file.exists() else []
        titles = [str(json.loads(line)["title"]) for line in lines]
        return [title for title in titles if "has failed" in title]

    def show(self, name: str, unit: str = UNIT) -> str:
        """Return one property of the unit."""
        return self.machine.systemctl("show", unit, "--value", "-p", name)

    def life(self) -> Life:
        """Return the life it leads now, pid 0 if none."""
        return Life(int(self.show("MainPID")), int(self.show("ExecMainStartTimestampMonotonic")))

    @property
    def state(self) -> str:
        return self.show("ActiveState")

    @property
    def log(self) -> str:
        return self.machine.journal(UNIT)

    def wait_until_ready(self, before: Life = NOT_BORN) -> float:
        """Wait until it runs, in another life than before; return the seconds that took."""
        started = perf_counter()
        pid = f"$({SHOW} MainPID)"
        other = f'[ "{pid}" != 0 ] && [ "{pid}" != {before.pid} ]'
        self.machine.wait_for(f'[ "$({SHOW} ActiveState)" = active ] && {other}')
        return perf_counter() - started

    def wait_until_it_rests(self) -> str:
        """Wait until nobody runs it and nobody will; return why, and its exit code."""
        self.machine.wait_for(f'[ "$({SHOW} MainPID)" = 0 ] && {RESTS}')
        return f"{self.state} {self.show('Result')} {self.show('ExecMainStatus')}"

    def wait_until_begun_after(self, before: Life) -> None:
        """Wait until a life began after another one; it may be over by then."""
        since = f"$({SHOW} ExecMainStartTimestampMonotonic)"
        self.machine.wait_for(f'[ "{since}" -gt {before.since_us} ]')

    def set_environment(self, more: str) -> None:
        """Write its environment anew, with more lines."""
        self.machine.write("etc/sutradhar/sutradhar.env", ENVIRONMENT + more, 0o600)

    def assert_protected(self) -> None:
        """The short has one resting stop of its size; nothing was sold or bought beside."""
        truth = self.truth
        stops = truth.resting(Action.BUY)
        assert [stop.pending for stop in stops] == [UNITS], self.log
        assert -truth.net(CALL) == UNITS
        assert len(truth.orders(Action.SELL)) == 1
        assert len(truth.orders(Action.BUY)) == 1
        self.assert_sound()

    def assert_sound(self) -> None:
        """By the exchange's own record no invariant broke."""
        rows = JournalReader(self.machine.state / JOURNAL).rows(DAY)
        broken = judge(self.truth.rows, rows, Terms(speed=1)).invariants_broken
        assert broken == [], f"{broken}\n{self.log}"


@contextmanager
def a_service(folder: Path, morning: Path, at: str, day: Day = DAY) -> Iterator[Service]:
    """Furnish a machine that is off; its clock says `at`."""
    with machine(folder) as made:
        shutil.copytree(morning, made.state, ignore=lambda _, names: NOT_OURS.intersection(names))
        for file in made.state.iterdir():
            file.chmod(0o600)  # the umask of the service
        made.state.parent.chmod(0o700)
        exchange = made.root / EXCHANGE
        exchange.mkdir(parents=True)
        shutil.copy(morning / "truth.jsonl", exchange)
        tapes.write(made.root / "srv/day.csv", SOLD, since="09:40")
        made.write("etc/systemd/system/openalgo.service", OPENALGO)
        made.write("etc/systemd/system/postbox.service", MAIL)
        made.chroot(f"/{HOME}/systemd/install.sh")
        service = Service(made)
        service.set_environment("")
        made.write("etc/sutradhar/credentials/openalgo/api_key", f"{KEY}\n", 0o600)
        made.write("etc/sutradhar/credentials/sutradhar/alert_urls", ALERTS, 0o600)
        made.chroot("systemctl", "enable", "openalgo", "postbox")
        made.set_clock(instant(day, at))
        yield service


def figure(text: str) -> None:
    """Print a figure into the log of the layer."""
    sys.stderr.write(f"figure: {text}\n")
