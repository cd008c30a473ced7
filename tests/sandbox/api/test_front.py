"""What stands between the bytes of a call and the exchange: routes, errors, limits, keys."""

import json
from typing import Any

import pytest

from domain.books import Action
from domain.units import SECOND, Micros, Paise, Units
from sandbox.api.front import Api
from sandbox.kinds import Done, ModifyIn, No, OrderIn, PriceKind
from tests.sandbox.api.asking import ABSENT, error, order, post, raw
from tests.sandbox.stage import AT, CALL, KEY, StagedExchange, an_api, an_order

BODY = json.dumps({"apikey": KEY}).encode()
MODIFY: dict[str, Any] = {
    "strategy": "cap",
    "orderid": "26112066700552",
    "symbol": CALL,
    "exchange": "NFO",
    "action": "BUY",
    "product": "MIS",
    "pricetype": "SL",
    "price": "164",
    "quantity": "65",
    "disclosed_quantity": "0",
    "trigger_price": "161",
}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/nosuch"),
        ("POST", "/api/v1/orders/place"),
        ("GET", "/api/v1/positions"),
        ("GET", "/api/v1/ping"),
        ("PUT", "/api/v1/placeorder/"),
        ("GET", "/api/v1/"),
        ("POST", "/api/v1/ping//"),
        ("POST", "/ping"),
        ("POST", "/api/v1/placesmartorder"),
        ("POST", "/api/v1/placegttorder"),
    ],
)
def test_unknown_route_and_wrong_method_are_not_found(method: str, path: str) -> None:
    assert raw(an_api(), path, BODY, method=method) == (404, error("Not found", path=path))


@pytest.mark.parametrize("path", ["/api/v1/ping", "/api/v1/ping/"])
def test_trailing_slash_is_optional(path: str) -> None:
    pong = {"status": "success", "data": {"message": "pong", "broker": "sutradhar_sandbox"}}
    assert raw(an_api(), path, BODY) == (200, pong)


@pytest.mark.parametrize("body", [b"{not json", b"", b'{"apikey": NaN}', b"\xff", b"[" * 100_000])
def test_malformed_json_has_no_status(body: bytes) -> None:
    text = "The browser (or proxy) sent a request that this server could not understand."
    for route in ("ping", "placeorder"):
        assert raw(an_api(), f"/api/v1/{route}", body) == (400, {"message": text})


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"5", b"null"])
def test_json_that_is_no_object_is_a_server_error(body: bytes) -> None:
    assert raw(an_api(), "/api/v1/ping", body) == (500, {"message": "Internal Server Error"})


def test_wrong_content_type_is_a_server_error() -> None:
    for content_type in ("text/plain", "", "application/x-www-form-urlencoded"):
        said = raw(an_api(), "/api/v1/ping", BODY, content_type=content_type)
        assert said == (500, error("An unexpected error occurred"))
    said = raw(an_api(), "/api/v1/ping", BODY, content_type="application/json; charset=utf-8")
    assert said[0] == 200


