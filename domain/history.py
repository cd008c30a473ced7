"""What an answer of `/history` is worth, and which minutes still have to be asked for.

Rows are named by the start of their minute and include the one still forming. Early in the day
brokers lag by up to 15 minutes, so an absent minute proves nothing unless there are later rows, and
unless the rows account for the volume that ticks told of: a broker may lack the first minutes, too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from domain.market import HistoryBar, minute_of
from domain.params import HistoryParams
from domain.session import DayPlan
from domain.units import MINUTE, Micros, Paise, seconds

LATER = seconds(300)
"""How often is asked once the retries are used up."""

LAG = Micros(15 * MINUTE)
"""How far behind the clock a broker's newest row may lie early in the day."""

ACCOUNTED_PERCENT = 99
"""How much of the volume ticks told of the rows must hold; brokers do not count alike."""

NEVER = Micros(0)


class Audit(NamedTuple):
    """What an answer proves: a minute up to `until` that has no row was quiet.

    It is `short` if it should hold volume that ticks told of, and does not.
    """

    until: Micros
    short: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A sifted answer: good rows by minute, minutes whose row was bad, the newest finished minute.

    Every minute up to `final` had ended long enough before the question to be complete in it. The
    row still forming proves nothing: a broker that lags may draw it from a quote.
    """

    rows: dict[Micros, HistoryBar]
    bad: frozenset[Micros]
    newest: Micros
    final: Micros

    def is_absent(self, minute: Micros) -> bool:
        """Whether nothing was said of a minute, good or bad."""
        return minute not in self.rows and minute not in self.bad

    def lacks(self, minute: Micros) -> bool:
        """Whether a minute known to have traded should be here by now and is not."""
        is_due = minute < self.newest or minute + LAG < self.final
        return minute <= self.final and is_due and self.is_absent(minute)

    def audit(self, heard: Mapping[Micros, int], *, is_exact: bool) -> Audit:
        """Compare the rows with `heard`: cumulative volumes at the ends of minutes with ticks.

        Rows that hold all of it leave nothing out. Rows that hold nearly all of it leave nothing
        out before the newest of them; brokers do not count alike. `is_exact` False forbids the
        first proof: the counter was reset, and what was heard is less than what was traded.
        """
        last = max((m for m in heard if m <= self.final), default=NEVER)
        if is_exact and self._volume(last) >= heard.get(last, 0):
            return Audit(last)
        last = max((m for m in heard if m <= min(self.final, self.newest)), default=NEVER)
        short = 100 * self._volume(last) < ACCOUNTED_PERCENT * heard.get(last, 0)
        return Audit(NEVER if short else last, short)

    def _volume(self, until: Micros) -> int:
        return sum(row.volume for minute, row in self.rows.items() if minute <= until)


def sift(
    bars: Iterable[HistoryBar], plan: DayPlan, asked_at: Micros, tick: Paise, settle_s: int
) -> Answer:
    """Drop the forming row, rows outside the session and bad rows one by one; keep one per minute.

    A row that only repeats the close before it, without volume, is a broker's way of drawing a
    quiet minute: it is left out, as live ticks make no bar of it either.
    """
    current = minute_of(asked_at)
    said = sorted((bar for bar in bars if _is_in(plan, bar.minute)), key=lambda bar: bar.minute)
    done = {bar.minute: bar for bar in said if bar.minute < current}
    good = {minute: bar for minute, bar in done.items() if _is_good(bar, tick)}
    return Answer(
        rows={bar.minute: bar for bar in _without_echoes(good.values())},
        bad=frozenset(done.keys() - good.keys()),
        newest=max(done, default=NEVER),
        final=Micros(minute_of(asked_at - seconds(settle_s)) - MINUTE),
    )


def _is_in(plan: DayPlan, minute: Micros) -> bool:
    return plan.open <= minute < plan.close and minute == minute_of(minute)


def _is_good(bar: HistoryBar, tick: Paise) -> bool:
    prices = (bar.open, bar.high, bar.low, bar.close)
    is_ordered = 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
    return is_ordered and bar.volume >= 0 and all(price % tick == 0 for price in prices)


def _without_echoes(bars: Iterable[HistoryBar]) -> Iterable[HistoryBar]:
    last = None
    for bar in bars:
        if bar.volume or not bar.open == bar.high == bar.low == bar.close == last:
            yield bar
        last = bar.close


@dataclass(slots=True)
class _Hole:
    due: Micros
    tries: int = 0


class Holes:
    """The minutes of one symbol that are not known for certain, and when to ask for them."""

    def __init__(self, params: HistoryParams) -> None:
        self._params = params
        self._holes: dict[Micros, _Hole] = {}

    def __bool__(self) -> bool:
        return bool(self._holes)

    def __contains__(self, minute: Micros) -> bool:
        return minute in self._holes

    @property
    def first(self) -> Micros | None:
        """The earliest of them."""
        return min(self._holes, default=None)

    def dig(self, minute: Micros) -> None:
        """Add a minute; its history is asked for when it has settled at the broker."""
        if minute not in self._holes:
            self._holes[minute] = _Hole(Micros(minute + MINUTE + seconds(self._params.settle_s)))

    def fill(self, minute: Micros) -> None:
        """Forget a minute that is known now."""
        del self._holes[minute]

    def until(self, final: Micros) -> tuple[Micros, ...]:
        """Return the minutes up to `final`, in order."""
        return tuple(sorted(minute for minute in self._holes if minute <= final))

    def wanted(self, at: Micros) -> tuple[Micros, ...]:
        """Return the minutes to ask history for now, in order."""
        return tuple(sorted(m for m, hole in self._holes.items() if hole.due <= at))

    def postpone(self, at: Micros) -> None:
        """Ask again later for what was due and was not filled."""
        for minute in self.wanted(at):
            hole = self._holes[minute]
            hole.tries += 1
            is_patient = hole.tries > self._params.retries
            hole.due = Micros(at + (LATER if is_patient else seconds(self._params.retry_s)))
