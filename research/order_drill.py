"""One session of the orders drill: drawn from its random seed, played, judged on ground truth."""

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Settings
from domain.contracts import Chain, Contract, Side
from domain.events import Event
from domain.session import DayPlan, show
from domain.units import MINUTE, SECOND, Micros, Paise, Symbol, seconds
from journal.fallback import NAME as FALLBACK
from journal.fallback import read
from journal.orders import NAME, JournalReader
from research import order_tape as tapes
from research.dealer import Desk as Dealing
from research.dealer import Habits
from research.mischief import Mischief, Plan
from research.order_agent import LifeSystem
from research.order_brokers import PLAIN, Habit, behaving, draw_habit, facing
from research.order_clock import HOUR, in_true_time
from research.order_faults import IN_A_SESSION, Entry, dark_spans, priceless_spans, swarm
from research.order_scores import Outcome, outcome_of
from research.order_world import OrderWorld
from sandbox import checker, faults
from sandbox.exchange import Exchange, Setup
from sandbox.kinds import InstrumentLine
from sandbox.params import SandboxParams
from sandbox.truth import Arrived, Met, Row, Truth, encode

LIVENESS = seconds(150)
LAST_WORD = seconds(30)
RECOVERY = seconds(10)
AFTER = seconds(130)
"""How long the exchange goes on alone: what was accepted and not seen yet shows by then."""

RATES = (8, 8, 3)
"""How many writes a second the agent is held to: few sessions are busy enough for the usual 8."""

PARKED = 0.05
"""In how many sessions the process is told to end, as by SIGTERM, and started again."""

JUMPS = 0.05
"""In how many sessions the clock is an hour off for a while: until the last entry at most."""

REFOLD_EVERY = 50
"""In each so many-th session the whole journal is folded again at its end, by two new lives."""

BEFORE = 40
"""How many rows of ground truth are shown of what led to a violation."""

DETECTION_S = 7.0
"""A broker may push nothing: a fill shows within `reconcile.resting_s`; a price takes a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What was drawn for a session. Without `faults` nothing goes wrong in it."""

    seed: int
    plan: DayPlan
    symbols: tuple[Symbol, ...]
    weather: tapes.Weather
    habits: Habits
    mischief: Plan
    has_pushes: bool
    rate_per_s: int = 8
    broker: Habit = PLAIN
    faults: tuple[Entry, ...] = ()
    kinds: tuple[str, ...] = ()


def draw(seed: int, *, faulty: bool = True, forced: str = "") -> Sheet:
    """Draw a session; without `faulty` nothing goes wrong in it but the market.

    `forced` names a kind of fault that is to be in it, and heavy.
    """
    chance = random.Random(f"{seed}:sheet")  # noqa: S311 - a drawn session must repeat
    begin = tapes.begin()
    force_close = Micros(begin + chance.randint(60, 180) * SECOND)
    calm = Micros(force_close + chance.choice((-20, 0, 20)) * SECOND)
    plan = DayPlan(
        day=tapes.DAY,
        open=Micros(begin - 5 * MINUTE),
        close=Micros(begin + 360 * MINUTE),
        last_entry=Micros(force_close - chance.choice((5, 20)) * SECOND),
        force_close=force_close,
        square_off=None,
        quiet=None,
    )
    entries, kinds = swarm(chance, begin, calm, forced) if faulty else ([], ())
    broker = draw_habit(random.Random(f"{seed}:broker")) if faulty else PLAIN  # noqa: S311 - repeats
    return Sheet(
        seed=seed,
        plan=plan,
        symbols=tapes.OPTIONS[: chance.randint(2, 4)],
        weather=tapes.draw_weather(chance, min(calm, force_close)),
        habits=_habits(chance),
        mischief=_mischief(chance, calm) if faulty else Plan(until=calm),
        has_pushes=chance.random() < 0.6,
        rate_per_s=chance.choice(RATES),
        broker=broker,
        faults=tuple(entries),
        kinds=(*kinds, *broker.names),
    )


def _habits(chance: random.Random) -> Habits:
    return Habits(
        enter=chance.choice((0.1, 0.3, 0.6)),
        amend=chance.choice((0.0, 0.02, 0.2)),
        cancel=chance.choice((0.0, 0.02, 0.1)),
        raise_stop=chance.choice((0.0, 0.05)),
        move_stop=chance.choice((0.0, 0.03, 0.3)),
        leave=chance.choice((0.0, 0.01, 0.05)),
        flatten=chance.choice((0.0, 0.0, 0.0, 0.01)),
    )


