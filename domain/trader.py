"""One strategy at work: bars, prices and facts go in, what has to be told comes out.

Holds the plug-in's state, builds its view, compares what it wishes with what is, and watches the
day's limits. Nothing is acted upon for a symbol whose bars have not reached the present.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from domain.backlog import Backlog
from domain.churn import Churn
from domain.conditions import Conditions
from domain.contracts import Chain, Contract
from domain.entry_silence import EntrySilence
from domain.facts import Facts
from domain.limits import FORCE_CLOSE, DayLimit, Tally, room
from domain.market import Bar, Forming, minute_of
from domain.orders import EntryKey, Order
from domain.positions import Leg
from domain.role import Role, Stage, Start
from domain.series import Fed, Series
from domain.strategy import Last, Mode, Note, View, Wishes
from domain.units import MINUTE, SECOND, Micros, Symbol
from domain.universe import freshness
from domain.wishes import Cancel, Decision, Flatten, Place, Said, Stance, Terms, compare, met

PATIENCE = Micros(30 * SECOND)
"""How long a restarted strategy waits for every series before it goes on with those it has."""

POLLED_AGE = Micros(3 * SECOND)
"""How old a polled price may be to be entered on: two polls (`market-data.md` 5)."""


@dataclass(frozen=True, slots=True)
class Backfill:
    """Bars of one stretch, and the instant before which everything is certain."""

    bars: tuple[Bar, ...]
    settled: Micros


@dataclass(frozen=True, slots=True)
class Told:
    """What follows from something heard; empty most of the time."""

    decisions: tuple[Decision, ...] = ()
    notes: tuple[Note, ...] = ()
    watch: tuple[tuple[Symbol, bool], ...] = ()


class Trader:
    """Plays one role for one day. Mutable, owned by one StrategyActor."""

    def __init__(
        self,
        role: Role,
        stage: Stage,
        conditions: Conditions,
        at: Micros,
        start: Start = Start.FRESH,
    ) -> None:
        plan, chain = stage.plan, stage.chain
        self.facts = Facts(role.tag)
        self.against = "" if role.plays_on(plan.day) else "the strategy is off today"
        # Contracts chosen just now were verified by that; those of this morning are, behind.
        self.is_verified = start is Start.FRESH
        self._role = role
        self._stage = stage
        self._shorts = self.facts.shorts
        self._room = room(role.limits, self._shorts)
        self._limit = DayLimit(role.day)
        self._tally = Tally(stage.rates)
        self._churn = Churn(role.churn)
        self._terms = Terms(
            strategy=role.tag,
            chain=chain,
            stop=role.stop,
            fingerprint_ticks=role.fingerprint_ticks,
        )
        self._state: Any = role.strategy.begin(plan, chain)
        # What waits while the state is wrong, until it is made anew; None: it is right.
        self._backlog: Backlog | None = None
        self._wishes = Wishes()
        self._watched: frozenset[Symbol] = frozenset()
        self._watch_again = at
        self._said = Said()
        self._series = {c.symbol: Series(c.symbol) for c in chain.contracts}
        self._newest: dict[Symbol, Micros] = {}
        self._forming: dict[Symbol, Forming] = {}
        rule = role.strategy.universe(plan)
        self._max_age = freshness(chain, rule.step_points, role.feed)
        self._conditions = conditions
        self._at = at
        self._first_entry = plan.at(role.enters_from)
        self._last_entry = min(plan.last_entry, plan.at(role.enters_until))
        # Who begins to listen lacks the minute that runs; who comes back gets every bar again.
        if start is not Start.RESTARTED:
            conditions.needs(Micros(minute_of(at) + MINUTE))
        self._awaited = set(self._series) if start is Start.RESTARTED else set()
        self._joined: dict[Symbol, Micros] = {}
        self._patient_until = Micros(at + PATIENCE)
        self._muted = set() if start is Start.FRESH else set(self._series)
        self._silence = EntrySilence(role.feed)

    @property
    def chain(self) -> Chain:
        """The contracts traded, those that joined behind the others."""
        return self._stage.chain

    @property
    def is_caught_up(self) -> bool:
        """Whether every series asked for again has come, or was waited for long enough."""
        return not self._awaited

    @property
    def progress(self) -> tuple[int, int]:
        """How many contracts have every bar they should have by now, and how many there are."""
        return sum(map(self._is_ready, self._series)), len(self._series)

    @property
    def settled(self) -> Micros:
        """The instant before which the bars of every contract are certain; it may be the open."""
        earliest = min(series.settled for series in self._series.values())
        return max(earliest, self._stage.plan.open)

    def join(self, contracts: Iterable[Contract], at: Micros) -> Told:
        """Take further contracts; they bring their bars of today before anything is done in them.

        The strategy begins anew with the larger chain, as after a bar that turned out different.
        """
        self._at = at
        chain = self._stage.chain.grown(contracts)
        new = chain.contracts[len(self._series) :]
        for contract in new:
            self._series[contract.symbol] = Series(contract.symbol)
            self._muted.add(contract.symbol)
            # The minute that runs is not seen from its beginning.
            self._joined[contract.symbol] = Micros(minute_of(at) + MINUTE)
        self._stage = replace(self._stage, chain=chain)
        self._terms = replace(self._terms, chain=chain)
        rule = self._role.strategy.universe(self._stage.plan)
        self._max_age = freshness(chain, rule.step_points, self._role.feed)
        self._backlog = self._backlog or Backlog(self._forming)
        return self.pulse(at)

    def bar_closed(self, bar: Bar, settled: Micros, at: Micros) -> Told:
        """Take a minute that is over."""
        series = self._series.get(bar.symbol)
        if series is None:
            return Told()
        self._newest[bar.symbol] = max(bar.minute, self._newest.get(bar.symbol, bar.minute))
        return self._feed(series, series.closed(bar, settled), at)

    def backfilled(self, symbol: Symbol, since: Micros, fed: Backfill, at: Micros) -> Told:
        """Take a stretch of bars as it now is."""
        series = self._series.get(symbol)
        if series is None:
            return Told()
        self._awaited.discard(symbol)
        if fed.bars:
            newest = fed.bars[-1].minute
            self._newest[symbol] = max(newest, self._newest.get(symbol, newest))
        return self._feed(series, series.backfilled(since, fed.bars, fed.settled), at)

    def price(self, now: Forming, at: Micros) -> Told:
        """Take the minute in progress."""
        if now.symbol not in self._series:
            return Told()
        self._at = at
        told = self._shown(now)
        looks = self._said.news(met(self.facts, now), at)
        return replace(told, decisions=(*told.decisions, *looks)) if looks else told

    def order(self, order: Order, at: Micros) -> Told:
        """Take an order that moved."""
        self.facts.order(order)
        self._churn.take(self.facts.orders)
        return self.pulse(at)

    def leg(self, leg: Leg, at: Micros) -> Told:
        """Take a leg that moved."""
        self.facts.leg(leg)
        return self.pulse(at)

    def refused(self, key: EntryKey, code: str, at: Micros) -> Told:
        """Take the refusal of an entry asked for."""
        self.facts.refused(key, code, at)
        return self.pulse(at)

    def pulse(self, at: Micros) -> Told:
        """Take the time, or a fact: look at everything again."""
        self._at = at
        if at >= self._patient_until:
            self._awaited.clear()
        notes = (*self._catch_up(), *self._listen(), *self._churn.notes(at))
        self._state, wishes = self._role.strategy.on_pulse(self._state, self._view())
        told = self._heard(wishes, again=True)
        return replace(told, notes=(*notes, *told.notes)) if notes else told

    def last(self, symbol: Symbol) -> Last | None:
        """Return the last price of a contract; fresh if it is young and its bars are complete."""
        now = self._forming.get(symbol)
        if now is None:
            return None
        max_age = self._max_age[symbol]
        if self._conditions.is_polled:
            max_age = min(max_age, POLLED_AGE)
        is_young = self._at - now.at <= max_age
        fresh = is_young and not self._conditions.is_feed_lost and self._is_ready(symbol)
        return Last(now.last, now.at, fresh)

    def bars(self, symbol: Symbol) -> tuple[Bar, ...]:
        """Return the clean closed bars of a contract, oldest first."""
        series = self._series.get(symbol)
        return series.eaten if series is not None else ()

    def _is_ready(self, symbol: Symbol) -> bool:
        """Whether a contract's bars have reached the present, with nothing held back."""
        settled = self._series[symbol].settled
        is_whole = self._newest.get(symbol, Micros(-1)) < settled
        whole_from = max(self._conditions.whole_from, self._joined.get(symbol, Micros(0)))
        return is_whole and settled >= whole_from and symbol not in self._awaited

    def _view(self) -> View:
        facts = self.facts
        if facts.shorts is not self._shorts:
            # One view is built per price: what only facts change is worked out when they do.
            self._shorts = facts.shorts
            self._room = room(self._role.limits, facts.shorts)
        return View(
            at=self._at,
            day=self._stage.plan,
            mode=self._conditions.mode,
            room=self._room,
            last=self.last,
            bars=self.bars,
            positions=facts.positions,
            entries=facts.entries,
            refused=facts.refusals,
            ended=facts.ended,
            blocked=self._churn.blocked(self._at),
        )

    def _feed(self, series: Series, fed: Fed, at: Micros) -> Told:
        """Let the strategy eat bars; what was eaten and is different now starts it all again."""
        self._at = at
        if fed.rebuilt:
            self._backlog = self._backlog or Backlog(self._forming)
            return Told(notes=(Note(series.symbol, "rebuilt", f"bars={len(series.eaten)}"),))
        told = Told()
        if self._backlog is None:
            told = self._eat(series, fed)
        elif fed.bars:
            self._backlog.bars(series.symbol, filter(self._is_audible, fed.bars))
        if self._is_ready(series.symbol):
            self._muted.discard(series.symbol)
        return told

    def _eat(self, series: Series, fed: Fed) -> Told:
        notes: list[Note] = []
        view, wishes = self._view(), self._wishes
        for bar in fed.bars:
            self._state, wishes = self._role.strategy.on_bar(self._state, bar, view)
            notes += wishes.notes if self._is_audible(bar) else ()
        if fed.bars:
            wishes = self._look_at_forming(series.symbol, view, wishes, notes)
        has_other_notes = tuple(notes) != wishes.notes
        return self._heard(replace(wishes, notes=tuple(notes)) if has_other_notes else wishes)

    def _is_audible(self, bar: Bar) -> bool:
        """Bars of long ago were told of by whoever saw them live."""
        return self._at - bar.minute < 2 * MINUTE or bar.symbol not in self._muted

    def _look_at_forming(
        self, symbol: Symbol, view: View, wishes: Wishes, notes: list[Note]
    ) -> Wishes:
        """Show the minute in progress again where bars came late: its low may break a swing."""
        now = self._forming.get(symbol)
        if now is None or now.minute <= self._newest[symbol]:
            return wishes
        self._state, wishes = self._role.strategy.on_price(self._state, now, view)
        notes += wishes.notes
        return wishes

    def _shown(self, now: Forming) -> Told:
        """Show the minute in progress, to a strategy whose state is right."""
        self._forming[now.symbol] = now
        if self._backlog is not None:
            self._backlog.price(now)
            return Told()
        self._state, wishes = self._role.strategy.on_price(self._state, now, self._view())
        return self._heard(wishes)

    def _catch_up(self) -> tuple[Note, ...]:
        """Make the state right again; return what was not told yet."""
        backlog, self._backlog = self._backlog, None
        if backlog is None:
            return ()
        strategy, day = self._role.strategy, self._series.values()
        self._state, notes = backlog.live_again(strategy, self._stage, day, self._view())
        return notes

    def _heard(self, wishes: Wishes, *, again: bool = False) -> Told:
        """Return what to tell. An unchanged wish is compared with the facts only if `again`."""
        if wishes is self._wishes and not again:
            return Told()
        self._wishes = wishes
        return Told(decisions=self._decide(wishes), notes=wishes.notes, watch=self._watch(wishes))

    def _watch(self, wishes: Wishes) -> tuple[tuple[Symbol, bool], ...]:
        """Return which symbols to report every price of from now on, and which no longer."""
        # R is measured by last prices: a short is watched whatever the strategy cares for.
        watched = wishes.watch | self.facts.positions.keys() | set(self._resting())
        gone, new = self._watched - watched, watched - self._watched
        if self._at >= self._watch_again:
            # Who builds bars may have been built anew, and knows nothing of this.
            self._watch_again = Micros(self._at + MINUTE)
            new = watched
        self._watched = watched
        return tuple((symbol, symbol in new) for symbol in sorted(gone | new))

    def _decide(self, wishes: Wishes) -> tuple[Decision, ...]:
        due = self._ends_of_day()
        if not due:
            stance = Stance(may_place=self._may_place, is_ready=self._is_known, over=self._why_over)
            known = Wishes() if self._awaited else wishes
            due = compare(known, self.facts, self._terms, stance)
        news = self._said.news((each for each in due if self._is_seen(each)), self._at)
        for each in news:
            if isinstance(each, Place):
                self.facts.asked(each.key, each.side, each.ticket, each.stop)
            elif isinstance(each, Cancel):
                self.facts.withdrawn(each.key.slot)
        return news

    def _is_known(self, symbol: Symbol) -> bool:
        """Whether the wishes say anything of a symbol: no series is awaited, its own is whole."""
        return not self._awaited and self._is_ready(symbol)

    def _resting(self) -> tuple[Symbol, ...]:
        return tuple(v.symbol for v in self.facts.entries.values() if v.ended_at is None)

    def _listen(self) -> tuple[Note, ...]:
        """Look for entries that rest in a symbol nobody hears of, unless nothing is heard at all.

        One whose trigger was met is filling, and is looked for in the books.
        """
        if self._conditions.is_feed_lost:
            return ()
        untouched = [v for v in self.facts.entries.values() if v.ended_at is None and not v.touched]
        resting = [view.symbol for view in untouched]
        return self._silence.look(resting, self._ticked, self._conditions.lives_since, self._at)

    def _ticked(self, symbol: Symbol) -> Micros | None:
        now = self._forming.get(symbol)
        return now.at if now is not None else None

    def _ends_of_day(self) -> tuple[Decision, ...]:
        """Return what ends the day for good: its limits, and the clock as a second voice."""
        flat = self.facts.is_flat
        if self._at >= self._stage.plan.force_close:
            return () if flat else (Flatten(reason=FORCE_CLOSE),)
        # In the dark open shorts count as they were sold: a stale price is no result.
        marks = _no_mark if self._conditions.is_blind else self.last
        result = self._tally.of(self.facts.legs, marks)
        reason = self._limit.check(result, self._at)
        is_over = bool(reason) and (self._conditions.mode is Mode.ACTIVE or not flat)
        return (Flatten(reason=reason),) if is_over else ()

    def _is_seen(self, decision: Decision) -> bool:
        """Whether there is a fresh price to judge an entry by, and it may be placed again.

        Everything else needs neither.
        """
        if not isinstance(decision, Place):
            return True
        symbol = decision.key.symbol
        seen = self.last(symbol)
        is_churned = symbol in self._churn.blocked(self._at) and symbol not in self._resting()
        return seen is not None and seen.fresh and not is_churned

    @property
    def _may_place(self) -> bool:
        is_time = self.is_verified and self._at >= self._first_entry
        is_calm = not self._churn.is_paused(self._at)
        return is_time and is_calm and self._conditions.may_enter

    def _why_over(self, symbol: Symbol) -> str:
        """Return why nothing may rest in a symbol, whatever its bars say; '' if it may."""
        if self.against or self._at >= self._last_entry:
            return self.against or "last entry time"
        if self._conditions.are_bad:
            return "prices are not trusted"
        return "no tick for too long" if self._silence.forbids(symbol) else ""


def _no_mark(_: Symbol) -> Last | None:
    return None
