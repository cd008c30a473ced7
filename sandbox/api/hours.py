"""The market's calendar by REST: the hours of a day, the holidays of a year."""

from datetime import datetime

from domain.units import Day, Micros
from sandbox.api import requests as ask
from sandbox.api.answers import Body, Refused
from sandbox.api.desk import Desk
from sandbox.api.spelling import milliseconds
from sandbox.kinds import HolidayLine, TimingLine

Row = dict[str, object]
FIRST_YEAR, LAST_YEAR = 2020, 2050


def timings(desk: Desk, at: Micros, asked: ask.Timings) -> Body:
    """Answer /market/timings: a closed exchange is absent."""
    del at
    day = _day(asked.date)
    return {"data": [_timing_row(line) for line in desk.exchange.timings(day)]}


def holidays(desk: Desk, at: Micros, asked: ask.Holidays) -> Body:
    """Answer /market/holidays; without a year, of the one being played.

    `year` and `timezone` are in OpenAlgo's own documentation of the route (docs.openalgo.in).
    """
    del at
    year = asked.year or int(desk.exchange.day[:4])
    rows = [_holiday_row(line) for line in desk.exchange.holidays(year)]
    return {"data": rows, "year": year, "timezone": "Asia/Kolkata"}


def _day(written: str) -> Day:
    try:
        day = datetime.strptime(written, "%Y-%m-%d").date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        raise Refused(400, "Invalid date format. Use YYYY-MM-DD") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Refused(400, f"Date must be between {FIRST_YEAR}-01-01 and {LAST_YEAR}-12-31")
    return Day(day.isoformat())


def _timing_row(line: TimingLine) -> Row:
    return {
        "exchange": line.exchange,
        "start_time": milliseconds(line.start),
        "end_time": milliseconds(line.end),
    }


def _holiday_row(line: HolidayLine) -> Row:
    return {
        "date": line.day,
        "description": line.description,
        "holiday_type": "SPECIAL_SESSION" if line.sessions else "TRADING_HOLIDAY",
        "closed_exchanges": list(line.closed),
        "open_exchanges": [_timing_row(hours) for hours in line.sessions],
    }