def _mischief(chance: random.Random, calm: Micros) -> Plan:
    """Draw what goes wrong inside: none, one or two kills, the second often in recovery."""
    first = chance.randint(3, 150)
    second = first + chance.choice((chance.randint(1, 8), chance.randint(9, 80)))
    kills = (first, second)[: chance.choice((0, 1, 1, 2))]
    some = [chance.random() < IN_A_SESSION for _ in range(3)]
    return Plan(
        until=calm,
        kills=kills,
        lost_worker=0.05 * some[0],
        late=0.05 * some[1],
        reader_dies=0.02 * some[2],
        full=_full(chance, calm) if chance.random() < IN_A_SESSION / 2 else (),
        parks=_parks(chance, calm),
        steps=_steps(chance, calm),
    )


def _parks(chance: random.Random, calm: Micros) -> tuple[Micros, ...]:
    """Draw when the process is asked to end in good order."""
    if chance.random() >= PARKED:
        return ()
    span_s = (calm - tapes.begin()) // SECOND
    return (Micros(tapes.begin() + chance.randint(5, span_s) * SECOND),)


def _steps(chance: random.Random, calm: Micros) -> tuple[tuple[Micros, Micros], ...]:
    """Draw when the clock is set wrong by an hour, and set right again."""
    if chance.random() >= JUMPS:
        return ()
    begin = tapes.begin()
    since_s = chance.randint(2, 40)
    until_s = min(since_s + chance.randint(1, 60), (calm - begin) // SECOND - 45)
    off = Micros(HOUR * chance.choice((-1, 1)))
    wrong = (Micros(begin + since_s * SECOND), off)
    return (wrong, (Micros(begin + max(since_s, until_s) * SECOND), Micros(0)))


def _full(chance: random.Random, calm: Micros) -> tuple[tuple[Micros, Micros], ...]:
    """Draw when the disk takes nothing."""
    since = Micros(tapes.begin() + chance.randint(1, 60) * SECOND)
    until = min(calm, Micros(since + chance.randint(1, 30) * SECOND))
    return ((since, until),)


def play(
    sheet: Sheet, settings: Settings, folder: Path, system: type[LifeSystem] = LifeSystem
) -> Outcome:
    """Play a session on an empty state directory and judge it."""
    session = Session(sheet, settings, folder, system)
    session.world.boot()
    session.world.run_to(session.end)
    session.world.finish(AFTER)
    if sheet.seed % REFOLD_EVERY == 0:
        session.recover_twice()
    return session.outcome()


class Session:
    """A session set up and not begun. Takes over the clock when built."""

    def __init__(
        self,
        sheet: Sheet,
        settings: Settings,
        folder: Path,
        system: type[LifeSystem] = LifeSystem,
    ) -> None:
        self.sheet = sheet
        self.truth = Truth()
        self._folder = folder
        seed, calm = str(sheet.seed), sheet.mischief.until
        self.end = Micros(max(sheet.plan.force_close, calm) + LIVENESS + LAST_WORD)
        tape = tapes.tape(seed, sheet.symbols, sheet.weather, Micros(self.end + AFTER))
        params = replace(settings.room(SandboxParams), seed=sheet.seed)
        params = behaving(params, sheet.broker)
        exchange = Exchange(Setup(params, tape), settings.rules, self.truth)
        mischief = Mischief(sheet.mischief, random.Random(f"{seed}:mischief"))  # noqa: S311 - repeats
        settings = facing(_at_rate(settings, sheet.rate_per_s), sheet.broker)
        self.world = OrderWorld(exchange, tapes.begin(), settings, folder, mischief)
        self.world.follow(self.truth)
        script = {"version": 1, "faults": list(sheet.faults)}
        self.world.suffer(faults.read(script, tapes.DAY, sheet.seed))
        dealing = Dealing(
            chain=_chain(exchange, sheet.symbols),
            plan=sheet.plan,
            last=partial(_last, self.world),
            habits=sheet.habits,
        )
        self.world.prepare(seed, dealing, system, has_pushes=sheet.has_pushes)

    def broken(self, calm_at: Micros | None = None) -> tuple[str, ...]:
        """Return what is broken by now; what is due later only with the end of the faults."""
        return (*self.world.broken, *self._report(calm_at).invariants_broken)

    def recover_twice(self) -> None:
        """Begin two lives on the finished day: each folds all of it, and neither sends anything."""
        for life in ("first", "second"):
            before = self._writes()
            self.world.ended = None
            self.world.boot()
            self.world.run_to(Micros(self.world.timeline.now() + RECOVERY))
            self.world.finish(SECOND)
            sent = self._writes() - before
            if sent:
                self.world.broken.append(f"I10 the {life} recovery of a finished day sent {sent}")

    def _writes(self) -> int:
        return sum(isinstance(row.payload, Arrived) for row in self.truth.rows)

    def outcome(self) -> Outcome:
        """Return what the session came to."""
        sheet, world, rows = self.sheet, self.world, self.truth.rows
        report = self._report(sheet.mischief.until)
        broken = (*world.broken, *report.invariants_broken)
        last = _first_row(broken, len(rows))
        journal = self._journal()
        return outcome_of(
            sheet.seed,
            report,
            tapes.LOT,
            events=len(rows) + len(journal) + world.handled,
            lives=world.lives,
            met=dict(world.mischief.met + _faults_met(self.truth) + Counter(sheet.broker.names)),
            broken=broken,
            trace=_trace(self.truth, journal),
            faults=sheet.kinds,
            at=show(rows[last - 1].at),
            before=tuple(map(_line, rows[max(0, last - BEFORE) : last])) if broken else (),
        )

    def _journal(self) -> list[dict[str, Any]]:
        """Return the rows of the journal, and behind them what only its fallback holds."""
        rows = JournalReader(self._folder / NAME).rows(self.sheet.plan.day)
        last = max((int(str(row["seq"])) for row in rows), default=0)
        spare = self._folder / FALLBACK
        beyond = read(spare).after(last) if spare.exists() else ()
        return [*rows, *(_row(seq, event) for seq, event in beyond)]

    def _priceless(self) -> tuple[tuple[Micros, Micros], ...]:
        """Return when nothing told of a stop that was met: no quote, and words nobody knows."""
        has_own_words = "dhan_vocab" in self.sheet.broker.quirks
        return priceless_spans(self.sheet.faults, tapes.DAY) if has_own_words else ()

    def _report(self, calm_at: Micros | None) -> checker.Report:
        terms = checker.Terms(
            force_close=self.sheet.plan.force_close,
            until=self.world.timeline.now(),
            calm_at=calm_at,
            outage=dark_spans(self.sheet.faults, tapes.DAY),
            unseen=(*self.world.unseen, *self._priceless()),
            unheard=tuple(self.world.unheard),
            is_alone=True,
            order_rate_per_s=self.sheet.rate_per_s,
            detection_s=DETECTION_S,
        )
        return checker.judge(self.truth.rows, in_true_time(self._journal()), terms)


def _row(seq: int, event: Event) -> dict[str, Any]:
    """Return an event as the journal's reader shows it."""
    body = msgspec.to_builtins(event)
    return {"seq": seq, "at": event.at, "kind": type(event).__name__, "body": body}


def _at_rate(settings: Settings, rate_per_s: int) -> Settings:
    """Return the settings with another rate of writes, two thirds of it for exits."""
    exits = max(1, rate_per_s * 2 // 3)
    link = replace(settings.broker, order_rate_per_s=rate_per_s, exit_reserve=exits)
    return replace(settings, broker=link)


def _first_row(broken: Sequence[str], last: int) -> int:
    """Return the row of truth that the first violation names, else the last one."""
    named = (re.search(r"truth (\d+)", text) for text in broken[:1])
    return next((int(found[1]) for found in named if found), last)


def _line(row: Row) -> str:
    return encode(row).decode().rstrip()


def _faults_met(truth: Truth) -> Counter[str]:
    """Count the activations of each kind of fault."""
    met = (row.payload.id.partition("__")[0] for row in truth.rows if isinstance(row.payload, Met))
    return Counter(met)


def _trace(truth: Truth, journal: list[dict[str, Any]]) -> str:
    said = sha256()
    for row in truth.rows:
        said.update(encode(row))
    for event in journal:
        said.update(repr(event).encode())
    return said.hexdigest()


def _last(world: OrderWorld, symbol: Symbol) -> Paise:
    return world.exchange.quote(world.timeline.now(), symbol).ltp


def _chain(exchange: Exchange, symbols: tuple[Symbol, ...]) -> Chain:
    found = {line.symbol: line for line in exchange.instruments()}
    contracts = tuple(_contract(found[symbol]) for symbol in symbols)
    first = contracts[0]
    return Chain(
        underlying=first.underlying,
        index_exchange="NSE_INDEX",
        expiry=first.expiry,
        atm=first.strike,
        contracts=contracts,
    )


def _contract(line: InstrumentLine) -> Contract:
    return Contract(
        symbol=line.symbol,
        exchange=line.exchange,
        underlying=line.name,
        expiry=line.expiry or tapes.DAY,
        strike=line.strike,
        side=Side(line.kind),
        lot=line.lot,
        tick=line.tick,
        freeze=line.freeze,
    )
