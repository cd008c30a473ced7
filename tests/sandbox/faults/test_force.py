"""Whom a fault hits, since when, and what is written down of it."""

from typing import Any

import pytest

from domain.session import instant
from domain.units import Micros, Symbol
from sandbox.faults import Connection, Fault
from sandbox.faults.force import Force
from sandbox.faults.script import Past, began
from sandbox.faults.verbs import Silent
from sandbox.kinds import Change, InstrumentLine, OrderOut
from tests.sandbox.faults.scripts import CONN, MARKET, a_fault, a_force
from tests.sandbox.stage import AT, CALL, DAY, PUT, StagedExchange, an_index, an_option, an_order


def at(wall: str) -> Micros:
    return instant(DAY, wall)


def opened(wall: str, number: int = 1, source: str = "primary") -> Connection:
    return Connection(number, at(wall), source)


def hits(force: Force, wall: str, connection: Connection, place: str = CONN) -> list[str]:
    return [f.id for f, _ in force.for_connection(place, at(wall), connection)]


def change(kind: Change, wall: str, symbol: Symbol = CALL) -> OrderOut:
    order = an_order(symbol=symbol)
    return OrderOut(at=at(wall), change=kind, order=order, price=order.price)


def silent(**when: Any) -> Any:
    return a_fault(CONN, "silent", None, when=when)


def test_fault_without_conditions_is_always_on() -> None:
    assert hits(a_force(silent()), "09:15", opened("09:10")) == ["f"]


def test_window_holds_from_its_first_instant_up_to_its_last() -> None:
    force = a_force(silent(between=["11:00", "11:04"]))
    told = [hits(force, wall, opened("09:10")) for wall in ("10:59:59", "11:00", "11:04")]
    assert told == [[], ["f"], []]
    (fault,) = force.script.faults
    assert began(fault.when, Micros(at("11:04") - 1), Past()) == at("11:00")
    assert began(fault.when, at("11:04"), Past()) is None


def test_instant_hits_the_connections_open_at_it_from_then_on() -> None:
    force = a_force(silent(at="11:00"))
    assert hits(force, "10:59:59", opened("09:10")) == []
    assert hits(force, "12:00", opened("09:10")) == ["f"]
    assert hits(force, "12:00", opened("11:00:01")) == []


def test_span_ends_what_an_instant_began() -> None:
    force = a_force(silent(at="11:00", for_s=60))
    told = [hits(force, wall, opened("09:10")) for wall in ("11:00", "11:00:59", "11:01")]
    assert told == [["f"], ["f"], []]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("order", Change.NEW), ("trigger", Change.TRIGGERED), ("fill", Change.FILL),
        ("cancel", Change.CANCELLED),
    ],
)  # fmt: skip
def test_what_happens_to_an_order_begins_a_fault(word: str, kind: Change) -> None:
    force = a_force(silent(after=word, for_s=10))
    assert hits(force, "11:00", opened("09:10")) == []
    others = [each for each in Change if each is not kind]
    force.saw([change(each, "10:59:55") for each in others])
    assert hits(force, "11:00", opened("09:10")) == []
    force.saw([change(kind, "11:00"), change(kind, "11:05")])
    walls = ("10:59:59", "11:00", "11:00:10", "11:05:09", "11:05:10")
    told = [hits(force, wall, opened("09:10")) for wall in walls]
    assert told == [[], ["f"], [], ["f"], []]


def test_only_what_happens_in_the_window_begins_a_fault() -> None:
    force = a_force(silent(between=["11:00", "12:00"], after="fill"))
    force.saw([change(Change.FILL, "10:59")])
    assert hits(force, "11:30", opened("09:10")) == []
    force.saw([change(Change.FILL, "11:31")])
    assert hits(force, "11:31", opened("09:10")) == ["f"]
    assert hits(force, "12:00", opened("09:10")) == []


def test_nth_counts_the_connections_of_the_day() -> None:
    force = a_force(silent(nth=[2]))
    assert [hits(force, "10:00", opened("09:10", n)) for n in (1, 2, 3)] == [[], ["f"], []]


def test_source_chooses_the_stream() -> None:
    force = a_force(silent(source=["backup"]))
    sources = ("primary", "backup")
    assert [hits(force, "10:00", opened("09:10", 1, s)) for s in sources] == [[], ["f"]]


def test_conditions_are_anded() -> None:
    force = a_force(silent(nth=[2], between=["11:00", "11:04"]))
    assert hits(force, "11:00", opened("09:10", 1)) == []
    assert hits(force, "10:00", opened("09:10", 2)) == []
    assert hits(force, "11:00", opened("09:10", 2)) == ["f"]


def test_probability_is_drawn_once_for_each_connection() -> None:
    def drawn(force: Force, wall: str) -> list[bool]:
        return [bool(hits(force, wall, opened("09:10", n))) for n in range(1, 501)]

    force = a_force(silent(probability=0.3))
    assert drawn(force, "10:00") == drawn(force, "15:00")
    assert 120 < sum(drawn(force, "10:00")) < 180
    assert drawn(a_force(silent(probability=0.3), random_seed=8), "10:00") != drawn(force, "10:00")
    assert not any(drawn(a_force(silent(probability=0)), "10:00"))


def test_another_fault_shifts_no_draw() -> None:
    alone = a_force(silent(probability=0.3))
    other = a_fault(CONN, "reset", None, id="other", when={"probability": 0.5})
    beside = a_force(other, silent(probability=0.3))
    for n in range(1, 100):
        is_hit = "f" in hits(beside, "10:00", opened("09:10", n))
        assert is_hit == bool(hits(alone, "10:00", opened("09:10", n)))