@pytest.mark.parametrize(
    ("fields", "messages"),
    [
        ({"apikey": ABSENT}, {"apikey": ["Missing data for required field."]}),
        ({"apikey": ""}, {"apikey": ["Length must be between 1 and 256."]}),
        ({"apikey": "k" * 257}, {"apikey": ["Length must be between 1 and 256."]}),
        ({"apikey": 12345}, {"apikey": ["Not a valid string."]}),
        ({"apikey": None}, {"apikey": ["Field may not be null."]}),
        ({"foo": 1}, {"foo": ["Unknown field."]}),
        (
            {"apikey": ABSENT, "x": 1},
            {"apikey": ["Missing data for required field."], "x": ["Unknown field."]},
        ),
    ],
)
def test_data_route_tells_schema_errors_as_an_object(
    fields: dict[str, Any], messages: dict[str, Any]
) -> None:
    for route in ("ping", "funds", "orderbook", "intervals"):
        assert post(route, **fields) == (400, error(messages))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"symbol": ABSENT}, "{'symbol': ['Missing data for required field.']}"),
        ({"strategy": ABSENT}, "{'strategy': ['Missing data for required field.']}"),
        ({"quantity": 0}, "{'quantity': ['Quantity must be a positive number.']}"),
        ({"quantity": -65}, "{'quantity': ['Quantity must be a positive number.']}"),
        ({"quantity": "abc"}, "{'quantity': ['Not a valid number.']}"),
        (
            {"quantity": 65.5},
            "{'quantity': ['Fractional quantity (65.5) is not allowed for non-crypto exchanges.']}",
        ),
        ({"price_type": "SL"}, "{'price_type': ['Unknown field.']}"),
        ({"stoploss": 1}, "{'stoploss': ['Unknown field.']}"),
        ({"pricetype": "SL-L"}, "{'pricetype': ['Must be one of: MARKET, LIMIT, SL, SL-M.']}"),
        ({"pricetype": "limit"}, "{'pricetype': ['Must be one of: MARKET, LIMIT, SL, SL-M.']}"),
        ({"action": "HOLD"}, "{'action': ['Must be one of: BUY, SELL, buy, sell.']}"),
        ({"product": "XYZ"}, "{'product': ['Must be one of: MIS, NRML, CNC.']}"),
        (
            {"trigger_price": -1},
            "{'trigger_price': ['Trigger price must be a non-negative number.']}",
        ),
        ({"price": -1}, "{'price': ['Price must be a non-negative number.']}"),
        ({"symbol": 5}, "{'symbol': ['Not a valid string.']}"),
        (
            {"exchange": "nfo"},
            (
                "{'exchange': ['Must be one of: NSE, NFO, CDS, BSE, BFO, BCD, MCX, NCDEX, NCO, "
                "NSE_INDEX, BSE_INDEX, MCX_INDEX, GLOBAL_INDEX, CRYPTO.']}"
            ),
        ),
    ],
)
def test_placeorder_tells_schema_errors_as_text_without_mode(
    changes: dict[str, Any], text: str
) -> None:
    exchange = StagedExchange()
    assert post("placeorder", an_api(exchange), **order(**changes)) == (400, error(text))
    assert exchange.taken == []
    assert exchange.arrivals == [("placeorder", "schema", "127.0.0.1")]


def test_other_order_routes_add_the_mode_of_an_analyzing_server() -> None:
    text = "{'orderid': ['Missing data for required field.']}"
    for route in ("cancelorder", "orderstatus"):
        assert post(route, strategy="cap") == (400, error(text, mode="analyze"))
        assert post(route, an_api(is_live=True), strategy="cap") == (400, error(text))
    missing = {k: v for k, v in MODIFY.items() if k != "trigger_price"}
    text = "{'trigger_price': ['Missing data for required field.']}"
    assert post("modifyorder", **missing) == (400, error(text, mode="analyze"))


def test_margin_wants_its_numbers_as_text() -> None:
    leg = {k: v for k, v in order().items() if k != "strategy"}
    wrong = {0: {"quantity": ["Not a valid string."], "price": ["Not a valid string."]}}
    text = str({"positions": wrong})
    assert post("margin", positions=[leg]) == (400, error(text))


def test_option_routes_tell_validation_errors_apart() -> None:
    errors = {"offset": ["Offset must be ATM, ITM1-ITM50, or OTM1-OTM50"]}
    asked: dict[str, Any] = {"underlying": "NIFTY", "exchange": "NSE_INDEX", "option_type": "PE"}
    assert post("optionsymbol", **asked, offset="OTM99") == (
        400,
        error("Validation error", errors=errors),
    )


def test_wrong_key_is_forbidden_and_a_wrong_field_comes_first() -> None:
    exchange = StagedExchange()
    api = an_api(exchange)
    assert post("ping", api, apikey="wrong-key") == (403, error("Invalid openalgo apikey"))
    said = post("placeorder", api, **order(), apikey="bad")
    assert said == (403, error("Invalid openalgo apikey"))
    assert post("placeorder", api, **order(product="XYZ"), apikey="bad")[0] == 400
    assert [answer for _, answer, _ in exchange.arrivals] == ["auth", "schema"]


