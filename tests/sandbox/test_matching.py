"""The worked examples of `sandbox.md` 4, and what must hold whatever the market does."""

from hypothesis import given
from hypothesis import strategies as st

from domain.books import Action
from domain.units import Micros, Paise
from sandbox.kinds import PriceKind, Status
from sandbox.params import MatchingParams
from sandbox.truth import Band
from tests.sandbox.pit import CALL, Pit, settings

STOP = {"action": Action.BUY, "kind": PriceKind.SL, "trigger": 21_000, "price": 21_300}


def a_pit_around(price: int) -> Pit:
    pit = Pit()
    pit.lines[CALL].reference_p = price
    return pit


def test_jumped_stop_rests_as_a_limit_order() -> None:
    pit = a_pit_around(20_000)
    stop = pit.orderid(**STOP)
    assert pit.state(stop) == ("trigger pending", 0)

    pit.show([(21_900, 650)], [(22_100, 650)], printed=(22_000, 65))
    assert pit.state(stop) == ("open", 0)

    pit.show([(20_400, 650)], [(20_510, 650)])
    assert pit.state(stop) == ("complete", 65)
    assert pit.fills(stop) == [(21_300, 65)]


def test_queue_is_served_first() -> None:
    pit = Pit()
    pit.show([(15_000, 650)], [(15_050, 650)])
    order = pit.orderid(price=15_050, quantity=130)

    pit.show([(15_000, 650)], [(15_055, 650)], printed=(15_050, 520))
    assert pit.state(order) == ("open", 0)
    pit.show([(15_000, 650)], [(15_055, 650)], printed=(15_050, 195))
    assert pit.state(order) == ("open", 65)
    assert pit.fills(order) == [(15_050, 65)]


def test_marketable_limit_walks_the_levels() -> None:
    pit = Pit()
    pit.show([(15_000, 65)], [(15_050, 65), (15_080, 65), (15_120, 650)])
    order = pit.orderid(action=Action.BUY, price=15_100, quantity=195)
    assert pit.fills(order) == [(15_050, 65), (15_080, 65)]
    assert pit.state(order) == ("open", 130)


def test_selling_limit_walks_the_bids_down_to_its_price() -> None:
    pit = Pit()
    pit.show([(15_000, 65), (14_990, 65), (14_900, 650)], [(15_050, 65)])
    order = pit.orderid(price=14_950, quantity=195)
    assert pit.fills(order) == [(15_000, 65), (14_990, 65)]


def test_resting_order_is_filled_at_its_own_price_by_a_print_through_it() -> None:
    pit = Pit()
    pit.show([(15_000, 650)], [(15_050, 650)])
    order = pit.orderid(price=15_050, quantity=650)
    pit.show([(15_040, 65)], [(15_200, 650)], printed=(15_100, 520))
    assert pit.fills(order) == [(15_050, 260)]


def test_participation_in_a_print_of_one_lot_is_one_lot() -> None:
    pit = Pit()
    order = pit.orderid(price=15_050, quantity=650)
    pit.show([], [], printed=(15_100, 65))
    assert pit.fills(order) == [(15_050, 65)]


def test_two_orders_of_ours_share_one_print_price_first() -> None:
    pit = Pit()
    late_but_better = {"price": 15_050, "quantity": 130}
    first = pit.orderid(price=15_060, quantity=650)
    second = pit.orderid(**late_but_better)
    pit.show([], [], printed=(15_100, 520))
    assert pit.fills(second) == [(15_050, 130)]
    assert pit.fills(first) == [(15_060, 195)]


def test_what_one_order_took_is_gone_for_the_next_until_the_book_changes() -> None:
    pit = Pit()
    pit.show([(15_000, 65)], [(15_050, 65)])
    first = pit.orderid(price=15_000)
    second = pit.orderid(price=15_000)
    assert (pit.state(first), pit.state(second)) == (("complete", 65), ("open", 0))
    pit.show([(15_000, 65)], [(15_050, 65)])
    assert pit.state(second) == ("complete", 65)


