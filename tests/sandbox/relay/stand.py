"""A day as another server lists it, in a few words."""

from typing import Any

from domain.contracts import Side
from domain.units import Day, Micros, Paise, Symbol, Units
from sandbox.kinds import NFO, NSE_INDEX, BarLine
from sandbox.market.live import Inbox, LiveDay, Seen
from sandbox.market.master import Scribe
from tests.sandbox.pit import CALL, DAY, rules

NIFTY = Symbol("NIFTY")
EXPIRY = Day("2026-11-23")


def seen(symbol: Symbol = CALL, ltp: int = 15_000, **more: Any) -> Seen:
    exchange = NSE_INDEX if symbol == NIFTY else NFO
    return Seen(symbol=symbol, exchange=exchange, ltp=Paise(ltp), **more)


def a_day(inbox: Inbox | None = None, **known: Any) -> LiveDay:
    """Return a day with an index and one call, of which `known` is known."""
    scribe = Scribe(rules(), DAY)
    index, call = scribe.index("NIFTY"), scribe.option("NIFTY", EXPIRY, Paise(2_600_000), Side.CE)
    known = {"volume": Units(1000), "prev_close": Paise(14_000)} | known
    listed = ((index, seen(NIFTY, 2_600_000)), (call, seen(**known)))
    around = Paise(2_600_000)
    return LiveDay(day=DAY, around=around, listed=listed, inbox=inbox or Inbox())


def a_bar(minute: Micros, price: int = 15_000) -> BarLine:
    at = Paise(price)
    return BarLine(minute=minute, open=at, high=at, low=at, close=at, volume=Units(65), oi=Units(0))
