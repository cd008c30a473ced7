"""The symbol master by REST: one symbol, a search, expiry days."""

from domain.units import Micros
from sandbox.api import requests as ask
from sandbox.api.answers import Body, Refused
from sandbox.api.desk import BROKER, Desk
from sandbox.api.spelling import day_of_master, rupees
from sandbox.kinds import InstrumentLine

Row = dict[str, object]


def ping(desk: Desk, at: Micros, asked: ask.KeyOnly) -> Body:
    """Answer /ping; the broker's name is the lock that keeps paper and live apart."""
    del desk, at, asked
    return {"data": {"message": "pong", "broker": BROKER}}


def analyzer(desk: Desk, at: Micros, asked: ask.KeyOnly) -> Body:
    """Answer /analyzer: whether orders stay on paper, as far as the server says."""
    del at, asked
    return {"data": {"mode": desk.mode, "analyze_mode": not desk.is_live, "total_logs": 0}}


def symbol(desk: Desk, at: Micros, asked: ask.Instrument) -> Body:
    """Answer /symbol."""
    del at
    found = desk.exchange.instrument(asked.symbol, asked.exchange)
    if found is None:
        raise Refused(404, f"Symbol {asked.symbol} not found in exchange {asked.exchange}")
    return {"data": {"id": found.token, **master_row(found)}}


def search(desk: Desk, at: Micros, asked: ask.Search) -> Body:
    """Answer /search: every word must be found; rows in order of their symbols (seen)."""
    del at
    words = asked.query.upper().split()
    if not words:
        raise Refused(400, "Query parameter is required and cannot be empty")
    rows = [
        master_row(line)
        for line in sorted(desk.exchange.instruments(), key=lambda line: line.symbol)
        if asked.exchange in {None, line.exchange} and all(word in line.symbol for word in words)
    ]
    said = f"Found {len(rows)} matching symbols" if rows else "No matching symbols found"
    return {"data": rows, "message": said}


def expiry(desk: Desk, at: Micros, asked: ask.Expiry) -> Body:
    """Answer /expiry: ascending, none past."""
    del at
    name = asked.symbol.strip().upper()
    days = desk.exchange.expiries(name, asked.exchange, asked.instrumenttype)
    what = f"for {name} {asked.instrumenttype} in {asked.exchange}"
    said = f"Found {len(days)} expiry dates {what}" if days else f"No expiry dates found {what}"
    return {"data": [day_of_master(day) for day in days], "message": said}


def master_row(line: InstrumentLine) -> Row:
    """Return a row of the symbol master as /search writes it."""
    return {
        "symbol": line.symbol,
        "brsymbol": line.symbol,
        "name": line.name,
        "exchange": line.exchange,
        "brexchange": line.exchange,
        "token": str(line.token),
        "expiry": day_of_master(line.expiry),
        "strike": rupees(line.strike),
        "lotsize": line.lot,
        "instrumenttype": line.kind,
        "tick_size": rupees(line.tick),
        "freeze_qty": line.freeze,
    }
