"""Orders, trades, positions and funds as the wire shows them, in two dressings.

`analyze` is what OpenAlgo's own sandbox answers, `live` what it answers with a broker behind it:
fewer fields, numbers as text here and there (`openalgo.md` 4, `sandbox.md` 6). Truth is never
touched here, only its picture.
"""

from domain.books import Action
from domain.units import Micros
from sandbox import refusals
from sandbox.api import requests as ask
from sandbox.api.answers import Body, Refused
from sandbox.api.desk import Desk
from sandbox.api.quirks import dressed, statuses
from sandbox.api.spelling import rupees, rupees_text
from sandbox.kinds import (
    FundsLine,
    OrderLine,
    PositionLine,
    PriceKind,
    Status,
    TradeLine,
)

Row = dict[str, object]


def order_book(desk: Desk, at: Micros, asked: ask.KeyOnly) -> Body:
    """Answer /orderbook: newest first while analyzing, as the broker has it when live."""
    del asked
    orders = desk.books.orders()
    statistics = _statistics(orders)
    rows = _rows(desk, at, orders)
    if desk.is_live:
        del statistics["total_trigger_pending_orders"]
        return {"data": {"orders": rows, "statistics": statistics}}
    return {"data": {"orders": rows[::-1], "statistics": statistics}}


def order_status(desk: Desk, at: Micros, asked: ask.OneOrder) -> Body:
    """Answer /orderstatus; the price type goes by another name while analyzing (seen)."""
    order = desk.books.order(asked.orderid)
    if order is None:
        raise Refused(404, refusals.unknown_order(asked.orderid))
    row = _row(desk, at, order)
    if desk.is_live:
        return {"data": {**row, "average_price": _first_fill(desk, order)}}
    row["price_type"] = row.pop("pricetype")
    del row["rejection_reason"]
    return {"data": row}


def trade_book(desk: Desk, at: Micros, asked: ask.KeyOnly) -> Body:
    """Answer /tradebook: newest first while analyzing."""
    del at, asked
    trades = desk.books.trades()
    if desk.is_live:
        return {"data": [_live_trade(desk, t) for t in trades]}
    return {"data": [_analyze_trade(desk, t) for t in reversed(trades)]}


def position_book(desk: Desk, at: Micros, asked: ask.KeyOnly) -> Body:
    """Answer /positionbook; closed positions stay with quantity 0 (seen)."""
    del asked
    positions = desk.books.positions(at)
    if desk.is_live:
        return {"data": [_live_position(desk, p) for p in positions]}
    result = sum(p.realised + p.unrealised for p in positions)
    return {
        "data": [_analyze_position(p) for p in positions],
        "total_pnl": rupees(result),
        "total_pnl_today": rupees(result),
        "total_today_realized_pnl": rupees(sum(p.realised for p in positions)),
        "total_unrealized_pnl": rupees(sum(p.unrealised for p in positions)),
    }


def open_position(desk: Desk, at: Micros, asked: ask.OnePosition) -> Body:
    """Answer /openposition: signed units, 0 where there is none."""
    wanted = (asked.symbol, asked.exchange, asked.product)
    found = (p for p in desk.books.positions(at) if (p.symbol, p.exchange, p.product) == wanted)
    return {"quantity": sum(p.net for p in found)}


def funds(desk: Desk, at: Micros, asked: ask.KeyOnly) -> Body:
    """Answer /funds: eleven numbers while analyzing, five texts when live (seen)."""
    del asked
    if not desk.has_funds:
        return {"data": {}}
    line = desk.books.funds(at)
    five = {
        "availablecash": line.available,
        "collateral": 0,
        "m2munrealized": line.unrealised,
        "m2mrealized": line.realised,
        "utiliseddebits": line.used + line.reserved,
    }
    if desk.is_live:
        return {"data": {name: rupees_text(amount) for name, amount in five.items()}}
    all_nine = five | _more_funds(line)
    return {
        "data": {
            **{name: rupees(amount) for name, amount in all_nine.items()},
            "last_reset": f"{desk.exchange.day} 03:00:00",
            "reset_count": 0,
        }
    }


def _more_funds(line: FundsLine) -> dict[str, int]:
    return {
        "grossexposure": line.used,
        "totalpnl": line.realised + line.unrealised,
        "total_realized_pnl": line.realised,
        "today_realized_pnl": line.realised,
    }


def holdings(desk: Desk, at: Micros, asked: ask.KeyOnly) -> Body:
    """Answer /holdings: nothing is ever delivered here."""
    del desk, at, asked
    totals = ("totalholdingvalue", "totalinvvalue", "totalprofitandloss", "totalpnlpercentage")
    return {"data": {"holdings": [], "statistics": dict.fromkeys(totals, 0.0)}}


