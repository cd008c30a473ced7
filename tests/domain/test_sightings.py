"""Seen since the last subscription, and stale by each symbol's own limit."""

from domain.sightings import Sightings
from domain.units import Micros, Symbol, seconds
from tests.domain.tape import at

NEAR, FAR = Symbol("NEAR"), Symbol("FAR")


def sightings() -> Sightings:
    seen = Sightings()
    seen.expect({NEAR: seconds(30), FAR: seconds(300)}, at("09:16"))
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
    seen.resubscribed(at("10:00:30"))
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


OPEN = at("09:15")


def overdue(seen: Sightings, wall: str, *own: Symbol) -> tuple[Symbol, ...]:
    return seen.overdue(at(wall), OPEN, seconds(30), own)


def test_what_is_subscribed_later_is_not_late_from_its_first_second() -> None:
    seen = sightings()
    joined = Symbol("JOINED")
    limits = {NEAR: seconds(30), FAR: seconds(300), joined: seconds(30)}
    seen.ticked(NEAR, at("10:59:59"))
    seen.ticked(FAR, at("10:59:59"))
    seen.expect(limits, at("11:00"))
    assert overdue(seen, "11:00:29") == ()
    assert overdue(seen, "11:00:31") == (NEAR, joined)
    assert seen.mute == (joined,)


def test_symbols_no_longer_expected_are_not_counted() -> None:
    seen = sightings()
    seen.ticked(NEAR, at("10:00"))
    seen.expect({FAR: seconds(300)}, at("10:01"))
    assert (seen.seen, seen.subscribed, seen.mute) == (0, 1, (FAR,))


def test_near_strike_is_overdue_after_its_limit_and_a_far_one_only_if_it_was_never_seen() -> None:
    seen = sightings()
    for symbol in (NEAR, FAR):
        seen.ticked(symbol, at("10:00"))
    assert overdue(seen, "10:00:30") == ()
    assert overdue(seen, "10:00:31") == (NEAR,)
    assert overdue(seen, "11:00") == (NEAR,)
    assert overdue(seen, "10:00:31", FAR) == (NEAR, FAR)
    seen.resubscribed(at("11:00"))
    assert overdue(seen, "11:00:31") == (NEAR,)
    assert overdue(seen, "11:05:01") == (NEAR, FAR)


def test_symbol_asked_for_again_has_its_time_anew_and_stays_seen() -> None:
    seen = sightings()
    for symbol in (NEAR, FAR):
        seen.ticked(symbol, at("10:00"))
    seen.asked_again([NEAR], at("10:01"))
    assert seen.mute == ()
    assert overdue(seen, "10:01:30") == ()
    assert overdue(seen, "10:01:31") == (NEAR,)


def test_nothing_is_overdue_before_the_open() -> None:
    seen = Sightings()
    seen.expect({NEAR: seconds(30)}, at("09:00"))
    assert overdue(seen, "09:15:30") == ()
    assert overdue(seen, "09:15:31") == (NEAR,)
