"""Every refusal row of `sandbox.md` 5 that needs no schema, and what a write does to the book."""

from typing import Any

import pytest

from domain.books import Action
from domain.units import Micros, Paise, Units
from sandbox.kinds import Done, ModifyIn, No, PriceKind
from sandbox.params import LatencyParams, Lognormal, MatchingParams
from sandbox.truth import Refused
from tests.sandbox.pit import Pit, an_order, at, settings

SL = {"kind": PriceKind.SL}
BUY = {"action": Action.BUY}
AT_ONCE = {
    "unknown symbol (seen)": (
        {"symbol": "NIFTY23NOV2626001CE"},
        "Symbol NIFTY23NOV2626001CE not found on NFO",
    ),
    "known symbol, other exchange (seen)": (
        {"exchange": "BFO"},
        "Symbol NIFTY23NOV2626000CE not found on BFO",
    ),
    "an index cannot be traded (openalgo.md 8.9)": (
        {"symbol": "NIFTY", "exchange": "NSE_INDEX"},
        "Index instruments cannot be traded",
    ),
    "CNC on a derivative (seen)": (
        {"product": "CNC"},
        (
            "CNC product not allowed for NFO derivatives segment. "
            "Use NRML for carryforward or MIS for intraday."
        ),
    ),
    "SL-M on an option (NSE 2021-09-27)": (
        {"kind": PriceKind.SLM, "trigger": 14_000},
        "SL-M orders are not allowed for options",
    ),
    "unprotected MARKET (brokers 2026-04-01)": (
        {"kind": PriceKind.MARKET, "price": 0},
        "Market orders without protection are not allowed",
    ),
    "LIMIT without price (seen)": ({"price": 0}, "LIMIT orders require price"),
    "SL without trigger (seen)": ({**SL}, "SL orders require trigger_price"),
    "SL without price (seen)": ({**SL, "trigger": 14_000, "price": 0}, "SL orders require price"),
    "no lot multiple (seen)": ({"quantity": 70}, "Quantity must be in multiples of lot size 65"),
    "above freeze (NSE 2026-01-30)": ({"quantity": 1_820}, "Quantity exceeds freeze limit"),
    "price off tick (symbol master)": (
        {"price": 13_003},
        "Price 130.03 is not a multiple of tick size 0.05",
    ),
    "trigger off tick (symbol master)": (
        {**SL, "price": 13_000, "trigger": 13_003},
        "Price 130.03 is not a multiple of tick size 0.05",
    ),
}


@pytest.mark.parametrize(("changes", "text"), AT_ONCE.values(), ids=AT_ONCE.keys())
def test_refused_at_the_door_without_a_row(changes: dict[str, Any], text: str) -> None:
    pit = Pit(settings(rules=("market_orders.sandbox=refuse",)))
    assert pit.place(**changes) == No(status=400, text=text)
    assert pit.account.book.orders == {}
    assert pit.rows(Refused) == [Refused(route="place", orderid="", text=text)]


def test_largest_order_under_the_freeze_quantity_passes() -> None:
    pit = Pit()
    assert pit.state(pit.orderid(quantity=1_755)) == ("open", 0)
    pit = Pit(settings(rules=("freeze.NIFTY=1755",)))
    assert pit.state(pit.orderid(quantity=1_755)) == ("open", 0)


AT_THE_EXCHANGE = {
    "BUY trigger already met": ({**SL, **BUY, "trigger": 15_000, "price": 15_300}, "crossed"),
    "SELL trigger already met": ({**SL, "trigger": 15_000, "price": 14_700}, "crossed"),
    "BUY limit below its trigger": ({**SL, **BUY, "trigger": 16_000, "price": 15_900}, "beyond"),
    "SELL limit above its trigger": ({**SL, "trigger": 14_000, "price": 14_100}, "beyond"),
    "BUY above the band (NSE/FAOP/54242)": ({**BUY, "price": 21_005}, "band"),
    "SELL below the band (NSE/FAOP/54242)": ({"price": 8_995}, "band"),
}
TEXTS = {
    "crossed": "Trigger price already crossed",
    "beyond": "Limit price must be beyond trigger",
    "band": "Order price is beyond LPP limit",
}


