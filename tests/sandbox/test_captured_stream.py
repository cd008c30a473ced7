"""What a running OpenAlgo said on its stream, against what we say to the same frames."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from domain.units import Micros, Paise, Symbol, Units
from sandbox.frames import Frames
from sandbox.kinds import (
    Change,
    InstrumentLine,
    Level,
    OrderLine,
    OrderOut,
    PriceKind,
    Shown,
    Status,
)
from sandbox.stream import StreamSession
from tests.sandbox.captured import Entry, differences, entries
from tests.sandbox.stage import (
    AT,
    StagedExchange,
    a_desk,
    a_filled_sell,
    a_price,
    an_index,
    an_option,
    an_order,
)

NEEDED = pytest.mark.needs_shared("fixtures/openalgo/ws_frames.json")
MARKET = "market_data"

# In one session, in the order of the capture; closes and pushes are below.
TALK = (
    *("ping_before_auth", "subscribe_before_auth", "subscribe_orders_before_auth"),
    *("invalid_json", "json_array_frame", "unknown_action", "authenticate_without_key"),
    *("authenticate_wrong_key", "authenticate", "authenticate_again", "broker_info"),
    *("supported_brokers", "ping_with_timestamp_and_id", "auth_aliases"),
    *("subscribe_instruments_shape_refused", "subscribe_ltp_by_name"),
    *("unsubscribe_all_by_type", "subscribe_ltp", "unsubscribe_ltp"),
    *("subscribe_quote_several_one_bad", "subscribe_quote_again"),
    *("subscribe_ltp_while_quote_held", "unsubscribe_quote_entry_mode", "subscribe_depth"),
    *("mode_4", "mode_full", "mode_empty", "mode_true", "mode_null", "mode_string_1"),
    *("subscribe_nothing", "unsubscribe_never_subscribed", "unsubscribe_without_mode"),
    *("unsubscribe_all", "subscribe_orders", "unsubscribe_orders"),
)
PUSHES = (
    *("order_update_market_sell", "order_update_stop_placed", "order_update_stop_jumped_over"),
    *("order_update_stop_filled_late", "order_update_limit_placed_modified_cancelled"),
)
CLOSES = ("closed_without_authentication", "closed_after_wrong_key")
RICHER = "subscribe_ltp_richer_payload"
"""Another client's higher mode showed through; ours sends each client its own."""


def an_equity() -> InstrumentLine:
    changes = {"symbol": Symbol("RELIANCE"), "exchange": "NSE", "name": "RELIANCE", "kind": "EQ"}
    return msgspec.structs.replace(an_index(), **changes)


def a_session() -> StreamSession:
    lines = (an_index(), an_option(), an_option(25_800, "PE"), an_equity())
    return StreamSession(a_desk(StagedExchange(*lines)), Frames(), Micros(0))


def frame_of(session: StreamSession, theirs: dict[str, Any]) -> dict[str, Any] | None:
    """Push the price a captured frame is about, and return what our client sees of it."""
    symbol, exchange = Symbol(theirs["symbol"]), theirs["exchange"]
    levels = tuple(Level(Paise(13_795 - 5 * n), Units(65), 1) for n in range(5))
    price = a_price(symbol=symbol, exchange=exchange, shown=Shown(bids=levels, asks=levels))
    frame = session.market(price)
    return None if frame is None else json.loads(frame)


def as_ours(frame: Any) -> Any:
    """Rename broker and user in a captured frame to ours."""
    ours = json.dumps(frame).replace("localsim", "sutradhar_sandbox")
    return json.loads(ours.replace("simuser", "sutradhar"))


def without_instants(frame: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in frame.items() if name != "server_timestamp"}


@NEEDED
def test_whole_conversation_is_answered_as_captured() -> None:
    captured = entries("ws_frames")
    session = a_session()
    for name in TALK:
        entry = captured[name]
        (sent,) = entry["sent"]
        (answer,) = session.receive(AT, sent if isinstance(sent, str) else json.dumps(sent))
        theirs = next(f for f in entry["received"] if f.get("type") != MARKET)
        assert without_instants(json.loads(answer)) == without_instants(as_ours(theirs)), name
        for frame in entry["received"]:
            if frame.get("type") == MARKET:
                ours = frame_of(session, frame)
                assert list(differences(ours, as_ours(frame))) == [], name
                assert ours is not None
                assert (ours["mode"], ours["data"]["mode"]) == (
                    frame["mode"],
                    frame["data"]["mode"],
                ), name


def outs_of(*outs: tuple[Change, OrderLine, int]) -> Callable[[], list[OrderOut]]:
    return lambda: [OrderOut(at=AT, change=c, order=o, price=Paise(p)) for c, o, p in outs]


def a_market_sell(**changes: Any) -> OrderLine:
    sell = a_filled_sell(orderid="26112162756592", kind=PriceKind.MARKET, price=Paise(15_000))
    return msgspec.structs.replace(sell, **changes)


def a_stop(**changes: Any) -> OrderLine:
    return msgspec.structs.replace(an_order(orderid="26112158939378"), **changes)


def a_limit(**changes: Any) -> OrderLine:
    limit = an_order(
        orderid="26112160714020",
        kind=PriceKind.LIMIT,
        trigger=Paise(0),
        price=Paise(10_000),
        status=Status.OPEN,
    )
    return msgspec.structs.replace(limit, **changes)


OUTS = {
    "order_update_market_sell": outs_of(
        (Change.NEW, a_market_sell(status=Status.OPEN, filled=Units(0), value=0), 15_000),
        (Change.FILL, a_market_sell(), 14_995),
    ),
    "order_update_stop_placed": outs_of((Change.NEW, a_stop(), 16_300)),
    "order_update_stop_jumped_over": outs_of(
        (Change.TRIGGERED, a_stop(status=Status.OPEN, triggered=True), 16_300)
    ),
    "order_update_stop_filled_late": outs_of(
        (
            Change.FILL,
            a_stop(status=Status.COMPLETE, filled=Units(65), value=65 * 16_200),
            16_200,
        )
    ),
    "order_update_limit_placed_modified_cancelled": outs_of(
        (Change.NEW, a_limit(), 10_000),
        (Change.CANCELLED, a_limit(status=Status.CANCELLED, price=Paise(10_100)), 10_100),
    ),
}


@NEEDED
@pytest.mark.parametrize("name", PUSHES)
def test_order_updates_are_the_captured_ones(name: str) -> None:
    entry: Entry = entries("ws_frames")[name]
    session = a_session()
    session.receive(AT, json.dumps({"action": "auth", "api_key": "TEST-API-KEY"}))
    session.receive(AT, json.dumps({"action": "subscribe_orders"}))
    frames = [session.order(out) for out in OUTS[name]()]
    assert [json.loads(frame or b"null") for frame in frames] == as_ours(entry["received"])


@NEEDED
@pytest.mark.parametrize("name", CLOSES)
def test_client_without_authentication_is_closed_as_captured(name: str) -> None:
    entry = entries("ws_frames")[name]
    session = a_session()
    answers = [
        json.loads(frame)
        for sent in entry["sent"]
        for frame in session.receive(AT, json.dumps(sent))
    ]
    assert answers == entry["received"]
    after = Micros(int(entry["closed"]["after_s"] * 1_000_000))
    assert session.closing(Micros(after - 1)) is None
    assert session.closing(after) == (entry["closed"]["code"], entry["closed"]["reason"])


@NEEDED
def test_every_captured_frame_is_accounted_for() -> None:
    assert set(entries("ws_frames")) == {*TALK, *PUSHES, *CLOSES, RICHER}