def test_stop_is_inert_until_a_print_touches_its_trigger() -> None:
    pit = a_pit_around(20_000)
    stop = pit.orderid(**STOP)
    pit.show([(21_200, 650)], [(21_250, 650)])
    assert pit.state(stop) == ("trigger pending", 0)
    pit.show([(21_200, 650)], [(21_250, 650)], printed=(20_995, 65))
    assert pit.state(stop) == ("trigger pending", 0)
    pit.show([(20_900, 650)], [(20_950, 650)], printed=(21_000, 65))
    assert pit.fills(stop) == [(20_950, 65)]


def test_selling_stop_triggers_at_or_below_its_trigger() -> None:
    pit = Pit()
    stop = pit.orderid(kind=PriceKind.SL, trigger=14_000, price=13_700)
    pit.show([(14_000, 650)], [(14_010, 650)], printed=(14_005, 65))
    assert pit.state(stop) == ("trigger pending", 0)
    pit.show([(13_990, 650)], [(14_010, 650)], printed=(14_000, 65))
    assert pit.fills(stop) == [(13_990, 65)]


def test_trigger_is_forgotten_once_it_was_met() -> None:
    pit = a_pit_around(20_000)
    stop = pit.orderid(**STOP)
    pit.show([(21_900, 650)], [(22_100, 650)], printed=(22_000, 65))
    pit.show([(19_900, 650)], [(20_000, 650)], printed=(20_000, 65))
    assert pit.fills(stop) == [(21_300, 65)]


def test_stop_is_held_against_the_band_of_the_moment_it_triggers() -> None:
    pit = Pit()
    stop = pit.orderid(action=Action.BUY, kind=PriceKind.SL, trigger=16_000, price=17_000)
    pit.lines[CALL].reference_p = 12_000
    pit.show([(15_990, 650)], [(16_010, 650)], printed=(16_000, 65))
    assert pit.state(stop) == ("rejected", 0)
    assert pit.order(stop).reason == "Order price is beyond LPP limit"
    assert pit.rows(Band) == [
        Band(
            orderid=stop,
            symbol=CALL,
            price=Paise(17_000),
            reference=Paise(12_000),
            low=Paise(7_200),
            high=Paise(16_800),
        )
    ]


def test_quantity_cut_keeps_the_place_in_the_queue() -> None:
    pit = Pit()
    pit.show([(15_000, 650)], [(15_050, 650)])
    order = pit.orderid(price=15_050, quantity=195)
    pit.show([(15_000, 650)], [(15_050, 650)], printed=(15_050, 585))
    pit.modify(order, quantity=130)
    pit.show([(15_000, 650)], [(15_050, 650)], printed=(15_050, 195))
    assert pit.fills(order) == [(15_050, 130)]


def test_new_price_goes_to_the_back_of_the_queue() -> None:
    pit = Pit()
    pit.show([(15_000, 650)], [(15_050, 650), (15_055, 650)])
    order = pit.orderid(price=15_050, quantity=65)
    pit.show([(15_000, 650)], [(15_050, 650), (15_055, 650)], printed=(15_050, 585))
    pit.modify(order, price=15_055)
    pit.show([(15_000, 650)], [(15_055, 650)], printed=(15_055, 585))
    assert pit.state(order) == ("open", 0)
    pit.show([(15_000, 650)], [(15_055, 650)], printed=(15_055, 130))
    assert pit.state(order) == ("complete", 65)


def test_restart_puts_a_resting_order_at_the_back_of_the_queue() -> None:
    pit = Pit()
    pit.show([(15_000, 650)], [(15_050, 650)])
    order = pit.orderid(price=15_050, quantity=65)
    pit.show([(15_000, 650)], [(15_050, 650)], printed=(15_050, 585))
    pit.matching.restore(Micros(pit.now))
    pit.show([(15_000, 650)], [(15_055, 650)], printed=(15_050, 650))
    assert pit.state(order) == ("open", 0)


def test_repriced_order_takes_what_is_displayed() -> None:
    pit = Pit()
    pit.show([(15_000, 650)], [(15_050, 650)])
    order = pit.orderid(price=15_050, quantity=65)
    pit.modify(order, price=14_995)
    assert pit.fills(order) == [(15_000, 65)]


