from typing import Any

import pytest

from broker import errors
from broker.asks import Fault, HttpAnswer
from domain.calls import Outcome
from domain.errors import BrokerError, NotSent, Rejected, Unknown, WireError
from sandbox import refusals
from tests.broker.build import a_fault, an_answer


def verdict(answer: HttpAnswer) -> tuple[type[BrokerError], str]:
    with pytest.raises(BrokerError) as caught:
        errors.written(answer)
    assert caught.value.status == (answer.status or 0)
    return type(caught.value), caught.value.code


def refused(text: object, status: int = 400, **more: object) -> HttpAnswer:
    return an_answer({"status": "error", "message": text, **more}, status)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Insufficient funds. Required: \u20b919500000.0, Available: \u20b99.25", "FUNDS"),
        ("Quantity must be in multiples of lot size 65", "LOT"),
        ("Quantity exceeds freeze limit", "FREEZE"),
        (
            "MIS orders cannot be placed after square-off time (15:15 IST). Trading resumes.",
            "MIS_CLOCK",
        ),
        ("Order price is beyond LPP limit", "BAND"),
        ("Trigger price already crossed", "TRIGGER_SIDE"),
        ("Limit price must be beyond trigger", "TRIGGER_SIDE"),
        ("Price 130.03 is not a multiple of tick size 0.05", "TICK"),
        ("Market is closed", "SESSION"),
        ("Trading is halted", "SESSION"),
        ("SL-M orders are not allowed for options", "SLM"),
        ("Market orders without protection are not allowed", "MARKET"),
        ("Cannot place MARKET order for X - unable to fetch current price.", "MARKET"),
        ("Symbol NIFTY24NOV2626001CE not found on NFO", "SYMBOL"),
        ("SL orders require trigger_price", "PRICE"),
        ("LIMIT orders require price", "PRICE"),
        ("Invalid price format", "PRICE"),
        ("CNC product not allowed for NFO derivatives segment. Use NRML.", "PRODUCT"),
        ("Quantity cannot be below the filled quantity", "FILLED"),
        ("Maximum allowed order modifications exceeded", "MODIFIES"),
    ],
)
def test_refusal_of_the_table_is_a_rejection_with_its_reason(text: str, code: str) -> None:
    assert verdict(refused(text)) == (Rejected, code)


def test_every_fixed_refusal_of_the_paper_exchange_has_a_reason() -> None:
    texts = {text for name, text in vars(refusals).items() if name.isupper()}
    assert "Quantity exceeds freeze limit" in texts
    # What an order book says of an order that filled in part is no proof that nothing was placed.
    assert {t for t in texts if not errors.reason_code(t)} == {refusals.REST_REJECTED}


@pytest.mark.parametrize(
    "text",
    [
        "Request timed out",
        "timed out: Quantity exceeds freeze limit",
        "Quantity exceeds freeze limit; order 1 was placed",
        "Cannot cancel order in complete status",
        "Order 999 not found",
        "{'error': ['upstream timeout']}",
        "{'error': 'upstream timeout'}",
        "{",
        "",
        None,
        {},
        {"error": ["upstream timeout"]},
        {"symbol": "odd"},
        {"symbol": []},
        [],
        7,
    ],
)
def test_any_other_400_proves_nothing(text: object) -> None:
    assert verdict(refused(text)) == (Unknown, "HTTP_400")
    assert verdict(refused(text, 404)) == (Unknown, "HTTP_404")


def test_text_of_the_table_in_another_dress_proves_nothing() -> None:
    assert verdict(an_answer({"message": "Quantity exceeds freeze limit"}, 400))[0] is Unknown
    assert verdict(refused("Quantity exceeds freeze limit", 404))[0] is Unknown
    assert verdict(refused("Quantity exceeds freeze limit", 500))[0] is Unknown


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("{'symbol': ['Missing data for required field.']}", {}),
        ("{'price_type': ['Unknown field.']}", {"mode": "analyze"}),
        ("{'positions': {0: {'quantity': ['Not a valid string.']}}}", {}),
        ({"apikey": ["Length must be between 1 and 256."]}, {}),
        ({"foo": ["Unknown field."], "symbol": ["Missing data for required field."]}, {}),
        ("Validation error", {"errors": {"price": ["Not a valid number."]}}),
    ],
)
def test_schema_error_is_a_rejection_in_each_of_its_shapes(
    text: object, more: dict[str, Any]
) -> None:
    assert verdict(refused(text, **more)) == (Rejected, "SCHEMA")


