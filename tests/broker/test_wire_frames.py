import json

import pytest

from broker import wire_frames
from broker.wire_frames import Aside, AuthResult, MarketData, Pong, Refusal, SubscribeResult
from domain.books import OrderPush, Status
from domain.errors import WireError
from domain.market import Source, Tick
from domain.units import Micros, Paise, Symbol, Units
from tests.broker.build import AT, CALL, a_price_frame, an_order_frame


def tick_of(frame: bytes) -> Tick:
    decoded = wire_frames.decode(frame)
    assert isinstance(decoded, MarketData)
    return wire_frames.tick(decoded, AT, Source.BACKUP, 3, 41)


def push_of(frame: bytes) -> OrderPush:
    decoded = wire_frames.decode(frame)
    assert isinstance(decoded, wire_frames.OrderUpdate)
    return wire_frames.push(decoded, AT)


def test_quote_frame_becomes_a_tick() -> None:
    assert tick_of(a_price_frame()) == Tick(
        symbol=CALL,
        exchange="NFO",
        source=Source.BACKUP,
        epoch=3,
        seq=41,
        recv_at=AT,
        exch_at=AT,
        ltp=Paise(13805),
        low=Paise(13805),
        high=Paise(13805),
        cum_volume=Units(2229955),
    )


def test_price_and_volume_may_be_texts() -> None:
    tick = tick_of(a_price_frame(ltp="138.05", volume="2229955.0"))
    assert (tick.ltp, tick.cum_volume) == (13805, 2229955)


def test_price_alone_is_enough() -> None:
    frame = {"type": "market_data", "symbol": "NIFTY", "exchange": "NSE_INDEX", "mode": 1}
    tick = tick_of(json.dumps(frame | {"data": {"ltp": 26003.655}}).encode())
    assert (tick.ltp, tick.cum_volume, tick.exch_at) == (2600366, None, None)


def test_index_has_no_volume_even_if_one_is_sent() -> None:
    index = {"symbol": "NIFTY", "exchange": "NSE_INDEX"}
    assert tick_of(a_price_frame(volume=0, frame=index)).cum_volume is None
    assert tick_of(a_price_frame(volume=0)).cum_volume == 0


def test_time_of_the_last_trade_goes_before_that_of_the_frame() -> None:
    assert tick_of(a_price_frame(ltt=1795253505)).exch_at == AT - 2_000_000
    assert tick_of(a_price_frame(ltt="10:05:01")).exch_at == AT
    assert tick_of(a_price_frame(ltt=None, timestamp=1795253507000 + 9_000)).exch_at is None


def test_kind_may_stand_anywhere_in_the_frame() -> None:
    body = json.loads(a_price_frame())
    kind = {"type": body.pop("type")}
    assert tick_of(json.dumps(body | kind).encode()).ltp == 13805


@pytest.mark.parametrize("changed", [{"ltp": 0}, {"ltp": -1.5}, {"ltp": "NaN"}, {"volume": -1}])
def test_impossible_price_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(WireError):
        tick_of(a_price_frame(**changed))


@pytest.mark.parametrize(
    "frame",
    [
        a_price_frame(ltp=None),
        a_price_frame(ltp=[]),
        a_price_frame(ltp=True),
        a_price_frame(volume={}),
        a_price_frame(frame={"symbol": None}),
        b'{"type":"market_data","symbol":"X","exchange":"NFO","data":null}',
        b'{"type":"market_data"}',
        b'{"type":"subscribe","subscriptions":{}}',
        b'{"type":"auth","status":[]}',
        b'{"type":null}',
        b'{"status":"success"}',
        b"{bad json",
        b"[1,2]",
        b"",
        b'"\xff"',
    ],
)
def test_frame_that_cannot_be_read_is_refused(frame: bytes) -> None:
    with pytest.raises(WireError):
        tick_of(frame)


def test_order_update_becomes_a_push() -> None:
    assert push_of(an_order_frame(rejection_reason="band")) == OrderPush(
        orderid="26112162756592",
        symbol=CALL,
        status=Status.COMPLETE,
        filled=Units(65),
        reason="band",
        mode="analyze",
        got_at=AT,
    )


def test_order_update_may_be_bare() -> None:
    bare = push_of(b'{"type":"order_update","orderid":261121,"filled_quantity":"","mode":null}')
    assert (bare.orderid, bare.filled, bare.mode) == ("261121", 0, "live")
    assert (bare.status, bare.symbol) == (Status.UNKNOWN, "")
    with pytest.raises(WireError):
        push_of(an_order_frame(orderid=""))
    with pytest.raises(WireError):
        push_of(an_order_frame(filled_quantity=0.5))


def test_answers_are_told_apart() -> None:
    frames = {
        b'{"type":"auth","status":"success","broker":"x"}': AuthResult(status="success"),
        b'{"type":"subscribe","status":"partial"}': SubscribeResult(),
        b'{"type":"pong","server_timestamp":1795253504136}': Pong(),
        b'{"status":"error","code":"INVALID_JSON","message":"m"}': Refusal("INVALID_JSON", "m"),
        b'{"type":"subscribe_orders","status":"success"}': Aside("subscribe_orders"),
    }
    assert {frame: wire_frames.decode(frame) for frame in frames} == frames


def test_frames_for_the_server_are_what_it_asks_for() -> None:
    pairs = [(CALL, "NFO"), (Symbol("NIFTY"), "NSE_INDEX")]
    frames = [
        wire_frames.authenticate("K"),
        wire_frames.subscribe(pairs, "s1"),
        wire_frames.subscribe_orders(),
        wire_frames.ping(7, Micros(AT + 999)),
    ]
    assert [json.loads(frame) for frame in frames] == [
        {"action": "authenticate", "api_key": "K"},
        {
            "action": "subscribe",
            "mode": 2,
            "symbols": [
                {"symbol": CALL, "exchange": "NFO"},
                {"symbol": "NIFTY", "exchange": "NSE_INDEX"},
            ],
            "request_id": "s1",
        },
        {"action": "subscribe_orders"},
        {"action": "ping", "timestamp": 1795253507000, "_pingId": "7"},
    ]
