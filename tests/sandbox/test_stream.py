"""One stream client: what it says and what it is told, in OpenAlgo's words."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.units import SECOND, Micros
from sandbox.frames import StreamMode
from sandbox.stream import Wrong, stream_mode
from tests.sandbox.stage import AT, CALL, INDEX, KEY, PUT
from tests.sandbox.talking import (
    BROKER,
    OPENED,
    a_session,
    error,
    seen,
    subscribed,
    tell,
    tell_raw,
)


@pytest.mark.parametrize(
    "said",
    [
        {"action": "authenticate", "api_key": KEY},
        {"type": "auth", "apikey": KEY},
        {"action": "auth", "api_key": KEY},
    ],
)
def test_right_key_authenticates_also_twice(said: dict[str, str]) -> None:
    session = a_session(authenticated=False)
    granted = {
        "type": "auth",
        "status": "success",
        "message": "Authentication successful",
        "broker": BROKER,
        "user_id": "sutradhar",
        "supported_features": {"ltp": True, "quote": True, "depth": True},
    }
    assert [tell(session, **said), tell(session, **said)] == [granted] * 2
    assert session.is_authenticated


def test_wrong_key_is_told_and_stops_no_clock() -> None:
    session = a_session(authenticated=False)
    assert tell(session, action="authenticate") == error(
        "AUTHENTICATION_ERROR", "API key is required"
    )
    wrong = error("AUTHENTICATION_ERROR", "Invalid API key")
    assert tell(session, action="authenticate", api_key="wrong") == wrong
    assert tell(session, action="authenticate", api_key=5) == wrong
    assert session.closing(Micros(OPENED + 15 * SECOND - 1)) is None
    assert session.closing(Micros(OPENED + 15 * SECOND)) == (4401, "auth timeout")


def test_authenticated_client_is_not_closed() -> None:
    assert a_session().closing(Micros(OPENED + 3600 * SECOND)) is None


@pytest.mark.parametrize(
    "action",
    [
        *("subscribe", "unsubscribe", "unsubscribe_all", "subscribe_orders"),
        *("unsubscribe_orders", "get_broker_info"),
    ],
)
def test_most_actions_want_authentication_first(action: str) -> None:
    session = a_session(authenticated=False)
    said = tell(session, action=action, symbol=CALL, exchange="NFO")
    assert said == error("NOT_AUTHENTICATED", "You must authenticate first")
    assert not session.has_subscribed


def test_ping_is_answered_before_authentication_with_market_time() -> None:
    session = a_session(authenticated=False)
    pong = {"type": "pong", "status": "success", "server_timestamp": AT // 1000}
    assert tell(session, action="ping") == pong
    said = tell(session, action="ping", timestamp=123, _pingId="a1")
    assert said == {**pong, "client_timestamp": 123, "_pingId": "a1"}


def test_brokers_are_named() -> None:
    session = a_session()
    assert tell(session, action="get_broker_info") == {
        "type": "broker_info",
        "status": "success",
        "broker": BROKER,
        "adapter_status": "connected",
        "user_id": "sutradhar",
    }
    assert tell(session, action="get_supported_brokers") == {
        "type": "supported_brokers",
        "status": "success",
        "brokers": [BROKER],
        "count": 1,
    }


@pytest.mark.parametrize(
    ("raw", "code", "message"),
    [
        ("{bad json", "INVALID_JSON", "Invalid JSON message"),
        (b"\xff\xfe", "INVALID_JSON", "Invalid JSON message"),
        ("[" * 100_000, "INVALID_JSON", "Invalid JSON message"),
        ("[1,2]", "SERVER_ERROR", "'list' object has no attribute 'get'"),
        ('"x"', "SERVER_ERROR", "'str' object has no attribute 'get'"),
        ('{"action":"dance"}', "INVALID_ACTION", "Invalid action: dance"),
        ("{}", "INVALID_ACTION", "Invalid action: None"),
        ('{"action":["subscribe"]}', "INVALID_ACTION", "Invalid action: ['subscribe']"),
        (
            '{"action":"subscribe","symbols":"NIFTY"}',
            "SERVER_ERROR",
            "'str' object has no attribute 'get'",
        ),
        (
            '{"action":"subscribe","symbols":5}',
            "SERVER_ERROR",
            "'int' object is not iterable",
        ),
        (
            '{"action":"subscribe"}',
            "INVALID_PARAMETERS",
            "At least one symbol must be specified",
        ),
        (
            '{"action":"subscribe","mode":"quote","instruments":[{"symbol":"A","exchange":"NSE"}]}',
            "INVALID_PARAMETERS",
            "At least one symbol must be specified",
        ),
        (
            '{"action":"unsubscribe"}',
            "INVALID_PARAMETERS",
            "Either symbols or unsubscribe_all is required",
        ),
    ],
)
def test_what_cannot_be_served_is_an_error_without_type(
    raw: str | bytes, code: str, message: str
) -> None:
    assert tell_raw(a_session(), raw) == error(code, message)


MODES = [
    (1, StreamMode.LTP),
    (3, StreamMode.DEPTH),
    ("LTP", StreamMode.LTP),
    ("quote", StreamMode.QUOTE),
    (" DePtH ", StreamMode.DEPTH),
]


@pytest.mark.parametrize(("said", "mode"), MODES)
def test_mode_is_a_number_or_a_name_in_any_case(said: int | str, mode: StreamMode) -> None:
    assert stream_mode(said) is mode


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        (4, "Invalid mode 4; expected 1 (LTP), 2 (Quote), or 3 (Depth)"),
        ("FULL", "Invalid mode 'FULL'; expected 'LTP', 'Quote', or 'Depth' (case-insensitive)"),
        ("", "Invalid mode ''; expected 'LTP', 'Quote', or 'Depth' (case-insensitive)"),
        ("1", "Invalid mode '1'; expected 'LTP', 'Quote', or 'Depth' (case-insensitive)"),
        (True, "Mode must be int or str, got bool (True)"),
        (None, "Mode must be int or str, got NoneType"),
        (2.0, "Mode must be int or str, got float"),
    ],
)
def test_other_modes_are_refused(mode: Any, message: str) -> None:
    assert subscribed(a_session(), mode) == error("INVALID_MODE", message)
    flat = {"action": "unsubscribe", "symbol": CALL, "exchange": "NFO", "mode": mode}
    assert tell(a_session(), **flat) == error("INVALID_MODE", message)


def test_subscription_is_answered_symbol_by_symbol() -> None:
    session = a_session()
    pairs = [
        {"symbol": CALL, "exchange": "NFO"},
        {"symbol": "NOPE", "exchange": "NFO"},
        {"symbol": "X"},
    ]
    assert tell(session, action="subscribe", mode="QUOTE", symbols=pairs, depth=20) == {
        "type": "subscribe",
        "status": "partial",
        "subscriptions": [
            {
                "symbol": CALL,
                "exchange": "NFO",
                "status": "success",
                "mode": "Quote",
                "depth": 5,
                "broker": BROKER,
            },
            {
                "symbol": "NOPE",
                "exchange": "NFO",
                "status": "error",
                "message": "Symbol NOPE not found for exchange NFO",
                "broker": BROKER,
            },
        ],
        "message": "Subscription processing complete",
        "broker": BROKER,
    }
    assert session.symbols == {CALL}
    assert session.has_subscribed


def test_subscription_without_a_mode_is_a_quote_and_echoes_its_request() -> None:
    session = a_session()
    said = tell(session, action="subscribe", symbol=CALL, exchange="NFO", request_id="r1")
    assert (said["status"], said["subscriptions"][0]["mode"]) == ("success", "Quote")
    assert said["request_id"] == "r1"
    assert "request_id" not in subscribed(session)


def test_partial_also_when_every_symbol_failed() -> None:
    session = a_session()
    assert subscribed(session, symbol="NOPE")["status"] == "partial"
    assert not session.has_subscribed


def test_prices_come_only_for_what_is_held_and_in_the_highest_mode() -> None:
    session = a_session()
    assert seen(session) is None
    for mode, shown in ((1, 1), (2, 2), (1, 2), (3, 3), (2, 3)):
        subscribed(session, mode)
        frame = seen(session)
        assert frame is not None
        assert frame["mode"] == shown
    assert seen(session, symbol=PUT) is None


def test_unsubscribing_takes_the_quote_mode_by_default() -> None:
    session = a_session()
    subscribed(session, 1)
    subscribed(session, 2)
    gone = {"symbol": CALL, "exchange": "NFO", "status": "success", "broker": BROKER}
    answer = {
        "type": "unsubscribe",
        "status": "success",
        "message": "Unsubscription processing complete",
        "successful": [gone],
        "failed": [],
        "broker": BROKER,
    }
    unsubscribe = {"action": "unsubscribe", "symbol": CALL, "exchange": "NFO"}
    assert tell(session, **unsubscribe, request_id=7) == {**answer, "request_id": 7}
    frame = seen(session)
    assert frame is not None
    assert frame["mode"] == 1
    assert tell(session, **unsubscribe, mode=3) == answer, "never held counts as success"
    assert tell(session, **unsubscribe, mode=1) == answer
    assert seen(session) is None
    assert session.symbols == set()


def test_each_entry_of_an_unsubscription_has_its_own_mode() -> None:
    session = a_session()
    subscribed(session, 2)
    entries: list[dict[str, Any]] = [
        {"symbol": CALL, "exchange": "NFO", "mode": 4},
        {"symbol": CALL, "exchange": "NFO"},
        {"symbol": CALL},
    ]
    said = tell(session, action="unsubscribe", symbols=entries)
    assert (said["status"], len(said["successful"]), len(said["failed"])) == ("partial", 1, 1)
    message = "Invalid mode 4; expected 1 (LTP), 2 (Quote), or 3 (Depth)"
    assert said["failed"][0]["message"] == message
    assert tell(session, action="unsubscribe", symbols=entries[:1])["status"] == "error"


def test_unsubscribe_all_names_every_mode_that_was_held() -> None:
    session = a_session()
    for mode in (1, 3):
        subscribed(session, mode)
    said = tell(session, type="unsubscribe_all")
    assert [(row["symbol"], row["status"]) for row in said["successful"]] == [(CALL, "success")] * 2
    assert session.symbols == set()
    assert tell(session, action="unsubscribe_all")["successful"] == []


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
WORDS = ("action", "type", "symbols", "symbol", "exchange", "mode", "request_id", "api_key")
SAID = st.fixed_dictionaries(
    {"action": st.sampled_from(("subscribe", "unsubscribe", "unsubscribe_all", "ping", "auth"))},
    optional={word: ANYTHING for word in WORDS if word != "action"},
)


@given(SAID)
def test_no_frame_breaks_a_session(said: dict[str, Any]) -> None:
    session = a_session()
    answer = tell_raw(session, json.dumps(said))
    assert answer["status"] in {"success", "partial", "error"}


@given(st.lists(st.tuples(st.booleans(), st.sampled_from((CALL, PUT)), st.integers(1, 3))))
def test_held_modes_are_what_was_asked_for_and_not_given_back(
    steps: list[tuple[bool, str, int]],
) -> None:
    session = a_session()
    held: set[tuple[str, int]] = set()
    for takes, symbol, mode in steps:
        action = "subscribe" if takes else "unsubscribe"
        tell(session, action=action, symbol=symbol, exchange="NFO", mode=mode)
        (held.add if takes else held.discard)((symbol, mode))
    for symbol in (CALL, PUT):
        modes = [mode for name, mode in held if name == symbol]
        frame = seen(session, symbol=symbol)
        assert (frame or {}).get("mode") == (max(modes) if modes else None)


def test_index_is_held_on_its_own_exchange() -> None:
    session = a_session()
    tell(session, action="subscribe", symbol=INDEX, exchange="NSE_INDEX", mode=1)
    assert session.symbols == {INDEX}
    assert seen(session, symbol=INDEX, exchange="NFO") is None
    assert seen(session, symbol=INDEX, exchange="NSE_INDEX") is not None
    with pytest.raises(Wrong):
        stream_mode([])
