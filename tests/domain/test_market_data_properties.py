"""What must hold from the wire to the strategy, whatever happens on the way.

Feed, bars and series are the real ones and play seconds together; the oracle works out by brute
force what the bars of the clean tape are. Properties of the bars alone are in
`test_bars_properties.py`, those of volumes alone in `test_volume.py`.
"""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from domain.market import Bar, Source
from domain.units import MINUTE, SECOND, Micros
from tests.domain.floor import Floor, clean_bars, swings_of
from tests.domain.tape import OPEN, Trade, truth_of, truths

QUIET = Micros(4 * MINUTE)
"""After this much peace everything is filled: retries are a minute apart."""


@st.composite
def tapes(draw: st.DrawFn, size: int = 40) -> list[Trade]:
    """Some minutes of updates from the open, and a trade in each of the minutes after them."""
    now, price, cum = OPEN, 10_000, 0
    tape = []
    for _ in range(draw(st.integers(1, size))):
        now = Micros(now + draw(st.integers(1, 25_000)) * (SECOND // 1000))
        price = max(5, price + 5 * draw(st.integers(-40, 40)))
        cum += 65 * draw(st.integers(0, 20))
        tape.append(Trade(now, price, cum))
    ends = now // MINUTE * MINUTE + 30 * SECOND
    return tape + [Trade(ends + n * MINUTE, price, cum + 65 * n) for n in range(1, 5)]


def seconds_of(tape: list[Trade]) -> st.SearchStrategy[int]:
    """Seconds from the open to the last drawn trade."""
    return st.integers(0, (tape[-4].at - OPEN) // SECOND)


def wrong(bars: Iterable[Bar], tape: list[Trade]) -> list[Bar]:
    """Clean bars that are not what really happened; one without VWAP does not claim one."""
    truth = {each.minute: each for each in truths(tape)}
    return [
        bar
        for bar in bars
        if bar.provenance.is_clean
        and (
            bar.minute not in truth
            or truth[bar.minute][:6] != (bar.minute, *_prices(bar), bar.volume)
            or (bar.vwap_den and truth_of(bar).vwap != truth[bar.minute].vwap)
        )
    ]


def _prices(bar: Bar) -> tuple[int, int, int, int]:
    return bar.open, bar.high, bar.low, bar.close


def assert_whole(floor: Floor) -> None:
    """After a while of peace a strategy has eaten the clean tape, from the open on."""
    floor.play(floor.tape[-1].at + QUIET)
    expected = [truth.facts for truth in truths(floor.tape)]
    assert [truth_of(bar).facts for bar in floor.eaten] == expected
    assert swings_of(floor.eaten) == swings_of(clean_bars(floor.tape))
    assert not wrong(floor.builder.whole().bars, floor.tape)


@given(tapes())
def test_clean_tape_gives_its_own_bars_at_once(tape: list[Trade]) -> None:
    floor = Floor(tape).play(tape[-1].at + 2 * MINUTE)
    assert [truth_of(bar).facts for bar in floor.eaten] == [truth.facts for truth in truths(tape)]
    assert {bar.provenance.value for bar in floor.eaten} == {"ws"}


@given(tapes(), st.data())
def test_switches_leave_unflagged_bars_alone_and_lose_no_volume(
    tape: list[Trade], data: st.DataObject
) -> None:
    floor = Floor(tape, is_backup_there=True)
    for second in sorted(data.draw(st.lists(seconds_of(tape), max_size=6))):
        floor.play(OPEN + second * SECOND)
        floor.select(data.draw(st.sampled_from(list(Source))))
        assert not wrong(floor.builder.whole().bars, tape)
    floor.play(tape[-4].at)
    floor.select(Source.PRIMARY)
    floor.play(tape[-1].at + MINUTE)
    assert floor.baseline is not None
    assert floor.increments == tape[-1].cum - floor.baseline
    assert_whole(floor)


@given(tapes(), st.data())
def test_no_clean_bar_was_built_across_a_gap_and_history_makes_the_day_whole(
    tape: list[Trade], data: st.DataObject
) -> None:
    floor = Floor(tape)
    line = floor.lines[Source.PRIMARY]
    gaps: list[tuple[int, int]] = []
    second = 0
    for _ in range(data.draw(st.integers(1, 3))):
        second += data.draw(seconds_of(tape))
        # A socket that is up for longer than the canaries are trusted; one that closed: any span.
        is_closed = data.draw(st.booleans())
        span = data.draw(st.integers(1 if is_closed else 7, 150))
        floor.play(OPEN + second * SECOND)
        line.is_mute, line.is_refusing = not is_closed, is_closed
        if is_closed:
            floor.drop(Source.PRIMARY)
        gaps.append((floor.now, floor.now + span * SECOND))
        floor.play(floor.now + span * SECOND)
        line.is_mute = line.is_refusing = False
        second += span
        for bar in floor.builder.whole().bars:
            is_across = any(a < bar.minute + MINUTE and bar.minute < b for a, b in gaps)
            assert not (is_across and bar.provenance.value == "ws"), bar
        assert not wrong(floor.builder.whole().bars, tape)
    floor.play(max(floor.now, tape[-1].at))
    assert not wrong(floor.builder.whole().bars, tape)
    assert_whole(floor)


@given(tapes(), st.data())
def test_restart_at_any_second_ends_with_the_bars_vwap_and_swings_of_the_day(
    tape: list[Trade], data: st.DataObject
) -> None:
    floor = Floor(tape)
    for second in sorted(data.draw(st.lists(seconds_of(tape), min_size=1, max_size=3))):
        floor.play(OPEN + second * SECOND)
        match data.draw(st.sampled_from(["feed", "bars", "process"])):
            case "feed":
                floor.restart_feed(floor.feed)
            case "bars":
                floor.restart_bars()
            case _:
                floor.restart_bars()
                floor.restart_feed()
    assert not wrong(floor.builder.whole().bars, tape)
    assert_whole(floor)


@given(tapes(), st.integers(0, 400))
def test_late_start_has_the_bars_of_the_day_from_the_next_full_minute_on(
    tape: list[Trade], second: int
) -> None:
    assert_whole(Floor(tape, began=Micros(OPEN + second * SECOND)))
