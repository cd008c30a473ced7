"""What an answer of the server means, by what we will do about it (`openalgo.md` 1).

BrokerError (domain/errors.py)
+-- Rejected   401, 403, a schema error, an unknown route, or a text of the tested table below
+-- NotSent    429, or no connection was made
+-- Unknown    everything else: any other 4xx, any 5xx, a time-out, a reset, an unreadable body

The HTTP status decides first, then `status`. Prose is compared with nothing but the table: each
text in it was said by a server that had not passed the order on. Anything not in it proves nothing.
"""

import re
from collections.abc import Mapping

from broker.asks import Fault, HttpAnswer
from broker.wire import Body, decode, excerpt
from domain.calls import Outcome
from domain.errors import BrokerError, NotSent, Rejected, Unknown, WireError

_TABLE = (
    ("FUNDS", r"Insufficient (funds|margin)\b.*"),
    ("LOT", r"Quantity must be in multiples of lot size \d+"),
    ("FREEZE", r"Quantity exceeds freeze limit"),
    ("MIS_CLOCK", r"MIS orders cannot be placed after square-off time\b.*"),
    ("BAND", r"Order price is beyond LPP limit"),
    ("TRIGGER_SIDE", r"Trigger price already crossed|Limit price must be beyond trigger"),
    ("TICK", r"Price \S+ is not a multiple of tick size \S+"),
    ("SESSION", r"Market is closed|Trading is halted"),
    ("SLM", r"SL-M orders are not allowed for options"),
    ("MARKET", r"Market orders without protection are not allowed|Cannot place MARKET order\b.*"),
    ("SYMBOL", r"Symbol \S+ not found on \S+|Index instruments cannot be traded"),
    ("PRICE", r"(LIMIT|SL|SL-M) orders require (price|trigger_price)|Invalid price format"),
    ("PRODUCT", r"CNC product not allowed for NFO derivatives segment\b.*"),
    ("FILLED", r"Quantity cannot be below the filled quantity"),
    ("MODIFIES", r"Maximum allowed order modifications exceeded"),
)
_REFUSALS = tuple((code, re.compile(text, re.IGNORECASE | re.DOTALL)) for code, text in _TABLE)

# A broker's own error may look like a Python dict; only one about fields of ours is a schema error.
_FIELDS = frozenset(
    "apikey strategy symbol exchange action quantity pricetype product price trigger_price"
    " disclosed_quantity orderid positions".split()
)
_UNKNOWN_FIELD = "Unknown field."
_DICT_AS_TEXT = re.compile(r"\{'(\w+)': ([\[{].*)\}", re.DOTALL)

_OUTCOMES: dict[type[BrokerError], Outcome] = {
    Rejected: Outcome.REJECTED,
    NotSent: Outcome.NOT_SENT,
    Unknown: Outcome.UNKNOWN,
}


def outcome_of(error: BrokerError | WireError) -> Outcome:
    """Return the outcome an error stands for; a WireError is NONSENSE."""
    return Outcome.NONSENSE if isinstance(error, WireError) else _OUTCOMES[type(error)]


def written(answer: HttpAnswer) -> Body:
    """Return the body of an accepted order write; raise Rejected, NotSent or Unknown.

    Accepted means 200 and success. Whether it holds an order id is for `wire_orders` to say.
    """
    if answer.status != 200:
        raise _failure(answer)
    try:
        body = decode(answer.body)
    except WireError as error:
        raise Unknown(str(error), status=200, code="BODY") from error
    if body.get("status") != "success":
        raise Unknown(message(body), status=200, code="BODY")
    return body


def read(answer: HttpAnswer) -> Body:
    """Return the body of an answered read; raise BrokerError, or WireError for an odd 200."""
    if answer.status != 200:
        error = _failure(answer)
        if isinstance(error, Unknown) and answer.status in {400, 404}:
            # A read changes nothing, so a refusal needs no proof.
            raise Rejected(str(error), status=error.status, code=error.code)
        raise error
    body = decode(answer.body)
    if body.get("status") != "success":
        raise Unknown(message(body), status=200, code="BODY")
    return body


def may_ask_again(answer: HttpAnswer) -> bool:
    """Whether a failed read proves nothing: no connection, a time-out, 429, or a 5xx but 501."""
    if answer.status is None:
        return True
    return answer.status == 429 or (answer.status >= 500 and answer.status != 501)


def reason_code(text: str) -> str:
    """Return the reason code of a refusal in the tested table, or '' for any other text."""
    return next((code for code, pattern in _REFUSALS if pattern.fullmatch(text.strip())), "")


def message(body: Mapping[str, object]) -> str:
    """Return what the server said, text or object, shortened and in ASCII."""
    return excerpt(body.get("message", ""))


def _failure(answer: HttpAnswer) -> BrokerError:
    if answer.status is None:
        fault = answer.fault or Fault.RESET
        kind = NotSent if fault is Fault.CONNECT else Unknown
        return kind(fault.value, code=fault.name)
    body = _readable(answer.body)
    said, status = message(body), answer.status
    match status:
        case 429:
            return NotSent(said, status=status, code="RATE")
        case 401 | 403:
            code = "SEMI_AUTO" if "semi-auto" in said.lower() else "DENIED"
            return Rejected(said, status=status, code=code)
        case 400 | 404:
            return _refusal(body, status)
        case _:
            return Unknown(said, status=status, code=f"HTTP_{status}")


def _refusal(body: Body, status: int) -> BrokerError:
    said = message(body)
    if _is_schema_error(body):
        return Rejected(said, status=status, code="SCHEMA")
    if status == 404 and said == "Not found" and "path" in body:
        return Rejected(said, status=status, code="ROUTE")
    raw = body.get("message")
    code = reason_code(raw) if isinstance(raw, str) and body.get("status") == "error" else ""
    if status == 400 and code:
        return Rejected(said, status=status, code=code)
    return Unknown(said, status=status, code=f"HTTP_{status}")


def _readable(body: bytes) -> Body:
    try:
        return decode(body)
    except WireError as error:
        return {"message": str(error)}


def _is_schema_error(body: Body) -> bool:
    """The three shapes E1 to E3: a dict as text, a dict, or one beside "Validation error"."""
    said = body.get("message")
    if body.get("status") != "error":
        return False
    if isinstance(said, str) and (found := _DICT_AS_TEXT.fullmatch(said)):
        return found[1] in _FIELDS or found[2].startswith(f"['{_UNKNOWN_FIELD}']")
    fields = body.get("errors") if said == "Validation error" else said
    return isinstance(fields, dict) and bool(fields) and all(_complains(*f) for f in fields.items())


def _complains(field: str, complaint: object) -> bool:
    return complaint == [_UNKNOWN_FIELD] or (
        field in _FIELDS and isinstance(complaint, list | dict) and bool(complaint)
    )
