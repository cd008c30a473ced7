"""A complete, small set of rule documents to break in one place at a time."""

from collections.abc import Callable
from typing import Any

from domain.rules.keys import KEYS

Document = dict[str, Any]

SAMPLES = (1, 5, "09:15-15:30", "15:15", "mon", "allow", "NFO", True)


def a_sample(name: str) -> object:
    """Return some value that the rule may have."""
    return next(value for value in SAMPLES if KEYS[name].kind.accepts(value))


def a_row(**changes: object) -> Document:
    row = {"from": "2000-01-01", "value": 65, "source": "a circular", "certainty": "exchange"}
    return row | {name.rstrip("_"): value for name, value in changes.items()}


def a_rule(key: str, *rows: object, **changes: object) -> Document:
    filled = list(rows) or [a_row(value=a_sample(key))]
    return {"key": key, "by": KEYS[key].by, "rows": filled} | changes


def the_files(*changes: Callable[[Document], object]) -> dict[str, Document]:
    """Return one complete file, changed by each of `changes`."""
    document: Document = {
        "version": 3,
        "valid_through": "2026-12-31",
        "rules": [a_rule(name) for name, key in KEYS.items() if key.required],
        "holidays_through": "2026-12-31",
        "holidays": [],
        "special": [],
    }
    for change in changes:
        change(document)
    return {"rules.yaml": document}


def with_rule(rule: object) -> Callable[[Document], object]:
    """Replace the rule of the same key, or add it."""

    def change(document: Document) -> None:
        key = rule.get("key") if isinstance(rule, dict) else None
        document["rules"] = [r for r in document["rules"] if r["key"] != key] + [rule]

    return change


def without_rule(key: str) -> Callable[[Document], object]:
    def change(document: Document) -> None:
        document["rules"] = [r for r in document["rules"] if r["key"] != key]

    return change


def having(**changes: object) -> Callable[[Document], object]:
    return lambda document: document.update(changes)
