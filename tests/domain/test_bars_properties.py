"""What bars must hold whatever happens to the tape, against an oracle worked out by brute force.

Properties 1, 2, 5, 7 and 8 of the market data page and its volumes, for one symbol's intake and
builder; 3, 4 and 7 again through the whole feed are in `test_market_data_properties.py`, 6 is in
`test_volume.py`.
"""

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.bars import BarBuilder, Change, Revised, Terms
from domain.conflation import conflated
from domain.intake import Intake
from domain.market import Bar, HistoryBar, Provenance, Source, Tick, minute_of
from domain.params import FeedParams
from domain.units import MINUTE, SECOND, Micros, Paise, divide_half_up
from tests.domain.tape import (
    CALL,
    NIFTY,
    OPEN,
    Trade,
    Truth,
    a_plan,
    a_row,
    at,
    row_of,
    ticks_of,
    truth_of,
    truths,
)

PLAN = a_plan()
EARLY = at("09:00")


class Desk:
    """One symbol's intake and builder, as FeedActor and BarActor hold them."""

    def __init__(self, began: Micros = EARLY, *, listened: Micros = EARLY) -> None:
        params = FeedParams(exchange_time="trust")
        self.intake = Intake(PLAN, (NIFTY, "NSE_INDEX"), params, listened)
        self.intake.ledger.follow(CALL, listened)
        self.source = Source.PRIMARY
        self.connect(Source.PRIMARY, 1, listened)
        self.restart(began)

    def connect(self, source: Source, epoch: int, when: Micros) -> None:
        """Give the say to a source, whose ticks are of this epoch from now on."""
        self.source = source
        self.intake.ledger.connected(source, epoch, when)

    def accepted(self, *ticks: Tick) -> list[Tick]:
        """Ticks as the bars get them; those of a superseded epoch are refused."""
        return self.intake.take(ticks, self.source).get(CALL, [])

    def restart(self, began: Micros) -> None:
        self.builder = BarBuilder(CALL, PLAN, Terms(began=began, tick=Paise(1)))

    def hear(self, tick: Tick) -> None:
        self.builder.add(self.accepted(tick))

    def hear_all(self, ticks: list[Tick]) -> None:
        for tick in ticks:
            self.hear(tick)

    def close(self) -> tuple[Bar, ...]:
        self.builder.elapse(at("15:45"))
        return self.builder.whole().bars