def test_order_reaches_the_exchange_in_paise_and_units() -> None:
    exchange = StagedExchange()
    fields = order(quantity="65", price="149.95", trigger_price="150.00", action="buy")
    said = post("placeorder", an_api(exchange), **fields)
    assert said == (200, {"status": "success", "orderid": "26112155486483", "mode": "analyze"})
    wanted = OrderIn(
        symbol=CALL,
        exchange="NFO",
        action=Action.BUY,
        quantity=Units(65),
        kind=PriceKind.LIMIT,
        price=Paise(14_995),
        trigger=Paise(15_000),
        strategy="cap",
    )
    assert exchange.taken == [wanted]
    assert exchange.arrivals == [("placeorder", "passed", "127.0.0.1")]


def test_omitted_price_type_and_product_have_openalgos_defaults() -> None:
    exchange = StagedExchange()
    post("placeorder", an_api(exchange), **order(pricetype=ABSENT, product=ABSENT, price=ABSENT))
    (taken,) = exchange.taken
    assert isinstance(taken, OrderIn)
    assert (taken.kind, taken.product, taken.price) == (PriceKind.MARKET, "MIS", 0)


def test_price_with_a_fraction_of_a_paisa_never_reaches_the_exchange() -> None:
    exchange = StagedExchange()
    text = "Price 130.033 is not a multiple of tick size 0.05"
    said = post("placeorder", an_api(exchange), **order(price=130.033))
    assert said == (400, error(text, mode="analyze"))
    said = post("placeorder", an_api(exchange), **order(symbol="NOPE", price=130.033))
    assert said == (400, error("Symbol NOPE not found on NFO", mode="analyze"))
    said = post("modifyorder", an_api(exchange), **MODIFY | {"trigger_price": "130.033"})
    assert said == (400, error(text, mode="analyze"))
    assert exchange.taken == []


@pytest.mark.parametrize("price", ["1e300", 1e300, "10000000000"])
def test_price_of_too_many_digits_never_reaches_the_exchange(price: object) -> None:
    exchange = StagedExchange()
    refused = (400, error("Invalid price format", mode="analyze"))
    assert post("placeorder", an_api(exchange), **order(price=price)) == refused
    assert post("modifyorder", an_api(exchange), **MODIFY | {"trigger_price": price}) == refused
    assert exchange.taken == []


def test_refusal_of_the_exchange_is_told_with_its_status() -> None:
    exchange = StagedExchange()
    exchange.replies = [(0, No(status=400, text="Quantity exceeds freeze limit"))]
    said = post("placeorder", an_api(exchange), **order())
    assert said == (400, error("Quantity exceeds freeze limit", mode="analyze"))
    exchange.replies = [(0, No(status=404, text="Order 999 not found"))]
    said = post("cancelorder", an_api(exchange, is_live=True), strategy="cap", orderid="999")
    assert said == (404, error("Order 999 not found"))


def test_modify_and_cancel_say_what_they_did_while_analyzing() -> None:
    exchange = StagedExchange()
    exchange.book = [an_order()]
    done = Done(orderid="26112066700552")
    exchange.replies = [(0, done)] * 4
    success = {"status": "success", "orderid": "26112066700552"}
    for is_live, mode in ((False, {"mode": "analyze"}), (True, {})):
        api = an_api(exchange, is_live=is_live)
        said = {} if is_live else {"message": "Order modified successfully"}
        assert post("modifyorder", api, **MODIFY) == (200, {**success, **said, **mode})
        said = {} if is_live else {"message": "Order cancelled successfully"}
        answer = post("cancelorder", api, strategy="cap", orderid="26112066700552")
        assert answer == (200, {**success, **said, **mode})
    target = ModifyIn(
        orderid="26112066700552",
        quantity=Units(65),
        price=Paise(16_400),
        trigger=Paise(16_100),
        kind=PriceKind.SL,
    )
    assert exchange.taken == [target, "26112066700552"] * 2


