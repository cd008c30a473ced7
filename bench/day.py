"""How long one day takes at `--speed max`, and whether it comes out the same every time.

Each run is a process of its own, under a hash seed of its own, and plays the `VirtualSession` that
`run.py sandbox --speed max` plays, with journals, truth and log on disk; judging the day and
printing its story is left out. The floor is the market alone: the same exchange advanced through
the same day in the same steps, the same symbols watched, their prices taken by nobody.

No figure is printed, and the exit code is 1, if a day was not played to its end or two runs were
not equal: byte by byte in their decision logs, and in the prices and messages counted. Nothing is
asserted about time. On a shared machine believe the CPU seconds, and the best run.
"""

import argparse
import hashlib
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import TypeVar

import msgspec

from cli.session import Session
from cli.virtual import VirtualDay, VirtualSession
from config import log as logs
from config.settings import Settings, load
from domain.errors import ConfigError
from domain.ledger import Ledger
from domain.session import Closed, DayPlan, instant, plan, show
from domain.status import Status
from domain.units import SECOND, Day, Micros, Symbol
from journal.orders import NAME as JOURNAL
from journal.orders import JournalReader
from research.world import STEP
from sandbox.exchange import Exchange, Setup
from sandbox.faults import Script
from sandbox.params import SandboxParams
from sandbox.truth import Truth
from sandbox.truth_file import TruthFile

DONE = 10
"""The exit code of a day that was played to its end and proved flat."""

BAD_CONFIG = 78

STATE = Path("state")
"""Where `run.py sandbox` keeps its state directories: the disk that counts."""

A = TypeVar("A")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Which day is played; None leaves it to the settings."""

    seed: int | None = None
    until: str | None = None

    def settings(self) -> Settings:
        """Return the settings `run.py sandbox` would play with; ConfigError if there are none."""
        wanted = {"sandbox.seed": self.seed, "session.force_close": self.until}
        flags = {key: value for key, value in wanted.items() if value is not None}
        return load("sandbox", flags, rooms={"sandbox": SandboxParams()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one run came to. Runs of one day must be equal in all of it."""

    code: int
    begin: Micros
    end: Micros
    symbols: tuple[Symbol, ...]
    prices: int
    messages: int
    decisions: int
    digest: str

    @property
    def market_s(self) -> float:
        """Market seconds played."""
        return (self.end - self.begin) / SECOND


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took, in seconds."""

    wall_s: float
    cpu_s: float


class Stopwatch:
    """Counts from when it is made."""

    def __init__(self) -> None:
        self._wall, self._cpu = perf_counter(), process_time()

    def read(self) -> Cost:
        """Return what was spent so far."""
        return Cost(perf_counter() - self._wall, process_time() - self._cpu)


def play(given: Given, folder: Path) -> tuple[Outcome, Cost]:
    """Play the day once. In a process of its own."""
    logs.setup(logs.Redactor(), file=folder / "agent.log")
    settings = given.settings()
    planned = planned_day(settings)
    params = settings.room(SandboxParams)
    with closing(TruthFile(folder)) as file:
        truth = Truth(file.append, file.rows)
        day = VirtualDay(setup=Setup(params), script=Script(), truth=truth, begin=params.start_at)
        watch = Stopwatch()
        session = VirtualSession(Session(settings=settings, folder=folder), day, planned)
        ended = session.play()
        cost = watch.read()
    decided = (folder / "decisions.jsonl").read_bytes()
    chain = Ledger().fold(JournalReader(folder / JOURNAL).after(0, planned.day)[0]).chain
    status = msgspec.json.decode((folder / "status.json").read_bytes(), type=Status)
    outcome = Outcome(
        code=ended.code,
        begin=instant(planned.day, params.start_at),
        end=ended.at,
        symbols=(
            Symbol(settings.universe.underlying),
            *(contract.symbol for contract in (chain.contracts if chain else ())),
        ),
        prices=status.ticks,
        messages=session.pump.handled,
        decisions=decided.count(b"\n"),
        digest=hashlib.sha256(decided).hexdigest(),
    )
    return outcome, cost


def market_alone(given: Given, played: Outcome) -> tuple[int, Cost]:
    """Let the same market pass; return how many prices came out. In a process of its own."""
    settings = given.settings()
    setup = Setup(settings.room(SandboxParams))
    watch = Stopwatch()
    exchange = Exchange(setup, settings.rules, Truth())
    exchange.advance(played.begin)
    exchange.watch(played.symbols)
    steps = range(played.begin, played.end + STEP, STEP)
    prices = sum(len(exchange.advance(Micros(at))) for at in steps)
    return prices, watch.read()


def planned_day(settings: Settings) -> DayPlan:
    """Return the plan of the settings' day; ConfigError if there is no session on it."""
    planned = plan(
        Day(settings.room(SandboxParams).date),
        settings.rules,
        settings.session,
        settings.broker.name,
        quiet_s=settings.exit.quiet_s,
    )
    if isinstance(planned, Closed):
        raise ConfigError(f"sandbox.date: there is no session on it ({planned.reason})")
    return planned


