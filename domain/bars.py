"""Ticks of one symbol become one-minute bars, each with its provenance and the session VWAP.

A bar is one exchange minute, named by its start. It is closed by the next tick of a later minute or
by the clock, whichever is first. Minutes that are not known for certain (tainted, missing, partial)
are holes: history is asked for them, and until it answered no later bar has a VWAP.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec.structs import replace

from domain.history import Answer, Holes, sift
from domain.market import Bar, Forming, HistoryBar, Provenance, Tick, minute_of
from domain.params import BarParams, HistoryParams
from domain.running import Before, Keys, Running
from domain.session import DayPlan
from domain.spans import Spans
from domain.units import MINUTE, SECOND, Micros, Paise, Symbol
from domain.vwap import SessionVwap

SUBSCRIBE_TIME = Micros(5 * SECOND)
"""How long after `Terms.began` the first tick may still be missing though the market moved."""

_BADNESS = {provenance: rank for rank, provenance in enumerate(Provenance)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one builder goes by: since when ticks are delivered, and the symbol's tick in paise.

    An index has no volume, so what history leaves out cannot be checked by it.
    """

    began: Micros
    tick: Paise
    is_index: bool = False
    bars: BarParams = field(default_factory=BarParams)
    history: HistoryParams = field(default_factory=HistoryParams)


@dataclass(frozen=True, slots=True)
class Finished:
    """A minute ended with a bar. Every minute before `settled` is a clean bar or was quiet."""

    bar: Bar
    settled: Micros


@dataclass(frozen=True, slots=True)
class Revised:
    """From minute `since` on, the closed bars are now these; `settled` as in `Finished`."""

    since: Micros
    bars: tuple[Bar, ...]
    settled: Micros


Change = Finished | Revised


