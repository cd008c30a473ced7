"""The measurements: equal work is asked of everybody, and unequal work is never timed."""

from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from bench import day, feed, feed_market, latency
from bench.feed_market import Crier
from bench.latency_frames import COUNTED, LEVEL, MARKED, OPTIONS, Frame, script, tally
from bench.latency_peer import Report
from broker.wire_frames import MarketData, decode
from domain.units import Micros, Symbol

NAMES = tuple(Symbol(f"O{number}") for number in range(OPTIONS))
MARKS = (("O0", 48_995), ("O1", 48_995))


def some_frames(n: int = 1000, every: int = 10, *, counted: bool = True) -> list[Frame]:
    return list(islice(script(NAMES, every, counted=counted), n))


def an_outcome(digest: str = "a", code: int = day.DONE, decisions: int = 9) -> day.Outcome:
    return day.Outcome(
        code=code,
        begin=Micros(0),
        end=Micros(1),
        symbols=(),
        prices=1,
        messages=1,
        decisions=decisions,
        digest=digest,
    )


def a_run(subject: str = "cast", report: Report | None = None) -> latency.Run:
    done = report or Report(frames=(2, 7), marks=MARKS, orders=MARKS, late=(1, 2), span_us=1)
    return latency.Run(subject=subject, rate=500, report=done, frames=(2, 7))


def test_every_mark_asks_for_an_order_of_its_own_at_a_new_low_of_its_option() -> None:
    frames = some_frames(10 * MARKED * 3, counted=False) + some_frames(10 * MARKED * 3)
    marks = [frame for frame in frames if frame.is_mark]
    assert len(marks) == len({(mark.symbol, mark.ltp) for mark in marks}) == 6 * MARKED
    for name in NAMES[:MARKED]:
        lows = [mark.ltp for mark in marks if mark.symbol == name]
        assert lows == sorted(lows, reverse=True)
        assert len(lows) == 6


def test_other_prices_stay_over_the_level_and_touch_every_option() -> None:
    others = [frame for frame in some_frames(10_000) if not frame.is_mark]
    assert min(frame.ltp for frame in others) >= LEVEL
    assert {frame.symbol for frame in others} == set(NAMES)


def test_checksum_covers_what_counts_and_the_order_it_came_in() -> None:
    def told(frames: list[Frame]) -> tuple[int, int]:
        return tally((frame.symbol, frame.ltp, frame.number) for frame in frames)

    counted, warm = some_frames(), some_frames(counted=False)
    assert told(warm + counted) == told(counted)
    assert told(counted)[0] == 1000
    assert all(frame.number < COUNTED for frame in warm)
    assert told(counted[::-1]) != told(counted)
    assert told([*counted[:-1], replace(counted[-1], symbol=NAMES[0])]) != told(counted)


def test_runs_that_heard_and_sent_the_same_may_be_compared() -> None:
    assert latency.complaint([a_run("floor"), a_run("client"), a_run("cast")]) == ""


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"wrong": "nobody came"}, "nobody came"),
        ({"frames": (3, 7)}, "heard (frames, checksum) (2, 7), sent were (3, 7)"),
        ({"orders": MARKS[:1]}, "sent 1 orders for 2 marks, 1 of them never"),
        ({"orders": MARKS[::-1]}, "sent 2 orders for 2 marks, 0 of them never"),
        ({"orders": (*MARKS, MARKS[0])}, "sent 3 orders for 2 marks, 0 of them never"),
        ({"marks": MARKS[:1], "orders": MARKS[:1]}, "heard or sent something else than the others"),
    ],
)
def test_run_that_did_other_work_is_not_timed(changed: dict[str, object], said: str) -> None:
    values = {"frames": (2, 7), "marks": MARKS, "orders": MARKS} | changed
    odd = a_run(report=Report(**values))  # type: ignore[arg-type]  # fields by name
    assert latency.complaint([a_run("floor"), odd]) == f"cast at 500/s: {said}"


def test_days_that_came_out_equal_may_be_compared() -> None:
    assert day.complaint([an_outcome(), an_outcome()]) == ""


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (an_outcome(code=3), "run 2 was not played to its end: exit code 3"),
        (an_outcome(decisions=0), "run 2 decided nothing"),
        (an_outcome("b"), "run 2 came out otherwise than run 1"),
        (replace(an_outcome(), messages=2), "run 2 came out otherwise than run 1"),
    ],
)
def test_day_that_came_out_otherwise_is_not_timed(odd: day.Outcome, said: str) -> None:
    assert day.complaint([an_outcome(), odd]).startswith(said)


@pytest.mark.parametrize(("n", "value"), [(1, 0), (100, 99), (300, 297)])
def test_percentile_leaves_its_share_above(n: int, value: int) -> None:
    assert latency.percentile(range(n), 99) == value


def test_frames_of_the_feed_are_what_the_client_decodes() -> None:
    crier = Crier(tuple(each.symbol for each in feed_market.chain(82).contracts))
    for said in (crier.next() for _ in range(200)):
        data = feed_market.frame(*said, Micros(5_000_000))
        found = decode(data)
        assert isinstance(found, MarketData)
        assert (found.symbol, round(float(found.data.ltp) * 100), found.data.volume) == said
        assert not feed_market.is_index(data)
    assert len(crier.last) == 82
    assert feed_market.is_index(feed_market.index_frame(Micros(0)))


@pytest.mark.parametrize("count", feed.COUNTS)
def test_chain_of_the_feed_has_as_many_options_as_asked_for(count: int) -> None:
    contracts = feed_market.chain(count).contracts
    assert len({each.symbol for each in contracts}) == count
    assert count in feed.HOSTED


def test_rate_is_sustained_while_the_inboxes_are_no_deeper() -> None:
    flat = feed.Taken(per_s=1000, cpu_us=80, waits=(3, 3 + feed.FLAT, 90))
    assert flat.is_sustained
    assert not replace(flat, waits=(3, 4 + feed.FLAT, 90)).is_sustained


@pytest.mark.parametrize(
    "heard",
    [
        {"ticks": 11, "last": {"A": [15_000, 130]}},
        {"ticks": 12, "last": {"A": [15_005, 130]}},
        {"ticks": 12, "last": {"A": [15_000, 65]}},
        {"ticks": 12, "last": {}},
    ],
)
def test_feed_that_lost_something_is_not_measured(heard: dict[str, Any]) -> None:
    said = {"frames": 10, "index": 2, "last": {"A": [15_000, feed_market.FIRST_VOLUME + 130]}}
    feed.compare("cast", {"ticks": 12, "last": {"A": [15_000, 130]}}, said)
    with pytest.raises(feed.Wrong):
        feed.compare("cast", heard, said)
