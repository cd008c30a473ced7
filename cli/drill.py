"""`run.py drill feed`: many short sessions with market data faults, and a scorecard of them.

Every session is a whole cast on a paper exchange in virtual time; two of them share nothing, so
they are spread over processes.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TextIO

from actors.order import DAY_DONE
from cli import outfile
from cli.session import Session
from cli.spread import check_workers, spread
from cli.virtual import STOP_S, Parts, VirtualDay, VirtualSession
from config.settings import Settings, load
from domain.errors import ConfigError
from domain.params import FeedParams
from domain.session import Closed, DayPlan, instant, plan
from domain.units import Day
from journal.orders import NAME as JOURNAL
from journal.orders import JournalReader
from research.drill import Session as Played
from research.drill import judged
from research.ordeals import ORDEALS, WAVES, Ordeal, square_wave
from research.scorecard import Card, Outcome, document, score, table
from research.witness import WatchedWorld, Witness
from sandbox import checker, faults
from sandbox.exchange import Setup
from sandbox.params import SandboxParams
from sandbox.truth import Truth
from sandbox.truth_file import TruthFile

QUIET = Ordeal(
    name="quiet",
    text="nothing is wrong; far strikes do not trade for minutes",
    settings={"sandbox.market.regime": "calm", "sandbox.market.quiet_max_s": 300},
    fault_at="09:50",
    may_act=False,
)
LUNCH = "12:20"
LUNCH_UNTIL = "12:50"
SESSIONS, SEEDS = 200, 6
WAVE_SEEDS = 2
"""A square wave is played with fewer: each is an hour long."""

EVERY = 10
"""Each so many-th quiet session is played at lunch, when the market is quietest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says. `sessions` are the quiet ones, `seeds` those of each fault."""

    sessions: int = SESSIONS
    seeds: int = SEEDS
    seed: int = 1
    workers: int | None = None
    json: Path | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One session to be played."""

    ordeal: Ordeal
    seed: int


def feed(options: Options, out: TextIO) -> int:
    """Play the drill and print the scorecard; 0 if everything that has to be 0 is, else 1.

    Raises ConfigError for options that cannot be.
    """
    _check(options)
    tasks = tuple(_tasks(options))
    started = perf_counter()
    outcomes = list(spread(play, tasks, options.workers, out))
    card = _card(tasks, outcomes)
    print(f"\n{table(card)}", file=out)
    print(f"sessions           {len(tasks)} in {perf_counter() - started:.0f} s", file=out)
    if options.json is not None:
        outfile.save(document(card), options.json, "--json")
    return 0 if card.is_good else 1


def play(task: Task) -> Outcome:
    """Play one session in this process, and judge it."""
    with tempfile.TemporaryDirectory() as name:
        return _play(task, Path(name))


def _play(task: Task, folder: Path) -> Outcome:
    ordeal = task.ordeal
    flags = {
        "sandbox.seed": task.seed,
        "sandbox.start_at": ordeal.begin,
        **ordeal.settings,
    }
    settings = load("sandbox", flags, rooms={"sandbox": SandboxParams()})
    params = settings.room(SandboxParams)
    setup = Setup(params)
    planned = _plan(settings, setup.day)
    script = faults.read({"version": 1, "faults": list(ordeal.faults)}, setup.day, task.seed)
    witness = Witness()
    with closing(TruthFile(folder)) as file:
        truth = Truth(file.append, file.rows)
        day = VirtualDay(setup=setup, script=script, truth=truth, begin=ordeal.begin)
        session = VirtualSession(
            Session(settings=settings, folder=folder),
            day,
            planned,
            Parts(pump=lambda: witness, world=WatchedWorld),
        )
        end = instant(setup.day, ordeal.until)
        session.system.start()
        session.world.run(lambda: session.door.ended is not None, end)
        session.system.stop(STOP_S)
        ended = session.door.ended
        is_over = ended is not None and ended.code == DAY_DONE
        journal = JournalReader(folder / JOURNAL).rows(setup.day)
        report = checker.judge(truth.rows, journal, checker.Terms(until=end))
        played = Played(
            ordeal=ordeal,
            seed=task.seed,
            begin=max(planned.open, instant(setup.day, ordeal.begin)),
            calm_until=instant(setup.day, ordeal.calm_until),
            fault_at=instant(setup.day, ordeal.fault_at),
            end=end,
            notes=witness.notes,
            rows=truth.rows,
            is_over=is_over,
            broken=(*report.invariants_broken, *((ended.reason,) if ended and not is_over else ())),
        )
        return judged(played, session.exchange, setup.day)


def _plan(settings: Settings, day: Day) -> DayPlan:
    planned = plan(
        day, settings.rules, settings.session, settings.broker.name, quiet_s=settings.exit.quiet_s
    )
    if isinstance(planned, Closed):
        raise ConfigError(f"sandbox.date {day}: has no session ({planned.reason}); name another")
    return planned


def _tasks(options: Options) -> Iterator[Task]:
    for number in range(options.sessions):
        yield Task(_quiet(number), options.seed + number)
    waves = tuple(map(square_wave, WAVES))
    few = min(options.seeds, WAVE_SEEDS)
    for ordeals, seeds in ((ORDEALS, options.seeds), (waves, few)):
        for ordeal in ordeals:
            yield from (Task(ordeal, options.seed + number) for number in range(seeds))


def _quiet(number: int) -> Ordeal:
    if number % EVERY:
        return QUIET
    return Ordeal(
        name=QUIET.name,
        text=QUIET.text,
        settings=QUIET.settings,
        begin=LUNCH,
        fault_at=LUNCH_UNTIL,
        until=LUNCH_UNTIL,
        may_act=False,
    )


def _card(tasks: Sequence[Task], outcomes: Sequence[Outcome]) -> Card:
    by_name: dict[str, list[Outcome]] = {}
    for task, outcome in zip(tasks, outcomes, strict=True):
        by_name.setdefault(task.ordeal.name, []).append(outcome)
    waves = [square_wave(period).name for period in WAVES]
    return score(
        by_name.get(QUIET.name, []),
        [by_name[ordeal.name] for ordeal in ORDEALS],
        [by_name[name] for name in waves],
        FeedParams().max_switches_per_h,
    )


def _check(options: Options) -> None:
    for name, value, most in (
        ("sessions", options.sessions, 100_000),
        ("seeds", options.seeds, 1000),
    ):
        if not 1 <= value <= most:
            raise ConfigError(f"--{name} {value}: allowed is a whole number from 1 to {most:,}")
    check_workers(options.workers)
    outfile.check(options.json, "--json")