@st.composite
def tapes(draw: st.DrawFn, *, trades_only: bool = False, size: int = 60) -> list[Trade]:
    """A morning of updates, at times and prices that never repeat an exchange time."""
    now, price, cum = OPEN, 10_000, 0
    tape = []
    for _ in range(draw(st.integers(1, size))):
        now = Micros(now + draw(st.integers(1, 50_000)) * (SECOND // 1000))
        price = max(5, price + 5 * draw(st.integers(-40, 40)))
        cum += 65 * draw(st.integers(1 if trades_only else 0, 20))
        tape.append(Trade(now, price, cum))
    return tape


def clean(tape: list[Trade]) -> tuple[Bar, ...]:
    desk = Desk()
    desk.hear_all(ticks_of(tape))
    return desk.close()


def unflagged(bars: tuple[Bar, ...]) -> dict[int, Truth]:
    """Clean bars by minute; the VWAP is left out where a flag before them hides it."""
    return {
        bar.minute: truth_of(bar)
        if bar.vwap_den
        else Truth(
            bar.minute, bar.open, bar.high, bar.low, bar.close, bar.volume, NO_VWAP, bar.ticks
        )
        for bar in bars
        if bar.provenance.is_clean
    }


NO_VWAP = truths([Trade(OPEN, 5, 65)])[0].vwap - 5  # 0 as a Fraction


def agrees(bar: Truth, truth: Truth | None) -> bool:
    known = bar.vwap != NO_VWAP
    return truth is not None and bar == (truth if known else truth._replace(vwap=NO_VWAP))


def history(tape: list[Trade], asked_at: Micros) -> list[HistoryBar]:
    """What a broker answers: the bars so far, the forming one drawn last."""
    rows = [row_of(truth) for truth in truths(tape) if truth.minute + MINUTE <= asked_at]
    return [*rows, a_row(minute_of(asked_at))]


def fill(desk: Desk, tape: list[Trade], asked_at: Micros) -> tuple[Change, ...]:
    return desk.builder.backfill(history(tape, asked_at), asked_at)


EVENING = at("15:30:30")


def disturbed(ticks: list[Tick], data: st.DataObject) -> list[Tick]:
    """Some ticks repeated and some moved, wherever to."""
    told = list(ticks)
    for _ in range(data.draw(st.integers(0, 6))):
        source = data.draw(st.integers(0, len(told) - 1))
        tick = told[source] if data.draw(st.booleans()) else told.pop(source)
        told.insert(data.draw(st.integers(0, len(told))), tick)
    return told


@given(tapes(), st.booleans())
def test_clean_tape_gives_the_bars_of_the_oracle(tape: list[Trade], stamped: bool) -> None:
    desk = Desk()
    desk.hear_all(ticks_of(tape, stamped=stamped))
    bars = desk.close()
    if stamped:
        assert [truth_of(bar) for bar in bars] == truths(tape)
    else:
        later = [trade._replace(at=trade.at + SECOND // 20) for trade in tape]
        assert [truth_of(bar) for bar in bars] == truths(later)
    assert {bar.provenance for bar in bars} == {Provenance.WS}
    assert desk.builder.settled == PLAN.close


@given(st.booleans(), st.data())
def test_tick_told_again_in_its_minute_changes_nothing(stamped: bool, data: st.DataObject) -> None:
    # Without a stamp only a volume of its own tells a repeated tick from a price that came back.
    ticks = ticks_of(data.draw(tapes(trades_only=not stamped)), stamped=stamped)
    told = list(ticks)
    for tick in data.draw(st.lists(st.sampled_from(ticks), max_size=10)):
        minute = tick.recv_at // MINUTE if tick.exch_at is None else tick.exch_at // MINUTE
        first = told.index(tick)
        last = max(
            i
            for i, other in enumerate(told)
            if (other.exch_at or other.recv_at) // MINUTE == minute
        )
        told.insert(data.draw(st.integers(first + 1, last + 1)), tick)
    desk, again = Desk(), Desk()
    desk.hear_all(ticks)
    again.hear_all(told)
    assert again.close() == desk.close()


@given(tapes(), st.randoms(use_true_random=False))
def test_order_inside_a_minute_does_not_matter(tape: list[Trade], chance: st.DataObject) -> None:
    ticks = ticks_of(tape)
    minutes = sorted({tick.exch_at // MINUTE for tick in ticks if tick.exch_at})
    shuffled: list[Tick] = []
    for minute in minutes:
        inside = [tick for tick in ticks if tick.exch_at and tick.exch_at // MINUTE == minute]
        chance.shuffle(inside)  # type: ignore[attr-defined]  # it is a random.Random
        shuffled += inside
    desk = Desk()
    desk.hear_all(shuffled)
    assert desk.close() == clean(tape)


@given(tapes(), st.data())
def test_order_across_minutes_flags_every_bar_that_differs(
    tape: list[Trade], data: st.DataObject
) -> None:
    ticks = ticks_of(tape)
    for _ in range(data.draw(st.integers(1, 6))):
        moved = ticks.pop(data.draw(st.integers(0, len(ticks) - 1)))
        ticks.insert(data.draw(st.integers(0, len(ticks))), moved)
    desk = Desk()
    desk.hear_all(ticks)
    truth = {bar.minute: bar for bar in truths(tape)}
    for bar in unflagged(desk.close()).values():
        assert agrees(bar, truth.get(bar.minute))
    missing = truth.keys() - {bar.minute for bar in desk.builder.whole().bars}
    assert missing <= set(desk.builder.wanted(at("15:45")))


@given(tapes(), st.data())
def test_switches_of_the_source_leave_unflagged_bars_alone(
    tape: list[Trade], data: st.DataObject
) -> None:
    ticks = ticks_of(tape)
    switches = data.draw(st.lists(st.integers(0, len(ticks)), max_size=6))
    desk, source, epoch = Desk(), Source.PRIMARY, 1
    for i, tick in enumerate(ticks):
        for _ in range(switches.count(i)):
            source, epoch = data.draw(st.sampled_from(list(Source))), epoch + 1
            desk.connect(source, epoch, EARLY)
        desk.hear(_of(tick, source, epoch))
    bars = desk.close()
    truth = {bar.minute: bar for bar in truths(tape)}
    for bar in unflagged(bars).values():
        assert agrees(bar, truth.get(bar.minute))
    assert sum(bar.volume for bar in bars) == tape[-1].cum


def _of(tick: Tick, source: Source, epoch: int) -> Tick:
    return replace(tick, source=source, epoch=epoch)


@given(tapes(size=120), st.data())
def test_no_unflagged_bar_overlaps_a_gap_and_history_makes_it_whole(
    tape: list[Trade], data: st.DataObject
) -> None:
    ends = st.integers(OPEN, tape[-1].at + 3 * MINUTE)
    since, until = sorted((Micros(data.draw(ends)), Micros(data.draw(ends) + 1)))
    told = [trade for trade in tape if not since <= trade.at < until]
    is_noticed_early = data.draw(st.booleans())
    desk = Desk()
    before = [trade for trade in told if trade.at < since]
    desk.hear_all(ticks_of(before))
    if is_noticed_early:
        desk.builder.feed_gap(since, None)
        desk.builder.elapse(until)
    desk.builder.feed_gap(since, until)
    desk.hear_all(ticks_of(told)[len(before) :])
    truth = {bar.minute: bar for bar in truths(tape)}
    for bar in unflagged(desk.close()).values():
        assert bar.minute + MINUTE <= since or until <= bar.minute
        assert agrees(bar, truth.get(bar.minute))
    changes = fill(desk, tape, EVENING)
    assert [truth_of(bar).facts for bar in desk.builder.whole().bars] == [
        bar.facts for bar in truths(tape)
    ]
    assert all(isinstance(change, Revised) for change in changes)


@given(tapes(), st.data())
def test_disturbed_delivery_gives_the_bars_of_the_clean_tape_or_flags_them(
    tape: list[Trade], data: st.DataObject
) -> None:
    """Duplicates, reordering and switches of the source together.

    Ticks carry the exchange's time here. One that only has the volume of the tick before it and
    comes twice looks like a price that came back; nothing can tell the two apart.
    """
    ticks = disturbed(ticks_of(tape), data)
    switches = data.draw(st.lists(st.integers(0, len(ticks)), max_size=4))
    desk, epoch = Desk(), 1
    for i, tick in enumerate(ticks):
        for _ in range(switches.count(i)):
            epoch += 1
            desk.connect(data.draw(st.sampled_from(list(Source))), epoch, EARLY)
        desk.hear(_of(tick, desk.source, epoch))
    bars = desk.close()
    truth = {bar.minute: bar for bar in truths(tape)}
    for bar in unflagged(bars).values():
        assert agrees(bar, truth.get(bar.minute))
    missing = truth.keys() - {bar.minute for bar in bars}
    assert missing <= set(desk.builder.wanted(at("15:45")))


@given(tapes())
def test_vwap_is_exact_to_the_paisa_at_every_bar(tape: list[Trade]) -> None:
    """Worked out as a running mean that each traded minute pulls towards its typical price."""
    mean, weight, before = Fraction(0), 0, 0
    expected: list[Fraction] = []
    quotes, price = dict[int, list[Trade]](), None
    for trade in tape:
        if trade.cum > before or trade.price != price:
            quotes.setdefault(trade.at // MINUTE, []).append(trade)
        before, price = trade.cum, trade.price
    before = 0
    for inside in quotes.values():
        prices = sorted(trade.price for trade in inside)
        typical = Fraction(prices[0] + prices[-1] + inside[-1].price, 3)
        added, before = inside[-1].cum - before, inside[-1].cum
        weight += added
        mean += (typical - mean) * Fraction(added, weight) if added else 0
        expected.append(mean if weight else typical)
    bars = clean(tape)
    assert [Fraction(bar.vwap_num, bar.vwap_den) for bar in bars] == expected
    paise = [divide_half_up(bar.vwap_num, bar.vwap_den) for bar in bars]
    assert paise == [
        (2 * each.numerator + each.denominator) // (2 * each.denominator) for each in expected
    ]


@given(tapes(), st.lists(st.integers(1, 30 * SECOND), max_size=40))
def test_pulses_change_nothing(tape: list[Trade], waits: list[int]) -> None:
    desk = Desk()
    pulses = [OPEN]
    for wait in waits:
        pulses.append(Micros(pulses[-1] + wait))
    for tick in ticks_of(tape):
        while pulses and pulses[0] <= tick.recv_at:
            desk.builder.elapse(pulses.pop(0))
        desk.hear(tick)
    assert desk.close() == clean(tape)


@given(tapes(size=120), st.data())
def test_restart_at_any_tick_gives_the_same_bars_from_the_next_full_minute_on(
    tape: list[Trade], data: st.DataObject
) -> None:
    ticks = ticks_of(tape)
    cut = data.draw(st.integers(0, len(ticks)))
    died = ticks[cut - 1].recv_at if cut else OPEN
    is_feed_new = data.draw(st.booleans())
    desk = Desk()
    desk.hear_all(ticks[:cut])
    if is_feed_new:
        desk = Desk(died, listened=died)
    desk.restart(died)
    asked = Micros(died + data.draw(st.integers(0, 5 * MINUTE)))
    for before, tick in pairwise([None, *ticks[cut:]]):
        if tick is not None and tick.recv_at > asked >= (before.recv_at if before else 0):
            desk.builder.elapse(asked)
            fill(desk, tape, asked)
        if tick is not None:
            desk.hear(tick)
    truth = {bar.minute: bar for bar in truths(tape)}
    for bar in unflagged(desk.close()).values():
        assert agrees(bar._replace(ticks=0), truth[bar.minute]._replace(ticks=0))
    fill(desk, tape, EVENING)
    whole = [truth_of(bar).facts for bar in desk.builder.whole().bars]
    assert whole == [bar.facts for bar in truths(tape)]


@given(tapes(), st.data())
def test_conflation_changes_nothing_but_the_count_of_ticks(
    tape: list[Trade], data: st.DataObject
) -> None:
    """Also of ticks that are repeated or come late, with a stamp or without."""
    stamped = data.draw(st.booleans())
    told = ticks_of(tape, stamped=stamped)
    if stamped:
        told = disturbed(told, data)
    desk = Desk()
    plain = Desk()
    accepted = desk.accepted(*told)
    plain.builder.add(accepted)
    while accepted:
        batch = accepted[: data.draw(st.integers(1, 12))]
        del accepted[: len(batch)]
        few = conflated(batch)
        assert sum(tick.volume for tick in few) == sum(tick.volume for tick in batch)
        desk.builder.add(few)
    assert facts(desk.close()) == facts(plain.close())
    assert desk.builder.settled == plain.builder.settled


def facts(bars: tuple[Bar, ...]) -> list[Bar]:
    """Bars without the count of their ticks."""
    return [replace(bar, ticks=0) for bar in bars]
