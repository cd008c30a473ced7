"""Orders on the wire: writes encoded field by field, answers and the three books decoded."""

from broker.wire import (
    Body,
    encode,
    excerpt,
    name,
    paise,
    placed_at,
    record,
    records,
    rupees_of,
    text,
    units,
    whole_paise,
)
from domain.books import Action, OrderRow, PositionRow, PriceType, Status, TradeRow, UnreadRow
from domain.calls import CancelOrder, ModifyOrder, PlaceOrder, Write
from domain.errors import Rejected, WireError
from domain.orders import Ticket
from domain.units import Paise, Symbol

LIVE = "live"
"""The mode of an answer that names none."""

UNSENDABLE = "UNSENDABLE"
"""The reason code of an order that the encoder refused."""

_STATUS = {status.value: status for status in Status if status is not Status.UNKNOWN}


def route(call: Write) -> str:
    """Return the route of an order write."""
    match call:
        case PlaceOrder():
            return "placeorder"
        case ModifyOrder():
            return "modifyorder"
        case CancelOrder():
            return "cancelorder"


def body(call: Write) -> bytes:
    """Return the body of an order write, without the API key.

    Every field that has a default at the server is spelled out: an omitted `pricetype` means
    MARKET. Raises Rejected, nothing having been sent, for an order that is neither LIMIT nor SL.
    """
    match call:
        case PlaceOrder(ticket=ticket):
            return encode(_fields(ticket))
        case ModifyOrder(ticket=ticket, orderid=orderid):
            return encode(_fields(ticket) | {"orderid": orderid})
        case CancelOrder(strategy=strategy, orderid=orderid):
            return encode({"strategy": strategy, "orderid": orderid})


def margin_body(ticket: Ticket) -> bytes:
    """Return the body of `/margin` for one order. Its numbers are texts."""
    fields = _fields(ticket)
    wanted = "symbol exchange action quantity product pricetype price trigger_price"
    return encode({"positions": [{key: str(fields[key]) for key in wanted.split()}]})


def orderid(answer: Body) -> str:
    """Return the order id of an accepted write; WireError where success names none."""
    found = text(answer.get("orderid")).strip()
    if not found:
        raise WireError(f"success without an order id: {excerpt(answer)}")
    return found


def mode(answer: Body) -> str:
    """Return the mode an account or order answer is in: absent means live."""
    return text(answer.get("mode")).strip().lower() or LIVE


def order_rows(answer: Body) -> tuple[OrderRow | UnreadRow, ...]:
    """Return the rows of `/orderbook`, in the order sent.

    A row that makes no sense is told apart by its id: whose it is, is not known here. Without an id
    it refuses the book.
    """
    return tuple(_any_order(row) for row in records(record(answer.get("data")).get("orders")))


def trade_rows(answer: Body) -> tuple[TradeRow, ...]:
    """Return the rows of `/tradebook`, in the order sent.

    One bad row refuses the book: what is bought and sold is a sum, and a sum lacks no term.
    """
    return tuple(_trade_row(row) for row in records(answer.get("data")))


def position_rows(answer: Body) -> tuple[PositionRow, ...]:
    """Return the rows of `/positionbook`, those of quantity 0 too. One bad row refuses the book."""
    return tuple(
        PositionRow(
            symbol=Symbol(name(row.get("symbol"))),
            exchange=text(row.get("exchange")),
            product=text(row.get("product")),
            net=units(row.get("quantity")),
        )
        for row in records(answer.get("data"))
    )


def status(value: object) -> Status:
    """Return one of the five words, in any case; UNKNOWN for every other, which moves nothing."""
    said = value.strip().lower() if isinstance(value, str) else ""
    return _STATUS.get(said, Status.UNKNOWN)


def _fields(ticket: Ticket) -> dict[str, object]:
    _check(ticket)
    return {
        "strategy": ticket.strategy,
        "symbol": ticket.symbol,
        "exchange": ticket.exchange,
        "action": str(ticket.action),
        "quantity": ticket.quantity,
        "pricetype": str(ticket.pricetype),
        "product": ticket.product,
        "price": rupees_of(ticket.price),
        "trigger_price": rupees_of(ticket.trigger),
        "disclosed_quantity": 0,
    }


def _check(ticket: Ticket) -> None:
    """The last look before the wire; what is wise was decided by the gate."""
    wanted = {PriceType.LIMIT: ticket.trigger == 0, PriceType.SL: ticket.trigger > 0}
    if not wanted.get(ticket.pricetype, False):
        said = f"{ticket.pricetype} with trigger {ticket.trigger} is not sent"
        raise Rejected(said, code=UNSENDABLE)
    if ticket.price <= 0 or ticket.quantity <= 0:
        said = f"price {ticket.price} and quantity {ticket.quantity} must be above 0"
        raise Rejected(said, code=UNSENDABLE)


def _any_order(row: Body) -> OrderRow | UnreadRow:
    orderid = name(row.get("orderid"))
    try:
        return _order_row(row)
    except WireError as error:
        said = row.get("symbol")
        symbol = Symbol(said.strip() if isinstance(said, str) else "")
        return UnreadRow(orderid=orderid, symbol=symbol, reason=str(error))


def _order_row(row: Body) -> OrderRow:
    return OrderRow(
        orderid=name(row.get("orderid")),
        symbol=Symbol(name(row.get("symbol"))),
        exchange=text(row.get("exchange")),
        action=_action(row.get("action")),
        quantity=units(row.get("quantity")),
        price=_price(row),
        trigger=whole_paise(row.get("trigger_price")),
        pricetype=text(row.get("pricetype")),
        product=text(row.get("product")),
        status=status(row.get("order_status")),
        reason=text(row.get("rejection_reason")),
        average=_rounded(row.get("average_price")),
        placed_at=placed_at(row.get("timestamp")),
    )


def _trade_row(row: Body) -> TradeRow:
    return TradeRow(
        orderid=name(row.get("orderid")),
        tradeid=text(row.get("tradeid")),
        symbol=Symbol(name(row.get("symbol"))),
        action=_action(row.get("action")),
        product=text(row.get("product")),
        quantity=units(row.get("quantity")),
        price=paise(row.get("average_price")),
        stamp=text(row.get("timestamp")),
    )


def _action(value: object) -> Action:
    said = text(value).strip().upper()
    if said not in {"BUY", "SELL"}:
        raise WireError(f"action is neither BUY nor SELL: {excerpt(value)}")
    return Action(said)


def _price(row: Body) -> Paise:
    """Some brokers show the average of the fills as the price of an order that has any."""
    try:
        return whole_paise(row.get("price"))
    except WireError:
        is_filled = any(_rounded(row.get(key)) > 0 for key in ("filled_quantity", "average_price"))
        if is_filled or status(row.get("order_status")) is Status.COMPLETE:
            return paise(row.get("price"))
        raise


def _rounded(value: object) -> Paise:
    return Paise(0) if value is None or value == "" else paise(value)
