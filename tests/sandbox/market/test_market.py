"""Merging lines: in order of time, each update once, whoever is followed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.units import SECOND, Micros, Symbol
from tests.draws import at_most
from tests.sandbox.market.chain import a_market, updates
from tests.sandbox.pit import CALL, PUT, at

INDEX = Symbol("NIFTY")
ALL = frozenset({CALL, PUT, INDEX})


def test_followed_symbols_come_in_order_of_time() -> None:
    market = a_market()
    taken = market.take(at("09:20"), ALL)
    assert [out.at for out in taken] == sorted(out.at for out in taken)
    assert {out.symbol for out in taken} == ALL
    assert taken[0].at == at("09:15")


def test_nothing_comes_twice_and_nothing_is_left_out() -> None:
    market = a_market()
    steps = [Micros(at("09:15") + n * 700_000) for n in range(500)]
    taken = [out for step in steps for out in market.take(step, ALL)]
    assert taken == a_market().take(steps[-1], ALL)


def test_last_second_belongs_to_the_day_and_nothing_after_it() -> None:
    market = a_market()
    taken = market.take(at("18:00"), frozenset({INDEX}))
    assert len(taken) == 23_100
    assert market.take(at("19:00"), frozenset({INDEX})) == []


follows = st.frozensets(st.sampled_from(sorted(ALL)))


@pytest.mark.slow
@at_most(30)
@given(st.lists(st.tuples(st.integers(1, 90), follows), max_size=10))
def test_following_reports_exactly_the_lines_own_updates(
    steps: list[tuple[int, frozenset[Symbol]]],
) -> None:
    market, now = a_market(), Micros(at("09:15") - SECOND)
    for span, followed in steps:
        until = Micros(now + span * SECOND)
        taken = market.take(until, followed)
        own = [
            out
            for symbol in followed
            for out in updates(a_market(), symbol, 20)
            if now < out.at <= until
        ]
        assert sorted(taken, key=lambda o: (o.at, o.symbol)) == sorted(
            own, key=lambda o: (o.at, o.symbol)
        )
        now = until


def test_skipping_leaves_the_rest_as_it_would_have_been() -> None:
    market = a_market()
    market.skip(at("09:20"))
    rest = market.take(at("09:21"), ALL)
    assert rest == [out for out in a_market().take(at("09:21"), ALL) if out.at > at("09:20")]
