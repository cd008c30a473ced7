"""Seen since the last subscription, and stale by each symbol's own limit."""

from domain.sightings import Sightings
from domain.units import Micros, Symbol, seconds
from tests.domain.tape import at

NEAR, FAR = Symbol("NEAR"), Symbol("FAR")


def sightings() -> Sightings:
    seen = Sightings()
    seen.expect({NEAR: seconds(30), FAR: seconds(300)})
    return seen


def test_only_expected_symbols_are_counted() -> None:
    seen = sightings()
    seen.ticked(NEAR, at("10:00"))
    seen.ticked(NEAR, at("10:00:01"))
    seen.ticked(Symbol("NIFTY"), at("10:00"))
    assert (seen.seen, seen.subscribed) == (1, 2)


def test_new_subscription_has_to_prove_each_symbol_again() -> None:
    seen = sightings()
    seen.ticked(NEAR, at("10:00"))
    seen.resubscribed()
    assert seen.seen == 0
    seen.ticked(NEAR, at("10:01"))
    assert seen.seen == 1


def test_symbol_is_stale_by_its_own_limit_and_if_it_never_ticked() -> None:
    seen = sightings()
    assert seen.stale(at("10:00")) == 2
    seen.ticked(NEAR, at("10:00"))
    seen.ticked(FAR, at("10:00"))
    walls = ("10:00:30", "10:00:30.1", "10:05", "10:05:00.1")
    assert [seen.stale(Micros(at(wall))) for wall in walls] == [0, 1, 1, 2]
