"""One session of the orders drill: drawn from its random seed, played, judged on ground truth."""

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from config.settings import Settings
from domain.contracts import Chain, Contract, Side
from domain.session import DayPlan
from domain.units import MINUTE, SECOND, Micros, Paise, Symbol, seconds
from journal.orders import NAME, JournalReader
from research import order_tape as tapes
from research.dealer import Desk as Dealing
from research.dealer import Habits
from research.mischief import Mischief, Plan
from research.order_agent import LifeSystem
from research.order_world import OrderWorld
from sandbox import checker
from sandbox.exchange import Exchange, Setup
from sandbox.kinds import InstrumentLine
from sandbox.params import SandboxParams
from sandbox.truth import Row, Truth

LIVENESS = seconds(150)
LAST_WORD = seconds(30)
AFTER = seconds(3)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a session came to."""

    seed: int
    events: int
    lives: int
    met: Counter[str]
    broken: tuple[str, ...]
    report: checker.Report
    trace: str
    rows: tuple[Row, ...] = field(repr=False)


def draw(seed: int) -> Sheet:
    """Draw a session."""
    chance = random.Random(f"{seed}:sheet")  # noqa: S311 - a drawn session must repeat
    begin = tapes.begin()
    force_close = Micros(begin + chance.randint(60, 150) * SECOND)
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
    return Sheet(
        seed=seed,
        plan=plan,
        symbols=tapes.OPTIONS[: chance.randint(2, 4)],
        weather=tapes.draw_weather(chance, min(calm, force_close)),
        habits=Habits(),
        mischief=Plan(until=calm),
        has_pushes=chance.random() < 0.6,
    )


def play(
    sheet: Sheet, settings: Settings, folder: Path, system: type[LifeSystem] = LifeSystem
) -> Outcome:
    """Play a session on an empty state directory and judge it."""
    seed, plan = str(sheet.seed), sheet.plan
    end = Micros(max(plan.force_close, sheet.mischief.until) + LIVENESS + LAST_WORD)
    tape = tapes.tape(seed, sheet.symbols, sheet.weather, Micros(end + AFTER))
    params = replace(settings.room(SandboxParams), seed=sheet.seed)
    truth = Truth()
    exchange = Exchange(Setup(params, tape), settings.rules, truth)
    mischief = Mischief(sheet.mischief, random.Random(f"{seed}:mischief"))  # noqa: S311 - repeats
    world = OrderWorld(exchange, tapes.begin(), settings, folder, mischief)
    dealing = Dealing(
        chain=_chain(exchange, sheet.symbols),
        plan=plan,
        last=partial(_last, world),
        habits=sheet.habits,
    )
    world.prepare(seed, dealing, system, has_pushes=sheet.has_pushes)
    world.play(end)
    world.finish(AFTER)
    return _judged(sheet, world, truth, folder)


def _judged(sheet: Sheet, world: OrderWorld, truth: Truth, folder: Path) -> Outcome:
    journal = JournalReader(folder / NAME).rows(sheet.plan.day)
    terms = checker.Terms(force_close=sheet.plan.force_close, until=world.timeline.now())
    report = checker.judge(truth.rows, journal, terms)
    return Outcome(
        seed=sheet.seed,
        events=len(truth.rows) + len(journal),
        lives=world.lives,
        met=world.mischief.met,
        broken=(*world.broken, *report.invariants_broken),
        report=report,
        trace=_trace(truth, journal),
        rows=tuple(truth.rows),
    )


def _trace(truth: Truth, journal: list[dict[str, Any]]) -> str:
    said = sha256()
    for row in truth.rows:
        said.update(repr(row).encode())
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
