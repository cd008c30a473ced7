import json
from typing import Any

import pytest

from broker.dialogue import Dialogue, Heard, Phase
from domain.calls import StreamChange, StreamState
from domain.market import Source
from domain.units import SECOND, Micros, Symbol
from tests.broker.build import AT, CALL, a_price_frame, an_order_frame

NIFTY = (Symbol("NIFTY"), "NSE_INDEX")
OPTION = (CALL, "NFO")
PUT = (Symbol("NIFTY24NOV2626000PE"), "NFO")
KEY = "0123456789abcdef" * 4
AUTH = {"type": "auth", "status": "success"}


def a_dialogue(*pairs: tuple[Symbol, str], chunk: int = 50) -> Dialogue:
    return Dialogue(Source.PRIMARY, 7, "KEY-1", pairs or (NIFTY, OPTION, PUT), chunk)


def hear(dialogue: Dialogue, frame: Any) -> Heard:
    data = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
    return dialogue.on_frame(data, AT)


def asked(frames: tuple[bytes, ...]) -> list[Any]:
    """Return what goes out: symbols of a subscription, else the action."""
    said = [json.loads(frame) for frame in frames]
    return [[s["symbol"] for s in f["symbols"]] if "symbols" in f else f["action"] for f in said]


def granted(*pairs: tuple[str, str], **more: Any) -> dict[str, Any]:
    rows = [{"symbol": s, "exchange": e, "status": "success", "mode": "Quote"} for s, e in pairs]
    return {"type": "subscribe", "status": "success", "subscriptions": rows} | more


def denied(pair: tuple[str, str], message: str = "gone") -> dict[str, Any]:
    return {"symbol": pair[0], "exchange": pair[1], "status": "error", "message": message}


def an_error(code: str) -> dict[str, str]:
    return {"status": "error", "code": code, "message": "m"}


def a_change(state: StreamState, **changed: Any) -> StreamChange:
    return StreamChange(source=Source.PRIMARY, epoch=7, state=state, at=AT, **changed)


def ready(*pairs: tuple[Symbol, str]) -> Dialogue:
    dialogue = a_dialogue(*pairs)
    hear(dialogue, AUTH)
    hear(dialogue, granted(*dialogue._wanted))
    assert dialogue.phase is Phase.READY
    return dialogue


def test_conversation_is_key_then_symbols_then_orders() -> None:
    dialogue = a_dialogue(chunk=2)
    assert json.loads(dialogue.on_open()[0]) == {"action": "authenticate", "api_key": "KEY-1"}
    first = hear(dialogue, AUTH)
    assert (asked(first.frames), first.change) == ([["NIFTY", CALL]], None)
    second = hear(dialogue, granted(NIFTY, OPTION))
    assert (asked(second.frames), second.change) == ([[PUT[0]]], None)
    last = hear(dialogue, granted(PUT))
    assert asked(last.frames) == ["subscribe_orders"]
    assert last.change == a_change(StreamState.READY, subscribed=3)


def test_nothing_is_asked_before_the_key_was_taken() -> None:
    dialogue = a_dialogue()
    for frame in ({"type": "pong"}, granted(NIFTY), {"type": "subscribe_orders"}):
        assert hear(dialogue, frame) == Heard()
    assert dialogue.phase is Phase.AUTHENTICATING


def test_stream_without_symbols_is_ready_at_once() -> None:
    dialogue = Dialogue(Source.PRIMARY, 7, "KEY-1", (), 50)
    heard = hear(dialogue, AUTH)
    assert asked(heard.frames) == ["subscribe_orders"]
    assert heard.change == a_change(StreamState.READY)


def test_each_symbols_own_result_is_read() -> None:
    dialogue = a_dialogue()
    hear(dialogue, AUTH)
    partial = granted(NIFTY, status="partial")
    partial["subscriptions"].append(denied(OPTION))
    heard = hear(dialogue, partial)
    refused = (OPTION[0], PUT[0])
    assert heard.change == a_change(
        StreamState.READY, subscribed=1, refused=refused, text="gone; not answered"
    )


