"""Option symbols as OpenAlgo spells them, and the strikes around the money.

`NIFTY24NOV2626000CE` is name, expiry, strike, side. Names hold digits, `&` and `-`, even the
letters CE, so a symbol is read from its right end.
"""

import re
from datetime import date

import msgspec

from domain.contracts import Side
from domain.units import Day, Paise, Symbol

_SYMBOL = re.compile(r"(.*?)([0-9]{2}[A-Z]{3}[0-9]{2})([0-9]{1,9}(?:\.[0-9]{1,2})?)(CE|PE)")
_EXPIRY = re.compile(r"([0-9]{2})(-?)([A-Z]{3})\2([0-9]{2})")
_NAME = re.compile(r"[A-Z0-9&-]+")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


class BadSymbol(ValueError):
    """A text that is no option symbol, or no expiry; says which rule it breaks."""


class OptionSymbol(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an option symbol says. `strike` is in paise."""

    name: str
    expiry: Day
    strike: Paise
    side: Side

    @property
    def symbol(self) -> Symbol:
        """The symbol in OpenAlgo's spelling; undoes `parse`. Raises BadSymbol."""
        return build(self.name, self.expiry, self.strike, self.side)


def parse(symbol: str) -> OptionSymbol:
    """Read an option symbol from its right end; raise BadSymbol naming the rule it breaks."""
    if not symbol.endswith(("CE", "PE")):
        raise BadSymbol(f"{symbol!r} does not end in CE or PE")
    found = _SYMBOL.fullmatch(symbol)
    if found is None:
        raise BadSymbol(f"{symbol!r} has no expiry such as 24NOV26 and strike before its last two")
    name, expiry, strike, side = found.groups()
    return OptionSymbol(
        name=_name(name), expiry=expiry_day(expiry), strike=_strike(strike), side=Side(side)
    )


def is_option(symbol: str) -> bool:
    """Whether a text is spelled as an option symbol; RELIANCE is none."""
    try:
        parse(symbol)
    except BadSymbol:
        return False
    return True


def build(name: str, expiry: Day, strike: Paise, side: Side) -> Symbol:
    """Spell an option symbol. Raises BadSymbol for a name, date or strike that has no spelling."""
    if strike <= 0:
        raise BadSymbol(f"strike {strike} paise is not above 0")
    return Symbol(f"{_name(name)}{compact(expiry)}{_strike_text(strike)}{side.value}")


def compact(day: Day) -> str:
    """Write an expiry as symbols and requests do: 24NOV26. Raises BadSymbol."""
    real = _real(day)
    return f"{real.day:02d}{_MONTHS[real.month - 1]}{real.year % 100:02d}"


def expiry_day(text: str) -> Day:
    """Read an expiry written as 24NOV26 or 24-NOV-26. Raises BadSymbol."""
    found = _EXPIRY.fullmatch(text)
    if found is None:
        raise BadSymbol(f"{text!r} is not an expiry such as 24NOV26 or 24-NOV-26")
    day, _, month, year = found.groups()
    if month not in _MONTHS:
        raise BadSymbol(f"{text!r} names no month")
    try:
        real = date(2000 + int(year), _MONTHS.index(month) + 1, int(day))
    except ValueError as error:
        raise BadSymbol(f"{text!r} is not a date of the calendar") from error
    return Day(real.isoformat())


def atm(spot: Paise, round_points: int) -> Paise:
    """Return the strike nearest to `spot` among the multiples of `round_points`, halves up."""
    step = round_points * 100
    return Paise((spot + step // 2) // step * step)


def strikes(middle: Paise, width_points: int, step_points: int) -> tuple[Paise, ...]:
    """Return the strikes from `middle - width` to `middle + width`, ascending, all above 0."""
    reach = width_points // step_points
    around = (middle + n * step_points * 100 for n in range(-reach, reach + 1))
    return tuple(Paise(strike) for strike in around if strike > 0)


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BadSymbol(f"name {name!r} is not made of A-Z, 0-9, & and -")
    return name


def _strike(text: str) -> Paise:
    whole, _, part = text.partition(".")
    strike = Paise(int(whole) * 100 + int(part.ljust(2, "0") if part else 0))
    if strike <= 0 or _strike_text(strike) != text:
        raise BadSymbol(f"strike {text!r} is not a plain number above 0, such as 26000 or 292.5")
    return strike


def _strike_text(strike: Paise) -> str:
    whole, part = divmod(strike, 100)
    return f"{whole}.{part:02d}".rstrip("0") if part else str(whole)


def _real(day: Day) -> date:
    try:
        real = date.fromisoformat(day)
    except ValueError as error:
        raise BadSymbol(f"{day!r} is not a date of the calendar") from error
    if real.year // 100 != 20:
        raise BadSymbol(f"{day!r} does not fit two digits of a year 20xx")
    return real