def apart(number: int, work: Callable[[Given, A], T], given: Given, more: A) -> T:
    """Do something in a new process, whose hash seed is this number and whose log is not shown."""
    os.environ["PYTHONHASHSEED"] = str(number)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=be_quiet) as pool:
        return pool.submit(work, given, more).result()


def be_quiet() -> None:
    """Show nothing on standard error. The log is written there all the same, as it is live."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def play_all(given: Given, runs: int) -> list[tuple[Outcome, Cost]]:
    """Play the day several times, one after the other, each in a fresh state directory."""
    STATE.mkdir(mode=0o700, exist_ok=True)
    played = []
    for number in range(runs):
        print(f"run {number + 1} of {runs} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="bench-", dir=STATE) as folder:
            played.append(apart(number, play, given, Path(folder)))
    return played


def complaint(outcomes: Sequence[Outcome]) -> str:
    """Return why these runs may not be compared in time; '' if they did the same, to the end."""
    first = outcomes[0]
    for number, outcome in enumerate(outcomes, 1):
        if outcome.code != DONE:
            return f"run {number} was not played to its end: exit code {outcome.code}"
        if not outcome.decisions:
            return f"run {number} decided nothing"
        if outcome != first:
            return f"run {number} came out otherwise than run 1:\n  {first}\n  {outcome}"
    return ""


def report(outcome: Outcome, costs: Sequence[Cost], floor: Cost, floor_prices: int) -> None:
    """Print what the day was, a line for each run, the best and the median, and the floor."""
    print(
        f"{len(outcome.symbols)} symbols with the index, {show(outcome.begin)} to "
        f"{show(outcome.end)}: {outcome.prices} prices, {outcome.messages} messages, "
        f"{outcome.decisions} decisions\n{len(costs)} equal runs, decision log sha256 "
        f"{outcome.digest[:16]}, floor {floor_prices} prices"
    )
    titles = ("wall s", "CPU s", "market s/s", "prices/s", "messages/s", "x floor")
    print(f"{'run':>8}" + "".join(f"{title:>12}" for title in titles))
    middle = Cost(median(c.wall_s for c in costs), median(c.cpu_s for c in costs))
    best = Cost(min(c.wall_s for c in costs), min(c.cpu_s for c in costs))
    lines = {**{str(n): cost for n, cost in enumerate(costs, 1)}, "median": middle, "best": best}
    for name, cost in lines.items():
        counts = (outcome.market_s, outcome.prices, outcome.messages)
        print(_line(name, cost, counts, floor))
    print(_line("floor", floor, (outcome.market_s, floor_prices, 0), floor))


def _line(name: str, cost: Cost, counts: tuple[float, ...], floor: Cost) -> str:
    rates = "".join(f"{count / cost.wall_s:>12,.0f}" for count in counts)
    ratio = cost.cpu_s / floor.cpu_s
    return f"{name:>8}{cost.wall_s:>12.2f}{cost.cpu_s:>12.2f}{rates}{ratio:>12.1f}"


def main() -> int:
    """Play, compare, print; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.day",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="at least 2; default 3")
    parser.add_argument("--seed", type=int, metavar="N", help="of the market; default: settings")
    parser.add_argument(
        "--until", metavar="HH:MM", help="a shorter day: when everything is closed by force"
    )
    asked = parser.parse_args()
    if asked.runs < 2:
        parser.error("--runs: at least 2, or there is nothing to compare")
    given = Given(seed=asked.seed, until=asked.until)
    try:
        planned_day(given.settings())
    except ConfigError as error:
        print(error, file=sys.stderr)
        return BAD_CONFIG
    played = play_all(given, asked.runs)
    outcomes, costs = zip(*played, strict=True)
    if wrong := complaint(outcomes):
        print(wrong, file=sys.stderr)
        return 1
    print("the market alone ...", file=sys.stderr, flush=True)
    floor_prices, floor = apart(0, market_alone, given, outcomes[0])
    report(outcomes[0], costs, floor, floor_prices)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
