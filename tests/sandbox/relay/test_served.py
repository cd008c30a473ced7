"""A served exchange whose bars and clock are another server's."""

import asyncio

from domain import clock
from domain.clock import Anchor
from sandbox.api.answers import Refused
from sandbox.api.requests import History
from sandbox.hands import Hands
from sandbox.relay.relay import Relay
from tests.sandbox.serving import opened
from tests.sandbox.stage import AT, CALL, DAY, StagedExchange


class StagedRelay(Relay):
    """Fetches nothing; notes what it was asked for."""

    def __init__(self, refused: Refused | None = None) -> None:
        self.asked: list[History] = []
        self.is_running = False
        self._refused = refused

    async def run(self, hands: Hands) -> None:
        self.is_running = hands.is_led
        await asyncio.Event().wait()

    async def fetch(self, asked: History) -> None:
        self.asked.append(asked)
        if self._refused is not None:
            raise self._refused


MINUTES = {"exchange": "NFO", "interval": "1m", "start_date": DAY, "end_date": DAY}


def anchor() -> Anchor:
    return Anchor(r0=clock.wall(), v0=AT, speed=1)


def test_bars_are_fetched_ahead_of_the_answer_and_of_nothing_else() -> None:
    relay = StagedRelay()
    with opened(StagedExchange(), relay=relay, anchor=anchor()) as served:
        assert relay.is_running
        assert served.post("quotes", symbol=CALL, exchange="NFO").status_code == 200
        assert served.post("history", symbol=CALL, exchange="NFO").status_code == 400
        assert served.post("history", symbol=CALL, **MINUTES, apikey="wrong").status_code == 403
        assert relay.asked == []
        answer = served.post("history", symbol=CALL, **MINUTES)
    assert (answer.status_code, answer.json()["status"]) == (200, "success")
    assert [asked.symbol for asked in relay.asked] == [CALL]


def test_bars_that_cannot_be_had_are_no_answer() -> None:
    relay = StagedRelay(Refused(500, "the broker is away"))
    with opened(StagedExchange(), relay=relay, anchor=anchor()) as served:
        answer = served.post("history", symbol=CALL, **MINUTES)
    assert answer.status_code == 500
    assert answer.json() == {"status": "error", "message": "the broker is away"}


def test_clock_of_another_server_is_moved_by_nobody_here() -> None:
    relay = StagedRelay()
    with opened(StagedExchange(), relay=relay, anchor=anchor()) as served:
        for order in ({"speed": 60}, {"pause": True}, {"run_to": "15:00"}):
            answer = served.order("/clock", order)
            assert (answer.status_code, list(answer.json()["errors"])) == (422, ["clock"])
        assert served.get("/clock").json()["anchor"]["speed"] == 1
