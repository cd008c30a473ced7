"""An older form is read, a newer one refused; nothing on disk is rewritten."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from domain import events as ev
from domain.errors import JournalNewer
from journal.orders import OrderJournal, verify
from journal.schema import LAYOUT, SCHEMA, STEPS, Step, decode, encode
from tests.journal.test_orders import DAY_EVENTS, execute, opened, written
from tests.orders import T0
from tests.trading import DAY

LATCH = ev.LatchSet(at=T0, name="FREEZE", reason="human")


def body(form: int, **event: Any) -> bytes:
    return msgspec.json.encode({"schema": form, "event": event})


def test_every_form_before_the_newest_has_its_step() -> None:
    assert set(STEPS) == set(range(1, SCHEMA))


def test_event_of_today_is_read_back() -> None:
    assert decode(encode(LATCH)) == LATCH


def test_older_form_is_brought_up_step_by_step() -> None:
    """Made up: form 1 had no reason, form 2 called the name `latch`."""

    def reasoned(event: dict[str, Any]) -> dict[str, Any]:
        return event | {"reason": "human"}

    def named(event: dict[str, Any]) -> dict[str, Any]:
        return {"name": event.pop("latch"), **event}

    steps: Mapping[int, Step] = {1: reasoned, 2: named}
    first = body(1, type="LatchSet", at=T0, latch="FREEZE")
    second = body(2, type="LatchSet", at=T0, latch="FREEZE", reason="human")
    for old in (first, second):
        assert decode(old, steps, newest=3) == LATCH


@pytest.mark.parametrize(
    ("old", "says"),
    [
        (body(SCHEMA + 1, type="LatchSet"), f"form {SCHEMA + 1}, this version reads up to"),
        (body(0, type="LatchSet"), "cannot be read by this version: 0"),
        (body(SCHEMA, type="Unheard", at=1), "Invalid value 'Unheard'"),
        (b"{}", "missing required field"),
        (b"none", "malformed"),
    ],
)
def test_what_cannot_be_read_is_taken_for_a_later_version(old: bytes, says: str) -> None:
    with pytest.raises(JournalNewer, match=says):
        decode(old)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.db"


def layout(path: Path) -> int:
    db = sqlite3.connect(path)
    (number,) = db.execute("PRAGMA user_version").fetchone()
    db.close()
    return int(number)


def test_file_says_its_layout(path: Path) -> None:
    opened(path).close()
    assert layout(path) == LAYOUT


def test_file_from_before_the_layouts_gets_what_it_lacks(path: Path) -> None:
    written(path, *DAY_EVENTS)
    execute(path, "DROP TABLE checkpoint")
    execute(path, "PRAGMA user_version = 0")
    with opened(path) as journal:
        assert journal.events(DAY) == DAY_EVENTS
        assert journal.checkpoint(DAY) is None
    assert layout(path) == LAYOUT


def test_later_layout_is_refused_and_left_alone(path: Path) -> None:
    written(path, *DAY_EVENTS)
    execute(path, f"PRAGMA user_version = {LAYOUT + 1}")
    before = path.read_bytes()
    says = rf"{path} cannot be used: its layout is 2, this version knows up to 1. Start the version"
    with pytest.raises(JournalNewer, match=says):
        OrderJournal(path, 1, T0)
    with pytest.raises(JournalNewer, match=says):
        verify(path, DAY)
    assert path.read_bytes() == before
    assert list(path.parent.glob("*corrupt*")) == []
