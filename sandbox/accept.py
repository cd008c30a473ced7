"""What the exchange refuses before an order works, one function per row of `sandbox.md` 5.

`at_once` answers 400 without a row in the book; `on_arrival` is asked when the order reaches the
exchange, after its latency. Schema errors and rate limits belong to the shell.
"""

from dataclasses import dataclass

import msgspec

from domain.books import Action
from domain.units import Micros, Paise, Units, rupees
from sandbox import refusals
from sandbox.book import Book
from sandbox.facts import DayFacts
from sandbox.kinds import NFO, STOPS, InstrumentLine, OrderIn, OrderLine, PriceKind

WHOLE = 10_000
"""Basis points of a market protection that protects nothing."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An order, or the target of a modification, at the exchange's door."""

    at: Micros
    order: OrderIn
    contract: InstrumentLine | None
    facts: DayFacts
    book: Book
    is_halted: bool = False


def at_once(arrival: Arrival) -> str:
    """Return why a new order is refused without a row, or ''."""
    return next((text for check in PLACING if (text := check(arrival))), "")


def at_once_changed(arrival: Arrival, before: OrderLine) -> str:
    """Return why a modification is refused at the door, or ''."""
    facts = arrival.facts
    if facts.max_modifies is not None and before.modifies >= facts.max_modifies:
        return refusals.TOO_MANY_MODIFIES
    if arrival.order.quantity < before.filled:
        return refusals.BELOW_FILLED
    return next((text for check in MODIFYING if (text := check(arrival))), "")


def on_arrival(order: OrderLine, ltp: Paise) -> str:
    """Return why an order cannot rest or trade at this last price, or ''.

    A BUY stop waits above the market and may not be limited below its own trigger; a SELL stop the
    other way round.
    """
    if order.kind not in STOPS or order.triggered:
        return ""
    sign = order.action.sign
    if order.kind is PriceKind.SL and sign * (order.price - order.trigger) < 0:
        return refusals.LIMIT_BEYOND_TRIGGER
    if sign * (ltp - order.trigger) >= 0:
        return refusals.TRIGGER_CROSSED
    return ""


def beyond(order: OrderLine, low: Paise, high: Paise) -> bool:
    """Return whether a price lies on the wrong side of the price band.

    Only a BUY above the high or a SELL below the low is refused (NSE/FAOP/54242).
    """
    return order.price > high if order.action is Action.BUY else order.price < low


def protected(order: OrderLine, ltp: Paise, tick: Paise, protection_bp: int = WHOLE) -> OrderLine:
    """Return an order at the limit that a broker's market protection makes of MARKET."""
    reach = ltp * protection_bp // 10_000 // tick * tick
    price = Paise(max(tick, ltp + order.action.sign * reach))
    return msgspec.structs.replace(order, price=price)


def _unknown(arrival: Arrival) -> str:
    order = arrival.order
    if arrival.contract is None:
        return refusals.unknown_symbol(order.symbol, order.exchange)
    return "" if arrival.contract.exchange == NFO else refusals.NOT_TRADABLE


def _product(arrival: Arrival) -> str:
    return refusals.NO_CNC if arrival.order.product == "CNC" else ""


def _kind(arrival: Arrival) -> str:
    """SL-M on an option (NSE 2021-09-27); unprotected MARKET (brokers, 2026-04-01)."""
    kind = arrival.order.kind
    if kind is PriceKind.SLM and not arrival.facts.stop_market:
        return refusals.NO_SLM
    if kind is PriceKind.MARKET and arrival.facts.market_orders == "refuse":
        return refusals.NO_MARKET
    return ""


def _prices(arrival: Arrival) -> str:
    order = arrival.order
    if order.kind in STOPS and not order.trigger:
        return refusals.NO_TRIGGER
    if order.kind is PriceKind.SL and not order.price:
        return refusals.NO_STOP_PRICE
    if order.kind is PriceKind.LIMIT and not order.price:
        return refusals.NO_PRICE
    return ""


def _lot(arrival: Arrival) -> str:
    lot = _lot_of(arrival)
    return refusals.wrong_lot(lot) if arrival.order.quantity % lot else ""


def _freeze(arrival: Arrival) -> str:
    assert arrival.contract is not None
    return refusals.FREEZE if arrival.order.quantity > arrival.contract.freeze else ""


def _tick(arrival: Arrival) -> str:
    assert arrival.contract is not None
    tick = arrival.contract.tick
    prices = (arrival.order.price, arrival.order.trigger)
    off = next((price for price in prices if price % tick), None)
    return "" if off is None else refusals.off_tick(rupees(off), tick)


def _session(arrival: Arrival) -> str:
    if not arrival.facts.is_open(arrival.at):
        return refusals.CLOSED
    return refusals.HALTED if arrival.is_halted else ""


def _intraday(arrival: Arrival) -> str:
    """New MIS from the broker's cut on, unless it only reduces (seen on the analyzer)."""
    order, facts = arrival.order, arrival.facts
    if order.product != "MIS" or facts.mis_until is None or arrival.at < facts.mis_until:
        return ""
    held = -arrival.book.net(order.symbol, order.product) * order.action.sign
    return "" if held >= order.quantity else refusals.after_square_off(facts.square_off_wall)


def _lot_of(arrival: Arrival) -> Units:
    assert arrival.contract is not None
    return arrival.contract.lot


PLACING = (
    _unknown, _product, _kind, _prices, _lot, _freeze, _tick, _session, _intraday,
)  # fmt: skip
MODIFYING = (_lot, _freeze, _tick, _session)