def _rows(desk: Desk, at: Micros, orders: tuple[OrderLine, ...]) -> list[Row]:
    """Return the rows of the order book, oldest first, with the quirks of the broker behind it."""
    make = _live_row if desk.is_live else _analyze_row
    quirks = desk.exchange.quirks
    if not quirks:
        return [make(desk, order) for order in orders]
    told = zip(orders, statuses(quirks, orders, at), strict=True)
    return [
        dressed(quirks, order, make(desk, order) | {"order_status": status})
        for order, status in told
    ]


def _row(desk: Desk, at: Micros, order: OrderLine) -> Row:
    """Return one row of the order book; what stands before it may leak into it."""
    if not desk.exchange.quirks:
        return (_live_row if desk.is_live else _analyze_row)(desk, order)
    rows = _rows(desk, at, desk.books.orders())
    return next(row for row in rows if row["orderid"] == order.orderid)


def _statistics(orders: tuple[OrderLine, ...]) -> Row:
    def count(status: Status) -> int:
        return sum(o.status is status for o in orders)

    return {
        "total_buy_orders": sum(o.action is Action.BUY for o in orders),
        "total_sell_orders": sum(o.action is Action.SELL for o in orders),
        "total_completed_orders": count(Status.COMPLETE),
        "total_open_orders": count(Status.OPEN),
        "total_rejected_orders": count(Status.REJECTED),
        "total_trigger_pending_orders": count(Status.TRIGGER_PENDING),
    }


def _bare_row(desk: Desk, order: OrderLine) -> Row:
    return {
        "orderid": order.orderid,
        "symbol": order.symbol,
        "exchange": order.exchange,
        "action": order.action.value,
        "quantity": order.quantity,
        "price": rupees(order.price),
        "trigger_price": rupees(order.trigger),
        "pricetype": order.kind.value,
        "product": order.product,
        "order_status": order.status.value,
        "timestamp": desk.stamp(order.placed_at),
    }


def _analyze_row(desk: Desk, order: OrderLine) -> Row:
    unfilled = 0 if order.status is Status.REJECTED else order.quantity - order.filled
    return {
        **_bare_row(desk, order),
        "average_price": rupees(order.average),
        "filled_quantity": order.filled,
        "pending_quantity": unfilled,
        "rejection_reason": order.reason,
        "strategy": order.strategy,
    }


def _live_row(desk: Desk, order: OrderLine) -> Row:
    row = _bare_row(desk, order)
    row["quantity"] = _as_some_broker(order.quantity, order.placed_at)
    if order.kind is PriceKind.MARKET:
        row["price"] = 0.0
    return row


def _as_some_broker(quantity: int, key: int) -> int | float | str:
    """Spell a quantity as one of the broker plug-ins does; one order keeps its spelling."""
    spellings: tuple[int | float | str, ...] = (quantity, float(quantity), str(quantity))
    return spellings[key // 1000 % 3]


def _first_fill(desk: Desk, order: OrderLine) -> float:
    if order.status is not Status.COMPLETE:
        return 0.0
    prices = (t.price for t in desk.books.trades() if t.orderid == order.orderid)
    return rupees(next(prices, 0))


def _live_trade(desk: Desk, trade: TradeLine) -> Row:
    return {
        "orderid": trade.orderid,
        "symbol": trade.symbol,
        "exchange": trade.exchange,
        "product": trade.product,
        "action": trade.action.value,
        "quantity": trade.quantity,
        "average_price": rupees(trade.price),
        "trade_value": rupees(trade.price * trade.quantity),
        "timestamp": desk.stamp(trade.at),
    }


def _analyze_trade(desk: Desk, trade: TradeLine) -> Row:
    more = {"tradeid": trade.tradeid, "price": rupees(trade.price), "strategy": trade.strategy}
    return {**_live_trade(desk, trade), **more}


def _analyze_position(position: PositionLine) -> Row:
    result = position.realised + position.unrealised
    cost = position.average * abs(position.net)
    # A closed row repeats the realised amount as unrealised (seen).
    unrealised = position.unrealised if position.net else position.realised
    return {
        "symbol": position.symbol,
        "exchange": position.exchange,
        "product": position.product,
        "quantity": position.net,
        "average_price": rupees(position.average),
        "ltp": rupees(position.ltp),
        "pnl": rupees(result),
        "pnlpercent": 100 * result / cost if cost else 0.0,
        "unrealized_pnl": rupees(unrealised),
        "today_realized_pnl": rupees(position.realised),
        "total_pnl_today": rupees(result),
        "lot_size": 1.0,
    }


def _live_position(desk: Desk, position: PositionLine) -> Row:
    row = desk.exchange.instrument(position.symbol, position.exchange)
    as_text = row is not None and row.token % 2 == 0
    return {
        "symbol": position.symbol,
        "exchange": position.exchange,
        "product": position.product,
        "quantity": str(position.net) if as_text else position.net,
        "average_price": rupees_text(position.average),
        "ltp": rupees(position.ltp),
        "pnl": rupees(position.realised + position.unrealised),
    }
