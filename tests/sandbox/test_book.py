"""The account as a fold: P&L by average cost, money that always adds up, the same book again."""

from hypothesis import given
from hypothesis import strategies as st

from domain.books import Action
from domain.units import Paise, Symbol, Units
from sandbox.book import Book, Position
from sandbox.kinds import FundsLine, PositionLine, PriceKind
from tests.sandbox.pit import CALL, PUT, Pit, settings

BUY, SELL = Action.BUY, Action.SELL


def a_position(*trades: tuple[Action, int, int]) -> Position:
    position = Position(Symbol("X"), "NFO", "MIS")
    for action, units, price in trades:
        opening = units - min(units, max(0, -position.net * action.sign))
        position = position.traded(action, Units(units), Paise(price), blocked=opening * 100)
    return position


def test_short_bought_back_lower_has_won() -> None:
    """650 sold at 130.00 and bought at 120.00: 6,500.00 (`market-rules.md` 5, worked)."""
    position = a_position((SELL, 650, 13_000), (BUY, 650, 12_000))
    assert (position.net, position.cost, position.realised, position.blocked) == (0, 0, 650_000, 0)


def test_partial_close_realises_its_share_and_frees_its_block() -> None:
    position = a_position((SELL, 650, 13_000), (BUY, 195, 12_000))
    assert (position.net, position.average, position.realised) == (-455, 13_000, 195_000)
    assert position.blocked == 45_500
    assert position.unrealised(Paise(13_100)) == -45_500


def test_average_of_several_trades_is_rounded_half_up_for_show_only() -> None:
    position = a_position((SELL, 65, 10_000), (SELL, 130, 10_005))
    assert position.average == 10_003
    assert a_position((SELL, 65, 10_000), (SELL, 130, 10_005), (BUY, 195, 10_005)).realised == -325


def test_trade_through_zero_closes_first_and_opens_the_rest() -> None:
    position = a_position((SELL, 65, 13_000), (BUY, 195, 12_000))
    assert (position.net, position.average, position.realised) == (130, 12_000, 65_000)


trades = st.lists(
    st.tuples(st.sampled_from(Action), st.integers(1, 9), st.integers(1, 5_000)), max_size=12
)


@given(trades)
def test_realised_and_unrealised_are_all_the_money_that_moved(
    moves: list[tuple[Action, int, int]],
) -> None:
    moves = [(action, lots * 65, price * 5) for action, lots, price in moves]
    position = a_position(*moves)
    paid = sum(action.sign * units * price for action, units, price in moves)
    mark = Paise(10_000)
    assert position.realised + position.unrealised(mark) == position.net * mark - paid
    assert position.net or position.cost == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("sell", "buy", "stop", "cancel", "cut", "market", "print")),
            st.integers(1, 12),
            st.integers(2_950, 3_050),
            st.sampled_from((CALL, PUT)),
        ),
        max_size=25,
    )
)
def test_money_always_adds_up_and_the_rows_give_the_same_book_again(
    acts: list[tuple[str, int, int, Symbol]],
) -> None:
    pit = Pit(settings(capital_p=300_000_000))
    for act, lots, tick, symbol in acts:
        play(pit, act, lots * 65, tick * 5, symbol)
        book = pit.account.book
        money = book.available + book.reserved + book.used
        assert money == book.capital + book.realised - book.charges
    again = Book(pit.account.book.capital)
    again.fold(pit.truth.rows)
    assert vars(again) == vars(pit.account.book)


def play(pit: Pit, act: str, units: int, price: int, symbol: Symbol) -> None:
    live = pit.account.book.all_live()
    if act in {"sell", "buy"}:
        action = SELL if act == "sell" else BUY
        pit.place(symbol=symbol, action=action, quantity=units, price=price)
    elif act == "stop":
        kind = {"kind": PriceKind.SL, "trigger": price + 100, "price": price + 500}
        pit.place(symbol=symbol, action=BUY, quantity=units, **kind)
    elif act == "cancel" and live:
        pit.cancel(live[0].orderid)
    elif act == "cut" and live:
        pit.modify(live[-1].orderid, quantity=units)
    else:
        printed = (price, units) if act == "print" else None
        pit.show([(price, units)], [(price + 10, units)], printed=printed, symbol=symbol)


def test_charges_of_an_order_do_not_depend_on_how_it_was_cut_into_trades() -> None:
    """SELL 650 at 130.00 costs 185.87, BUY at 120.00 58.73 (`market-rules.md` 5, worked)."""
    for sizes in ((650,), (65, 195, 390)):
        pit = Pit()
        order = pit.orderid(price=13_000, quantity=650)
        for size in sizes:
            pit.show([(13_000, size)], [(13_100, 65)])
        assert pit.fills(order) == [(13_000, size) for size in sizes]
        assert pit.account.book.charges == 18_587
        pit.show([(11_900, 65)], [(12_000, 650)])
        pit.orderid(action=BUY, price=12_000, quantity=650)
        assert pit.account.book.charges == 18_587 + 5_873
        assert pit.account.book.used == 0


def test_funds_and_positions_of_one_short() -> None:
    """One lot of 26000 CE at 150.00 blocks 181,220.00 (`sandbox.md` 5, worked)."""
    pit = Pit()
    pit.show([(15_000, 65)], [(15_050, 650)])
    pit.orderid()
    pit.show([(15_090, 65)], [(15_110, 650)], printed=(15_100, 65))
    charges = pit.account.book.charges
    assert pit.account.funds() == FundsLine(
        capital=1_000_000_000,
        available=1_000_000_000 - 18_122_000 - charges,
        reserved=0,
        used=18_122_000,
        realised=0,
        unrealised=-6_500,
        charges=charges,
    )
    assert pit.account.positions() == (
        PositionLine(
            symbol=CALL,
            exchange="NFO",
            product="MIS",
            net=-65,
            average=Paise(15_000),
            ltp=Paise(15_100),
            unrealised=-6_500,
            realised=0,
        ),
    )


def test_entry_reserves_and_its_stop_does_not() -> None:
    pit = Pit()
    entry = pit.orderid(quantity=130)
    assert pit.account.book.reserved == 2 * 18_122_000
    pit.show([(15_000, 65)], [(15_050, 650)])
    assert (pit.account.book.reserved, pit.account.book.used) == (18_122_000, 18_122_000)
    pit.cancel(entry)
    assert pit.account.book.reserved == 0
    pit.orderid(action=BUY, kind=PriceKind.SL, trigger=16_000, price=16_300)
    assert pit.account.book.reserved == 0


def test_second_stop_would_open_something_and_reserves_its_premium() -> None:
    pit = Pit()
    pit.show([(15_000, 65)], [(15_050, 650)])
    pit.orderid()
    for _ in range(2):
        pit.orderid(action=BUY, kind=PriceKind.SL, trigger=16_000, price=16_300)
    assert pit.account.book.reserved == 65 * 16_300
