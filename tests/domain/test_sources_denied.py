"""One stream that is not let in: a key that is not taken, a server that does not run."""

from itertools import pairwise

from msgspec.structs import replace

from domain.calls import StreamState
from domain.feed_effects import Connect, Say
from domain.units import SECOND
from tests.domain.feeding import Stage, a_feed, change, epoch_of
from tests.domain.tape import at

KEY_PAGE = (
    "FEED_AUTH: the server of the WebSocket does not take the API key; compare it with the one"
    " OpenAlgo shows, it is tried again each 60 s"
)


def denied(
    stage: Stage,
    state: StreamState,
    code: int,
    *,
    is_denied: bool = False,
    text: str = "",
    until: str = "10:05",
) -> None:
    """Let the server end each connection at once, until then."""
    while stage.now < at(until):
        if stage.is_up:
            stage.is_up = False
            ended = change(state, stage.now, epoch_of(stage.feed), code=code, is_denied=is_denied)
            stage.hear(stage.feed.moved(replace(ended, text=text)))
        stage.play_one()


def test_key_that_is_not_taken_is_paged_at_once_and_tried_each_minute() -> None:
    stage = Stage(a_feed("09:59"), "09:59")
    stage.greets = False
    denied(stage, StreamState.REFUSED, 0, is_denied=True)
    alerts = [say.text for say in stage.said(Say) if say.alert]
    assert alerts == [
        KEY_PAGE,
        "Log in to OpenAlgo again: 6 connections of the WebSocket brought no tick",
    ]
    times = stage.times(Connect)
    assert {(b - a) // SECOND for a, b in pairwise(times)} <= {60, 61}


def test_server_that_does_not_run_has_to_be_started() -> None:
    stage = Stage(a_feed("09:59"), "09:59")
    stage.greets = False
    refused = "ConnectionRefusedError: [Errno 111] Connection refused"
    denied(stage, StreamState.CLOSED, 1006, text=refused)
    alerts = [say.text for say in stage.said(Say) if say.alert]
    start = "Start OpenAlgo: 6 connections of the WebSocket were refused, nobody listens there"
    assert alerts[:1] == [start]
    assert not [text for text in alerts if text.startswith("Log in")]
    denied(stage, StreamState.CLOSED, 1006, text="it runs now, and has no session", until="10:15")
    alerts = [say.text for say in stage.said(Say) if say.alert]
    assert [text for text in alerts if text.startswith("Log in")]


def test_third_authentication_timeout_in_a_row_is_taken_for_a_refused_key() -> None:
    stage = Stage(a_feed("09:59"), "09:59")
    stage.greets = False
    denied(stage, StreamState.CLOSED, 4401, is_denied=False)
    times = stage.times(Connect)
    gaps = [(b - a) // SECOND for a, b in pairwise(times)]
    assert [gap >= 60 for gap in gaps] == [False, False, *([True] * (len(gaps) - 2))]
    assert next(say.text for say in stage.said(Say) if say.alert) == KEY_PAGE
