"""What the dated rules say about one day, read once: hours, square-off, orders, band, charges.

A number that a circular can change is never written here; it comes from the `RulePack`, for the
broker named by `sandbox.broker` and with the exchange's own overrides already applied.
"""

from dataclasses import dataclass
from datetime import date

from domain.charges import ChargeRates
from domain.rules import RulePack
from domain.rules.lpp import LppBand
from domain.session import instant
from domain.units import MINUTE, SECOND, Day, Micros, Paise
from sandbox.kinds import NFO, HolidayLine, TimingLine
from sandbox.market.hours import Session

CLOSED_ON_HOLIDAYS = ("NSE", "BSE", "NFO", "BFO", "CDS", "BCD")
DERIVATIVES = (NFO, "BFO")
CASH = ("NSE", "BSE")
CASH_HOURS = ("09:15", "15:30")
"""What OpenAlgo's own table says of the cash market (`openalgo.md` 5, market/timings)."""
LPP_WINDOW_S = 30
LPP_QUIET_S = 900
"""How price references are kept on days before there was a band."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFacts:
    """One day at the exchange and at its broker. A closed day opens and closes at once."""

    day: Day
    open: Micros
    close: Micros
    square_off: Micros | None
    mis_until: Micros | None
    """From when a new intraday order is refused: the square-off, or the broker's earlier cut."""
    square_off_wall: str
    market_orders: str
    stop_market: bool
    max_modifies: int | None
    tick: Paise
    band: LppBand | None
    rates: ChargeRates

    def is_open(self, at: Micros) -> bool:
        """Whether orders are taken at this instant."""
        return self.open <= at < self.close

    @property
    def session(self) -> Session:
        """The hours as the market sources see them."""
        midnight = instant(self.day, "00:00")
        return Session(
            open_s=self.open // SECOND,
            close_s=self.close // SECOND,
            open_minute=(self.open - midnight) // MINUTE,
        )

    @property
    def window_s(self) -> int:
        """How many seconds of prints make a reference price."""
        return self.band.window_s if self.band else LPP_WINDOW_S

    @property
    def quiet_s(self) -> int:
        """After how many seconds without a print a reference is theoretical."""
        return self.band.quiet_s if self.band else LPP_QUIET_S


def facts(rules: RulePack, broker: str, day: Day) -> DayFacts:
    """Read the rules of `day`. Raises RuleError where the pack does not reach."""
    opened, closed = _hours(rules, day)
    square_off = rules.square_off(broker, day)
    cuts = (square_off, rules.mis_new_until(broker, day))
    return DayFacts(
        day=day,
        open=instant(day, opened),
        close=instant(day, closed),
        square_off=instant(day, square_off) if square_off else None,
        mis_until=min((instant(day, wall) for wall in cuts if wall), default=None),
        square_off_wall=square_off or "",
        market_orders=rules.market_orders(broker, day),
        stop_market=rules.sl_m(NFO, day),
        max_modifies=rules.max_modifies(broker, day),
        tick=rules.tick(day),
        band=rules.lpp(day),
        rates=rules.charges(day),
    )


def timings(rules: RulePack, day: Day) -> tuple[TimingLine, ...]:
    """Return each exchange's hours; on a closed day only the one that never closes is left."""
    opened, closed = _hours(rules, day)
    lines: list[TimingLine] = []
    if opened != closed:
        cash = CASH_HOURS if rules.is_regular(day) else (opened, closed)
        lines += [_timing(name, day, cash) for name in CASH]
        lines += [_timing(name, day, (opened, closed)) for name in DERIVATIVES]
    lines.append(_timing("CRYPTO", day, ("00:00", "23:59:59")))
    return tuple(lines)


def holidays(rules: RulePack, year: int) -> tuple[HolidayLine, ...]:
    """Return holidays and special sessions of a year, ascending."""
    named = {day: holiday.name for day, holiday in rules.holidays.items()}
    named |= {day: special.name for day, special in rules.specials.items()}
    return tuple(
        HolidayLine(
            day=day,
            description=named[day],
            closed=CLOSED_ON_HOLIDAYS,
            sessions=tuple(t for t in timings(rules, day) if t.exchange in DERIVATIVES),
        )
        for day in sorted(named)
        if date.fromisoformat(day).year == year
    )


def _hours(rules: RulePack, day: Day) -> tuple[str, str]:
    special = rules.special(day)
    if special:
        return special.open, special.close
    if rules.is_regular(day):
        hours = rules.hours(day)
        return hours.open, hours.close
    return "09:15", "09:15"


def _timing(name: str, day: Day, hours: tuple[str, str]) -> TimingLine:
    start, end = (instant(day, wall) for wall in hours)
    return TimingLine(exchange=name, start=start, end=end)
