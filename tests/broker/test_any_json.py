"""Whatever a server sends, a decoder gives a typed value or a WireError, nothing else."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import errors, scripts, wire, wire_account, wire_frames, wire_market, wire_orders
from broker.asks import Fault, HttpAnswer
from broker.dialogue import Dialogue
from domain.calls import (
    Outcome,
    Preflight,
    Read,
    ReadBooks,
    ReadChain,
    ReadFunds,
    ReadHistory,
    ReadMargin,
    ReadQuotes,
    ReadServer,
    ReadTimings,
)
from domain.contracts import Side
from domain.errors import BrokerError, WireError
from domain.market import Source
from domain.symbols import OptionSymbol
from domain.units import Day, Paise
from tests.broker.build import (
    AT,
    CALL,
    a_limit,
    a_place,
    a_position_row,
    a_price_frame,
    a_trade_row,
    an_order_frame,
    an_order_row,
)
from tests.broker.drive import Server, drive

DAY = Day("2026-11-19")
WANTED = OptionSymbol(name="NIFTY", expiry=DAY, strike=Paise(2_600_000), side=Side.CE)

# Every word any decoder looks for, so that drawn objects reach deep into them.
WORDS = sorted(
    {
        *an_order_row(),
        *a_trade_row(),
        *a_position_row(),
        *json.loads(a_price_frame()),
        *json.loads(a_price_frame())["data"],
        *json.loads(an_order_frame()),
        *"data orders results invalid_symbols status message errors error mode code path".split(),
        *"name expiry strike lotsize tick_size freeze_qty bid ask low high prev_close".split(),
        *"availablecash total_margin_required broker subscriptions timestamp".split(),
    }
)
SAID = ["success", "error", "market_data", "order_update", "auth", "subscribe", "pong", CALL, "BUY"]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        [*SAID, "NFO", "24-NOV-26", "150.00", "pong", "analyze", "65", "NaN", "1e999"]
    )
    | st.text(max_size=20)
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=8)
    ),
    max_leaves=40,
)
OBJECTS = st.dictionaries(st.sampled_from(WORDS), ANYTHING, max_size=8)
BODIES = st.one_of(
    OBJECTS.map(lambda body: json.dumps(body).encode()),
    ANYTHING.map(lambda body: json.dumps({"status": "success", "data": body}).encode()),
    ANYTHING.map(lambda body: json.dumps(body).encode()),
    st.binary(max_size=60),
)

DECODERS: list[Callable[[wire.Body], object]] = [
    wire_orders.orderid,
    wire_orders.mode,
    wire_orders.order_rows,
    wire_orders.trade_rows,
    wire_orders.position_rows,
    wire_account.broker_name,
    wire_account.server_mode,
    wire_account.available_cash,
    wire_account.margin_total,
    lambda body: wire_account.is_open(body, "NFO"),
    lambda body: wire_market.quotes(body, [(CALL, "NFO")], AT, AT),
    lambda body: wire_market.bars(body, CALL),
    lambda body: wire_market.nearest_expiry(body, DAY),
    lambda body: wire_market.contract(body, WANTED, "NFO"),
]
READS: list[Read] = [
    ReadBooks(),
    ReadMargin(ticket=a_limit()),
    ReadQuotes(symbols=((CALL, "NFO"),)),
    ReadHistory(symbol=CALL, exchange="NFO", day=DAY),
    ReadChain(underlying="NIFTY", exchange="NFO", day=DAY, strikes=(Paise(2_600_000),)),
    Preflight(day=DAY),
    ReadServer(),
    ReadFunds(),
    ReadTimings(day=DAY),
]
ROUTES = (
    "placeorder cancelorder ping analyzer funds orderbook tradebook positionbook multiquotes"
    " history expiry symbol margin market/timings"
).split()
STATUSES = st.sampled_from([200, 200, 200, 400, 401, 403, 404, 429, 500, 502, 302])


@pytest.mark.incident("INC-88")
@given(body=BODIES, decoder=st.sampled_from(DECODERS))
def test_any_answer_shape_is_typed_or_refused(
    body: bytes, decoder: Callable[[Any], object]
) -> None:
    said = ""
    try:
        decoder(wire.decode(body))
    except WireError as error:
        said = str(error)
    assert len(said) < 600
    assert said.isascii()


@given(frame=BODIES)
def test_any_frame_is_typed_or_counted(frame: bytes) -> None:
    dialogue = Dialogue(Source.PRIMARY, 1, "KEY", [(CALL, "NFO")], 50)
    heard = dialogue.on_frame(frame, AT)
    assert not dialogue.bad or heard == ((), (), None, ())


@given(changed=st.dictionaries(st.sampled_from(["ltp", "volume", "ltt", "timestamp"]), LEAVES))
def test_any_price_frame_is_a_price_above_zero_or_counted(changed: dict[str, Any]) -> None:
    dialogue = Dialogue(Source.PRIMARY, 1, "KEY", [(CALL, "NFO")], 50)
    heard = dialogue.on_frame(a_price_frame(**changed), AT)
    assert len(heard.ticks) + dialogue.bad == 1
    assert all(t.ltp > 0 and (t.cum_volume is None or t.cum_volume >= 0) for t in heard.ticks)


@given(changed=st.dictionaries(st.sampled_from(sorted(json.loads(an_order_frame()))), ANYTHING))
def test_any_order_frame_is_a_push_or_counted(changed: dict[str, Any]) -> None:
    frame = an_order_frame(**changed)
    dialogue = Dialogue(Source.PRIMARY, 1, "KEY", (), 50)
    heard = dialogue.on_frame(frame, AT)
    assert len(heard.pushes) <= 1


@given(
    answers=st.lists(st.tuples(STATUSES, BODIES), min_size=1, max_size=6),
    call=st.sampled_from(READS),
)
def test_any_answers_make_a_reply_of_any_read(answers: list[Any], call: Read) -> None:
    said = [HttpAnswer(status=status, body=body) for status, body in answers]
    server = Server(dict.fromkeys(ROUTES, said))
    assert drive(scripts.read(call), server) is not None


@given(status=STATUSES | st.none(), body=BODIES, fault=st.sampled_from(Fault))
def test_write_is_done_only_on_success_with_an_order_id(
    status: int | None, body: bytes, fault: Fault
) -> None:
    answer = HttpAnswer(status=status, body=body, fault=None if status else fault)
    reply = drive(scripts.write(a_place(), "live"), Server({"placeorder": answer}))
    if reply.outcome is Outcome.DONE:
        said = wire.decode(body)
        assert (status, said["status"]) == (200, "success")
        assert reply.orderid == str(said["orderid"]).strip() != ""


@given(body=BODIES, status=st.sampled_from([400, 404]))
def test_refusal_is_provable_or_unknown(body: bytes, status: int) -> None:
    with pytest.raises(BrokerError) as caught:
        errors.written(HttpAnswer(status=status, body=body))
    assert errors.outcome_of(caught.value) in {Outcome.REJECTED, Outcome.UNKNOWN}


@given(depth=st.integers(1, 5000), opened=st.sampled_from([b"[", b'{"data":', b'{"a":[']))
def test_bottomless_json_is_refused(depth: int, opened: bytes) -> None:
    with pytest.raises(WireError):
        wire.decode(opened * depth)
    with pytest.raises(WireError):
        wire_frames.decode(opened * depth)


@pytest.mark.parametrize("depth", [10, 100, 300, 600, 900])
def test_deep_json_that_can_be_decoded_can_be_quoted(depth: int) -> None:
    deep = b'{"status":"success","data":' + b"[" * depth + b"]" * depth + b"}"
    with pytest.raises(WireError):
        wire_orders.trade_rows(wire.decode(deep))
