"""Frames wait in order, and only prices are ever given up."""

from hypothesis import given
from hypothesis import strategies as st

from domain.units import Symbol
from sandbox.outbox import Outbox

NAMES = st.none() | st.sampled_from([Symbol("A"), Symbol("B"), Symbol("C")])


def test_frames_leave_in_the_order_they_came() -> None:
    outbox = Outbox(limit=3)
    for n, symbol in enumerate((Symbol("A"), None, Symbol("A"))):
        outbox.put(b"%d" % n, symbol)
    assert len(outbox) == 3
    assert outbox.take() == [b"0", b"1", b"2"]
    assert outbox.take() == []


def test_too_long_a_queue_keeps_the_latest_price_of_each_symbol() -> None:
    outbox = Outbox(limit=3)
    for n, symbol in enumerate((Symbol("A"), None, Symbol("B"), Symbol("A"))):
        outbox.put(b"%d" % n, symbol)
    assert outbox.conflated == 1
    assert outbox.take() == [b"1", b"2", b"3"]


@given(st.lists(NAMES), st.integers(0, 5))
def test_nothing_but_older_prices_is_ever_lost(symbols: list[Symbol | None], limit: int) -> None:
    outbox = Outbox(limit)
    for n, symbol in enumerate(symbols):
        outbox.put(b"%d" % n, symbol)
    kept = [int(frame) for frame in outbox.take()]
    last = {symbol: n for n, symbol in enumerate(symbols)}
    must = {n for n, symbol in enumerate(symbols) if symbol is None or last[symbol] == n}
    assert kept == sorted(kept)
    assert must <= set(kept)
    assert outbox.conflated == len(symbols) - len(kept)


@given(st.lists(NAMES, min_size=1))
def test_queue_stays_short_however_many_prices_come(symbols: list[Symbol | None]) -> None:
    outbox = Outbox(limit=4)
    for symbol in symbols:
        outbox.put(b"", symbol)
    others = symbols.count(None)
    assert len(outbox) <= others + 3 + 4
