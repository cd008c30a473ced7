"""A strategy sees clean bars, in order, each once; what turned out different starts again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bars import Change, Finished, Revised
from domain.market import Bar, Provenance
from domain.series import Fed, Series
from domain.units import MINUTE, Micros
from tests.domain.tape import CALL, OPEN, Trade, a_bar, at, ticks_of, truth_of, truths
from tests.domain.test_bars_properties import EVENING, Desk, fill, tapes

GAP = Provenance.GAP


def minutes(bars: tuple[Bar, ...]) -> list[Micros]:
    return [bar.minute for bar in bars]


def eaten(*walls: str) -> Series:
    """A series that has eaten a clean bar for each time, with nothing before or between."""
    series = Series(CALL)
    series.backfilled(OPEN, [a_bar(wall) for wall in walls], Micros(at(walls[-1]) + MINUTE))
    assert minutes(series.eaten) == [at(wall) for wall in walls]
    return series


def test_clean_bar_is_fed_as_it_closes() -> None:
    series = eaten("10:00")
    assert series.closed(a_bar("10:01"), at("10:02")) == Fed((a_bar("10:01"),))
    assert series.settled == at("10:02")


def test_quiet_minutes_do_not_hold_the_next_bar_back() -> None:
    series = eaten("10:00")
    assert series.closed(a_bar("10:05"), at("10:06")) == Fed((a_bar("10:05"),))


@pytest.mark.incident("INC-22")
def test_every_bar_of_a_long_stall_is_fed_in_order() -> None:
    series = eaten("10:00")
    stalled = [f"10:{minute:02}" for minute in range(1, 8)]
    fed = [series.closed(a_bar(w), Micros(at(w) + MINUTE)).bars for w in stalled]
    assert fed == [(a_bar(wall),) for wall in stalled]


@pytest.mark.incident("INC-23")
def test_bars_wait_for_history_before_them() -> None:
    series = Series(CALL)
    assert series.closed(a_bar("11:38"), OPEN) == Fed()
    history = [a_bar("11:36"), a_bar("11:37")]
    fed = series.backfilled(OPEN, [*history, a_bar("11:38")], at("11:39"))
    assert fed == Fed((*history, a_bar("11:38")))


@pytest.mark.incident("INC-24")
def test_tainted_bar_holds_everything_after_it_back_until_it_is_replaced() -> None:
    series = eaten("10:00")
    assert series.closed(a_bar("10:01", provenance=GAP), at("10:01")) == Fed()
    assert series.closed(a_bar("10:02"), at("10:01")) == Fed()
    mended = [a_bar("10:01", provenance=Provenance.BACKFILLED), a_bar("10:02")]
    assert series.backfilled(at("10:01"), mended, at("10:03")) == Fed(tuple(mended))


def test_hole_that_was_quiet_lets_the_bars_after_it_through() -> None:
    series = eaten("10:00")
    series.closed(a_bar("10:01", provenance=GAP), at("10:01"))
    series.closed(a_bar("10:02"), at("10:01"))
    fed = series.backfilled(at("10:01"), [a_bar("10:02")], at("10:03"))
    assert fed == Fed((a_bar("10:02"),))


@pytest.mark.incident("INC-20")
def test_minute_told_twice_is_fed_once() -> None:
    series = eaten("10:00", "10:01")
    assert series.closed(a_bar("10:01"), at("10:02")) == Fed()
    assert series.backfilled(OPEN, [a_bar("10:00"), a_bar("10:01")], at("10:02")) == Fed()
    assert series.closed(a_bar("10:02"), at("10:03")) == Fed((a_bar("10:02"),))


def test_clean_bar_from_history_stays_when_the_minute_is_told_again() -> None:
    series = eaten("10:00", "10:01")
    assert series.closed(a_bar("10:01", volume=7), at("10:02")) == Fed()
    assert series.eaten == (a_bar("10:00"), a_bar("10:01"))


def test_minute_whose_taint_was_lifted_by_itself_is_not_fed_again() -> None:
    series = eaten("10:00", "10:01")
    series.backfilled(at("10:01"), [a_bar("10:01", provenance=GAP)], at("10:01"))
    assert series.closed(a_bar("10:01"), at("10:02")) == Fed()


def test_taint_learned_late_does_not_rebuild_by_itself() -> None:
    series = eaten("10:00", "10:01")
    fed = series.backfilled(at("10:01"), [a_bar("10:01", provenance=GAP)], at("10:01"))
    assert fed == Fed()
    assert series.settled == at("10:01")
    assert series.closed(a_bar("10:02"), at("10:01")) == Fed()
    same = [a_bar("10:01", provenance=Provenance.BACKFILLED), a_bar("10:02")]
    assert series.backfilled(at("10:01"), same, at("10:03")) == Fed((a_bar("10:02"),))


@pytest.mark.parametrize(
    "replacement",
    [
        [a_bar("10:01", (10_000, 10_200, 9_700, 10_000))],
        [a_bar("10:01", volume=1065)],
        [a_bar("10:01", vwap=(1, 2))],
        [],
    ],
)
def test_eaten_bar_that_turned_out_different_starts_again(replacement: list[Bar]) -> None:
    series = eaten("10:00", "10:01", "10:02")
    told = [*replacement, a_bar("10:02")]
    fed = series.backfilled(at("10:01"), told, at("10:03"))
    assert fed == Fed((a_bar("10:00"), *told), rebuilt=True)
    assert series.eaten == fed.bars


def test_bar_found_between_eaten_ones_starts_again() -> None:
    series = eaten("10:00", "10:02")
    fed = series.backfilled(at("10:01"), [a_bar("10:01"), a_bar("10:02")], at("10:03"))
    assert fed == Fed((a_bar("10:00"), a_bar("10:01"), a_bar("10:02")), rebuilt=True)


def test_provenance_and_count_of_ticks_are_no_difference() -> None:
    series = eaten("10:00")
    same = a_bar("10:00", ticks=7, provenance=Provenance.BACKFILLED)
    assert series.backfilled(OPEN, [same], at("10:01")) == Fed()


@pytest.mark.incident("INC-25")
def test_short_history_after_a_restart_wipes_nothing() -> None:
    series = eaten("10:00", "10:01", "10:02")
    assert series.backfilled(OPEN, [], OPEN) == Fed()
    assert series.backfilled(OPEN, [a_bar("10:00")], at("10:01")) == Fed()
    assert minutes(series.eaten) == [at("10:00"), at("10:01"), at("10:02")]
    whole = [a_bar(wall) for wall in ("10:00", "10:01", "10:02", "10:03")]
    assert series.backfilled(OPEN, whole, at("10:04")) == Fed((a_bar("10:03"),))


def test_rebuild_feeds_only_what_is_certain_now() -> None:
    series = eaten("10:00", "10:01", "10:02")
    other = a_bar("10:00", volume=7)
    fed = series.backfilled(at("10:00"), [other], at("10:01"))
    assert fed == Fed((other,), rebuilt=True)
    assert series.closed(a_bar("10:03"), at("10:04")).bars == tuple(
        a_bar(wall) for wall in ("10:01", "10:02", "10:03")
    )


class Reader:
    """Eats what a series feeds, as a detector would."""

    def __init__(self) -> None:
        self.series = Series(CALL)
        self.eaten: list[Bar] = []

    def take(self, changes: tuple[Change, ...]) -> None:
        for change in changes:
            match change:
                case Finished(bar, settled):
                    self._eat(self.series.closed(bar, settled))
                case Revised(since, bars, settled):
                    self._eat(self.series.backfilled(since, bars, settled))

    def _eat(self, fed: Fed) -> None:
        self.eaten = [*([] if fed.rebuilt else self.eaten), *fed.bars]


@given(tapes(size=120), st.data())
def test_reader_of_a_disturbed_day_eats_the_clean_days_bars(
    tape: list[Trade], data: st.DataObject
) -> None:
    desk, reader = Desk(), Reader()
    ends = st.integers(OPEN, tape[-1].at)
    since, until = sorted((Micros(data.draw(ends)), Micros(data.draw(ends) + 1)))
    asks = data.draw(st.lists(st.integers(0, len(tape)), max_size=3))
    for i, tick in enumerate(ticks_of(tape)):
        if since <= tape[i].at < until:
            continue
        if i and tape[i - 1].at < until <= tape[i].at:
            reader.take(desk.builder.feed_gap(since, until))
        reader.take(desk.builder.add(desk.accepted(tick)))
        if i in asks:
            reader.take(fill(desk, tape[: i + 1], tick.recv_at))
        seen = minutes(tuple(reader.eaten))
        assert seen == sorted(set(seen))
    reader.take(desk.builder.feed_gap(since, until))
    reader.take(desk.builder.elapse(at("15:45")))
    reader.take(fill(desk, tape, EVENING))
    assert [truth_of(bar).facts for bar in reader.eaten] == [bar.facts for bar in truths(tape)]
