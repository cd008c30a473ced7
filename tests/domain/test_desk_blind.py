"""A short is left while no source has live prices: by the stop's stored limit, not by a quote."""

import pytest
from msgspec.structs import replace

from domain.books import Status
from domain.calls import Outcome
from domain.positions import Phase
from domain.protection import STOP_MODIFIES
from tests.orders import Bench, an_open_short, rows_of_short, sold, t
from tests.shorts import FORCE, brief, cover_row, phase, read_climb, sent

FROZEN = (11_000, 11_010)
"""Quotes of yesterday: a price at which nobody sells this option today."""


def blind(bench: Bench) -> Bench:
    bench.desk.trusted(entries=False, reason="no live prices", is_blind=True)
    return bench


ASKED = [("modify", "S1", 650, 15_230)]
"""The stop as it rests: whether the exchange takes anything at all."""

CANCELLED = [("cancel", "S1", 0, 0)]


def a_blind_flatten() -> Bench:
    """The short of tests/orders.py flattened at 18 s in the dark; the books were read since."""
    bench = blind(an_open_short())
    bench.desk.flatten("BLIND", t(18))
    bench.settle(18).read(19, rows_of_short(), [sold()])
    assert brief(bench.writes) == ASKED
    return bench


def a_blind_chase() -> Bench:
    """The exchange took the stop's change; the stop is gone for good at 23 s."""
    bench = a_blind_flatten().reply(19.2, orderid="S1").settle(20.3)
    assert brief(bench.writes) == CANCELLED
    bench.reply(21.2, orderid="S1").quote(21.5, *FROZEN)
    gone = rows_of_short(Status.CANCELLED)
    bench.read(22, gone, [sold()]).quote(22.5, *FROZEN)
    return bench.read(23, gone, [sold()])


def test_blind_short_is_left_at_the_stored_limit_whatever_frozen_quotes_say() -> None:
    bench = a_blind_chase()
    assert phase(bench) == (Phase.CHASE, "BLIND")
    assert sent(bench) == [("place", "LIMIT", 650, 15_230)]


def test_blind_ladder_climbs_without_a_look_at_quotes() -> None:
    bench = a_blind_chase().reply(23.2, orderid="C1")
    read_climb(bench, 24.5)
    assert brief(bench.quote(25, *FROZEN).writes) == [("modify", "C1", 650, 15_995)]


def test_blind_price_that_the_band_refused_is_cut_by_what_quotes_there_are() -> None:
    bench = a_blind_chase()
    bench.reply(23.2, Outcome.REJECTED, code="BAND").quote(24.5, 10_000)
    # The mean of 11000, 11000 and 10000 is 10666: 36 % above stands 14505.
    assert sent(bench.settle(25)) == [("place", "LIMIT", 650, 14_505)]


def test_force_close_in_the_dark_waits_for_no_quote() -> None:
    bench = blind(an_open_short()).settle(FORCE)
    gone = rows_of_short(Status.CANCELLED)
    bench.read(FORCE + 0.1, rows_of_short(), [sold()])
    assert brief(bench.writes) == ASKED
    bench.reply(FORCE + 0.2, orderid="S1").settle(FORCE + 1.3)
    assert brief(bench.writes) == CANCELLED
    bench.reply(FORCE + 1.4, orderid="S1").read(FORCE + 1.5, gone, [sold()]).take()
    assert sent(bench.read(FORCE + 2.6, gone, [sold()])) == [("place", "LIMIT", 650, 15_230)]


def test_stop_stays_while_the_exchange_stands_still() -> None:
    bench = a_blind_flatten().reply(19.2, Outcome.REJECTED, code="SESSION")
    bench.read(19.5, rows_of_short(), [sold()])
    assert bench.settle(60).settle(138.9).writes == []
    assert brief(bench.settle(139.1).writes) == ASKED
    bench.reply(139.3, orderid="S1")
    assert brief(bench.settle(140.4).writes) == CANCELLED


@pytest.mark.parametrize("code", ["BAND", "PRICE", "UNKNOWN_TEXT"])
def test_any_other_refusal_is_a_sign_of_life(code: str) -> None:
    bench = a_blind_flatten().reply(19.2, Outcome.REJECTED, code=code)
    bench.read(19.5, rows_of_short(), [sold()])
    assert brief(bench.settle(20.3).writes) == CANCELLED


def test_stop_that_takes_no_further_change_is_not_asked() -> None:
    bench = blind(an_open_short())
    stop = bench.order()
    bench.ledger._keep(replace(stop, modifies=STOP_MODIFIES))
    bench.desk.flatten("BLIND", t(18))
    bench.settle(18).read(19, rows_of_short(), [sold()])
    assert brief(bench.writes) == CANCELLED


def test_stop_asked_before_the_dark_is_asked_again_at_once() -> None:
    bench = blind(an_open_short())
    stop = bench.order()
    bench.ledger._keep(replace(stop, asked_at=t(16)))
    bench.desk.flatten("BLIND", t(18))
    bench.settle(18).read(19, rows_of_short(), [sold()])
    assert brief(bench.writes) == ASKED


def test_prices_that_return_lead_the_ladder_again() -> None:
    bench = a_blind_chase().reply(23.2, orderid="C1")
    bench.read(24.5, [*rows_of_short(Status.CANCELLED), cover_row(bench)], [sold()])
    bench.desk.trusted(entries=False, reason="prices are polled")
    assert brief(bench.quote(25, 15_200, 15_300).writes) == [("modify", "C1", 650, 16_830)]
