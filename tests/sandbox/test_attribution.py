"""Which intent an order is held against, and what of it has to agree."""

from typing import Any

import msgspec
import pytest

from domain.calls import Outcome
from domain.units import Units
from sandbox.kinds import PriceKind
from sandbox.truth import Accepted
from tests.sandbox.day import SELL, Day


def an_entry(**got: Any) -> Day:
    """An intent for 65 MIS LIMIT on NFO; the exchange accepts it with the values of `got`."""
    day = Day()
    day.intend("e", SELL, 65, 0)
    line = msgspec.structs.replace(day.line("e", SELL, 65, 0), **got)
    day.add(0, Accepted(order=line, reserve=0))
    return day


@pytest.mark.parametrize(
    ("got", "words"),
    [
        ({"quantity": Units(650)}, "650 MIS LIMIT NFO"),
        ({"product": "NRML"}, "65 NRML LIMIT NFO"),
        ({"kind": PriceKind.MARKET}, "65 MIS MARKET NFO"),
        ({"exchange": "BFO"}, "65 MIS LIMIT BFO"),
    ],
)
def test_order_unlike_its_intent_breaks_i1(got: dict[str, Any], words: str) -> None:
    (text,) = an_entry(**got).judge().invariants_broken
    assert text == (
        "I1 NIFTY23NOV2626000CE: truth 1: journal 1 (i-e) says 65 MIS LIMIT NFO, "
        f"exchange got {words}"
    )


def test_order_like_its_intent_breaks_nothing() -> None:
    assert an_entry().broken() == []


def test_modification_to_another_quantity_was_in_no_journal_row() -> None:
    day = Day()
    day.order("e", SELL, 650, 0)
    day.modify("e", 1.0, units=585, price=14_990)
    day.state("e", 2.0, day.line("e", SELL, 65, 0).status, None, units=65, price=14_990)
    assert day.judge().invariants_broken == [
        "I5 e: truth 3: modify to (65, 14990, 0) of i-e was in no earlier journal row"
    ]


def a_duplicate() -> Day:
    """An order accepted twice; between the two a second intent like the first was planned."""
    day = Day()
    day.order("first", SELL, 65, 0)
    day.cancel("first", 1, units=65)
    day.intend("later", SELL, 65, 2.0, sent=False)
    return day


def arrive_again(day: Day, at_s: float) -> None:
    day.add(at_s, Accepted(order=day.line("again", SELL, 65, at_s), reserve=0))


def test_duplicate_does_not_hide_behind_an_intent_that_was_never_sent() -> None:
    day = a_duplicate()
    arrive_again(day, 3.0)
    assert day.broken() == ["I1"]


def test_duplicate_does_not_hide_behind_an_intent_that_did_not_leave() -> None:
    day = a_duplicate()
    day.send("later", 2.0)
    day.reply("later", 2.5, Outcome.NOT_SENT)
    arrive_again(day, 3.0)
    assert day.broken() == ["I1"]


def test_duplicate_does_not_hide_behind_an_intent_sent_after_it_arrived() -> None:
    day = a_duplicate()
    day.send("later", 4.0)
    arrive_again(day, 3.0)
    assert day.broken() == ["I1"]


def test_second_intent_that_was_sent_has_an_order_of_its_own() -> None:
    day = a_duplicate()
    day.send("later", 2.0)
    day.reply("later", 2.2, Outcome.NOT_SENT)
    day.send("later", 2.5)
    day.reply("later", 2.8, Outcome.UNKNOWN)
    arrive_again(day, 3.0)
    assert day.broken() == []


def test_order_of_an_intent_that_was_never_sent() -> None:
    day = Day()
    day.intend("e", SELL, 65, 0, sent=False)
    day.add(1.0, Accepted(order=day.line("e", SELL, 65, 1.0), reserve=0))
    (text,) = day.judge().invariants_broken
    assert text == (
        "I5 NIFTY23NOV2626000CE: truth 1: SELL 65 at 15000 trigger 0 arrived before "
        "journal 1 (i-e) was sent"
    )


def test_intent_of_another_quantity_at_the_same_price_is_not_mistaken_for_it() -> None:
    """The first was refused without a row; the order of the second is like the second."""
    day = Day()
    day.intend("refused", SELL, 650, 0)
    day.reply("refused", 0.1, Outcome.REJECTED)
    day.order("taken", SELL, 65, 1.0)
    assert day.broken() == []