def test_success_of_the_frame_proves_nothing() -> None:
    dialogue = a_dialogue(NIFTY)
    hear(dialogue, AUTH)
    heard = hear(dialogue, {"type": "subscribe", "status": "success", "subscriptions": []})
    assert heard.change is not None
    assert (heard.change.subscribed, heard.change.refused) == (0, ("NIFTY",))


def test_error_without_a_subject_is_about_the_question_that_is_out() -> None:
    dialogue = a_dialogue(chunk=1)
    hear(dialogue, AUTH)
    heard = hear(dialogue, an_error("INVALID_PARAMETERS"))
    assert (asked(heard.frames), heard.change) == ([[CALL]], None)
    hear(dialogue, granted(OPTION))
    last = hear(dialogue, granted(PUT))
    assert last.change is not None
    assert (last.change.refused, last.change.text) == (("NIFTY",), "INVALID_PARAMETERS: m")


@pytest.mark.parametrize(
    "frame",
    [
        an_error("AUTHENTICATION_ERROR"),
        an_error("BROKER_INIT_ERROR"),
        an_error("SERVER_ERROR"),
        {"type": "auth", "status": "error", "message": "m"},
        {"type": "auth"},
    ],
)
def test_key_that_is_not_taken_refuses_the_connection(frame: Any) -> None:
    dialogue = a_dialogue()
    heard = hear(dialogue, frame)
    assert heard.change is not None
    assert (heard.change.state, heard.frames, heard.change.epoch) == (StreamState.REFUSED, (), 7)
    assert heard.change.text
    assert dialogue.phase is Phase.REFUSED


@pytest.mark.parametrize("code", ["NOT_AUTHENTICATED", "BROKER_CONNECTION_ERROR"])
def test_half_authenticated_connection_is_refused_later_too(code: str) -> None:
    dialogue = ready()
    heard = hear(dialogue, an_error(code))
    assert heard.change == a_change(StreamState.REFUSED, text=f"{code}: m")


def test_error_nobody_asked_for_is_counted() -> None:
    dialogue = ready()
    assert hear(dialogue, an_error("PROCESSING_ERROR")) == Heard()
    assert (dialogue.bad, dialogue.last_bad) == (1, "PROCESSING_ERROR: m")


def test_prices_are_numbered_in_the_order_they_came() -> None:
    dialogue = ready()
    heard = [hear(dialogue, a_price_frame(ltp=ltp)) for ltp in (138.0, 138.05)]
    ticks = [tick for each in heard for tick in each.ticks]
    assert [(tick.seq, tick.ltp, tick.epoch, tick.recv_at) for tick in ticks] == [
        (1, 13800, 7, AT),
        (2, 13805, 7, AT),
    ]


def test_prices_flow_while_questions_are_out() -> None:
    dialogue = a_dialogue()
    hear(dialogue, AUTH)
    assert len(hear(dialogue, a_price_frame()).ticks) == 1


def test_bad_frames_are_counted_and_never_fatal() -> None:
    dialogue = ready()
    bad: list[Any] = [
        b"{bad json",
        b"",
        a_price_frame(ltp=0),
        a_price_frame(volume=-5),
        a_price_frame(frame={"symbol": "STRANGER"}),
        a_price_frame(frame={"exchange": "BFO"}),
        {"type": "market_data"},
    ]
    assert [hear(dialogue, frame) for frame in bad] == [Heard()] * len(bad)
    assert dialogue.bad == len(bad)
    assert [tick.seq for tick in hear(dialogue, a_price_frame()).ticks] == [1]


def test_order_update_is_a_push() -> None:
    (push,) = hear(ready(), an_order_frame()).pushes
    assert (push.orderid, push.filled, push.got_at) == ("26112162756592", 65, AT)


def test_more_symbols_are_asked_for_when_no_question_is_out() -> None:
    dialogue = ready(NIFTY)
    assert asked(dialogue.subscribe([OPTION])) == [[CALL]]
    assert dialogue.subscribe([PUT]) == ()
    heard = hear(dialogue, granted(OPTION))
    assert (asked(heard.frames), heard.change) == ([[PUT[0]]], None)
    last = hear(dialogue, granted(PUT))
    assert (last.frames, last.change) == ((), a_change(StreamState.READY, subscribed=3))
    assert len(hear(dialogue, a_price_frame()).ticks) == 1