def calls(force: Force, route: str, *, is_write: bool = False) -> list[str]:
    return [hit.fault.id for hit in force.for_call(route, AT, is_write=is_write, side=str)]


def test_calls_are_counted_by_their_place() -> None:
    force = a_force(
        a_fault("rest:quotes", "status", id="second", when={"nth": [2]}),
        a_fault("rest:*", "status", id="third", when={"nth": [3]}),
    )
    routes = ("ping", "quotes", "quotes", "quotes")
    assert [calls(force, route) for route in routes] == [[], [], ["second", "third"], []]


def test_every_route_is_every_route_but_those_that_write() -> None:
    force = a_force(
        a_fault("rest:*", "html_502", id="all"),
        a_fault("rest:placeorder", "html_502", id="named"),
    )
    assert calls(force, "orderbook") == ["all"]
    assert calls(force, "placeorder", is_write=True) == ["named"]
    assert calls(force, "cancelorder", is_write=True) == []


def test_activation_is_written_down_once_for_each_window() -> None:
    exchange = StagedExchange()
    force = a_force(a_fault("rest:*", "status"), exchange=exchange)
    for _ in range(3):
        calls(force, "ping")
    calls(force, "quotes")
    assert exchange.faults_met == [("f", "status", "rest:ping"), ("f", "status", "rest:quotes")]
    assert force.counts == {"f": 2}


def test_activation_of_a_number_names_the_number() -> None:
    exchange = StagedExchange()
    force = a_force(a_fault("rest:ping", "status", when={"nth": [1, 3]}), exchange=exchange)
    for _ in range(4):
        calls(force, "ping")
    assert [place for *_, place in exchange.faults_met] == ["rest:ping:1", "rest:ping:3"]


def test_added_fault_holds_and_removed_one_does_not() -> None:
    force = a_force()
    assert force.is_idle
    force.add([Fault("f", CONN, Silent())])
    assert hits(force, "10:00", opened("09:10")) == ["f"]
    force.remove({"f"})
    assert hits(force, "10:00", opened("09:10")) == []
    assert force.is_idle


def a_future(expiry: str, name: str) -> InstrumentLine:
    line = an_option(expiry=expiry)
    changes = {"symbol": Symbol(name), "kind": "FUT"}
    return InstrumentLine(**{f: getattr(line, f) for f in line.__struct_fields__} | changes)


CHAIN = (
    an_index(),
    *(
        an_option(strike, side)
        for strike in (25_900, 25_950, 26_000, 26_050)
        for side in ("CE", "PE")
    ),
    an_option(26_000, "CE", expiry="2026-12-01"),
    a_future("2026-12-31", "NIFTY31DEC26FUT"),
    a_future("2026-11-26", "NIFTY26NOV26FUT"),
)


@pytest.mark.parametrize(
    ("word", "chosen"),
    [
        ("spot", {"NIFTY"}),
        ("future", {"NIFTY26NOV26FUT"}),
        ("atm_ce", {CALL}),
        ("atm_pe", {PUT}),
        ("atm_ce+1", {"NIFTY24NOV2626050CE"}),
        ("atm_pe-2", {"NIFTY24NOV2625900PE"}),
        ("atm_ce+9", set()),
        (CALL, {CALL}),
        ("NOSUCHSYMBOL", set()),
        ("calls", {line.symbol for line in CHAIN if line.kind == "CE"}),
        ("puts", {line.symbol for line in CHAIN if line.kind == "PE"}),
        ("options", {line.symbol for line in CHAIN if line.kind in {"CE", "PE"}}),
    ],
)
def test_word_chooses_symbols_without_knowing_the_day(word: str, chosen: set[str]) -> None:
    fault = a_fault(MARKET, "symbol_mute", {"symbols": [word]})
    force = a_force(fault, exchange=StagedExchange(*CHAIN))
    moment = force.moment(force.script.faults[0], AT)
    assert {line.symbol for line in CHAIN if moment.has(line.symbol)} == chosen


def test_money_is_looked_for_where_spot_stood_when_the_fault_began() -> None:
    exchange = StagedExchange(*CHAIN)
    force = a_force(
        a_fault(MARKET, "symbol_mute", when={"between": ["10:00", "10:30"]}), exchange=exchange
    )
    force.step(at("10:00"))
    exchange.quotes.clear()
    moment = force.moment(force.script.faults[0], at("10:00"))
    assert [line.symbol for line in CHAIN if moment.has(line.symbol)] == [CALL]


def test_traded_is_whose_order_it_was() -> None:
    fault = a_fault(MARKET, "wrong_mode", {"symbols": ["traded", "spot"]}, when={"after": "fill"})
    force = a_force(fault, exchange=StagedExchange(*CHAIN))
    force.saw([change(Change.FILL, "10:00", PUT), change(Change.FILL, "10:05", CALL)])
    moment = force.moment(force.script.faults[0], at("10:00"))
    assert {line.symbol for line in CHAIN if moment.has(line.symbol)} == {PUT, "NIFTY"}


def test_place_among_the_subscriptions_chooses_too() -> None:
    force = a_force(a_fault(MARKET, "symbol_mute", {"symbols": ["subscribed:2"]}))
    moment = force.moment(force.script.faults[0], AT)
    assert [moment.has(CALL, place) for place in (0, 1, 2)] == [False, False, True]
