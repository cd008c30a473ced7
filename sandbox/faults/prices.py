"""Prices as a sick server tells them. Truth is asked as ever; only what is answered differs."""

from collections.abc import Callable

import msgspec

from domain.units import MINUTE, Day, Micros, Paise, Symbol
from sandbox.api.desk import Prices
from sandbox.faults.force import Moment
from sandbox.faults.verbs import FreezeQuotes, HistoryLag, MissingRows, Verb, YesterdaysQuotes
from sandbox.kinds import BarLine, DepthLine, QuoteLine

Hit = tuple[Verb, Moment]
HALF_SPREAD = 5
"""What a stale quote shows on either side of its price, in paise: one tick."""


class SickPrices:
    """Quotes and history as the faults that hit one call show them."""

    def __init__(
        self,
        well: Prices,
        hits: tuple[Hit, ...],
        opens: Callable[[], Micros],
        follow: Callable[[Symbol], None],
    ) -> None:
        self._well = well
        self._hits = hits
        self._opens = opens
        self._follow = follow

    def quote(self, at: Micros, symbol: Symbol) -> QuoteLine:
        """Return what is told of a symbol; KeyError for an unknown one."""
        return self.depth(at, symbol).quote

    def depth(self, at: Micros, symbol: Symbol) -> DepthLine:
        """Return what is told of a symbol's book; KeyError for an unknown one."""
        line = self._well.depth(at, symbol)
        self._follow(symbol)
        for verb, moment in self._hits:
            if moment.has(symbol):
                line = _shown(verb, line, moment.line(symbol, line))
        return line

    def history(
        self, at: Micros, symbol: Symbol, from_day: Day, to_day: Day
    ) -> tuple[BarLine, ...]:
        """Return the bars that are told of; KeyError for an unknown symbol."""
        bars = self._well.history(at, symbol, from_day, to_day)
        for verb, moment in self._hits:
            if moment.has(symbol):
                bars = tuple(bar for bar in bars if self._is_told(verb, bar.minute, at))
        return bars

    def _is_told(self, verb: Verb, minute: Micros, at: Micros) -> bool:
        match verb:
            case HistoryLag(minutes=minutes):
                return minute < at // MINUTE * MINUTE - minutes * MINUTE
            case MissingRows(stretch=(begin, end)):
                return not begin <= minute < end
            case MissingRows(first_minutes=minutes):
                return minute >= self._opens() + minutes * MINUTE
            case _:
                return True


def _shown(verb: Verb, line: DepthLine, remembered: DepthLine) -> DepthLine:
    match verb:
        case FreezeQuotes():
            return remembered
        case YesterdaysQuotes(coherent=coherent):
            quote = _yesterdays(line.quote, remembered.quote, coherent=coherent)
            return msgspec.structs.replace(line, quote=quote)
        case _:
            return line


def _yesterdays(quote: QuoteLine, remembered: QuoteLine, *, coherent: bool) -> QuoteLine:
    """Return the previous close; volume and open interest stand still, the day's range may not."""
    last = quote.prev_close
    shown = msgspec.structs.replace(
        quote,
        ltp=last,
        bid=Paise(max(0, last - HALF_SPREAD)) if quote.bid else quote.bid,
        ask=Paise(last + HALF_SPREAD) if quote.ask else quote.ask,
        volume=remembered.volume,
        oi=remembered.oi,
    )
    if not coherent:
        return shown
    return msgspec.structs.replace(shown, open=last, high=last, low=last)