def test_schema_error_without_status_proves_nothing() -> None:
    said = {"message": {"symbol": ["Missing data for required field."]}}
    assert verdict(an_answer(said, 400))[0] is Unknown


def test_unknown_route_is_our_bug() -> None:
    assert verdict(refused("Not found", 404, path="/api/v1/x")) == (Rejected, "ROUTE")
    assert verdict(refused("Not found", 404)) == (Unknown, "HTTP_404")


@pytest.mark.parametrize("status", [401, 403])
def test_refused_session_is_a_rejection(status: int) -> None:
    assert verdict(refused("Invalid openalgo apikey", status)) == (Rejected, "DENIED")
    semi = "Operation not allowed in Semi-Auto mode"
    assert verdict(refused(semi, status)) == (Rejected, "SEMI_AUTO")


@pytest.mark.parametrize("body", [{"message": "10 per 1 second"}, b"<html>", b""])
def test_429_was_never_executed(body: object) -> None:
    assert verdict(an_answer(body, 429)) == (NotSent, "RATE")


@pytest.mark.parametrize("status", [301, 402, 409, 500, 501, 502, 503])
def test_any_other_status_may_have_been_executed(status: int) -> None:
    assert verdict(an_answer(b"<html>502</html>", status)) == (Unknown, f"HTTP_{status}")
    assert verdict(refused("Positions Already Matched.", status))[0] is Unknown


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(Fault.CONNECT, NotSent), (Fault.TIMEOUT, Unknown), (Fault.RESET, Unknown)],
)
def test_only_a_missing_connection_proves_that_nothing_was_sent(
    fault: Fault, kind: type[BrokerError]
) -> None:
    assert verdict(a_fault(fault)) == (kind, fault.name)


@pytest.mark.incident("INC-110")
@pytest.mark.parametrize(
    "body", [b"<html>please log in</html>", b"", b'{"status":"succ', b"[]", {"orderid": "1"}]
)
def test_html_with_status_200_is_never_success(body: object) -> None:
    assert verdict(an_answer(body)) == (Unknown, "BODY")
    with pytest.raises((WireError, Unknown)):
        errors.read(an_answer(body))


def test_200_that_says_error_proves_nothing() -> None:
    said = an_answer({"status": "error", "message": "Quantity exceeds freeze limit"})
    assert verdict(said) == (Unknown, "BODY")


def test_success_hands_the_body_on() -> None:
    assert errors.written(an_answer({"status": "success", "orderid": "1"}))["orderid"] == "1"
    assert errors.read(an_answer({"status": "success", "data": []}))["data"] == []


@pytest.mark.parametrize("status", [400, 404])
def test_refused_read_needs_no_proof(status: int) -> None:
    with pytest.raises(Rejected, match="not found"):
        errors.read(refused("Symbol NOPE not found in exchange NFO", status))


def test_read_keeps_the_other_classes() -> None:
    for answer, kind in [
        (an_answer({}, 429), NotSent),
        (a_fault(Fault.TIMEOUT), Unknown),
        (an_answer(b"", 500), Unknown),
        (refused("Invalid openalgo apikey", 403), Rejected),
    ]:
        with pytest.raises(kind):
            errors.read(answer)


def test_read_is_asked_again_after_what_proves_nothing() -> None:
    again = [a_fault(fault) for fault in Fault] + [an_answer(b"", s) for s in (429, 500, 502, 504)]
    assert all(errors.may_ask_again(answer) for answer in again)
    not_again = [an_answer(b"", status) for status in (200, 400, 403, 404, 501)]
    assert not any(errors.may_ask_again(answer) for answer in not_again)


def test_every_error_stands_for_an_outcome() -> None:
    assert errors.outcome_of(Rejected("x")) is Outcome.REJECTED
    assert errors.outcome_of(NotSent("x")) is Outcome.NOT_SENT
    assert errors.outcome_of(Unknown("x")) is Outcome.UNKNOWN
    assert errors.outcome_of(WireError("x")) is Outcome.NONSENSE


def test_what_the_server_said_is_ascii_and_short() -> None:
    assert errors.message({"message": "\u20b99 short"}) == "\\u20b99 short"
    assert errors.message({}) == ""
    assert len(errors.message({"message": {"symbol": ["x" * 5000]}})) <= 200