def test_symbols_wanted_before_the_key_was_taken_wait() -> None:
    dialogue = a_dialogue(NIFTY)
    assert dialogue.subscribe([OPTION]) == ()
    hear(dialogue, AUTH)
    assert asked(hear(dialogue, granted(NIFTY)).frames) == [[CALL]]


def test_symbol_subscribed_again_leaves_the_list_of_the_refused() -> None:
    dialogue = a_dialogue(NIFTY)
    hear(dialogue, AUTH)
    hear(dialogue, {"type": "subscribe", "subscriptions": [denied(NIFTY)]})
    assert asked(dialogue.subscribe([NIFTY])) == [["NIFTY"]]
    assert hear(dialogue, granted(NIFTY)).change == a_change(StreamState.READY, subscribed=1)


def test_symbol_named_twice_is_asked_for_once() -> None:
    dialogue = a_dialogue(NIFTY, NIFTY, OPTION)
    assert asked(hear(dialogue, AUTH).frames) == [["NIFTY", CALL]]


def test_pings_are_numbered_and_pongs_counted() -> None:
    dialogue = ready()
    frames = [json.loads(dialogue.ping(Micros(AT + n * SECOND))) for n in (0, 20)]
    assert [(f["action"], f["_pingId"], f["timestamp"]) for f in frames] == [
        ("ping", "1", AT // 1000),
        ("ping", "2", AT // 1000 + 20_000),
    ]
    assert hear(dialogue, {"type": "pong", "_pingId": "1"}) == Heard()
    assert dialogue.pongs == 1


def test_repeated_answers_change_nothing() -> None:
    dialogue = ready()
    assert hear(dialogue, AUTH) == Heard()
    assert hear(dialogue, granted(NIFTY)) == Heard()


@pytest.mark.incident("INC-109")
@pytest.mark.parametrize(
    "frame",
    [
        {"status": "error", "code": "AUTHENTICATION_ERROR", "message": f"Invalid API key: {KEY}"},
        {"type": "auth", "status": "error", "message": f"{KEY} is not known"},
    ],
)
def test_key_echoed_by_the_server_is_told_to_nobody(frame: dict[str, str]) -> None:
    dialogue = Dialogue(Source.PRIMARY, 7, KEY, (NIFTY,), 50)
    change = hear(dialogue, frame).change
    assert change is not None
    assert "***" in change.text
    assert KEY not in change.text


@pytest.mark.incident("INC-109")
def test_key_in_a_refused_frame_or_a_close_reason_is_told_to_nobody() -> None:
    dialogue = Dialogue(Source.PRIMARY, 7, KEY, (NIFTY,), 50)
    hear(dialogue, f"no JSON with {KEY}".encode())
    assert (dialogue.bad, KEY in dialogue.last_bad) == (1, False)
    closed = dialogue.changed(StreamState.CLOSED, AT, 4401, f"bad key {KEY}")
    assert closed.text == "bad key ***"


UNSUBSCRIBED = {"type": "unsubscribe", "status": "success", "successful": [], "failed": []}


def test_symbols_are_ended_before_they_are_asked_for_again_one_question_at_a_time() -> None:
    dialogue = ready(NIFTY, OPTION, PUT)
    (ended,) = dialogue.resubscribe((OPTION, PUT, OPTION))
    assert json.loads(ended) == {
        "action": "unsubscribe",
        "symbols": [{"symbol": s, "exchange": e, "mode": 2} for s, e in (OPTION, PUT)],
    }
    assert dialogue.subscribe(()) == ()
    assert hear(dialogue, granted(OPTION, PUT)).frames == ()
    heard = hear(dialogue, UNSUBSCRIBED)
    assert asked(heard.frames) == [[OPTION[0], PUT[0]]]
    change = hear(dialogue, granted(OPTION, PUT)).change
    assert change == a_change(StreamState.READY, subscribed=3)
    assert hear(dialogue, UNSUBSCRIBED) == Heard()


def test_unsubscription_that_is_refused_stops_nothing() -> None:
    dialogue = ready(NIFTY, OPTION)
    dialogue.resubscribe((OPTION,))
    assert asked(hear(dialogue, an_error("SERVER_ERROR")).frames) == [[OPTION[0]]]
    change = hear(dialogue, granted(OPTION)).change
    assert change == a_change(StreamState.READY, subscribed=2)


def test_prices_flow_while_a_symbol_is_subscribed_again() -> None:
    dialogue = ready(NIFTY, OPTION)
    dialogue.resubscribe((OPTION,))
    assert len(hear(dialogue, a_price_frame()).ticks) == 1


def test_backup_asks_for_no_orders_and_tells_of_none() -> None:
    dialogue = Dialogue(Source.BACKUP, 7, "KEY-1", (NIFTY,), 50)
    hear(dialogue, AUTH)
    heard = hear(dialogue, granted(NIFTY))
    assert heard.frames == ()
    assert heard.change is not None
    assert heard.change.source is Source.BACKUP
    assert hear(dialogue, an_order_frame()).pushes == ()


@pytest.mark.parametrize(
    ("frame", "is_denied"),
    [
        (an_error("AUTHENTICATION_ERROR"), True),
        (AUTH | {"status": "error"}, True),
        (an_error("BROKER_INIT_ERROR"), False),
        (an_error("NOT_AUTHENTICATED"), False),
    ],
)
def test_refused_key_is_told_apart_from_a_broker_that_is_away(
    frame: dict[str, str], *, is_denied: bool
) -> None:
    change = hear(a_dialogue(), frame).change
    assert change is not None
    assert (change.state, change.is_denied) == (StreamState.REFUSED, is_denied)


def test_question_whose_answer_is_lost_is_given_up_and_the_next_one_asked() -> None:
    dialogue = a_dialogue(chunk=1)
    assert dialogue.question == 0
    hear(dialogue, AUTH)
    hear(dialogue, granted(NIFTY))
    assert dialogue.question == 2
    assert hear(dialogue, b'{"type":"subscribe","subscriptions":[{"symb') == Heard()
    heard = dialogue.give_up(AT)
    assert (asked(heard.frames), heard.change, dialogue.question) == ([[PUT[0]]], None, 3)
    last = hear(dialogue, granted(PUT))
    assert asked(last.frames) == ["subscribe_orders"]
    assert last.change == a_change(
        StreamState.READY, subscribed=2, refused=(CALL,), text="not answered"
    )
    assert (dialogue.question, dialogue.give_up(AT)) == (0, Heard())


def test_unsubscription_whose_answer_is_lost_holds_up_no_repair() -> None:
    dialogue = ready(NIFTY, OPTION)
    dialogue.resubscribe((OPTION,))
    assert dialogue.subscribe((PUT,)) == ()
    assert asked(dialogue.give_up(AT).frames) == [[CALL]]
    assert asked(hear(dialogue, granted(OPTION)).frames) == [[PUT[0]]]
    change = hear(dialogue, granted(PUT)).change
    assert change == a_change(StreamState.READY, subscribed=3)


def test_late_answer_is_none_to_the_question_that_is_out() -> None:
    dialogue = a_dialogue(chunk=1)
    hear(dialogue, AUTH)
    dialogue.give_up(AT)
    assert hear(dialogue, granted(NIFTY)) == Heard()
    dialogue.give_up(AT)
    last = hear(dialogue, granted(PUT)).change
    assert last == a_change(StreamState.READY, subscribed=2, refused=(CALL,), text="not answered")
    assert hear(dialogue, granted(OPTION)) == Heard()
    assert dialogue.changed(StreamState.READY, AT, 0, "").refused == ()


def test_refused_connection_has_no_question_left_to_give_up() -> None:
    dialogue = a_dialogue()
    hear(dialogue, AUTH)
    hear(dialogue, an_error("BROKER_INIT_ERROR"))
    assert (dialogue.question, dialogue.give_up(AT)) == (0, Heard())
    assert dialogue.phase is Phase.REFUSED
