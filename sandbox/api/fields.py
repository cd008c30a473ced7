"""How a request body is read: the rules and the exact words of OpenAlgo's schema errors.

Numbers arrive as JSON numbers or as numeric text, text only as text. Values come out as `Decimal`,
`int`, `str`, `bool`; never as float, so a price keeps the digits that were sent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, TypeVar

Messages = list[str] | dict[Any, Any]
"""Texts of one field, or of the elements of a list by index."""

Check = Callable[[Any], str | None]
"""Return what is wrong with a value that was read, or None."""

T = TypeVar("T")

LARGEST = 308
"""The largest power of ten that a number of JSON is read with."""

_YES = frozenset({"t", "true", "on", "y", "yes", "1"})
_NO = frozenset({"f", "false", "off", "n", "no", "0"})


class Invalid(Exception):
    """A value or a body broke its schema; `messages` says how, in OpenAlgo's words."""

    def __init__(self, messages: Messages) -> None:
        super().__init__(messages)
        self.messages = messages


def text(value: object) -> str:
    """Read text; a number is not text."""
    if not isinstance(value, str):
        raise Invalid(["Not a valid string."])
    return value


def number(value: object) -> Decimal:
    """Read a JSON number or numeric text as it was written."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise Invalid(["Not a valid number."])
    try:
        read = Decimal(value)
    except InvalidOperation:
        raise Invalid(["Not a valid number."]) from None
    if not read.is_finite():
        raise Invalid(["Special numeric values (nan or infinity) are not permitted."])
    if abs(read.adjusted()) > LARGEST:
        raise Invalid(["Number too large."])
    return read


def whole(value: object) -> int:
    """Read an integer; a JSON number is cut to its whole part, text must be whole."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise Invalid(["Not a valid integer."])
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) > LARGEST:
        raise Invalid(["Number too large."])
    try:
        return int(value)
    except (ValueError, OverflowError):
        raise Invalid(["Not a valid integer."]) from None


def truth(value: object) -> bool:
    """Read a boolean in any of the spellings OpenAlgo knows."""
    word = str(value).lower() if isinstance(value, bool | int | str) else ""
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise Invalid(["Not a valid boolean."])


def date(value: object) -> str:
    """Read a date written YYYY-MM-DD; the text itself comes out."""
    try:
        return datetime.strptime(text(value), "%Y-%m-%d").date().isoformat()  # noqa: DTZ007 - a date has no zone
    except (ValueError, Invalid):
        raise Invalid(["Not a valid date."]) from None


def one_of(*words: str) -> Check:
    """Require one of the words, in this spelling."""
    refusal = f"Must be one of: {', '.join(words)}."
    return lambda value: None if value in words else refusal


def length(low: int, high: int | None = None, say: str | None = None) -> Check:
    """Require a length in a range; `say` replaces the usual words."""
    if say is None:
        say = (
            f"Shorter than minimum length {low}."
            if high is None
            else f"Length must be between {low} and {high}."
        )
    return lambda value: None if low <= len(value) and (high is None or len(value) <= high) else say


def at_least(low: int, say: str) -> Check:
    """Require a number that is not below `low`."""
    return lambda value: None if value >= low else say


def between(low: int, high: int) -> Check:
    """Require a number in a range, both ends included."""
    say = f"Must be greater than or equal to {low} and less than or equal to {high}."
    return lambda value: None if low <= value <= high else say


def above_zero(say: str) -> Check:
    """Require a number greater than 0."""
    return lambda value: None if value > 0 else say


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a body: how it is read, and what it must satisfy. An absent one is left out."""

    read: Callable[[object], object]
    checks: tuple[Check, ...] = ()
    required: bool = False
    nullable: bool = False

    def load(self, value: object) -> object:
        """Return the value read, or raise Invalid with every reason."""
        if value is None:
            if self.nullable:
                return None
            raise Invalid(["Field may not be null."])
        read = self.read(value)
        if wrong := [say for check in self.checks if (say := check(read)) is not None]:
            raise Invalid(wrong)
        return read


def must(read: Callable[[object], object], *checks: Check) -> Field:
    """Return a field that has to be there."""
    return Field(read, checks, required=True)


def may(read: Callable[[object], object], *checks: Check, nullable: bool = False) -> Field:
    """Return a field that may be absent, and null if `nullable`."""
    return Field(read, checks, nullable=nullable)


@dataclass(frozen=True, slots=True)
class Schema(Generic[T]):
    """The fields of a body, in the order in which errors are told, and what it becomes.

    `whole` looks at a body whose fields are all right and returns what is wrong between them.
    """

    kind: Callable[..., T]
    fields: Mapping[str, Field]
    whole: Callable[[T], dict[str, list[str]] | None] | None = None

    def load(self, body: Mapping[str, object]) -> T:
        """Return the typed request, or raise Invalid with the errors by field."""
        values: dict[str, object] = {}
        wrong: dict[str, Messages] = {}
        for name, field in self.fields.items():
            if name not in body:
                if field.required:
                    wrong[name] = ["Missing data for required field."]
                continue
            try:
                values[name] = field.load(body[name])
            except Invalid as invalid:
                wrong[name] = invalid.messages
        wrong.update({name: ["Unknown field."] for name in body if name not in self.fields})
        if wrong:
            raise Invalid(wrong)
        return self._built(values)

    def _built(self, values: dict[str, object]) -> T:
        built = self.kind(**values)
        if self.whole is not None and (wrong := self.whole(built)):
            raise Invalid({**wrong})
        return built


def several(schema: Schema[T]) -> Callable[[object], tuple[T, ...]]:
    """Read a list of bodies of one schema; errors are told by index."""

    def read(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise Invalid(["Not a valid list."])
        read_ones: list[T] = []
        wrong: dict[int, Messages] = {}
        for index, item in enumerate(value):
            try:
                if not isinstance(item, dict):
                    raise Invalid({"_schema": ["Invalid input type."]})  # noqa: TRY301 - collected below with the others
                read_ones.append(schema.load(item))
            except Invalid as invalid:
                wrong[index] = invalid.messages
        if wrong:
            raise Invalid(wrong)
        return tuple(read_ones)

    return read
