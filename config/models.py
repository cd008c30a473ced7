"""From the dataclasses that hold the settings to models that validate them, and back.

A default and a range are written once, in the dataclass; here `Between` and `Shaped` become checks
and sentences. Types are strict: "yes" is no boolean, 1.5 no whole number, 60 no text.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, create_model
from pydantic_core import PydanticCustomError

from domain.params import Between, Shaped

STRICT = ConfigDict(strict=True, extra="forbid", frozen=True)
T = TypeVar("T")

_UNITS = {
    "p": "paise",
    "ms": "milliseconds",
    "s": "seconds",
    "min": "minutes",
    "bps": "basis points",
    "bp": "basis points",
    "points": "index points",
    "ticks": "ticks",
    "r": "R",
}
_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


@dataclass(frozen=True, slots=True)
class Leaf:
    """One key: its path, its default, and in words what it may be."""

    path: tuple[str, ...]
    default: Any
    allowed: str


def key_of(name: str) -> str:
    """Return a field's key in YAML: a name that Python reserves carries a trailing underscore."""
    return name.rstrip("_")


def hints_of(example: object) -> dict[str, Any]:
    """Return the annotations of a dataclass by field name, `Annotated` kept."""
    return get_type_hints(type(example), include_extras=True)


def model_of(example: object) -> type[BaseModel]:
    """Return a strict model of a dataclass; its defaults are the values of `example`."""
    hints = hints_of(example)
    definitions: dict[str, Any] = {}
    for field in fields(example):  # type: ignore[arg-type]  # every example is a dataclass
        value = getattr(example, field.name)
        alias = key_of(field.name)
        if is_dataclass(value):
            inner = model_of(value)
            definitions[field.name] = (inner, Field(default_factory=inner, alias=alias))
        else:
            checked = _checked(hints[field.name])
            definitions[field.name] = (checked, Field(default=value, alias=alias))
    return create_model(type(example).__name__, __config__=STRICT, **definitions)


def value_of(example: T, model: BaseModel) -> T:
    """Return the dataclass that a validated model of `example` stands for."""
    values = {name: getattr(model, name) for name in type(model).model_fields}
    for name, value in values.items():
        if isinstance(value, BaseModel):
            values[name] = value_of(getattr(example, name), value)
    return type(example)(**values)


def leaves(example: object, path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Yield every key of a dataclass and of those inside it, in the order they are written."""
    for name, hint in hints_of(example).items():
        value, here = getattr(example, name), (*path, key_of(name))
        if is_dataclass(value):
            yield from leaves(value, here)
        else:
            yield Leaf(here, value, allowed(hint, here[-1]))


def allowed(hint: Any, key: str = "") -> str:
    """Say in words what a value of this annotation may be; `key` gives its unit away."""
    kind, limits = _peel(hint)
    if get_origin(kind) is Literal:
        return " or ".join(get_args(kind))
    if get_origin(kind) is tuple:
        return f"a list, each {allowed(get_args(kind)[0], key)}"
    shape = next((limit.says for limit in limits if isinstance(limit, Shaped)), "")
    if kind is SecretStr:
        return shape or "1 to 256 visible ASCII characters"
    span = next((limit for limit in limits if isinstance(limit, Between)), None)
    text = shape or _WORDS[kind]
    if span is None:
        return text
    return f"{text}{_unit(key)} from {span.low:,} to {span.high:,}"


def _unit(key: str) -> str:
    if key.endswith("_per_s"):
        return " per second"
    _, suffixed, suffix = key.rpartition("_")
    return f" of {_UNITS[suffix]}" if suffixed and suffix in _UNITS else ""


def _peel(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    if get_origin(hint) is Annotated:
        kind, *limits = get_args(hint)
        return kind, tuple(limits)
    return hint, ()


def _checked(hint: Any) -> Any:
    """Replace our own limits in an annotation by those the validator knows."""
    kind, limits = _peel(hint)
    if get_origin(kind) is tuple:
        return tuple[_checked(get_args(kind)[0]), ...]  # type: ignore[misc]  # built at run time
    for limit in limits:
        if isinstance(limit, Between):
            kind = Annotated[kind, Field(ge=limit.low, le=limit.high)]
        if isinstance(limit, Shaped):
            kind = Annotated[kind, AfterValidator(_matches(limit))]
    return kind


def _matches(shape: Shaped) -> Callable[[Any], Any]:
    pattern = re.compile(shape.pattern)

    def check(value: Any) -> Any:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if pattern.fullmatch(text) is None or not shape.accepts(text):
            raise PydanticCustomError("shape", "the text has another form")
        return value

    return check