def test_queue_factor_lengthens_the_queue() -> None:
    pit = Pit(settings(matching=MatchingParams(queue_factor=2.0)))
    pit.show([(15_000, 650)], [(15_050, 650)])
    order = pit.orderid(price=15_050, quantity=65)
    pit.show([(15_000, 650)], [(15_055, 650)], printed=(15_050, 1300))
    assert pit.state(order) == ("open", 0)
    pit.show([(15_000, 650)], [(15_055, 650)], printed=(15_050, 65))
    assert pit.state(order) == ("complete", 65)


def test_extra_slippage_makes_each_level_worse() -> None:
    pit = Pit(settings(matching=MatchingParams(extra_slippage_ticks=2)))
    pit.show([(15_000, 650)], [(15_050, 650)])
    order = pit.orderid(price=14_900)
    assert pit.fills(order) == [(14_990, 65)]


def test_print_of_less_than_a_lot_fills_nothing() -> None:
    for price in (15_050, 15_060):
        pit = Pit()
        pit.show([(15_000, 65)], [(15_100, 650)])
        order = pit.orderid(price=15_050, quantity=130)
        pit.show([(15_000, 65)], [(15_100, 650)], printed=(price, 30))
        assert pit.state(order) == ("open", 0), price


def test_odd_print_and_odd_level_fill_their_whole_lots() -> None:
    pit = Pit()
    pit.show([(15_000, 65)], [(15_100, 650)])
    order = pit.orderid(price=15_050, quantity=195)
    pit.show([(15_000, 65)], [(15_100, 650)], printed=(15_050, 100))
    assert pit.fills(order) == [(15_050, 65)]
    pit.show([(15_050, 100)], [(15_100, 650)])
    assert pit.fills(order) == [(15_050, 65), (15_050, 65)]


def test_print_through_one_order_does_not_lengthen_the_queue_of_another() -> None:
    pit = Pit()
    pit.show([(15_000, 65)], [(15_100, 650)])
    better, second = (pit.orderid(price=price) for price in (15_050, 15_060))
    pit.show([(15_000, 65)], [(15_100, 650)], printed=(15_060, 30))
    pit.show([(15_000, 65)], [(15_100, 650)], printed=(15_060, 130))
    assert (pit.fills(better), pit.fills(second)) == ([(15_050, 65)], [(15_060, 65)])


prices = st.integers(2_900, 3_100).map(lambda tick: tick * 5)
lots = st.integers(1, 20).map(lambda count: count * 65)
sizes = st.integers(1, 500)
updates = st.lists(st.tuples(prices, st.integers(1, 10), lots, st.booleans()), max_size=20)


@given(price=prices, quantity=lots, action=st.sampled_from(Action), seen=updates)
def test_limit_never_trades_beyond_its_price_or_its_quantity(
    price: int, quantity: int, action: Action, seen: list[tuple[int, int, int, bool]]
) -> None:
    pit = Pit()
    order = pit.orderid(action=action, price=price, quantity=quantity)
    for bid, spread, size, is_print in seen:
        ask = bid + 5 * spread
        pit.show([(bid, size)], [(ask, size)], printed=(bid, size) if is_print else None)
    filled = pit.fills(order)
    assert sum(units for _, units in filled) <= quantity
    assert all(units % 65 == 0 for _, units in filled)
    assert all((price - paid) * action.sign >= 0 for paid, _ in filled)
    assert (pit.order(order).status == "complete") == (pit.order(order).filled == quantity)


@given(
    ours=st.lists(st.tuples(prices, lots), min_size=1, max_size=4),
    seen=st.lists(st.tuples(prices, sizes), max_size=12),
)
def test_prints_of_any_size_fill_whole_lots_and_never_more_than_themselves(
    ours: list[tuple[int, int]], seen: list[tuple[int, int]]
) -> None:
    pit = Pit()
    orders = [pit.orderid(price=price, quantity=quantity) for price, quantity in ours]
    orders = [order for order in orders if pit.order(order).status is Status.OPEN]
    before = 0
    for price, size in seen:
        pit.show([], [(15_500, 65)], printed=(price, size))
        filled = sum(pit.order(order).filled for order in orders)
        assert 0 <= filled - before <= size
        before = filled
    for order in orders:
        assert all(units > 0 == units % 65 for _, units in pit.fills(order))
