"""What is said of wishes: rupees, and a kind of its own for a stop that moved alone."""

from dataclasses import replace

from domain.strategy import EntryWish, Limit, Note, StopAbove, StopAt, StopLimit
from domain.units import Micros, Paise, Symbol, Units
from strategies.notes import differences

CE = EntryWish(
    slot="CE",
    symbol=Symbol("NIFTY23NOV2626000CE"),
    units=Units(650),
    price=StopLimit(Paise(12_695), Paise(12_395)),
    stop=StopAt(Paise(13_800)),
    minute=Micros(0),
)
SAID = "slot=CE units=650 trigger=126.95 limit=123.95 stop=138.00 swing=05:30:00"


def test_new_wish_is_told_with_its_prices() -> None:
    assert differences((), (CE,)) == [Note(CE.symbol, "wish", SAID)]


def test_wish_of_other_units_is_told_again_and_one_that_is_the_same_is_not() -> None:
    fewer = replace(CE, units=Units(65))
    (note,) = differences((CE,), (fewer,))
    assert (note.kind, note.detail) == ("wish", SAID.replace("650", "65"))
    assert differences((CE,), (CE,)) == []


def test_stop_that_moves_alone_is_no_new_wish() -> None:
    higher = replace(CE, stop=StopAt(Paise(13_900)))
    (note,) = differences((CE,), (higher,))
    assert (note.kind, note.detail) == ("wish_stop", SAID.replace("138", "139"))


def test_wish_that_is_over_or_changes_its_symbol_is_unwished() -> None:
    other = replace(CE, symbol=Symbol("NIFTY23NOV2626100CE"))
    over = Note(CE.symbol, "unwish", "slot=CE")
    assert differences((CE,), ()) == [over]
    assert differences((CE,), (other,)) == [over, Note(other.symbol, "wish", SAID)]


def test_limit_and_a_stop_in_basis_points_are_told_too() -> None:
    plain = replace(CE, price=Limit(Paise(12_700)), stop=StopAbove(2_500))
    (note,) = differences((), (plain,))
    assert note.detail == "slot=CE units=650 limit=127.00 stop=2500bps swing=05:30:00"
