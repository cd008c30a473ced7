"""The lanes of virtual time."""

import logging
import random
from collections.abc import Callable, Iterator

import pytest

from broker.asks import HttpAnswer, HttpAsk
from domain import clock
from domain.calls import ReadHistory, ReadReply
from domain.params import BrokerParams
from domain.session import instant
from domain.units import MINUTE, Day, Micros, Symbol
from research.lanes import VirtualLanes
from research.timeline import Timeline

DAY = Day("2026-11-19")
AWAY = b'{"status":"error","message":"away"}'
EMPTY = b'{"status":"success","data":[]}'


@pytest.fixture(autouse=True)
def own_clock() -> Iterator[None]:
    yield
    clock.use(clock.WallClock())


def test_reads_that_fail_are_told_as_one_story(caplog: pytest.LogCaptureFixture) -> None:
    timeline, replies = Timeline(instant(DAY, "10:00")), list[ReadReply]()
    clock.use(timeline)

    def carry(ask: HttpAsk, then: Callable[[HttpAnswer], None]) -> None:
        is_away = timeline.now() < instant(DAY, "10:02")
        then(HttpAnswer(status=503, body=AWAY) if is_away else HttpAnswer(status=200, body=EMPTY))

    params = BrokerParams(read_retries=0)
    lanes = VirtualLanes(timeline, carry, params, "analyze", random.Random(7))
    with caplog.at_level(logging.INFO):
        for minute in range(4):
            timeline.move(Micros(instant(DAY, "10:00") + minute * MINUTE))
            for name in "ABC":
                call = ReadHistory(symbol=Symbol(name), exchange="NFO", day=DAY)
                lanes.read(call, replies.append)
            while (at := timeline.next_at()) is not None:
                timeline.move(at)
                while (action := timeline.take()) is not None:
                    action()
    assert len(replies) == 12
    kind, why = "call=ReadHistory", "symbol=A outcome=unknown text=away"
    assert [(record.name, record.getMessage()) for record in caplog.records] == [
        ("broker.lanes", f"read failed {kind} {why}"),
        ("broker.lanes", f"reads still fail {kind} failed=4 answered=0 since=10:00:00 {why}"),
        ("broker.lanes", f"reads are answered again {kind} failed=6 since=10:00:00"),
    ]
