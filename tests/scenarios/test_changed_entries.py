"""An entry that rests is changed where it stands: the exchange holds one order all the while."""

from pathlib import Path
from typing import Any

from domain.books import Action
from tests.days import Played, Stage, a_stage
from tests.stories import told
from tests.tapes import CALL, Leg, a_tape

GROWN = Leg(ready="09:50", breaks="09:53", bars={"09:51": (150, 155, 149, 150)})
"""The highest high grows to 155: a stop of 156 is 12 points away, so 8 lots."""

NEWER = Leg(
    ready="09:50",
    breaks="09:58",
    bars={
        "09:50": (150, 153, 149, 152),
        "09:51": (152, 154, 150, 151),
        "09:52": (151, 151.5, 147, 147.5),
        "09:53": (147.5, 148, 146.5, 147),
        "09:54": (147, 149, 146.8, 148.8),
        "09:55": (148.8, 151, 148.5, 150.5),
    },
)
"""A high of 154 (9 lots), then a newer low of 146.50 with a stop of 152: ten lots again."""


def a_changing_day(folder: Path, leg: Leg, **settings: Any) -> tuple[Stage, Played]:
    tape = a_tape(leg, since="09:25")
    with a_stage(folder, tape=tape, begin="09:47", force_close="10:15", settings=settings) as stage:
        return stage, stage.play()


def modifies(played: Played) -> list[tuple[int, int, int]]:
    """Quantity, trigger and price of every change that was planned of an entry."""
    tickets = [r["body"]["ticket"] for r in played.journal if r["kind"] == "ModifyPlanned"]
    sells = [ticket for ticket in tickets if ticket["action"] == Action.SELL]
    return [(ticket["quantity"], ticket["trigger"], ticket["price"]) for ticket in sells]


def assert_clean(played: Played) -> None:
    assert (played.ended.code, played.report.flat) == (10, True)
    assert played.report.invariants_broken == []


def test_entry_shrinks_at_the_exchange_as_its_stop_grows(tmp_path: Path) -> None:
    stage, played = a_changing_day(tmp_path, GROWN)
    (sold,) = stage.orders(Action.SELL, CALL)
    assert (sold.quantity, sold.filled) == (520, 520)
    assert modifies(played)[-1] == (520, 14_395, 14_095)
    told(played.log, r"modify .* units=520 reason=fewer units", r"stop BUY .*trigger=156.00")
    assert_clean(played)


def test_entry_becomes_the_newer_swings_in_steps(tmp_path: Path) -> None:
    stage, played = a_changing_day(tmp_path, NEWER)
    (sold,) = stage.orders(Action.SELL, CALL)
    assert (sold.quantity, sold.filled, sold.trigger) == (650, 650, 14_645)
    assert modifies(played)[-3:] == [
        (585, 14_395, 14_095),
        (585, 14_645, 14_345),
        (650, 14_645, 14_345),
    ]
    told(played.log, r"reason=fewer units", r"reason=moved", r"stop BUY .*trigger=152.00")
    assert_clean(played)


def test_entry_ends_and_comes_again_where_a_quantity_cannot_be_changed(tmp_path: Path) -> None:
    stage, played = a_changing_day(tmp_path, GROWN, **{"broker.modify_qty": "none"})
    first, second = sorted(stage.orders(Action.SELL, CALL), key=lambda order: order.placed_at)
    assert (first.quantity, first.filled) == (650, 0)
    assert (second.quantity, second.filled) == (520, 520)
    assert modifies(played) == []
    assert_clean(played)
