"""How the wire writes amounts, instants and days. Only here do prices become floats.

This room's own words, so that a mistake in `broker/wire` cannot hide behind the same one here.
"""

from decimal import Decimal

from domain import session
from domain.units import Day, Micros, Paise

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

STAMPS = ("%Y-%m-%d %H:%M:%S", "%d-%b-%Y %H:%M:%S", "%H:%M:%S %d-%m-%Y", "%d/%m/%Y %H:%M:%S")
"""How brokers write the time of an order; a live server passes their form on."""

MOST_DIGITS = 10
"""A price or a quantity of more digits than this is none."""


def rupees(amount: int) -> float:
    """Return paise as the nearest float of rupees: 14995 is 149.95."""
    return amount / 100


def rupees_text(amount: int) -> str:
    """Return paise as rupees with two decimals, as live brokers send them."""
    return f"{amount / 100:.2f}"


def excessive(amount: Decimal) -> bool:
    """Return whether a number is beyond anything an order can say, and not to be reckoned with."""
    return amount.adjusted() >= MOST_DIGITS


def paise(amount: Decimal) -> Paise | None:
    """Return rupees as paise, or None if there is a fraction of a paisa."""
    whole = amount.scaleb(2)
    return Paise(int(whole)) if whole == whole.to_integral_value() else None


def milliseconds(at: Micros) -> int:
    """Return an instant as epoch milliseconds: stream frames, market hours."""
    return at // 1000


def seconds(at: Micros) -> int:
    """Return an instant as epoch seconds: history, option chain."""
    return at // 1_000_000


def stamp(at: Micros, form: str = STAMPS[0]) -> str:
    """Return an instant in Asia/Kolkata, without a zone: order rows. OpenAlgo's own form first."""
    return session.local(at).strftime(form)


def day_of_symbol(day: Day) -> str:
    """Return a day as symbols and requests write it: 2026-11-24 is 24NOV26."""
    year, month, date = day.split("-")
    return f"{date}{MONTHS[int(month) - 1]}{year[2:]}"


def day_of_master(day: Day | None) -> str:
    """Return a day as the symbol master writes it: 2026-11-24 is 24-NOV-26; none is empty."""
    if day is None:
        return ""
    year, month, date = day.split("-")
    return f"{date}-{MONTHS[int(month) - 1]}-{year[2:]}"