@pytest.mark.parametrize(
    ("changes", "reason"), AT_THE_EXCHANGE.values(), ids=AT_THE_EXCHANGE.keys()
)
def test_refused_at_the_exchange_with_a_rejected_row_and_a_push(
    changes: dict[str, Any], reason: str
) -> None:
    pit = Pit()
    orderid = pit.orderid(**changes)
    assert pit.state(orderid) == ("rejected", 0)
    assert pit.order(orderid).reason == TEXTS[reason]
    assert [push[:2] for push in pit.pushed()] == [("rejected", "rejected")]


@pytest.mark.parametrize(
    ("changes", "reason"), AT_THE_EXCHANGE.values(), ids=AT_THE_EXCHANGE.keys()
)
def test_analyzer_refuses_the_same_without_a_row(changes: dict[str, Any], reason: str) -> None:
    pit = Pit(settings(reject_style="analyze"))
    assert pit.place(**changes) == No(status=400, text=TEXTS[reason])
    assert pit.account.book.orders == {}


@pytest.mark.parametrize(
    "changes",
    [
        {**SL, **BUY, "trigger": 15_005, "price": 15_005},
        {**SL, "trigger": 14_995, "price": 14_995},
        {**BUY, "price": 21_000},
        {"price": 9_000},
        {**BUY, "price": 5},
        {"price": 100_000},
    ],
)
def test_just_inside_every_limit_is_accepted(changes: dict[str, Any]) -> None:
    pit = Pit()
    assert pit.order(pit.orderid(**changes)).status.is_live


def test_short_margin_is_refused_in_rupees() -> None:
    """One lot of 26000 CE at 150.00 needs 181,220.00 (`sandbox.md` 5, worked)."""
    pit = Pit(settings(capital_p=15_000_000))
    orderid = pit.orderid()
    assert pit.order(orderid).reason == (
        "Insufficient funds. Required: 181220.00, Available: 150000.00, Shortage: 31220.00"
    )


def test_order_that_only_reduces_needs_no_margin() -> None:
    pit = Pit(settings(capital_p=18_200_000))
    pit.show([(15_000, 65)], [(15_050, 650)])
    short = pit.orderid()
    assert pit.state(short) == ("complete", 65)
    assert pit.state(pit.orderid(**BUY, price=15_000)) == ("open", 0)
    assert pit.order(pit.orderid(**BUY, price=15_000)).status == "rejected"


def test_closed_market_takes_nothing() -> None:
    pit = Pit()
    for wall in ("09:14:59", "15:40"):
        pit.now = at(wall)
        assert pit.place() == No(status=400, text="Market is closed")
    pit.now = at("15:39:59")
    assert pit.place(product="NRML") != No(status=400, text="Market is closed")


def test_new_intraday_order_after_square_off_is_refused_unless_it_reduces() -> None:
    pit = Pit()
    pit.show([(15_000, 65)], [(15_050, 650)])
    pit.orderid()
    pit.now = at("15:25")
    text = (
        "MIS orders cannot be placed after square-off time (15:25 IST). "
        "Trading resumes at 09:00 AM IST."
    )
    assert pit.place() == No(status=400, text=text)
    assert pit.place(**BUY, quantity=130) == No(status=400, text=text)
    assert isinstance(pit.place(**BUY, quantity=65), Done)
    assert isinstance(pit.place(product="NRML"), Done)


def test_order_that_reaches_the_exchange_after_the_close_is_rejected() -> None:
    slow = LatencyParams(place_ms=Lognormal(median=2_000, sigma=0.0))
    pit = Pit(settings(latency=slow))
    pit.now = Micros(at("15:40") - 1_000_000)
    deferred = pit.writes.place(Micros(pit.now), an_order(product="NRML"))
    pit.sleep(3)
    answer = deferred.result()
    assert isinstance(answer, Done)
    assert pit.order(answer.orderid).reason == "Market is closed"


