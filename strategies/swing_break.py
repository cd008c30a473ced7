"""Sell the break of a swing low: one stop-limit per side under the best confirmed low.

A confirmed low of 100 to 300 rupees at least 4 % above session VWAP is a candidate. The best of a
side rests one tick under its swing; once it fills, a stop rests above the highest high since. There
is no target: a short leaves by its stop, the day's limits, or the force close (`strategy.md` 1-7).
"""

from dataclasses import dataclass, field, replace

from domain.backoff import Backoff
from domain.contracts import Chain, Contract, Side, UniverseRule
from domain.exits import stop_plan
from domain.market import Bar, Forming
from domain.params import SwingBreakParams, UniverseParams
from domain.pool import Candidate, EntryId, Pool, Standing
from domain.selection import Rank, rank, stage_one, stage_two, stop_of
from domain.session import DayPlan
from domain.sizing import entry_units
from domain.strategy import EntryView, EntryWish, Note, StopAt, StopLimit, View, Wishes
from domain.swings import SwingDetector, SwingEvent, SwingKind
from domain.units import MINUTE, Micros, Paise, Symbol, Units, floor_tick, rupees
from strategies.notes import differences, swing_numbers

_LOWS = frozenset({SwingKind.LOW, SwingKind.LOW_UPDATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A candidate with the order it would be; `out` says why it may not be one, '' is in."""

    candidate: Candidate
    contract: Contract
    rank: Rank
    price: StopLimit
    stop: Paise
    units: Units
    out: str


@dataclass(slots=True)
class SideState:
    """One side: its plans that are in, best first, and the entry that is being left.

    `closed` is the last minute a bar of this side closed, `judged` the last of them after which
    was looked whether to switch.
    """

    side: Side
    ranked: list[Plan] = field(default_factory=list)
    best: Symbol | None = None
    leaving: EntryId | None = None
    closed: Micros = Micros(0)
    judged: Micros = Micros(0)


@dataclass(slots=True)
class Watch:
    """One symbol: its contract, its detector, and the last minute it has eaten."""

    contract: Contract
    detector: SwingDetector = field(default_factory=SwingDetector)
    closed: Micros = Micros(0)


class State:
    """What the strategy remembers of a day; owned by one StrategyActor."""

    def __init__(self, chain: Chain, params: SwingBreakParams) -> None:
        self.watches = {c.symbol: Watch(c) for c in chain.contracts}
        self.pool = Pool(self.watches)
        self.plans: dict[EntryId, Plan] = {}
        self.sides = {side: SideState(side) for side in Side}
        self.backoff = Backoff((), params.entry)
        self.seen: tuple[object, object] = (None, None)
        self.blocked: frozenset[Symbol] = frozenset()
        self.watch: frozenset[Symbol] = frozenset()
        self.wishes = Wishes()


@dataclass(frozen=True, slots=True, kw_only=True)
class SwingBreak:
    """The default strategy. Pure: time and facts come in the view, its memory is the state."""

    params: SwingBreakParams = field(default_factory=SwingBreakParams)
    market: UniverseParams = field(default_factory=UniverseParams)

    def universe(self, day: DayPlan) -> UniverseRule:
        """Return which contracts to watch."""
        del day
        return UniverseRule(
            underlying=self.market.underlying,
            width_points=self.market.width_points,
            step_points=self.market.step_points,
            atm_round_points=self.market.atm_round_points,
        )

    def begin(self, day: DayPlan, chain: Chain) -> State:
        """Return the state of a fresh day."""
        del day
        return State(chain, self.params)

    def on_bar(self, state: State, bar: Bar, view: View) -> tuple[State, Wishes]:
        """Let a closed bar break, confirm and rank swings. Bars of long ago change no wish."""
        watch = state.watches.get(bar.symbol)
        if watch is None or bar.minute <= watch.closed:
            return state, state.wishes
        over = Micros(bar.minute + MINUTE)
        notes = self._facts(state, view)
        notes += state.pool.sync(min(over, view.at), bar.symbol)
        notes += state.pool.see(bar.symbol, bar.minute, bar.low, bar.high, closed=True)
        watch.closed = bar.minute
        for event in watch.detector.step(bar):
            notes += self._swing(state, event, bar)
        if view.at - over >= MINUTE:
            return state, replace(state.wishes, notes=tuple(notes))
        state.sides[watch.contract.side].closed = bar.minute
        return self._decide(state, view, notes)

    def on_price(self, state: State, now: Forming, view: View) -> tuple[State, Wishes]:
        """See a break or a higher high on the tick that makes it."""
        watch = state.watches.get(now.symbol)
        if watch is None or now.minute <= watch.closed:
            return state, state.wishes
        notes = self._facts(state, view)
        notes += state.pool.see(now.symbol, now.minute, now.low, now.high)
        if not notes and not state.pool.changed:
            return state, state.wishes
        return self._decide(state, view, notes)

    def on_pulse(self, state: State, view: View) -> tuple[State, Wishes]:
        """Look again: a wait is over, a price grew old, an order moved.

        Only here an entry is chosen or left for another: the bars of a minute close one by one, and
        the first of them knows nothing of the others.
        """
        notes = self._facts(state, view)
        notes += state.pool.sync(view.at)
        return self._decide(state, view, notes, is_pulse=True)

    def _facts(self, state: State, view: View) -> list[Note]:
        """Take the entries in, if they changed: who is pinned, who has to wait."""
        if state.seen[0] is view.entries and state.seen[1] is view.ended:
            return []
        state.seen = (view.entries, view.ended)
        live = {(e.symbol, e.minute) for e in view.entries.values() if e.ended_at is None}
        touched = {(e.symbol, e.minute): e.ended_at for e in view.ended if e.touched}
        notes = state.pool.orders(
            frozenset(live), {entry: at for entry, at in touched.items() if at is not None}
        )
        state.backoff = Backoff(view.ended, self.params.entry)
        blocked = state.backoff.blocked()
        notes += [note for symbol, note in blocked.items() if symbol not in state.blocked]
        state.blocked = frozenset(blocked)
        return notes

    def _swing(self, state: State, event: SwingEvent, bar: Bar) -> list[Note]:
        """Stage 1, once per low."""
        kind = f"swing_{event.kind.name.lower()}"
        notes = [Note(bar.symbol, kind, swing_numbers(event))]
        if event.kind not in _LOWS:
            return notes
        rejection = stage_one(event, self.params.filter)
        if rejection is None:
            return notes + state.pool.offer(bar.symbol, event, bar.minute)
        notes.append(Note(bar.symbol, "rejected", f"rule={rejection.rule} {rejection.detail}"))
        return notes + state.pool.drop(bar.symbol) if rejection.drops else notes

    def _rank(self, state: State) -> list[Note]:
        """Stages 2 and 3 of the symbols whose candidate moved."""
        if not state.pool.changed:
            return []
        notes: list[Note] = []
        for symbol in sorted(state.pool.changed):
            notes += self._judge(state, symbol)
        state.pool.changed.clear()
        # Breaks show in every new low; only what may be entered needs its every price.
        state.watch = frozenset(p.candidate.symbol for p in state.plans.values() if not p.out)
        for side in state.sides.values():
            current = (state.pool.candidate(s) for s in state.watch)
            plans = (state.plans.get(c.entry) for c in current if c is not None)
            side.ranked = sorted(
                (p for p in plans if p and not p.out and p.contract.side is side.side),
                key=lambda plan: plan.rank,
            )
        return notes

    def _judge(self, state: State, symbol: Symbol) -> list[Note]:
        before = {e: p for e, p in state.plans.items() if e[0] == symbol}
        for entry in before:
            del state.plans[entry]
        notes: list[Note] = []
        for each in (state.pool.candidate(symbol), state.pool.successor(symbol)):
            if each is None or each.standing is Standing.SPENT:
                continue
            plan = self._plan(each, state.watches[symbol].contract)
            state.plans[each.entry] = plan
            was = before.get(each.entry)
            if was is None or bool(was.out) != bool(plan.out):
                numbers = plan.out or _numbers(plan)
                notes.append(Note(symbol, "out" if plan.out else "in", numbers))
        return notes

    def _plan(self, candidate: Candidate, contract: Contract) -> Plan:
        """Return the order a candidate would be, and whether it may be one."""
        p, swing = self.params, candidate.swing
        trigger = floor_tick(swing - p.entry.trigger_offset_p, contract.tick)
        price = StopLimit(trigger, floor_tick(trigger - p.entry.limit_offset_p, contract.tick))
        stop = stop_of(candidate.highest, p.stop.buffer_p, contract.tick)
        fit = stage_two(swing, stop, p.filter)
        plan = stop_plan(stop, p.stop, contract.tick)
        units = entry_units(swing, price, plan, contract, p.sizing)
        out = fit.out
        if not out and (units == 0 or price.limit <= 0):
            prices = f"swing={rupees(swing)} stop={rupees(stop)}"
            out = f"{prices} units={units} limit={rupees(price.limit)}"
        return Plan(
            candidate=candidate,
            contract=contract,
            rank=rank(contract, swing, fit.points, p.filter.target_points_p),
            price=price,
            stop=stop,
            units=units,
            out=out,
        )

    def _decide(
        self, state: State, view: View, notes: list[Note], *, is_pulse: bool = False
    ) -> tuple[State, Wishes]:
        notes += self._rank(state)
        wished: dict[str, EntryWish] = {}
        new: list[tuple[Rank, str]] = []
        for side in state.sides.values() if view.at < view.day.last_entry else ():
            held = view.entries.get(side.side.value)
            if held is not None and held.ended_at is None:
                wish = self._keep(state, view, side, held, is_pulse=is_pulse)
            else:
                side.leaving = None
                best = self._best(state, view, side, notes) if is_pulse else _wished(state, side)
                plan = self._enter(state, view, side, best)
                wish = _wish(plan) if plan else None
                new += [(plan.rank, side.side.value)] if plan else []
            if wish is not None:
                wished[wish.slot] = wish
        for _, slot in sorted(new)[view.room.positions :]:
            del wished[slot]
        entries = tuple(wished[slot] for slot in sorted(wished))
        return self._state_wishes(state, entries, notes)

    def _state_wishes(
        self, state: State, entries: tuple[EntryWish, ...], notes: list[Note]
    ) -> tuple[State, Wishes]:
        """Return the wishes; the very same object as before if nothing changed."""
        before = state.wishes
        if entries != before.entries or state.watch != before.watch:
            notes += differences(before.entries, entries)
            state.wishes = Wishes(entries=entries, watch=state.watch)
        if not notes:
            return state, state.wishes
        return state, replace(state.wishes, notes=tuple(notes))

    def _best(self, state: State, view: View, side: SideState, notes: list[Note]) -> Plan | None:
        """Return the best of a side that may be entered at all."""
        best = next((p for p in side.ranked if self._is_free(state, view, p)), None)
        if best is not None and best.candidate.symbol != side.best:
            swing = best.candidate.swing
            points = f"points={rupees(best.stop - swing)} swing={rupees(swing)}"
            notes.append(Note(best.candidate.symbol, "best", f"side={side.side.value} {points}"))
        side.best = best.candidate.symbol if best else None
        return best

    def _enter(self, state: State, view: View, side: SideState, plan: Plan | None) -> Plan | None:
        """Return what to rest on an empty side, if nothing forbids it right now."""
        room = view.room.ce if side.side is Side.CE else view.room.pe
        if plan is None or room <= 0 or state.backoff.side_waits(side.side.value, view.at):
            return None
        is_due = self._is_free(state, view, plan) and self._may_rest(view, plan)
        return plan if is_due else None

    def _keep(
        self, state: State, view: View, side: SideState, held: EntryView, *, is_pulse: bool
    ) -> EntryWish | None:
        """Return what is wished of a side whose entry lives."""
        candidate = state.pool.candidate(held.symbol)
        if candidate is not None and candidate.entry != (held.symbol, held.minute):
            candidate = None
        if held.touched or (candidate is not None and candidate.broke_at is not None):
            return _as_it_is(held)
        plan = state.plans.get(candidate.entry) if candidate else None
        if plan is None or plan.out:
            return None
        target = self._target(state, view, side, plan)
        self._switch(side, plan, target, is_pulse=is_pulse)
        if side.leaving == plan.candidate.entry and target is not None:
            return _wish(target)
        return _wish(plan, most=held.units)

    def _switch(self, side: SideState, plan: Plan, target: Plan | None, *, is_pulse: bool) -> None:
        """Begin to leave an entry after a bar's close, once per minute; a revert forgets it."""
        is_closing = is_pulse and side.closed > side.judged
        if target is None:
            side.leaving = None
        elif is_closing:
            side.leaving = plan.candidate.entry
        if is_closing:
            side.judged = side.closed

    def _target(self, state: State, view: View, side: SideState, plan: Plan) -> Plan | None:
        """Return what should rest instead: a better symbol, or a newer swing far enough away."""
        better = (p for p in side.ranked if p.rank < plan.rank)
        for other in better:
            if self._is_free(state, view, other) and self._may_rest(view, other):
                return other
        successor = state.pool.successor(plan.candidate.symbol)
        newer = state.plans.get(successor.entry) if successor else None
        if newer is None or newer.out or not self._may_rest(view, newer):
            return None
        moved = abs(newer.price.trigger - plan.price.trigger)
        return newer if moved > self.params.entry.amend_min_p else None

    def _is_free(self, state: State, view: View, plan: Plan) -> bool:
        """Whether a candidate may be entered: no short in it, a fresh price, nothing against it."""
        symbol = plan.candidate.symbol
        is_taken = symbol in view.positions or symbol in view.blocked
        if is_taken or state.backoff.symbol_waits(symbol, view.at):
            return False
        last = view.last(symbol)
        return last is not None and last.fresh

    def _may_rest(self, view: View, plan: Plan) -> bool:
        """Whether the market stands far enough above the trigger to place a SELL stop."""
        last = view.last(plan.candidate.symbol)
        gap = self.params.entry.min_gap_ticks * plan.contract.tick
        return last is not None and last.price >= plan.price.trigger + gap


def _wished(state: State, side: SideState) -> Plan | None:
    """Return the plan wished of an empty side, as it is now; None if it is out or spent."""
    wished = {(w.slot, w.symbol, w.minute) for w in state.wishes.entries}
    slot = side.side.value
    return next((p for p in side.ranked if (slot, *p.candidate.entry) in wished), None)


def _wish(plan: Plan, most: Units | None = None) -> EntryWish:
    """Return the wish for a plan, of at most `most` units: a resting entry only shrinks."""
    return EntryWish(
        slot=plan.contract.side.value,
        symbol=plan.candidate.symbol,
        units=plan.units if most is None else min(most, plan.units),
        price=plan.price,
        stop=StopAt(plan.stop),
        minute=plan.candidate.minute,
    )


def _as_it_is(held: EntryView) -> EntryWish:
    """Return the wish that changes nothing: the entry is filling, its order decides."""
    return EntryWish(
        slot=held.slot,
        symbol=held.symbol,
        units=held.units,
        price=held.price,
        stop=StopAt(held.stop.trigger),
        minute=held.minute,
    )


def _numbers(plan: Plan) -> str:
    swing, stop = rupees(plan.candidate.swing), rupees(plan.stop)
    return f"swing={swing} stop={stop} units={plan.units}"
