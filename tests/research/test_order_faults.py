"""The catalogue of the orders drill: every kind is one the exchange knows, and over in time."""

import random

from domain.session import instant
from domain.units import SECOND, Micros
from research import order_tape as tapes
from research.order_faults import BOOKS, CATALOGUE, RARE, dark_spans, is_known, swarm
from sandbox import faults

BEGIN = tapes.begin()
UNTIL = Micros(BEGIN + 90 * SECOND)


def test_exchange_can_do_every_kind_at_every_place() -> None:
    for kind in CATALOGUE.values():
        for place in kind.places:
            assert is_known(place, kind.do(random.Random(1)))
    assert not is_known("rest:placeorder", {"success_empty": {}})


def test_swarms_are_scripts_within_their_span_and_miss_no_kind() -> None:
    seen: set[str] = set()
    for seed in range(300):
        entries, kinds = swarm(random.Random(seed), BEGIN, UNTIL)
        seen.update(kinds)
        script = faults.read({"version": 1, "faults": entries}, tapes.DAY, seed)
        assert all(BEGIN <= at <= UNTIL for at in script.instants)
    assert seen == set(CATALOGUE)
    assert set(CATALOGUE) > RARE


def test_dark_is_a_span_without_any_call() -> None:
    when = {"between": ["09:20:05", "09:20:15"]}
    entries = [{"id": f"dark__{n}", "when": when} for n in range(len(BOOKS))]
    begin, end = (instant(tapes.DAY, wall) for wall in when["between"])
    assert dark_spans([*entries, {"id": "halt__0", "when": when}], tapes.DAY) == ((begin, end),)