class BarBuilder:
    """Build one symbol's bars of one day. Mutable, owned by one BarActor."""

    def __init__(self, symbol: Symbol, plan: DayPlan, terms: Terms) -> None:
        self.symbol = symbol
        self.bad_rows = 0
        self.short_answers = 0
        self._plan = plan
        self._terms = terms
        self._bars: dict[Micros, Bar] = {}
        self._holes = Holes(terms.history)
        self._vouched: set[Micros] = set()
        self._disputed: set[Micros] = set()
        self._volumes: dict[Micros, int] = {}
        self._volume = 0
        self._was_reset = False
        self._gaps = Spans()
        self._polls = Spans()
        self._vwap = SessionVwap()
        self._keys = Keys()
        self._running: Running | None = None
        self._before = Before()
        self._next = plan.open
        self._is_suspect = terms.began + SUBSCRIBE_TIME > plan.open
        self._begin()

    @property
    def settled(self) -> Micros:
        """The instant before which every minute is a clean bar or was quiet."""
        first = self._holes.first
        return self._next if first is None else first

    @property
    def forming(self) -> Forming | None:
        """The minute in progress, if it has had a tick."""
        return self._running.forming if self._running else None

    def add(self, ticks: Iterable[Tick]) -> tuple[Change, ...]:
        """Take ticks in the order of their arrival, volumes differenced; return what changed."""
        changes: list[Change] = []
        for tick in ticks:
            at = tick.recv_at if tick.exch_at is None else tick.exch_at
            if self._plan.open <= at < self._plan.close:
                changes += self._take(minute_of(at), tick)
        return tuple(changes)

    def elapse(self, at: Micros) -> tuple[Change, ...]:
        """Close every minute that ended `close_grace_ms` before `at`, with ticks or without."""
        grace = self._terms.bars.close_grace_ms * (SECOND // 1000)
        return self._close_until(min(minute_of(at - grace), self._plan.close))

    def feed_gap(self, since: Micros, until: Micros | None) -> tuple[Change, ...]:
        """Taint the minutes a feed gap overlaps; `until` None while it lasts. Idempotent."""
        return self._mark(self._gaps, since, until)

    def feed_polled(self, since: Micros, until: Micros | None) -> tuple[Change, ...]:
        """Taint the minutes in which prices were polled, as `feed_gap` does."""
        return self._mark(self._polls, since, until)

    def wanted(self, at: Micros) -> tuple[Micros, ...]:
        """Return the minutes history should be asked for now."""
        return self._holes.wanted(at)

    def postpone(self, asked_at: Micros) -> None:
        """Ask again later for what was wanted at `asked_at`: history failed."""
        self._holes.postpone(asked_at)

    def backfill(self, history: Iterable[HistoryBar], asked_at: Micros) -> tuple[Change, ...]:
        """Fill holes from the broker's bars; clean bars stay, what is not answered is postponed.

        A minute without a row is settled as quiet only where the rows account for the volume heard.
        """
        settle_s = self._terms.history.settle_s
        answer = sift(history, self._plan, asked_at, self._terms.tick, settle_s)
        self.bad_rows += len(answer.bad)
        self._disputed |= {m for m, bar in self._bars.items() if self._differs(answer, bar)}
        quiet_until = self._quiet_until(answer)
        filled = [m for m in self._holes.until(answer.final) if self._fill(m, answer, quiet_until)]
        filled += [m for m in answer.rows if self._insert_missing(m, answer)]
        self._holes.postpone(asked_at)
        return self._revise(min(filled)) if filled else ()

    def whole(self) -> Revised:
        """Return all closed bars of the day."""
        bars = tuple(self._bars[minute] for minute in sorted(self._bars))
        return Revised(self._plan.open, bars, self.settled)

    @property
    def mismatches(self) -> int:
        """How many clean bars history disagrees with: by more than a tick, or twice our volume."""
        return len(self._disputed)

    def _quiet_until(self, answer: Answer) -> Micros:
        """Return up to which minute an absent row means that nothing was traded; count findings."""
        if self._terms.is_index:
            return answer.newest
        audit = answer.audit(self._volumes, is_exact=not self._was_reset)
        is_short = any(b.provenance.is_clean and answer.lacks(m) for m, b in self._bars.items())
        self.short_answers += is_short or audit.short
        return audit.until

    def _begin(self) -> None:
        """Everything before we listened, and the minute in which we began, is a gap."""
        if self._is_suspect:
            whole = minute_of(self._terms.began + SUBSCRIBE_TIME) + MINUTE
            self._gaps.add(self._plan.open, Micros(whole))
            self._close_until(min(minute_of(self._terms.began), self._plan.close))

    def _take(self, minute: Micros, tick: Tick) -> tuple[Change, ...]:
        changes = self._close_until(minute)
        key = self._keys.of(tick)
        if minute < self._next:
            self._start_again(tick)
            is_known = not tick.volume and tick.ltp == self._known.price
            is_echo = is_known and not self._keys.is_behind(key)
            return () if is_echo else self._spoil_late(minute)
        if key[1] < self._keys.floor:
            return changes + self._spoil_late(max(self._bars, default=minute))
        if self._running is None:
            self._running = Running(self.symbol, minute, self._before)
        if self._is_suspect:
            self._weigh(minute, tick)
        self._running.add(key, tick)
        return changes

    def _start_again(self, tick: Tick) -> None:
        """Let the volume count from a rebased counter on, though its tick is of a closed minute."""
        if not tick.gap or tick.cum_volume is None:
            return
        self._before = self._before._replace(cum=tick.cum_volume)
        if self._running is not None:
            self._running.start_again(tick.cum_volume)

    def _weigh(self, minute: Micros, tick: Tick) -> None:
        """Judge the first tick after something was missed: only "nothing was traded" is certain.

        One that is older than what we know says nothing of that; its price is of the past.
        """
        known = self._known
        is_older = not tick.gap and tick.cum_volume is not None and tick.cum_volume < known.cum
        self._is_suspect = is_older
        if is_older or tick.volume or tick.cum_volume is None or known.price is None:
            self._gaps.add(minute, Micros(minute + MINUTE))

    @property
    def _known(self) -> Before:
        return self._running.after if self._running else self._before

    def _close_until(self, limit: Micros) -> tuple[Change, ...]:
        changes: list[Change] = []
        while self._next < limit:
            changes += self._close(self._next)
        return tuple(changes)

    def _close(self, minute: Micros) -> tuple[Change, ...]:
        """End the next minute in line: a bar, a quiet minute or a gap."""
        bar = None
        if self._running is not None and self._running.minute == minute:
            bar = self._running.bar()
            if self._running.cum:  # a broker that knows no volume may send 0
                self._hear_volume(minute, self._running.cum)
            self._before = self._running.after
            self._running = None
        self._keys.begin_minute()
        self._next = Micros(minute + MINUTE)
        provenance = self._provenance(minute, bar)
        if not provenance.is_clean:
            self._holes.dig(minute)
        if bar is None:
            return ()
        self._bars[minute] = self._valued(replace(bar, provenance=provenance))
        return (Finished(self._bars[minute], self.settled),)

    def _hear_volume(self, minute: Micros, cum: int) -> None:
        """Remember the day's volume at the end of a minute; less than before means a reset."""
        self._was_reset |= cum < self._volume
        self._volume = cum
        self._volumes[minute] = cum

    def _provenance(self, minute: Micros, bar: Bar | None) -> Provenance:
        """Return the worst of what is known about a minute; WS for one that was provably quiet."""
        found = [bar.provenance if bar else Provenance.WS]
        if self._gaps.touch(minute):
            found.append(Provenance.GAP)
        if self._polls.touch(minute):
            found.append(Provenance.REST)
        return max(found, key=_BADNESS.__getitem__)

    def _valued(self, bar: Bar) -> Bar:
        """Add the session VWAP, if every minute so far is known."""
        if self._holes:
            return replace(bar, vwap_num=0, vwap_den=0)
        num, den = self._vwap.after(bar)
        return replace(bar, vwap_num=num, vwap_den=den)

    def _mark(self, spans: Spans, since: Micros, until: Micros | None) -> tuple[Change, ...]:
        # The next volume may have been traded inside the stretch, however much later it is told.
        self._is_suspect = True
        spans.mark(since, until)
        return self._spoil(since, until)

    def _spoil_late(self, minute: Micros) -> tuple[Change, ...]:
        """A tick came for a closed minute: from there to the running one nothing is certain."""
        if self._gaps.touch(minute) and self._gaps.touch(self._next):
            return ()
        until = Micros(self._next + MINUTE)
        self._gaps.add(minute, until)
        return self._spoil(minute, until)

    def _spoil(self, since: Micros, until: Micros | None) -> tuple[Change, ...]:
        """Taint closed minutes by the span just added, unless history vouched for them."""
        if until is not None and until <= since:
            return ()
        first = minute_of(max(since, self._plan.open))
        end = self._next if until is None else min(until, self._next)
        minutes = (Micros(minute) for minute in range(first, end, MINUTE))
        spoiled = [minute for minute in minutes if self._is_sound(minute)]
        for minute in spoiled:
            self._holes.dig(minute)
            bar = self._bars.get(minute)
            if bar is not None:
                self._bars[minute] = replace(bar, provenance=self._provenance(minute, bar))
        return self._revise(min(spoiled)) if spoiled else ()

    def _is_sound(self, minute: Micros) -> bool:
        return minute not in self._vouched and minute not in self._holes

    def _fill(self, minute: Micros, answer: Answer, quiet_until: Micros) -> bool:
        row = answer.rows.get(minute)
        if row is not None:
            self._adopt(row)
        elif minute <= quiet_until and answer.is_absent(minute):
            self._bars.pop(minute, None)
        else:
            return False
        self._vouched.add(minute)
        self._holes.fill(minute)
        return True

    def _insert_missing(self, minute: Micros, answer: Answer) -> bool:
        """Take a row for a minute that looked quiet to us."""
        is_missing = minute < self._next and minute <= answer.final and minute not in self._bars
        if not is_missing or minute in self._holes:
            return False
        self._adopt(answer.rows[minute])
        self._vouched.add(minute)
        return True

    def _adopt(self, row: HistoryBar) -> None:
        self._bars[row.minute] = Bar(
            symbol=self.symbol,
            minute=row.minute,
            open=row.open,
            high=row.high,
            low=row.low,
            close=row.close,
            volume=row.volume,
            provenance=Provenance.BACKFILLED,
        )

    def _differs(self, answer: Answer, bar: Bar) -> bool:
        """Whether a clean bar of ours lies more than a tick from what history says, or far below.

        Volumes differ by what a broker books in the next minute; less than half is not that.
        """
        row = answer.rows.get(bar.minute)
        if row is None or bar.provenance is not Provenance.WS or bar.minute > answer.final:
            return False
        if not self._terms.is_index and 2 * bar.volume < row.volume:
            return True
        return max(abs(row.high - bar.high), abs(row.low - bar.low)) > self._terms.tick

    def _revise(self, since: Micros) -> tuple[Change, ...]:
        """Work the VWAP out again from the open and return the series from `since` on."""
        self._vwap = SessionVwap()
        settled = self.settled
        minutes = sorted(self._bars)
        for minute in minutes:
            bar = self._bars[minute]
            num, den = self._vwap.after(bar) if minute < settled else (0, 0)
            self._bars[minute] = replace(bar, vwap_num=num, vwap_den=den)
        tail = tuple(self._bars[minute] for minute in minutes if minute >= since)
        return (Revised(since, tail, settled),)
