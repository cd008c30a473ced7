"""How one event changes one order: pure functions the ledger's fold is made of."""

from msgspec.structs import replace

from domain import events as ev
from domain.orders import EntryKey, Order, Pending, State, StopPlan, Ticket


def moved(order: Order, event: ev.StateChanged) -> Order:
    """Return an order that evidence moved; what was in the air is over unless the event says so.

    A change counts once it took: a broker that is down uses none of them up.
    """
    waiting = event.pending is not Pending.NONE
    ticket = event.ticket or order.ticket
    took = not waiting and order.target is not None and ticket == order.target
    after = replace(
        order,
        state=event.state,
        pending=event.pending,
        pending_since=order.pending_since if waiting else None,
        target=order.target if waiting else None,
        target_key=order.target_key if waiting else None,
        target_stop=order.target_stop if waiting else None,
        orderid=event.orderid or order.orderid,
        ticket=ticket,
        modifies=order.modifies + took,
        reason=event.reason or order.reason,
    )
    if took and order.target_key is not None:
        after = _renamed(after, order.target_key, order.target_stop)
    return replace(after, changed_at=event.at) if _life(after) != _life(order) else after


def requested(order: Order, event: ev.WriteSent | ev.ModifyPlanned | ev.CancelPlanned) -> Order:
    """Return an order of which something was asked."""
    match event:
        case ev.ModifyPlanned(ticket=ticket, key=key, stop=stop):
            return replace(
                order,
                pending=Pending.MODIFY,
                pending_since=event.at,
                asked_at=event.at,
                target=ticket,
                target_key=key,
                target_stop=stop,
            )
        case ev.CancelPlanned():
            return replace(
                order,
                pending=Pending.CANCEL,
                pending_since=event.at,
                asked_at=event.at,
                target=None,
                target_key=None,
                target_stop=None,
            )
        case ev.WriteSent(op="place"):
            return replace(order, state=State.SENDING, sent_at=event.at)
        case _:
            return order


def _renamed(order: Order, key: EntryKey, stop: StopPlan | None) -> Order:
    """Return an entry whose change took, as the order of the decision it now stands for.

    What filled before that was sold at the old price, and keeps its plan.
    """
    if key == order.key or order.key is None:
        return order
    planned = order.stop if stop is None or order.filled else stop
    former = (*order.former, order.key)
    return replace(order, key=key, former=former, stop=planned)


def _life(order: Order) -> tuple[State, str, Ticket]:
    """Return what counts as a change; a request going out or coming back is none."""
    return order.state, order.orderid, order.ticket
