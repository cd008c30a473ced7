"""The units everything is counted in. A bare number elsewhere carries its unit in its name."""

from typing import NewType

Paise = NewType("Paise", int)
"""Money in hundredths of a rupee: 149.95 rupees is 14995. No float money past `broker/wire`."""

Units = NewType("Units", int)
"""A quantity as the exchange counts it. One NIFTY lot of 65 is 65 units."""

Lots = NewType("Lots", int)
"""A quantity in whole lots; becomes `Units` only by multiplication with a contract's lot size."""

Micros = NewType("Micros", int)
"""An instant, or a span, in microseconds; instants count from the Unix epoch."""

Symbol = NewType("Symbol", str)
"""A contract in OpenAlgo's spelling, such as NIFTY24NOV2626000CE; an index by its plain name."""

Day = NewType("Day", str)
"""A trading day in Asia/Kolkata as YYYY-MM-DD; sorts as text."""

SECOND = Micros(1_000_000)
MINUTE = Micros(60 * SECOND)


def seconds(span_s: float) -> Micros:
    """Return a span given in seconds as microseconds, rounded to the nearest."""
    return Micros(round(span_s * SECOND))


def floor_tick(price: int, tick: Paise) -> Paise:
    """Return the highest multiple of `tick` that is not above `price`."""
    return Paise(price // tick * tick)


def ceil_tick(price: int, tick: Paise) -> Paise:
    """Return the lowest multiple of `tick` that is not below `price`."""
    return Paise(-(-price // tick) * tick)


def divide_half_up(numerator: int, denominator: int) -> int:
    """Return the quotient rounded to the nearest whole, halves up; `denominator` is positive."""
    return (2 * numerator + denominator) // (2 * denominator)


def rupees(amount: int) -> str:
    """Show paise as rupees with two decimals: -12345 is '-123.45'."""
    sign = "-" if amount < 0 else ""
    whole, part = divmod(abs(amount), 100)
    return f"{sign}{whole}.{part:02d}"