def test_protected_market_order_is_a_limit_near_the_last_price() -> None:
    pit = Pit(settings(rules=("market_orders.sandbox=protect",)))
    pit.show([(14_900, 65)], [(15_050, 650)], printed=(15_000, 65))
    order = pit.orderid(kind=PriceKind.MARKET, price=0, quantity=130)
    assert pit.fills(order) == [(14_900, 65)]
    assert (pit.state(order), pit.order(order).price) == (("open", 65), 14_250)


def test_allowed_market_order_takes_whatever_is_displayed() -> None:
    pit = Pit(settings(rules=("market_orders.sandbox=allow", "lpp.band_bps=none")))
    pit.show([(14_900, 65), (100, 65)], [(15_050, 650)], printed=(15_000, 65))
    order = pit.orderid(kind=PriceKind.MARKET, price=0, quantity=130)
    assert pit.fills(order) == [(14_900, 65), (100, 65)]


def test_stop_market_order_of_a_day_that_still_had_them() -> None:
    pit = Pit(settings(rules=("sl_m.NFO=allow", "lpp.band_bps=none")))
    stop = pit.orderid(**BUY, kind=PriceKind.SLM, trigger=16_000, price=0)
    pit.show([(15_990, 65)], [(16_500, 650)], printed=(16_000, 65))
    assert pit.fills(stop) == [(16_500, 65)]


def test_modify_carries_absolute_values_and_pushes_nothing() -> None:
    pit = Pit()
    order = pit.orderid(price=15_100, quantity=195)
    pit.pushed()
    answer = pit.modify(order, price=15_200, quantity=130)
    assert answer == Done(orderid=order, message="Order modified successfully")
    line = pit.order(order)
    assert (line.price, line.quantity, line.modifies) == (15_200, 130, 1)
    assert pit.pushed() == []


def test_zero_in_a_modify_keeps_price_and_trigger() -> None:
    pit = Pit()
    stop = pit.orderid(**SL, **BUY, trigger=16_000, price=16_300, quantity=130)
    pit.modify(stop, quantity=65)
    line = pit.order(stop)
    assert (line.quantity, line.price, line.trigger) == (65, 16_300, 16_000)


MODIFIES = {
    "off tick": ({"price": 15_003}, "Price 150.03 is not a multiple of tick size 0.05"),
    "wrong lot": ({"quantity": 200}, "Quantity must be in multiples of lot size 65"),
    "above freeze": ({"quantity": 1_820}, "Quantity exceeds freeze limit"),
    "below what is filled": ({"quantity": 65}, "Quantity cannot be below the filled quantity"),
    "beyond the band": ({"price": 8_995}, "Order price is beyond LPP limit"),
}


@pytest.mark.parametrize(("changes", "text"), MODIFIES.values(), ids=MODIFIES.keys())
def test_refused_modify_leaves_the_order_as_it_was(changes: dict[str, Any], text: str) -> None:
    pit = Pit()
    pit.show([(15_000, 130)], [(15_050, 650)])
    order = pit.orderid(quantity=195)
    before = pit.order(order)
    assert before.filled == 130
    assert pit.modify(order, **changes) == No(status=400, text=text)
    assert pit.order(order) == before


def test_stop_cannot_be_moved_across_the_market() -> None:
    pit = Pit()
    stop = pit.orderid(**SL, **BUY, trigger=16_000, price=16_300)
    assert pit.modify(stop, trigger=15_000) == No(status=400, text="Trigger price already crossed")
    assert pit.order(stop).trigger == 16_000


def test_cut_to_what_is_filled_completes_the_order() -> None:
    pit = Pit()
    pit.show([(15_000, 65)], [(15_050, 650)])
    order = pit.orderid(quantity=130)
    pit.modify(order, quantity=65)
    assert pit.state(order) == ("complete", 65)
    assert pit.account.book.symbols == frozenset()


