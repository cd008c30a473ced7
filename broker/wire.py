"""The numbers, texts and instants of the wire, and what they become in the domain.

This file and its `wire_*` neighbours are the one place where JSON becomes domain values and back.
Live brokers send numbers as int, float or text, and None or {} where something else belongs:
whatever has no meaning here is a WireError that quotes the payload, never another exception.
"""

import re
import reprlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from domain import clock
from domain.errors import WireError
from domain.session import IST
from domain.units import Micros, Paise, Units

Body = dict[str, Any]
"""A decoded JSON object; its values are checked where they are taken out."""

Number = int | float | str
"""A number as a frame may carry it."""

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{0,30})?(?:[eE][+-]?[0-9]{1,3})?")
_KEY = re.compile(r"""(["']?api[ _-]?key["']?\s*[:=]\s*)(["']?)[^"',}\s]*\2""", re.IGNORECASE)
SECRET_LEN = 16
"""The shortest key that is looked for in answers; OpenAlgo's have 64 characters."""

_EXCERPT = 200
_LIMIT = 10**15
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _EXCERPT
_SHORT.maxlevel = 3
_DAY = 86_400 * 1_000_000
_IST_OFFSET = 19_800 * 1_000_000
_AHEAD = 2_000_000


def decode(body: bytes) -> Body:
    """Return a JSON object with its decimal numbers exact; WireError for anything else."""
    try:
        found = _DECODER.decode(body)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise WireError(f"not JSON ({error}): {excerpt(body)}") from error
    if not isinstance(found, dict):
        raise WireError(f"not a JSON object: {excerpt(body)}")
    return found


def encode(fields: Mapping[str, object]) -> bytes:
    """Return fields as a JSON object; Decimals are written as numbers, digit by digit."""
    return _ENCODER.encode(fields)


def rupees_of(price: int) -> Decimal:
    """Return paise as rupees with two decimals, for the wire: 14995 is 149.95."""
    return Decimal(price).scaleb(-2)


def paise(value: object) -> Paise:
    """Return rupees as paise, half up: for averages and market data. WireError if no number."""
    return Paise(int((_decimal(value) * 100).to_integral_value(ROUND_HALF_UP)))


def whole_paise(value: object) -> Paise:
    """Return rupees as paise; None and '' are 0. WireError unless it comes out whole."""
    if value is None or value == "":
        return Paise(0)
    exact = _decimal(value) * 100
    if exact != exact.to_integral_value():
        raise WireError(f"price is no whole number of paise: {excerpt(value)}")
    return Paise(int(exact))


def units(value: object) -> Units:
    """Return a quantity: 65, 65.0 and "65" are 65. WireError for 65.5 or no number."""
    exact = _decimal(value)
    if exact != exact.to_integral_value():
        raise WireError(f"quantity is not whole: {excerpt(value)}")
    return Units(int(exact))


def text(value: object) -> str:
    """Return a text; a whole number is its digits, None is ''. WireError for anything else."""
    match value:
        case None:
            return ""
        case bool():
            raise WireError(f"not a text: {value}")
        case str():
            return value
        case int():
            return str(value)
        case _:
            raise WireError(f"not a text: {excerpt(value)}")


def name(value: object) -> str:
    """Return a text that may not be empty, such as a symbol or an order id."""
    found = text(value).strip()
    if not found:
        raise WireError("a name is missing")
    return found


def record(value: object) -> Body:
    """Return a JSON object; WireError for None, a list, a text."""
    if not isinstance(value, dict):
        raise WireError(f"not an object: {excerpt(value)}")
    return value


def records(value: object) -> list[Body]:
    """Return a list of JSON objects; WireError for None, {} or a text: silence is no evidence."""
    return [record(row) for row in items(value)]


def items(value: object) -> list[Any]:
    """Return a JSON list; WireError for anything else."""
    if not isinstance(value, list):
        raise WireError(f"not a list: {excerpt(value)}")
    return value


def epoch(value: object) -> Micros | None:
    """Return an instant sent as epoch seconds (10 digits) or milliseconds (13), else None."""
    try:
        exact = value if type(value) is int else _decimal(value)
    except WireError:
        return None
    if 10**9 <= exact < 10**10:
        return Micros(int(exact * 10**6))
    if 10**12 <= exact < 10**13:
        return Micros(int(exact * 10**3))
    return None


def exchange_time(values: Iterable[object], got_at: Micros) -> Micros | None:
    """Return the first usable instant of a frame: of today in IST, at most 2 s ahead of us."""
    today = (got_at + _IST_OFFSET) // _DAY
    for value in values:
        at = epoch(value)
        if at is not None and at <= got_at + _AHEAD and (at + _IST_OFFSET) // _DAY == today:
            return at
    return None


def placed_at(value: object) -> Micros | None:
    """Return an order row's time of placement, IST where no zone is named; None if unreadable."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value.strip())
        return clock.micros(at if at.tzinfo else at.replace(tzinfo=IST))
    except (ValueError, OverflowError):
        return None


def excerpt(payload: object) -> str:
    """Return the beginning of a payload for people: ASCII, one line, without an API key."""
    match payload:
        case bytes():
            shown = payload[: 4 * _EXCERPT].decode("utf-8", "replace")
        case str():
            shown = payload[: 4 * _EXCERPT]
        case _:
            shown = _SHORT.repr(payload)
    hidden = _KEY.sub(r"\1\2***\2", shown)
    line = " ".join(hidden.encode("ascii", "backslashreplace").decode("ascii").split())
    return line if len(line) <= _EXCERPT else line[: _EXCERPT - 3] + "..."


def spellings(key: str) -> tuple[bytes, ...]:
    """Return how the API key may stand in what a server sends: as it is, and in JSON.

    A short key is no secret of OpenAlgo's, and may be part of a word an answer needs: none.
    """
    if len(key) < SECRET_LEN:
        return ()
    return tuple(dict.fromkeys((key.encode(), encode({"": key})[len('{"":"') : -len('"}')])))


class Whole:
    """A body as the wire log shows it, worked out only if it is shown."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __str__(self) -> str:
        return self._body.decode("ascii", "backslashreplace")


def scrubbed(payload: bytes, hidden: Iterable[bytes]) -> bytes:
    """Return what a server sent with every spelling of the key replaced by ***."""
    for secret in hidden:
        payload = payload.replace(secret, b"***")
    return payload


def _decimal(value: object) -> Decimal:
    match value:
        case bool():
            raise WireError(f"not a number: {value}")
        case Decimal():
            exact = value
        case int() if abs(value) < _LIMIT:
            return Decimal(value)
        case float():
            exact = Decimal(repr(value))
        case str() if _NUMBER.fullmatch(value.strip()):
            exact = Decimal(value.strip())
        case _:
            raise WireError(f"not a number: {excerpt(value)}")
    if not exact.is_finite() or abs(exact) >= _LIMIT:
        raise WireError(f"number out of range: {excerpt(value)}")
    return exact
