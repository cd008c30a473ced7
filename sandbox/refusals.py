"""The words with which the exchange refuses, one function or constant per row of `sandbox.md` 5.

Texts are broker-like; those marked seen were read on a running OpenAlgo 2.0.2.1. A synchronous
refusal leaves no row in the book.
"""

from domain.units import Paise, Units, rupees

NO_SLM = "SL-M orders are not allowed for options"
NO_MARKET = "Market orders without protection are not allowed"
FREEZE = "Quantity exceeds freeze limit"
TRIGGER_CROSSED = "Trigger price already crossed"
LIMIT_BEYOND_TRIGGER = "Limit price must be beyond trigger"
LPP = "Order price is beyond LPP limit"
CLOSED = "Market is closed"
HALTED = "Trading is halted"
TOO_MANY_MODIFIES = "Maximum allowed order modifications exceeded"
REST_REJECTED = "Remaining quantity rejected by exchange"
BELOW_FILLED = "Quantity cannot be below the filled quantity"
BAD_PRICE = "Invalid price format"
NO_PRICE = "LIMIT orders require price"
NO_STOP_PRICE = "SL orders require price"
NO_TRIGGER = "SL orders require trigger_price"
NO_CNC = (
    "CNC product not allowed for NFO derivatives segment. "
    "Use NRML for carryforward or MIS for intraday."
)
NOT_TRADABLE = "Index instruments cannot be traded"


def off_tick(price: str, tick: Paise) -> str:
    """Return the refusal of a price, given in rupees as text, that lies on no tick."""
    return f"Price {price} is not a multiple of tick size {rupees(tick)}"


def wrong_lot(lot: Units) -> str:
    """Return the refusal of a quantity that is no multiple of the lot (seen)."""
    return f"Quantity must be in multiples of lot size {lot}"


def unknown_symbol(symbol: str, exchange: str) -> str:
    """Return the refusal of a symbol the master does not hold (seen)."""
    return f"Symbol {symbol} not found on {exchange}"


def unknown_order(orderid: str) -> str:
    """Return the answer about an order id nobody knows; goes with 404 (seen)."""
    return f"Order {orderid} not found"


def not_cancellable(status: str) -> str:
    """Return the answer to a cancel that came too late (seen)."""
    return f"Cannot cancel order in {status} status"


def not_modifiable(status: str) -> str:
    """Return the answer to a modify that came too late."""
    return f"Cannot modify order in {status} status"


def no_margin(required: int, available: int) -> str:
    """Return the refusal of an order the account cannot carry; paise in, rupees out."""
    short = required - available
    return (
        f"Insufficient funds. Required: {rupees(required)}, "
        f"Available: {rupees(available)}, Shortage: {rupees(short)}"
    )


def after_square_off(wall: str) -> str:
    """Return the refusal of a new MIS order after the broker's square-off, HH:MM in IST (seen)."""
    return (
        f"MIS orders cannot be placed after square-off time ({wall} IST). "
        "Trading resumes at 09:00 AM IST."
    )
