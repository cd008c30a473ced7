"""The swing detector: the three vectors of the design, its words as an oracle, and restarts."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.market import Bar
from domain.session import instant
from domain.swings import SwingDetector, SwingEvent, SwingKind
from domain.units import MINUTE, Day, Micros, Paise, Symbol, Units

OPEN = instant(Day("2026-11-20"), "09:15")
Row = tuple[float, float, float, float]


class Seen(NamedTuple):
    """An event as the vectors tell it: which bar confirmed what, in rupees."""

    bar: int
    kind: str
    price: float
    extreme: int
    vwap: int
    hh: float


def a_bar(
    index: int,
    row: Row,
    *,
    opened: Micros = OPEN,
    vwap: tuple[int, int] | None = None,
) -> Bar:
    op, high, low, close = (Paise(round(price * 100)) for price in row)
    num, den = vwap or ((100 + index) * 100 * 7, 7)
    return Bar(
        symbol=Symbol("NIFTY24NOV2626000CE"),
        minute=Micros(opened + index * MINUTE),
        open=op,
        high=high,
        low=low,
        close=close,
        volume=Units(65),
        vwap_num=num,
        vwap_den=den,
    )


def bars_of(rows: Sequence[Row]) -> list[Bar]:
    return [a_bar(index, row) for index, row in enumerate(rows)]


def seen(bar: int, event: SwingEvent) -> Seen:
    assert event.minute == OPEN + event.index * MINUTE
    vwap = event.vwap_num // (event.vwap_den * 100)
    return Seen(bar, event.kind, event.price / 100, event.index, vwap, event.hh / 100)


def log_of(rows: Sequence[Row]) -> list[Seen]:
    detector = SwingDetector()
    return [seen(i, e) for i, bar in enumerate(bars_of(rows)) for e in detector.step(bar)]


V1 = [
    (130, 132, 129, 131),
    (131, 131.5, 127, 128),
    (128, 133, 127.5, 132.5),
    (132.5, 135, 131, 134.5),
    (134.5, 138, 134, 137),
    (137, 137.5, 133, 133.5),
    (133.5, 134, 131, 131.5),
    (131.5, 132, 128, 128.5),
    (128.5, 129, 125, 126),
    (126, 128, 124, 127.5),
    (127.5, 131, 126, 130.5),
    (130.5, 133, 129, 132.5),
]
V2 = [
    *V1[:4],
    (134, 134.5, 126, 133),
    (133, 136, 125, 134),
    (134, 137, 132, 136),
    (136, 138, 133, 137),
]
V3 = [
    (100, 102, 98, 101),
    (101, 103, 99, 100),
    (100, 101, 97, 98),
    (98, 100, 96, 99),
    (99, 104, 98, 103),
    (103, 106, 102, 105),
    (105, 107, 103, 104),
    (104, 105, 100, 101),
    (101, 102, 98, 99),
    (99, 100, 94, 95),
    (95, 98, 93, 97),
    (97, 105, 96, 103),
    (103, 108, 100, 107),
]


def test_first_vector_makes_a_low_a_high_and_a_lower_low() -> None:
    assert log_of(V1) == [
        Seen(3, "Low", 127, 1, 101, 135),
        Seen(6, "High", 138, 4, 104, 137.5),
        Seen(11, "Low", 124, 9, 109, 133),
    ]


def test_counters_of_the_first_vector_are_those_of_the_design() -> None:
    detector = SwingDetector()
    counted = {}
    for index, bar in enumerate(bars_of(V1)):
        detector.step(bar)
        counted[index] = (detector.low_votes, detector.high_votes)
    assert counted[2] == ({0: 1, 1: 1}, {0: 1})
    assert counted[5] == ({2: 2, 3: 1}, {4: 1})
    assert counted[10] == ({8: 1, 9: 1}, {5: 4, 6: 4, 7: 2})
    assert [counted[i] for i in (3, 6, 11)] == [({}, {})] * 3


def test_second_vector_breaks_a_low_and_moves_it_with_its_old_vwap() -> None:
    assert log_of(V2) == [
        Seen(3, "Low", 127, 1, 101, 135),
        Seen(4, "Broken", 127, 1, 101, 135),
        Seen(5, "Low Update", 125, 5, 101, 136),
    ]


def test_updated_low_stays_broken() -> None:
    detector = SwingDetector()
    for bar in bars_of(V2):
        detector.step(bar)
    last = detector.last
    assert last is not None
    assert (last.price, last.index, last.broken) == (12500, 5, True)


def test_third_vector_makes_a_new_low_beyond_a_high() -> None:
    assert log_of(V3) == [
        Seen(3, "High", 103, 1, 101, 101),
        Seen(5, "Low", 96, 3, 103, 106),
        Seen(8, "High", 107, 6, 106, 105),
        Seen(12, "Low", 93, 10, 110, 108),
    ]


@pytest.mark.incident("INC-26")
def test_one_vote_does_not_move_a_swing() -> None:
    """Bar 2 of V1 is a lower low than nothing: one vote for bars 0 and 1, and no event."""
    assert log_of(V1[:3]) == []
    # After the low of bar 1, a bar that only makes a lower low and closes low moves nothing.
    assert log_of([*V1[:4], (134, 134.5, 126, 126.5)]) == [
        Seen(3, "Low", 127, 1, 101, 135),
        Seen(4, "Broken", 127, 1, 101, 135),
    ]


@pytest.mark.incident("INC-27")
def test_stored_swing_never_changes() -> None:
    detector = SwingDetector()
    made = [event for bar in bars_of(V2[:4]) for event in detector.step(bar)]
    kept, held = detector.last, made[0]
    copy = SwingEvent(**{f: getattr(held, f) for f in held.__struct_fields__})
    for index, row in enumerate(V2[4:], 4):
        detector.step(a_bar(index, row))
    assert held == copy
    assert kept is not None
    assert (kept.price, kept.broken) == (12700, False)
    with pytest.raises(AttributeError):
        held.vwap_num = 1  # type: ignore[misc]


@pytest.mark.incident("INC-28")
def test_third_vote_confirms_what_the_second_could_not() -> None:
    rows = [
        (100, 110, 90, 100),
        (100, 111, 95, 101),
        (101, 112, 95, 102),  # second vote for bar 0: Low 90 at 0
        (102, 113, 96, 103),  # first vote for bar 1
        (103, 114, 96, 104),  # second vote for bar 1, but no lower low since
        (104, 111.5, 89, 101.5),  # third vote for bar 1, and for no other
    ]
    detector = SwingDetector()
    events = [detector.step(bar) for bar in bars_of(rows)]
    assert [e.kind for e in events[2]] == [SwingKind.LOW]
    assert (events[3], events[4]) == ((), ())
    assert detector.low_votes[1] == 3
    assert [(e.kind, e.price, e.index) for e in events[5]] == [(SwingKind.LOW_UPDATE, 8900, 5)]


def test_equal_prices_never_vote() -> None:
    flat = (100, 101, 99, 100)
    assert log_of([flat] * 20) == []
    higher_close_only = [(100, 101, 99, 100 + n / 2) for n in range(3)]
    assert log_of(higher_close_only) == []


def test_low_that_is_touched_is_not_broken() -> None:
    assert log_of([*V1[:4], (134, 134.5, 127, 133)]) == [Seen(3, "Low", 127, 1, 101, 135)]


def test_high_is_moved_by_a_higher_high_and_never_broken() -> None:
    rows = [
        *V3[:4],  # High 103 at 1
        (99, 103.5, 98, 98.5),
        (98.5, 99, 97.5, 98),
        (98, 98.5, 95, 95.5),
    ]
    assert log_of(rows)[:2] == [
        Seen(3, "High", 103, 1, 101, 101),
        Seen(6, "High Update", 103.5, 4, 101, 99),
    ]


def test_bar_that_is_not_newer_changes_nothing() -> None:
    detector, rows = SwingDetector(), bars_of(V1)
    for bar in rows[:3]:
        detector.step(bar)
    before = (detector.last, detector.low_votes, detector.high_votes)
    assert detector.step(a_bar(2, (1, 500, 1, 500))) == ()
    assert detector.step(a_bar(0, (1, 500, 1, 500))) == ()
    assert (detector.last, detector.low_votes, detector.high_votes) == before


def test_new_date_starts_anew() -> None:
    detector = SwingDetector()
    for bar in bars_of(V1):
        detector.step(bar)
    tomorrow = instant(Day("2026-11-23"), "09:15")
    again = [
        event for i, row in enumerate(V1) for event in detector.step(a_bar(i, row, opened=tomorrow))
    ]
    assert [(e.kind, e.index) for e in again] == [
        (SwingKind.LOW, 1),
        (SwingKind.HIGH, 4),
        (SwingKind.LOW, 9),
    ]


def test_swing_of_a_bar_without_vwap_carries_none() -> None:
    detector = SwingDetector()
    events = [
        event
        for i, row in enumerate(V1[:4])
        for event in detector.step(a_bar(i, row, vwap=(0, 0) if i == 1 else None))
    ]
    assert [(e.index, e.vwap_num, e.vwap_den) for e in events] == [(1, 0, 0)]


# Few prices, so that ties are frequent.
prices = st.integers(min_value=100, max_value=107)


@st.composite
def a_row(draw: st.DrawFn) -> Row:
    low = draw(prices)
    high = low + draw(st.integers(min_value=0, max_value=4))
    inside = st.integers(min_value=low, max_value=high)
    return draw(inside), high, low, draw(inside)


series = st.lists(a_row(), max_size=60) | st.lists(a_row(), min_size=30, max_size=60)


def voted(kind: str, i: Row, j: Row) -> bool:
    if kind == "Low":
        return i[1] > j[1] and i[3] > j[3]
    return i[2] < j[2] and i[3] < j[3]


def oracle(rows: Sequence[Row]) -> list[Seen]:  # noqa: C901 - it is the page, word for word
    log: list[Seen] = []
    last: list[float | str | bool] | None = None  # kind, price, index, vwap, broken
    votes: dict[str, dict[int, int]] = {"Low": {}, "High": {}}

    def start() -> int:
        return int(last[2]) + 1 if last else 0

    def highest(i: int) -> float:
        return max((row[1] for row in rows[start() : i + 1]), default=rows[start() - 1][1])

    for i in range(len(rows)):
        decided = False
        s = start()
        order = ("High", "Low") if last and last[0] == "Low" else ("Low", "High")
        for j in range(s, i):
            for kind in order:
                if decided or not voted(kind, rows[i], rows[j]):
                    continue
                votes[kind][j] = votes[kind].get(j, 0) + 1
                if votes[kind][j] < 2:
                    continue
                column, better = (2, min) if kind == "Low" else (1, max)
                price = better(row[column] for row in rows[s : i + 1])
                e = next(k for k in range(s, i + 1) if rows[k][column] == price)
                if last is None or last[0] != kind:
                    last = [kind, price, e, 100 + e, False]
                    votes = {"Low": {}, "High": {}}
                    decided = True
                    log.append(Seen(i, kind, price, e, 100 + e, highest(i)))
                elif price != last[1] and better(price, last[1]) == price:
                    last[1], last[2] = price, e
                    decided = True
                    log.append(Seen(i, f"{kind} Update", price, e, int(last[3]), highest(i)))
        if last and last[0] == "Low" and not last[4] and rows[i][2] < float(last[1]):
            last[4] = True
            log.append(Seen(i, "Broken", float(last[1]), int(last[2]), int(last[3]), highest(i)))
    return log


@given(series)
def test_detector_does_what_the_page_says(rows: list[Row]) -> None:
    assert log_of(rows) == oracle(rows)


@pytest.mark.parametrize("rows", [V1, V2, V3])
def test_oracle_agrees_on_the_vectors(rows: list[Row]) -> None:
    assert oracle(rows) == log_of(rows)


@pytest.mark.incident("INC-29")
@given(series, st.integers(min_value=0, max_value=60), st.data())
def test_swing_log_is_the_same_however_it_is_fed(
    rows: list[Row], cut: int, data: st.DataObject
) -> None:
    bars = bars_of(rows)
    live = SwingDetector()
    one_by_one = [event for bar in bars for event in live.step(bar)]
    # A restart: history up to the cut at once, then live; bars may come twice or late.
    again = SwingDetector()
    log = [event for bar in bars[:cut] for event in again.step(bar)]
    for index in range(cut, len(bars)):
        log += again.step(bars[index])
        log += again.step(bars[data.draw(st.integers(min_value=0, max_value=index))])
    assert log == one_by_one
    assert (again.last, again.low_votes, again.high_votes) == (
        live.last,
        live.low_votes,
        live.high_votes,
    )