def test_modifications_of_one_order_are_counted() -> None:
    pit = Pit(settings(rules=("max_modifies.sandbox=2",)))
    order = pit.orderid(price=15_100)
    assert isinstance(pit.modify(order, price=15_105), Done)
    assert isinstance(pit.modify(order, price=15_110), Done)
    assert pit.modify(order, price=15_115) == No(
        status=400, text="Maximum allowed order modifications exceeded"
    )


def test_larger_order_must_be_affordable() -> None:
    pit = Pit(settings(capital_p=20_000_000))
    order = pit.orderid()
    refused = pit.modify(order, quantity=130)
    assert isinstance(refused, No)
    assert refused.text.startswith("Insufficient funds. Required: 362440.00, Available: 200000.00")


def test_cancel_ends_an_order_and_says_so() -> None:
    pit = Pit()
    order = pit.orderid()
    pit.pushed()
    assert pit.cancel(order) == Done(orderid=order, message="Order cancelled successfully")
    assert pit.state(order) == ("cancelled", 0)
    assert pit.pushed() == [("cancelled", "cancelled", 15_000)]


def test_fill_before_the_cancel_takes_effect_is_real() -> None:
    slow = LatencyParams(place_ms=Lognormal(median=0), cancel_ms=Lognormal(median=2_000, sigma=0.0))
    pit = Pit(settings(latency=slow))
    order = pit.orderid()
    deferred = pit.writes.cancel(Micros(pit.now), order)
    pit.show([(15_000, 650)], [(15_050, 650)])
    pit.sleep(3)
    assert deferred.result() == No(status=400, text="Cannot cancel order in complete status")
    assert pit.fills(order) == [(15_000, 65)]


def test_fill_before_the_modify_takes_effect_is_real() -> None:
    slow = LatencyParams(place_ms=Lognormal(median=0), modify_ms=Lognormal(median=2_000, sigma=0.0))
    pit = Pit(settings(latency=slow))
    order = pit.orderid()
    deferred = pit.writes.modify(
        Micros(pit.now), ModifyIn(orderid=order, quantity=Units(65), price=Paise(15_100))
    )
    pit.show([(15_000, 650)], [(15_050, 650)])
    pit.sleep(3)
    assert deferred.result() == No(status=400, text="Cannot modify order in complete status")


def test_unknown_and_ended_orders_are_told_apart() -> None:
    pit = Pit()
    assert pit.cancel("999") == No(status=404, text="Order 999 not found")
    order = pit.orderid()
    pit.cancel(order)
    assert pit.cancel(order) == No(status=400, text="Cannot cancel order in cancelled status")
    assert pit.modify(order, price=15_100) == No(
        status=400, text="Cannot modify order in cancelled status"
    )


def test_answer_is_not_known_before_its_instant() -> None:
    pit = Pit(settings(latency=LatencyParams()))
    deferred = pit.writes.place(Micros(pit.now), an_order())
    assert deferred.ready_at > pit.now
    with pytest.raises(LookupError):
        deferred.result()


def test_latencies_are_lognormal_and_capped() -> None:
    pit = Pit(settings(latency=LatencyParams(place_ms=Lognormal(median=45, sigma=0.6, cap=100))))
    spans = sorted(
        pit.writes.place(Micros(pit.now), an_order(price=30_000)).ready_at - pit.now
        for _ in range(401)
    )
    assert 40_000 < spans[200] < 50_000
    assert spans[-1] == 100_000


def test_order_ids_are_14_digits_of_the_day_and_not_in_order() -> None:
    pit = Pit()
    ids = [pit.orderid(price=30_000) for _ in range(20)]
    assert all(len(orderid) == 14 and orderid.startswith("261119") for orderid in ids)
    assert len(set(ids)) == 20
    assert ids != sorted(ids)


def test_protection_of_a_market_order_is_a_setting() -> None:
    protect = MatchingParams(market_protection_bp=100)
    pit = Pit(settings(matching=protect, rules=("market_orders.sandbox=protect",)))
    order = pit.orderid(**BUY, kind=PriceKind.MARKET, price=0)
    assert pit.order(order).price == 15_150
