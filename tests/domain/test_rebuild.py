"""What was lost is taken over once, all at once, and never waits long for a price."""

from domain import events as ev
from domain.blotter import Blotter
from domain.books import Status
from domain.ledger import Ledger
from domain.orders import Purpose
from domain.params import OrderParams
from domain.rebuild import Rebuild
from domain.units import Paise, Symbol
from tests.domain.test_orphans import TERMS
from tests.orders import CE, ENTRY, T0, a_row, rows_of_short, sold, some_books, t

NAKED = some_books([a_row(ENTRY, status=Status.COMPLETE)], [sold()])
COVERED = some_books(rows_of_short(), [sold()])


def unpriced(_: Symbol) -> Paise | None:
    return None


def a_rebuild() -> tuple[Rebuild, Blotter]:
    blotter = Blotter(Ledger(), "d-1", OrderParams())
    return Rebuild(blotter, TERMS), blotter


def test_books_without_orphans_are_weighed_at_once() -> None:
    rebuild, blotter = a_rebuild()
    assert rebuild.is_done(some_books(), unpriced, T0)
    assert blotter.events == []


def test_orphans_are_recorded_before_the_books_are_weighed() -> None:
    rebuild, blotter = a_rebuild()
    assert rebuild.is_done(COVERED, unpriced, T0)
    assert isinstance(blotter.events[0], ev.OrphanFound)
    assert [order.purpose for order in blotter.ledger.live()] == [Purpose.STOP]
    assert rebuild.wanted == ()
    count = len(blotter.events)
    assert rebuild.is_done(COVERED, unpriced, t(2))
    assert len(blotter.events) == count


def test_price_is_wanted_until_it_comes() -> None:
    rebuild, blotter = a_rebuild()
    assert not rebuild.is_done(NAKED, unpriced, T0)
    assert (rebuild.wanted, blotter.events) == (((CE, "NFO"),), [])
    assert rebuild.is_done(NAKED, lambda _: Paise(13_500), t(1))
    assert rebuild.wanted == ()
    (leg,) = blotter.ledger.legs.values()
    assert leg.stop.trigger == 17_550


def test_price_is_waited_for_three_seconds_only() -> None:
    rebuild, blotter = a_rebuild()
    assert not rebuild.is_done(NAKED, unpriced, T0)
    assert not rebuild.is_done(NAKED, unpriced, t(2.9))
    assert rebuild.is_done(NAKED, unpriced, t(3))
    (leg,) = blotter.ledger.legs.values()
    assert leg.stop.trigger == 16_890
