"""What a trader reads of the journal: one line for each event worth telling."""

import msgspec

from domain import events as ev
from domain.ledger import Ledger, refusal_of
from domain.orders import Order, Purpose, State
from domain.positions import Phase
from domain.reasons import remedy
from domain.units import rupees


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line of the day's story: its tag, whether a human must look, and the text."""

    tag: str
    text: str
    warn: bool = False


_WORTH_TELLING = {
    State.REFUSED,
    State.REJECTED,
    State.CANCELLED,
    State.UNKNOWN,
    State.NOT_PLACED,
    State.TRIGGER_PENDING,
}


def tell(event: ev.Event, ledger: Ledger) -> Line | None:
    """Return the line of an event, read against the ledger after it, or None."""
    order = ledger.orders.get(getattr(event, "intent", ""))
    if order is not None:
        return _order_line(event, order)
    if isinstance(event, ev.ExitPhase):
        return _phase(ledger, event)
    if isinstance(event, ev.OrderRefused):
        return _refused(event, ledger)
    return _day_line(event)


def _order_line(event: ev.Event, order: Order) -> Line | None:
    line = None
    symbol = order.ticket.symbol
    match event:
        case ev.IntentPlanned():
            line = _planned(event)
        case ev.StateChanged() if event.state in _WORTH_TELLING:
            line = _moved(event, order)
        case ev.FillsSeen():
            line = _filled(order)
        case ev.FillsAgreed(units=units):
            text = f"{symbol} seems filled units={units}, no trade is shown yet"
            line = Line(tag="FILL", text=text, warn=True)
        case ev.OrphanFound(stop=stop, filled=filled):
            text = f"orphan {symbol} short={filled} stop={rupees(stop.trigger)} is taken over"
            line = Line(tag="RECOVERY", text=text, warn=True)
        case ev.ModifyPlanned(ticket=wire, reason=reason):
            text = f"modify {symbol} price={rupees(wire.price)} units={wire.quantity}"
            line = Line(tag=_tag(order), text=f"{text} reason={reason}")
        case ev.CancelPlanned(reason=reason):
            line = Line(tag=_tag(order), text=f"cancel {order.purpose} {symbol} reason={reason}")
        case _:
            pass
    return line


def _planned(event: ev.IntentPlanned) -> Line:
    wire = event.ticket
    trigger = f" trigger={rupees(wire.trigger)}" if wire.trigger else ""
    text = (
        f"{event.purpose} {wire.action} {wire.symbol} units={wire.quantity} "
        f"{wire.pricetype} price={rupees(wire.price)}{trigger} intent={event.intent}"
    )
    return Line(tag="ORDER" if event.purpose is Purpose.ENTRY else "EXIT", text=text)


def _moved(event: ev.StateChanged, order: Order) -> Line:
    text = f"{order.purpose} {order.ticket.symbol} is {event.state} orderid={order.orderid}"
    if event.reason and event.reason != event.state:
        text += f" reason={event.reason}"
    warn = event.state not in {State.CANCELLED, State.TRIGGER_PENDING}
    return Line(tag=_tag(order), text=text, warn=warn)


def _filled(order: Order) -> Line:
    wire = order.ticket
    text = (
        f"{order.purpose} {wire.action} {wire.symbol} filled={order.filled}/{wire.quantity} "
        f"average={rupees(order.average)} orderid={order.orderid}"
    )
    return Line(tag="FILL", text=text)


def _phase(ledger: Ledger, event: ev.ExitPhase) -> Line:
    leg = ledger.legs[event.leg]
    if event.phase is Phase.CHASE:
        text = f"leaving {leg.symbol} units={leg.short} reason={event.reason}"
        return Line(tag="EXIT", text=text)
    reason = leg.reason or event.reason
    text = f"{leg.symbol} is closed gross={rupees(leg.gross)} reason={reason}"
    return Line(tag="EXIT", text=text)


def _refused(event: ev.OrderRefused, ledger: Ledger) -> Line | None:
    """Tell a refusal and what to do about it once for a symbol; the journal counts the rest."""
    if ledger.refusals.get(refusal_of(event.symbol, event.code), 0) > 1:
        return None
    text = f"entry refused {event.symbol} {event.code}: {event.text}; {remedy(event.code)}"
    return Line(tag="ORDER", text=text, warn=True)


def _day_line(event: ev.Event) -> Line | None:
    line = None
    match event:
        case ev.ModeChanged(mode=mode, reason=reason):
            line = Line(tag="MODE", text=f"{mode} {reason}".strip())
        case ev.LatchSet() | ev.LatchCleared():
            line = _latch(event)
        case ev.Recovered(orders=orders, shorts=shorts):
            line = Line(tag="RECOVERY", text=f"books read: live orders={orders} shorts={shorts}")
        case ev.ProvedFlat():
            line = Line(tag="FLAT", text="the book is proved flat by two reads")
        case ev.FindingApplied(kind=kind, subject=subject, detail=detail):
            text = f"{kind} {subject} {detail}; {remedy(kind)}"
            line = Line(tag="RECONCILE", text=text, warn=True)
        case ev.ExternalSeen(symbol=symbol, orderids=ids, net=net):
            known = f"EXTERNAL not ours: {symbol} orders={len(ids)} net={net}"
            text = f"{known}; {remedy('EXTERNAL')}"
            line = Line(tag="RECONCILE", text=text, warn=True)
        case ev.DayPlanned() | ev.ContractsJoined():
            line = Line(tag="DAY", text=_contracts(event))
        case _:
            pass
    return line


def _latch(event: ev.LatchSet | ev.LatchCleared) -> Line:
    is_set = isinstance(event, ev.LatchSet)
    text = f"{event.name} {'set' if is_set else 'cleared'} reason={event.reason}"
    if is_set:
        text += f"; {remedy(event.name)}"
    return Line(tag="LATCH", text=text, warn=is_set)


def _contracts(event: ev.DayPlanned | ev.ContractsJoined) -> str:
    if isinstance(event, ev.DayPlanned):
        day, chain = event.plan.day, event.chain
        text = f"{day} {chain.underlying} atm={rupees(chain.atm)} expiry={chain.expiry}"
        return f"{text} contracts={len(chain.contracts)}"
    strikes = sorted({contract.strike for contract in event.contracts})
    text = f"strikes {rupees(strikes[0])} to {rupees(strikes[-1])} joined"
    return f"{text} contracts={len(event.contracts)}"


def _tag(order: Order) -> str:
    return "ORDER" if order.purpose is Purpose.ENTRY else "EXIT"
