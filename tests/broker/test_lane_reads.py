import logging
from collections.abc import Callable
from typing import Any

import pytest

from broker import lanes
from broker.asks import Fault, HttpAnswer
from domain.calls import (
    ChainRead,
    Failed,
    History,
    ReadBooks,
    ReadChain,
)
from domain.units import Day, Paise, Symbol
from tests.broker.build import (
    a_fault,
    an_answer,
)
from tests.broker.hand import Hand
from tests.broker.office import DAY, HISTORY, SOON_S, WITHIN_S, Office, Wire, a_history
from tests.waiting import until


def test_books_come_back_as_one_reply(opened: Callable[..., Office]) -> None:
    office = opened()
    office.read(ReadBooks())
    (books,) = office.wait(1)
    assert (len(books.orders), len(books.trades), len(books.positions)) == (1, 1, 1)
    assert office.wire.routes == ["orderbook", "tradebook", "positionbook"]


def test_read_is_asked_again_two_seconds_apart(opened: Callable[..., Office], hand: Hand) -> None:
    fails = [an_answer(b"", 500), a_fault(Fault.TIMEOUT), an_answer({}, 429), HISTORY]
    office = opened(Wire(history=fails))
    office.read(a_history("A"))
    for tries in (1, 2, 3):
        until(lambda n=tries: len(office.api) == n, WITHIN_S)  # type: ignore[misc]  # bound now
        hand.move(1.999)
        with pytest.raises(AssertionError):
            until(lambda n=tries: len(office.api) > n, SOON_S / 3)  # type: ignore[misc]  # as above
        hand.move(0.001)
    assert office.wait(1) == [
        History(symbol=Symbol("A"), bars=(), asked_at=office.replies[0].asked_at)
    ]
    assert len(office.wire.routes) == 4


def test_read_that_keeps_failing_is_failed_after_its_retries(
    opened: Callable[..., Office], hand: Hand
) -> None:
    office = opened(Wire(history=an_answer(b"", 503)), read_retries=1)
    office.read(a_history("A"))
    until(lambda: office.api, WITHIN_S)
    hand.move(2)
    (failed,) = office.wait(1)
    assert isinstance(failed, Failed)
    assert (failed.status, len(office.wire.routes)) == (503, 2)
    assert [(seen.status, seen.text) for seen in office.api] == [(503, "Service Unavailable")] * 2


def test_reads_that_fail_are_told_as_one_story(
    opened: Callable[..., Office], hand: Hand, caplog: pytest.LogCaptureFixture
) -> None:
    away = {"status": "error", "message": "away"}
    office = opened(Wire(history=an_answer(away, 503)), read_retries=0)
    with caplog.at_level(logging.INFO):
        office.read(*(a_history(name) for name in "ABCDE"))
        office.wait(5, hand)
        hand.move(60)
        office.read(a_history("F"))
        office.wait(6)
    said = [r.getMessage() for r in caplog.records if r.name.startswith("broker")]
    assert [text.partition(" call")[0] for text in said] == ["read failed", "reads still fail"]
    assert "failed=6 answered=0 since=" in said[1]
    assert "symbol=F outcome=unknown text=away" in said[1]


def test_refused_read_is_not_asked_again(opened: Callable[..., Office]) -> None:
    office = opened(Wire(orderbook=an_answer({"status": "error", "message": "no"}, 403)))
    office.read(ReadBooks())
    assert office.wait(1)[0].status == 403
    assert office.wire.routes == ["orderbook"]


def test_read_that_rests_holds_up_nobody(opened: Callable[..., Office], hand: Hand) -> None:
    office = opened(Wire(history=an_answer(b"", 500)))
    office.read(a_history("A"), a_history("B"))
    until(lambda: office.api, WITHIN_S)
    hand.move(0.2)
    office.read(ReadBooks())
    assert office.wait(1)[0].mode == "analyze"


