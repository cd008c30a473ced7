"""Two folds are compared by one number; where they differ is said."""

import hashlib

import msgspec
import pytest

from domain import events as ev
from domain.ledger import Ledger
from domain.ledger_digest import canonical, differences, digest
from domain.orders import State
from domain.units import Micros
from tests.orders import T0, an_open_short, planned

EVENTS = tuple(an_open_short().events)


def folded(*events: ev.Event) -> Ledger:
    return Ledger().fold(events)


def test_same_events_have_the_same_digest() -> None:
    assert canonical(folded(*EVENTS)) == canonical(folded(*EVENTS))


def test_digest_is_the_sha_256_of_the_bytes() -> None:
    body = canonical(folded(*EVENTS))
    assert digest(body) == hashlib.sha256(body).hexdigest()


def test_empty_ledger_says_nothing() -> None:
    assert canonical(Ledger()) == b"{}"


def test_what_is_as_it_was_at_first_is_left_out() -> None:
    order = msgspec.json.decode(canonical(folded(planned("i1"))))["orders"]["i1"]
    assert (order["intent"], order["changed_at"]) == ("i1", T0)
    assert "filled" not in order
    assert "state" not in order


@pytest.mark.parametrize("cut", range(1, len(EVENTS)))
def test_every_event_that_changes_the_fold_changes_the_digest(cut: int) -> None:
    before, after = folded(*EVENTS[: cut - 1]), folded(*EVENTS[:cut])
    is_same = vars(before) == vars(after)
    assert (canonical(before) == canonical(after)) is is_same


def test_foreign_ids_count_whatever_their_order() -> None:
    def seen(*ids: str) -> Ledger:
        return folded(ev.ExternalSeen(at=T0, symbol=planned().ticket.symbol, orderids=ids, net=0))

    assert canonical(seen("a", "b", "c")) == canonical(seen("c", "b", "a"))
    assert canonical(seen("a")) != canonical(seen("b"))


def test_difference_is_named_by_part_and_key() -> None:
    ledger = folded(planned("i1"), planned("i2"))
    body = canonical(ledger)
    assert differences(ledger, body) == ()
    ledger.apply(
        ev.StateChanged(
            at=Micros(T0 + 1),
            intent="i2",
            state=State.REFUSED,
            pending=ledger.orders["i2"].pending,
            orderid="",
            reason="late",
        )
    )
    ledger.apply(ev.LatchSet(at=T0, name="FREEZE", reason="human"))
    assert differences(ledger, body) == ("latches", "moved_at", "orders i2")
