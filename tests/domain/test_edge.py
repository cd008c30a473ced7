"""Strikes that join while the market moves, and when the symbol master is asked for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from config.pack import load
from domain.calls import ChainRead, Failed, MarginRead, Outcome, ReadChain, ReadReply
from domain.contracts import Chain, Contract, Side, UniverseRule
from domain.edge import Edge, Found
from domain.params import UniverseParams
from domain.units import SECOND, Day, Micros, Paise, Symbol
from tests.trading import DAY, PLAN, a_chain, a_contract, a_forming, at

PACK = load()
RULE = UniverseRule(underlying="NIFTY", width_points=400, step_points=50, atm_round_points=100)
PARAMS = UniverseParams(width_points=400, edge_points=150)
INDEX = Symbol("NIFTY")
NOW = at("10:00")
LATER = Micros(NOW + 5 * SECOND)
SILENT = Failed(call="ReadChain", outcome=Outcome.UNKNOWN, at=NOW, status=500, text="no")


def both(*points: int) -> tuple[Contract, ...]:
    return tuple(a_contract(strike, side) for strike in points for side in Side)


MORNING = a_chain(*both(*range(25_600, 26_401, 50)))
"""400 points on each side of 26,000."""


def a_read(*points: int, missing: tuple[str, ...] = ()) -> ChainRead:
    return ChainRead(expiry=Day("2026-11-23"), contracts=both(*points), missing=missing)


class Asked(Edge):
    """An edge, and the number of the question that it asked last."""

    number = 0

    def sees(self, low: int, high: int | None = None) -> "Asked":
        """Show a minute of the index, in points."""
        top = (high or low) * 100
        self.price(a_forming(45, top, low=low * 100, high=top, symbol=INDEX))
        return self

    def call(self, at: Micros = NOW) -> ReadChain | None:
        due = self.due(at)
        if due is None:
            return None
        self.number, call = due
        return call

    def points(self, at: Micros = NOW) -> list[int]:
        """Return which strikes are asked for."""
        call = self.call(at)
        return [strike // 100 for strike in call.strikes] if call else []

    def hear(self, reply: ReadReply, at: Micros = NOW) -> Found | None:
        return self.answer(self.number, reply, at)


def an_edge(
    chain: Chain = MORNING, rule: UniverseRule = RULE, params: UniverseParams = PARAMS
) -> Asked:
    return Asked(rule, params, PACK, PLAN, chain)


# When to ask, and for what.


def test_nothing_is_asked_before_the_index_was_seen() -> None:
    assert an_edge().call() is None


@pytest.mark.parametrize(
    ("low", "high", "asked"),
    [
        (26_000, 26_250, []),
        (26_000, 26_251, [26_450, 26_500, 26_550, 26_600]),
        (25_750, 26_000, []),
        (25_749, 26_000, [25_400, 25_450, 25_500, 25_550]),
    ],
)
def test_half_a_width_is_asked_for_once_the_last_strike_is_nearer_than_the_edge(
    low: int, high: int, asked: list[int]
) -> None:
    """The last strikes are 25,600 and 26,400; exactly 150 points away is far enough."""
    assert an_edge().sees(low, high).points() == asked


def test_strikes_are_read_on_the_options_exchange_of_the_day() -> None:
    strikes = tuple(Paise(points * 100) for points in (26_450, 26_500, 26_550, 26_600))
    assert an_edge().sees(26_300).call() == ReadChain(
        underlying="NIFTY", exchange="NFO", day=DAY, strikes=strikes
    )


def test_edge_of_nothing_waits_until_spot_has_passed_the_last_strike() -> None:
    edge = an_edge(params=UniverseParams(edge_points=0))
    assert edge.sees(26_400).points() == []
    assert edge.sees(26_401).points() != []


def test_half_of_a_narrow_width_is_one_strike() -> None:
    rule = replace(RULE, width_points=50)
    edge = an_edge(a_chain(*both(25_950, 26_000, 26_050)), rule)
    assert edge.sees(26_000).points() == [26_100]


def test_only_prices_of_the_index_that_can_be_believed_count() -> None:
    edge = an_edge()
    edge.price(a_forming(45, 2_640_000))
    edge.sees(26_000, 31_201).sees(20_799, 26_000)
    assert edge.call() is None
    assert edge.sees(26_000, 31_200).points() != []


@pytest.mark.parametrize(
    ("when", "is_asked"),
    [("09:14:59", False), ("09:15", True), ("15:09:59", True), ("15:10", False)],
)
def test_strikes_are_asked_for_while_entries_may_be_made(when: str, is_asked: bool) -> None:
    assert (an_edge().sees(26_300).call(at(when)) is not None) is is_asked


def test_strikes_the_master_lacked_this_morning_are_not_asked_for_again() -> None:
    edge = an_edge(a_chain(*both(25_950, 26_000)))
    assert edge.sees(26_000).call() is None
    assert edge.sees(26_300).points() == [26_450, 26_500, 26_550, 26_600]


def test_chain_that_had_grown_before_a_restart_goes_on_from_its_last_strike() -> None:
    edge = an_edge(MORNING.grown(both(26_450, 26_500, 26_550, 26_600)))
    assert edge.sees(26_450).call() is None
    assert edge.sees(26_451).points() == [26_650, 26_700, 26_750, 26_800]


def test_strikes_below_nothing_do_not_exist() -> None:
    edge = an_edge(a_chain(*both(50, 100, 150, 500), atm=100))
    assert edge.sees(100).call() is None


def test_last_strikes_above_nothing_are_fewer_than_half_a_width() -> None:
    loose = UniverseParams(edge_points=150, spot_sanity_bps=5_000)
    edge = an_edge(a_chain(*both(550), atm=550), params=loose)
    assert edge.sees(280).points() == [50, 100]


# What comes of it.


def test_contracts_that_agree_with_the_rules_join_and_the_next_ones_wait() -> None:
    edge = an_edge().sees(26_300)
    edge.call()
    joined = both(26_450, 26_500, 26_550, 26_600)
    assert edge.hear(a_read(26_450, 26_500, 26_550, 26_600)) == Found(contracts=joined)
    assert edge.call() is None
    assert edge.sees(26_451).points() == [26_650, 26_700, 26_750, 26_800]


def test_gap_of_more_than_half_a_width_takes_two_questions() -> None:
    edge = an_edge().sees(26_600)
    assert edge.points() == [26_450, 26_500, 26_550, 26_600]
    assert edge.call() is None, "one question at a time"
    assert edge.hear(a_read(26_450, 26_500, 26_550, 26_600)) is not None
    assert edge.points() == [26_650, 26_700, 26_750, 26_800]
    edge.hear(a_read(26_650, 26_700, 26_750, 26_800))
    assert edge.call() is None


def test_minute_that_came_near_both_ends_asks_for_one_after_the_other() -> None:
    edge = an_edge().sees(25_700, 26_300)
    assert edge.points() == [26_450, 26_500, 26_550, 26_600]
    edge.hear(a_read(26_450, 26_500, 26_550, 26_600))
    assert edge.points() == [25_400, 25_450, 25_500, 25_550]
    assert edge.hear(a_read(25_400, 25_450, 25_500, 25_550)) == Found(
        contracts=both(25_400, 25_450, 25_500, 25_550)
    )
    assert edge.call() is None


@pytest.mark.parametrize(
    ("spot", "said"),
    [
        (26_300, "universe: no strikes above 26400.00"),
        (25_700, "universe: no strikes below 25600.00"),
    ],
)
def test_end_of_the_master_is_said_once_and_not_asked_about_again(spot: int, said: str) -> None:
    edge = an_edge().sees(spot)
    edge.call()
    assert edge.hear(a_read(missing=("26450.00",))) == Found(warnings=(said,))
    assert edge.sees(2 * spot - 26_000).call(at("14:00")) is None
    assert edge.sees(52_000 - spot).call() is not None, "the other end is another matter"


def test_contracts_known_already_are_nothing_new() -> None:
    edge = an_edge().sees(26_300)
    edge.call()
    assert edge.hear(a_read(26_350, 26_400)) == Found(
        warnings=("universe: no strikes above 26400.00",)
    )


def test_contracts_that_joined_are_nothing_new_either() -> None:
    edge = an_edge().sees(26_600)
    edge.call()
    edge.hear(a_read(26_450))
    edge.call()
    found = edge.hear(a_read(26_450))
    assert found == Found(warnings=("universe: no strikes above 26600.00",))


def test_strikes_the_master_lacks_are_only_a_warning() -> None:
    edge = an_edge().sees(26_300)
    edge.call()
    assert edge.hear(a_read(26_450, 26_500, missing=("26550.00", "26600.00"))) == Found(
        contracts=both(26_450, 26_500),
        warnings=("universe: no contract at strikes 26550.00 26600.00",),
    )


def test_contracts_that_differ_from_the_rules_do_not_join_and_are_said_once() -> None:
    edge = an_edge().sees(26_300)
    edge.call()
    wrong = ChainRead(
        expiry=Day("2026-11-23"),
        contracts=(a_contract(26_450, lot=75), a_contract(26_450, Side.PE)),
        missing=(),
    )
    assert edge.hear(wrong) == Found(
        against=("rules_mismatch: lot NIFTY pack=65 master=75",),
    )
    assert edge.call() is None
    assert edge.sees(26_451).points() == [26_650, 26_700, 26_750, 26_800]


def test_contracts_of_another_expiry_than_this_mornings_do_not_join() -> None:
    morning = replace(MORNING, expiry=Day("2026-11-30"))
    edge = an_edge(morning).sees(26_300)
    edge.call()
    found = edge.hear(a_read(26_450))
    assert found == Found(against=("expiry=2026-11-23 this morning=2026-11-30",))


def test_smaller_freeze_quantity_joins_as_it_will_be_used() -> None:
    edge = an_edge().sees(26_300)
    edge.call()
    small = a_contract(26_450, freeze=900)
    found = edge.hear(ChainRead(expiry=small.expiry, contracts=(small,), missing=()))
    assert found == Found(
        contracts=(small,),
        warnings=("rules_mismatch: freeze NIFTY pack=1800 master=900",),
    )


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (SILENT, "ReadChain failed status=500 no"),
        (MarginRead(total=Paise(1)), "no contract was answered"),
    ],
)
def test_answer_of_no_use_is_asked_for_again_after_a_while(reply: ReadReply, fault: str) -> None:
    edge = an_edge().sees(26_300)
    first = edge.call()
    assert edge.hear(reply) is None
    assert edge.fault == fault
    assert edge.call(Micros(LATER - 1)) is None
    assert edge.call(LATER) == first
    edge.hear(a_read(26_450), LATER)
    assert edge.fault == ""


def test_answer_that_never_comes_is_waited_for_five_minutes() -> None:
    edge = an_edge().sees(26_300)
    first = edge.call()
    lost = edge.number
    assert edge.call(at("10:04:59")) is None
    assert edge.call(at("10:05")) == first
    assert edge.answer(lost, a_read(26_450), at("10:05:01")) is None
    assert edge.hear(a_read(26_450), at("10:05:02")) == Found(contracts=both(26_450))


def test_answer_to_a_question_of_before_the_restart_is_not_taken() -> None:
    before = an_edge().sees(26_300)
    first = before.call()
    after = an_edge()
    assert after.answer(before.number, a_read(26_450), NOW) is None
    assert after.sees(26_300).call() == first


@given(st.lists(st.integers(24_000, 28_000), max_size=12))
def test_wherever_spot_goes_the_money_is_covered_in_the_end(walk: list[int]) -> None:
    """With a master that knows every strike: what was covered stays, what is near is covered."""
    edge, covered = an_edge(), {contract.strike for contract in MORNING.contracts}
    for spot in walk:
        edge.sees(spot)
        while points := edge.points():
            found = edge.hear(a_read(*points))
            assert found is not None
            new = {contract.strike for contract in found.contracts}
            assert not new & covered
            covered |= new
        assert min(covered) <= (spot - 150) * 100
        assert max(covered) >= (spot + 150) * 100
        assert sorted(covered) == list(range(min(covered), max(covered) + 1, 5000))