def test_write_is_answered_when_the_exchange_has_acted() -> None:
    exchange = StagedExchange()
    exchange.replies = [(45_000, Done(orderid="7"))]
    body = json.dumps({"apikey": KEY, **order()}).encode()
    call = an_api(exchange).call(AT, "POST", "/api/v1/placeorder", body, "application/json", "x")
    assert call.ready_at == AT + 45_000
    with pytest.raises(LookupError):
        call.answer()
    exchange.advance(call.ready_at)
    assert json.loads(call.answer().body) == {
        "status": "success",
        "orderid": "7",
        "mode": "analyze",
    }


def statuses(api: Api, route: str, at: Micros, n: int, **fields: Any) -> list[int]:
    return [post(route, api, at, **fields)[0] for _ in range(n)]


def test_order_routes_have_ten_calls_a_moving_second_each() -> None:
    api = an_api()
    bad = order(product="XYZ")
    assert statuses(api, "placeorder", AT, 14, **bad) == [400] * 10 + [429] * 4
    assert post("placeorder", api, **bad) == (429, {"message": "10 per 1 second"})
    assert post("cancelorder", api, strategy="cap")[0] == 400, "each route has its own bucket"
    assert statuses(api, "placeorder", Micros(AT + 400_000), 1, **bad) == [429]
    assert statuses(api, "placeorder", Micros(AT + 1_100_000), 1, **bad) == [400]


def test_refused_calls_do_not_prolong_the_refusal() -> None:
    api = an_api()
    for step in range(100):
        post("placeorder", api, Micros(AT + step * 10_000), **order(product="XYZ"))
    assert post("placeorder", api, Micros(AT + SECOND + 1), **order(product="XYZ"))[0] == 400


def test_other_routes_have_fifty_and_another_peer_its_own() -> None:
    api = an_api()
    assert statuses(api, "ping", AT, 51) == [200] * 50 + [429]
    assert post("ping", api) == (429, {"message": "50 per 1 second"})
    assert raw(api, "/api/v1/ping", BODY, peer="127.0.0.2")[0] == 200


def test_eleventh_write_in_a_calendar_second_is_refused_by_the_broker() -> None:
    exchange = StagedExchange()
    api = an_api(exchange)
    second = Micros(AT // SECOND * SECOND)
    cancel: dict[str, Any] = {"strategy": "cap", "orderid": "1"}
    for n in range(6):
        assert post("placeorder", api, Micros(second + n), **order())[0] == 200
    for n in range(4):
        assert post("cancelorder", api, Micros(second + n), **cancel)[0] == 200
    said = post("cancelorder", api, Micros(second + 999_999), **cancel)
    assert said == (429, error("Too many requests"))
    assert len(exchange.taken) == 10
    assert exchange.arrivals[-1] == ("cancelorder", "rate", "127.0.0.1")
    assert post("cancelorder", api, Micros(second + SECOND), **cancel)[0] == 200


def history_body(**changes: object) -> bytes:
    asked = {
        "apikey": KEY,
        "symbol": CALL,
        "exchange": "NFO",
        "interval": "1m",
        "start_date": "2026-11-20",
        "end_date": "2026-11-20",
    }
    return json.dumps(asked | changes).encode()


def test_history_is_served_every_350_ms_for_all_callers_together() -> None:
    api = an_api()
    calls = [
        api.call(AT, "POST", "/api/v1/history", history_body(), "application/json", peer)
        for peer in ("a", "b", "a")
    ]
    assert [call.ready_at - AT for call in calls] == [0, 350_000, 700_000]
    later = Micros(AT + 10 * SECOND)
    call = api.call(later, "POST", "/api/v1/history", history_body(), "application/json", "a")
    assert call.ready_at == later


def test_limits_go_on_while_the_market_clock_stands_still() -> None:
    api = an_api()
    assert statuses(api, "ping", AT, 51)[-1] == 429
    api.stand(Micros(2 * SECOND))
    assert post("ping", api)[0] == 200
