"""Options by their distance from the money: one symbol, or the chain with its quotes."""

import re

from domain.session import instant
from domain.units import Day, Micros, Paise
from sandbox.api import requests as ask
from sandbox.api.answers import Body, Refused
from sandbox.api.desk import Desk, not_in_master
from sandbox.api.prices import quote_row
from sandbox.api.spelling import day_of_symbol, rupees, seconds
from sandbox.kinds import NFO, NSE_INDEX, InstrumentLine, QuoteLine

Row = dict[str, object]
Ladder = dict[Paise, InstrumentLine]

_WITH_EXPIRY = re.compile(r"([A-Z]+)(\d{2}[A-Z]{3}\d{2})(?:FUT)?")


def option_symbol(desk: Desk, at: Micros, asked: ask.OptionSymbol) -> Body:
    """Answer /optionsymbol: the money is where the underlying stands at this moment."""
    name, expiry = _underlying(asked.underlying, asked.expiry_date)
    if expiry is None:
        raise Refused(
            400,
            "Expiry date required. Provide via expiry_date parameter or embed in underlying "
            "(e.g., NIFTY28OCT25FUT).",
        )
    ltp = _quote(desk, at, name, asked.exchange, ". ").ltp
    ladder = _ladder(desk, name, expiry, asked.option_type.upper())
    strike = _strike(ladder, ltp, asked)
    found = ladder.get(strike)
    if found is None:
        wanted = f"{name}{expiry}{rupees(strike):g}{asked.option_type.upper()}"
        raise Refused(
            404,
            f"Option symbol {wanted} not found in {NFO}. Symbol may not exist or master contract "
            "needs update.",
        )
    return {
        "symbol": found.symbol,
        "exchange": found.exchange,
        "lotsize": found.lot,
        "tick_size": rupees(found.tick),
        "freeze_qty": found.freeze,
        "underlying_ltp": rupees(ltp),
    }


def option_chain(desk: Desk, at: Micros, asked: ask.OptionChain) -> Body:
    """Answer /optionchain. No Greeks are offered: the answer says so."""
    name, expiry = _underlying(asked.underlying, asked.expiry_date)
    quote = _quote(desk, at, name, asked.exchange, ": ")
    calls = _ladder(desk, name, expiry or "", "CE")
    puts = _listed(desk, name, expiry or "", "PE")
    strikes = sorted(calls)
    atm = strikes.index(_nearest(strikes, quote.ltp))
    width = asked.strike_count if asked.strike_count is not None else len(strikes)
    shown = range(max(0, atm - width), min(len(strikes), atm + width + 1))
    day = calls[strikes[0]].expiry
    return {
        "underlying": name,
        "underlying_symbol": name,
        "underlying_exchange": _index_exchange(asked.exchange),
        "underlying_ltp": rupees(quote.ltp),
        "underlying_prev_close": rupees(quote.prev_close),
        "expiry_date": expiry,
        "expiry_ts": seconds(instant(day, "15:30")) if day else None,
        "server_ts": seconds(at),
        "atm_strike": rupees(strikes[atm]),
        "quotes_included": True,
        "greeks_included": False,
        "forward_price": None,
        "chain": [
            {
                "strike": rupees(strikes[n]),
                "ce": _side(desk, at, calls.get(strikes[n]), _label(n - atm, "OTM", "ITM")),
                "pe": _side(desk, at, puts.get(strikes[n]), _label(n - atm, "ITM", "OTM")),
            }
            for n in shown
        ],
    }


def _underlying(written: str, expiry: str | None) -> tuple[str, str | None]:
    name = written.upper()
    if embedded := _WITH_EXPIRY.fullmatch(name):
        return embedded[1], embedded[2]
    return name, expiry.upper() if expiry else None


def _index_exchange(written: str) -> str:
    return NSE_INDEX if written == NFO else written


def _quote(desk: Desk, at: Micros, name: str, exchange: str, then: str) -> QuoteLine:
    where = _index_exchange(exchange)
    found = desk.exchange.instrument(name, where)
    if found is None:
        why = not_in_master(name, where)
        raise Refused(400, f"Failed to fetch LTP for {name}{then}{why}")
    return desk.prices.quote(at, found.symbol)


def _ladder(desk: Desk, name: str, expiry: str, side: str) -> Ladder:
    """Return the options of one side by strike, or refuse an expiry that has none."""
    ladder = _listed(desk, name, expiry, side)
    if not ladder:
        raise Refused(
            404,
            f"No strikes found for {name} expiring {expiry}. Please check expiry date or update "
            "master contract.",
        )
    return ladder


def _listed(desk: Desk, name: str, expiry: str, side: str) -> Ladder:
    return {
        line.strike: line
        for line in desk.exchange.instruments()
        if line.name == name and line.kind == side and _expires(line.expiry) == expiry
    }


def _expires(day: Day | None) -> str | None:
    return day_of_symbol(day) if day else None


def _nearest(strikes: list[Paise], ltp: Paise) -> Paise:
    return min(strikes, key=lambda strike: abs(strike - ltp))


def _strike(ladder: Ladder, ltp: Paise, asked: ask.OptionSymbol) -> Paise:
    """Return the strike wanted: by the listed ones, or by a step if the caller names one."""
    steps = _steps(asked.offset.upper(), asked.option_type.upper())
    if asked.strike_int is not None:
        step = asked.strike_int * 100
        return Paise((round(ltp / step) + steps) * step)
    strikes = sorted(ladder)
    place = strikes.index(_nearest(strikes, ltp)) + steps
    if not 0 <= place < len(strikes):
        raise Refused(
            400,
            f"Offset {asked.offset} is out of range for available strikes. Please use a smaller "
            "offset.",
        )
    return strikes[place]


def _steps(offset: str, side: str) -> int:
    """Return how many strikes up: a call is out of the money above it, a put below."""
    if offset == "ATM":
        return 0
    up = (offset[:3] == "OTM") == (side == "CE")
    return int(offset[3:]) if up else -int(offset[3:])


def _label(steps: int, above: str, below: str) -> str:
    if steps == 0:
        return "ATM"
    return f"{above if steps > 0 else below}{abs(steps)}"


def _side(desk: Desk, at: Micros, line: InstrumentLine | None, label: str) -> Row | None:
    if line is None:
        return None
    quote = desk.prices.quote(at, line.symbol)
    return {
        "symbol": line.symbol,
        "label": label,
        **quote_row(quote),
        "bid_qty": quote.bid_quantity,
        "ask_qty": quote.ask_quantity,
        "lotsize": line.lot,
        "tick_size": rupees(line.tick),
    }
