"""The risk gate's rows for an exit (`execution.md` 8.1): it is made to fit, and seldom refused.

The rows are those of `gate.py`, in their order. Where an entry is refused an exit is sliced (6),
rounded outward (7), turned into a ladder (8) or clamped to the band (9). It is refused only where
it would buy more than is short (12), or where nothing is left to send.
"""

import msgspec

from domain.books import Action, PriceType
from domain.contracts import Contract
from domain.exits import band_high, band_low
from domain.orders import Ticket
from domain.reasons import Refusal
from domain.units import Paise, Units, ceil_tick, floor_tick, rupees


class ExitCase(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One exit as it is meant, and what is known of its symbol; paise and units.

    `tick` and `slice_max` come from the contract (`sized_for`), `open_units` is our own short for a
    BUY and our own long for a SELL, `working` is what else of ours on that side works or is
    unknown. `last` is a fresh last price, `reference` the mean the band is taken around, None: not
    known.
    """

    ticket: Ticket
    tick: Paise
    slice_max: Units
    open_units: Units
    working: Units = Units(0)
    last: Paise | None = None
    reference: int | None = None


class ExitVerdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The exit as it may go; `ticket` None: not at all, or by the ladder if `needs_ladder`.

    `failed` names every row that was not met, in order; the last one decided if `ticket` is None.
    """

    ticket: Ticket | None
    needs_ladder: bool = False
    failed: tuple[Refusal, ...] = ()


def sized_for(contract: Contract | None, quantity: Units) -> tuple[Paise, Units]:
    """Return tick and largest quantity of one order; the usual ones where facts were lost."""
    if contract is None:
        return USUAL_TICK, quantity
    return contract.tick, Units(contract.slice_max)


USUAL_TICK = Paise(5)
"""The tick of every NSE index option; used only where the day's contract facts were lost."""


def exit_verdict(case: ExitCase, safety_bps: int) -> ExitVerdict:
    """Return how an exit may go: rows 6, 7, 8, 9 and 12 of the gate."""
    failed: list[Refusal] = []
    ticket = _sliced(case, failed)
    ticket = _on_tick(ticket, case.tick, failed)
    if _is_crossed(ticket, case.last, failed):
        return ExitVerdict(ticket=None, needs_ladder=True, failed=tuple(failed))
    ticket = _in_band(ticket, case, safety_bps, failed)
    if _is_too_much(ticket, case, failed):
        return ExitVerdict(ticket=None, failed=tuple(failed))
    return ExitVerdict(ticket=ticket, failed=tuple(failed))


def _sliced(case: ExitCase, failed: list[Refusal]) -> Ticket:
    """Row 6: no more than one order may hold; the rest follows when this one is over."""
    ticket = case.ticket
    if ticket.quantity <= case.slice_max:
        return ticket
    text = f"{ticket.quantity} units are sent {case.slice_max} at a time"
    failed.append(Refusal(code="SLICED", text=text))
    return msgspec.structs.replace(ticket, quantity=case.slice_max)


def _on_tick(ticket: Ticket, tick: Paise, failed: list[Refusal]) -> Ticket:
    """Row 7: on the tick, outward, so that it fills no less willingly."""
    outward = ceil_tick if ticket.action is Action.BUY else floor_tick
    price = max(tick, outward(ticket.price, tick))
    trigger = outward(ticket.trigger, tick) if ticket.trigger else ticket.trigger
    if (price, trigger) == (ticket.price, ticket.trigger):
        return ticket
    text = f"price {rupees(ticket.price)} trigger {rupees(ticket.trigger)} on tick {rupees(tick)}"
    failed.append(Refusal(code="TICK", text=f"{text}: rounded outward"))
    return msgspec.structs.replace(ticket, price=price, trigger=trigger)


def _is_crossed(ticket: Ticket, last: Paise | None, failed: list[Refusal]) -> bool:
    """Row 8: whether the market stands at or beyond a stop's trigger already."""
    if ticket.pricetype is not PriceType.SL:
        return False
    sign = ticket.action.sign
    is_inside_out = sign * (ticket.price - ticket.trigger) < 0
    is_passed = last is not None and sign * (ticket.trigger - last) <= 0
    if not is_inside_out and not is_passed:
        return False
    at = "unknown" if last is None else rupees(last)
    text = f"trigger {rupees(ticket.trigger)} limit {rupees(ticket.price)} last {at}"
    failed.append(Refusal(code="TRIGGER_SIDE", text=text))
    return True


def _in_band(ticket: Ticket, case: ExitCase, safety_bps: int, failed: list[Refusal]) -> Ticket:
    """Row 9: at the edge of the price band at most; without a reference nothing is clamped."""
    if case.reference is None:
        return ticket
    if ticket.action is Action.BUY:
        price = min(ticket.price, band_high(case.reference, safety_bps, case.tick))
    else:
        price = max(ticket.price, band_low(case.reference, safety_bps, case.tick))
    if price == ticket.price:
        return ticket
    text = f"limit {rupees(ticket.price)} is cut to {rupees(price)}"
    failed.append(Refusal(code="BAND", text=text))
    return msgspec.structs.replace(ticket, price=price)


def _is_too_much(ticket: Ticket, case: ExitCase, failed: list[Refusal]) -> bool:
    """Row 12: whether all that works and this one together would turn the position over."""
    if 0 < ticket.quantity <= case.open_units - case.working:
        return False
    text = f"{ticket.quantity} units beside {case.working} working, open {case.open_units}"
    failed.append(Refusal(code="OVER_COVER", text=text))
    return True
