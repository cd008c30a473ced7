"""A ledger as canonical bytes, so that two folds can be compared by one SHA-256.

What is as it was at first is left out: a field that a later version adds, and that nothing has
touched, changes no digest of a day that is folded again by that version.
"""

import hashlib
from enum import Enum
from functools import cache
from typing import Any

import msgspec

from domain.ledger import Ledger


def canonical(ledger: Ledger) -> bytes:
    """Return the state of a ledger as JSON: keys sorted, sets in order, first values left out."""
    return msgspec.json.encode(_state(ledger), order="sorted")


def digest(body: bytes) -> str:
    """Return the SHA-256 of canonical bytes."""
    return hashlib.sha256(body).hexdigest()


def differences(ledger: Ledger, body: bytes) -> tuple[str, ...]:
    """Name what a ledger has otherwise than `body`, the canonical bytes of another one."""
    ours, theirs = _state(ledger), msgspec.json.decode(body)
    names: list[str] = []
    for part in sorted({*ours, *theirs}):
        left, right = ours.get(part), theirs.get(part)
        if left != right:
            names += _named(part, left, right)
    return tuple(names)


def _named(part: str, left: object, right: object) -> list[str]:
    if not isinstance(left, dict) or not isinstance(right, dict):
        return [part]
    keys = sorted({*left, *right})
    return [f"{part} {key}" for key in keys if left.get(key) != right.get(key)]


def _state(ledger: Ledger) -> dict[str, Any]:
    first = vars(Ledger())
    return {
        name: _plain(value)
        for name, value in vars(ledger).items()
        if not name.startswith("_") and value != first.get(name)
    }


def _plain(value: object) -> Any:
    match value:
        case msgspec.Struct():
            first = _defaults(type(value))
            fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
            plain: Any = {name: _plain(held) for name, held in fields if held != first[name]}
        case dict():
            plain = {_plain(key): _plain(held) for key, held in value.items()}
        case set():
            plain = sorted(_plain(held) for held in value)
        case tuple():
            plain = [_plain(held) for held in value]
        case _:
            plain = value.value if isinstance(value, Enum) else value
    return plain


@cache
def _defaults(kind: type[msgspec.Struct]) -> dict[str, object]:
    return {field.name: field.default for field in msgspec.structs.fields(kind)}