def test_history_is_served_by_rank_and_after_books(
    opened: Callable[..., Office], hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two workers that take one after the other may still arrive in the other order.
    monkeypatch.setattr(lanes, "BULK_WORKERS", 1)
    office = opened()
    office.wire.shut("history")
    office.wire.shut("orderbook")
    office.read(a_history("busy"))
    until(lambda: office.wire.routes == ["history"], WITHIN_S)
    office.read(ReadBooks())
    until(lambda: len(office.wire.routes) == 2, WITHIN_S)
    office.read(a_history("far", 9), a_history("near", 1), ReadBooks(urgent=True))
    hand.move(1)
    office.wire.open("history")
    office.wire.open("orderbook")
    replies = office.wait(5, hand)
    symbols = [reply.symbol for reply in replies if isinstance(reply, History)]
    assert symbols == ["busy", "near", "far"]


def test_one_worker_leaves_history_alone(opened: Callable[..., Office], hand: Hand) -> None:
    office = opened()
    office.wire.shut("history")
    office.read(*(a_history(name) for name in "ABCDE"))
    for count in range(1, lanes.BULK_WORKERS + 1):
        until(lambda n=count: office.wire.routes.count("history") == n, WITHIN_S)  # type: ignore[misc]  # bound now
        hand.move(1)
    office.read(ReadBooks())
    assert office.wait(1)[0].mode == "analyze"
    assert office.wire.routes.count("history") == lanes.BULK_WORKERS
    office.wire.open("history")
    office.wait(6, hand)


def test_slow_answer_does_not_keep_the_next_history_waiting(
    opened: Callable[..., Office], hand: Hand
) -> None:
    office = opened()
    office.wire.shut("history")
    office.read(a_history("slow"))
    until(lambda: office.wire.routes == ["history"], WITHIN_S)
    hand.move(1)
    office.read(a_history("next"))
    until(lambda: office.wire.routes == ["history"] * 2, WITHIN_S)
    office.wire.open("history")
    office.wait(2, hand)


def test_route_is_read_at_its_pace(opened: Callable[..., Office], hand: Hand) -> None:
    row = {"status": "error", "message": "Symbol not found"}
    wire = Wire(expiry={"status": "success", "data": ["24-NOV-26"]}, symbol=an_answer(row, 404))
    office = opened(wire, read_rate_per_s=4)
    strikes = (Paise(2_600_000), Paise(2_605_000))
    office.read(ReadChain(underlying="NIFTY", exchange="NFO", day=DAY, strikes=strikes))
    for count in (1, 2, 3):
        until(lambda n=count: wire.routes.count("symbol") == n, WITHIN_S)  # type: ignore[misc]  # bound now
        hand.move(0.249)
        with pytest.raises(AssertionError):
            until(lambda n=count: wire.routes.count("symbol") > n, SOON_S / 3)  # type: ignore[misc]  # as above
        hand.move(0.001)
    assert office.wait(1) == [
        ChainRead(expiry=Day("2026-11-24"), contracts=(), missing=("26000.00", "26050.00"))
    ]


def test_half_done_read_is_answered_at_close(opened: Callable[..., Office]) -> None:
    office = opened()
    office.wire.shut("tradebook")
    office.read(ReadBooks(), a_history("A"), a_history("B"), ReadBooks())
    until(lambda: "tradebook" in office.wire.routes, WITHIN_S)
    office.lanes.close(0)
    office.wire.open("tradebook")
    assert len(office.wait(4)) == 4
    assert {type(reply) for reply in office.replies} <= {Failed, History}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_read_of_a_dead_worker_has_failed(opened: Callable[..., Office]) -> None:
    def fall(body: Any) -> HttpAnswer:
        raise RuntimeError("poison")

    office = opened(Wire(orderbook=fall))
    office.read(ReadBooks())
    assert isinstance(office.wait(1)[0], Failed)
    office.read(a_history("A"))
    assert isinstance(office.wait(2)[1], History)
