"""Failing reads are a story of a few lines, however many fail."""

import logging

from broker.complaints import Complaints, Line
from domain.calls import Failed, Outcome, Quotes, Read, ReadBooks, ReadHistory
from domain.calls import ReadQuotes as Quoting
from domain.units import SECOND, Day, Micros, Symbol, seconds
from tests.domain.tape import at

QUOTES = Quoting(symbols=((Symbol("NIFTY"), "NSE_INDEX"), (Symbol("X"), "NFO")))
HISTORY = ReadHistory(symbol=Symbol("X"), exchange="NFO", day=Day("2026-11-19"))
ANSWER = Quotes(quotes=(), missing=())
GONE = "outcome=unknown text=Service Unavailable"
AWAY = f"read failed call=ReadQuotes symbol=NIFTY {GONE}"


def a_failure(call: Read = QUOTES) -> Failed:
    text = "Service Unavailable"
    return Failed(call=type(call).__name__, outcome=Outcome.UNKNOWN, at=at("10:00"), text=text)


def played(*failing: tuple[str, str], until: str, every_s: float = 1.5) -> list[tuple[str, str]]:
    """Read quotes at a pace, failing in some spans; return what was said when."""
    complaints, said, now = Complaints(), [], at("10:00")
    while now < at(until):
        is_failing = any(at(begin) <= now < at(end) for begin, end in failing)
        reply = a_failure() if is_failing else ANSWER
        line = complaints.hear(QUOTES, reply, now)
        if line is not None:
            said.append((f"{(now - at('10:00')) // SECOND}", line.text))
        now = Micros(now + seconds(every_s))
    return said


def test_answers_are_worth_no_line() -> None:
    assert played(until="10:05") == []


def test_fault_is_told_when_it_begins_once_a_minute_and_when_it_ends() -> None:
    said = played(("10:01", "10:03:30"), until="10:10")
    still = f"since=10:01:00 symbol=NIFTY {GONE}"
    assert said == [
        ("60", AWAY),
        ("120", f"reads still fail call=ReadQuotes failed=41 answered=0 {still}"),
        ("180", f"reads still fail call=ReadQuotes failed=81 answered=0 {still}"),
        ("210", "reads are answered again call=ReadQuotes failed=100 since=10:01:00"),
    ]


def test_reads_that_fail_now_and_then_are_told_once_a_minute_with_both_counts() -> None:
    complaints, said = Complaints(), []
    for second in range(600):
        reply = a_failure() if second % 3 == 0 and second < 300 else ANSWER
        line = complaints.hear(QUOTES, reply, Micros(at("10:00") + second * SECOND))
        if line is not None:
            said.append((second, line.level, line.text.partition(" since")[0]))
    assert said == [
        (0, logging.WARNING, AWAY),
        *(
            (
                60 * n,
                logging.WARNING,
                f"reads still fail call=ReadQuotes failed={20 * n + 1} answered={40 * n}",
            )
            for n in range(1, 5)
        ),
        (357, logging.INFO, "reads are answered again call=ReadQuotes failed=100"),
    ]


def test_short_fault_has_its_end_told_after_a_minute() -> None:
    assert [second for second, _ in played(("10:01", "10:01:03"), until="10:10")] == ["60", "121"]


def test_each_kind_of_read_is_told_by_itself() -> None:
    complaints = Complaints()
    assert complaints.hear(QUOTES, a_failure(), at("10:00")) == Line(logging.WARNING, AWAY)
    assert complaints.hear(HISTORY, a_failure(HISTORY), at("10:00")) == Line(
        logging.WARNING, f"read failed call=ReadHistory symbol=X {GONE}"
    )
    assert complaints.hear(ReadBooks(), a_failure(ReadBooks()), at("10:00")) == Line(
        logging.WARNING, f"read failed call=ReadBooks {GONE}"
    )
    assert complaints.hear(HISTORY, ANSWER, at("10:02")) is not None
    assert complaints.hear(HISTORY, a_failure(HISTORY), at("10:02")) is not None
    assert complaints.hear(QUOTES, a_failure(), at("10:00:59")) is None


def test_clock_that_was_set_back_does_not_silence_anybody() -> None:
    complaints = Complaints()
    complaints.hear(QUOTES, a_failure(), at("12:00"))
    assert complaints.hear(QUOTES, a_failure(), at("10:00")) is not None
    assert complaints.hear(QUOTES, a_failure(), at("10:00:30")) is None
