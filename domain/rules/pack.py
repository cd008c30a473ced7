"""The rules in force on a day, asked by name.

A row holds from its date, inclusive, until the next row begins. Nothing here guesses: a rule that
is unknown on the day asked for raises `RuleError`, which names it.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from types import MappingProxyType

import msgspec

from domain.charges import ChargeRates
from domain.errors import RuleError
from domain.rules.keys import DEFAULT_BROKER, FIRST_DAY, KEYS, NONE, WEEKDAYS, Value
from domain.rules.lpp import LppBand
from domain.units import Day, Paise, Units

GRACE_DAYS = 14
"""How long a pack may be used after its `valid_through`; from then on it refuses entries."""


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One dated value, where it was read, and how sure we are. `value` None: not in force."""

    since: Day
    value: Value
    source: str
    certainty: str


class Holiday(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A day on which futures and options do not trade."""

    day: Day
    name: str
    source: str
    certainty: str


class Special(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A session outside the normal days, such as Muhurat. `open` and `close` are HH:MM."""

    day: Day
    name: str
    open: str
    close: str
    source: str
    certainty: str


class Hours(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Continuous trading of options, HH:MM in Asia/Kolkata."""

    open: str
    close: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePack:
    """Every dated rule, frozen. Built by `reading.build`; safe to share between threads."""

    version: int
    valid_through: Day
    holidays_through: Day
    rows: Mapping[str, tuple[Row, ...]]
    holidays: Mapping[Day, Holiday]
    specials: Mapping[Day, Special]

    def row(self, key: str, day: Day) -> Row:
        """Return the row of `key` in force on `day`. Raises RuleError."""
        rows = self.rows.get(key)
        if rows is None:
            raise RuleError(f"rules: {key} is not in the pack; it knows {_siblings(key)}")
        found = bisect_right([row.since for row in rows], day)
        if not found:
            raise RuleError(f"rules: {key} begins {rows[0].since}, {day} lies before it")
        return rows[found - 1]

    def lot(self, underlying: str, expiry: Day) -> Units:
        """Return the lot of the contracts that expire on `expiry`: lots belong to the expiry."""
        return Units(self._number(f"lot.{underlying}", expiry))

    def freeze(self, underlying: str, day: Day) -> Units:
        """Return the freeze quantity: an order above it is refused."""
        return Units(self._number(f"freeze.{underlying}", day))

    def tick(self, day: Day) -> Paise:
        """Return the tick of index options."""
        return Paise(self._number("tick.index_options", day))

    def exchange(self, underlying: str, day: Day) -> str:
        """Return the exchange of the options: NFO or BFO."""
        return self._text(f"exchange.{underlying}", day)

    def index_exchange(self, underlying: str, day: Day) -> str:
        """Return where OpenAlgo quotes the index itself: NSE_INDEX or BSE_INDEX."""
        return {"NFO": "NSE_INDEX", "BFO": "BSE_INDEX"}[self.exchange(underlying, day)]

    def expiry_weekday(self, underlying: str, day: Day) -> int:
        """Return the weekday, Monday 0, on which contracts expire around `day`."""
        return WEEKDAYS.index(self._text(f"expiry_weekday.{underlying}", day))

    def weekly(self, underlying: str, day: Day) -> bool:
        """Return whether a contract expires each week around `day`, not once a month only."""
        return bool(self._known(f"weekly.{underlying}", day))

    def hours(self, day: Day) -> Hours:
        """Return the normal hours of futures and options; holidays are not looked at."""
        opened, closed = self._text("hours.fno", day).split("-")
        return Hours(open=opened, close=closed)

    def holiday(self, day: Day) -> Holiday | None:
        """Return the holiday that `day` is, or None. Weekends are not listed."""
        return self.holidays.get(day)

    def special(self, day: Day) -> Special | None:
        """Return the special session held on `day`, or None."""
        return self.specials.get(day)

    def is_regular(self, day: Day) -> bool:
        """Return whether `day` is a normal trading day: Monday to Friday and no holiday."""
        return date.fromisoformat(day).weekday() < 5 and day not in self.holidays

    def square_off(self, broker: str, day: Day) -> str | None:
        """Return when the broker closes intraday positions, HH:MM, or None."""
        value = self._broker("square_off", broker, day)
        return None if value is None else str(value)

    def mis_new_until(self, broker: str, day: Day) -> str | None:
        """Return from when the broker takes no new intraday order, HH:MM, or None."""
        value = self._broker("mis_new_until", broker, day)
        return None if value is None else str(value)

    def market_orders(self, broker: str, day: Day) -> str:
        """Return what becomes of an unprotected MARKET order: allow, protect or refuse."""
        return str(self._broker("market_orders", broker, day))

    def max_modifies(self, broker: str, day: Day) -> int | None:
        """Return how often one order may be modified, or None if no limit is known."""
        value = self._broker("max_modifies", broker, day)
        return None if value is None else int(value)

    def sl_m(self, exchange: str, day: Day) -> bool:
        """Return whether the exchange takes SL-M orders on options."""
        return self._text(f"sl_m.{exchange}", day) == "allow"

    def order_rate(self, day: Day) -> int | None:
        """Return how many order writes a calendar second may hold, or None if nothing says."""
        value = self.row("order_rate.per_second", day).value
        return None if value is None else int(value)

    def lpp(self, day: Day) -> LppBand | None:
        """Return the limit price protection in force, or None before there was one."""
        names = ("flat_up_to_p", "flat_p", "band_bps", "window_s", "quiet_s")
        values = {name: self.row(f"lpp.{name}", day).value for name in names}
        if None in values.values():
            return None
        return msgspec.convert(values, LppBand)

    def charges(self, day: Day, exchange: str = "NFO") -> ChargeRates:
        """Return the rates of a trading date; a charge not in force is 0."""

        def rate(name: str) -> int:
            return int(self.row(f"charges.{name}", day).value or 0)

        return ChargeRates(
            brokerage=Paise(rate("brokerage_p")),
            stt_sell=rate("stt_sell_per_crore"),
            transaction=rate(f"transaction_per_crore_{exchange}"),
            sebi=rate("sebi_per_crore"),
            stamp_buy=rate("stamp_buy_per_crore"),
            gst_bps=rate("gst_bps"),
        )

    def nearest_expiry(self, underlying: str, day: Day) -> Day:
        """Return the first expiry on or after `day`; `day` itself counts."""
        return self.expiries(underlying, day, 1)[0]

    def expiries(self, underlying: str, day: Day, n: int) -> tuple[Day, ...]:
        """Return the next `n` expiries on or after `day`, ascending.

        An expiry on a holiday moves to the trading day before (NSE contract terms); holidays
        outside the years of the pack are not known.
        """
        found: list[Day] = []
        nominal = date.fromisoformat(day)
        while len(found) < n:
            if self._is_nominal(underlying, nominal):
                expiry = self._on_or_before(nominal)
                if expiry >= day:
                    found.append(expiry)
            nominal += timedelta(days=1)
        return tuple(found)

    def refusal(self, day: Day) -> str:
        """Return why the pack is too old for entries on `day`, or ''. Exits never ask."""
        if day > self.holidays_through:
            return f"rules: holidays are known through {self.holidays_through} only"
        if self.days_left(day) < -GRACE_DAYS:
            return f"rules: the pack was valid through {self.valid_through}; renew config/rules"
        return ""

    def days_left(self, day: Day) -> int:
        """Return how many days after `day` the pack is still valid; negative: it is overdue."""
        return (date.fromisoformat(self.valid_through) - date.fromisoformat(day)).days

    def override(self, *texts: str) -> "RulePack":
        """Return a pack in which each `key=value` holds on every day. Raises RuleError.

        For a paper exchange that shall disagree with what the agent believes.
        """
        rows = dict(self.rows)
        for text in texts:
            key, _, raw = text.partition("=")
            if key not in KEYS:
                raise RuleError(f"rules: {key} is not in the pack; it knows {_siblings(key)}")
            value = _plain(raw)
            kind = KEYS[key].kind
            if value is not None and not kind.accepts(value):
                raise RuleError(f"rules: {key}={raw} is not allowed; allowed is {kind.says}")
            rows[key] = (
                Row(since=FIRST_DAY, value=value, source="override", certainty="judgement"),
            )
        return replace(self, rows=MappingProxyType(rows))

    def _known(self, key: str, day: Day) -> int | str | bool:
        value = self.row(key, day).value
        if value is None:
            raise RuleError(f"rules: {key} is not known on {day}; add a row to config/rules")
        return value

    def _number(self, key: str, day: Day) -> int:
        return int(self._known(key, day))

    def _text(self, key: str, day: Day) -> str:
        return str(self._known(key, day))

    def _broker(self, rule: str, broker: str, day: Day) -> Value:
        own = f"{rule}.{broker}"
        return self.row(own if own in self.rows else f"{rule}.{DEFAULT_BROKER}", day).value

    def _is_nominal(self, underlying: str, day: date) -> bool:
        text = Day(day.isoformat())
        if day.weekday() != self.expiry_weekday(underlying, text):
            return False
        last_of_month = (day + timedelta(days=7)).month != day.month
        return last_of_month or self.weekly(underlying, text)

    def _on_or_before(self, day: date) -> Day:
        while not self.is_regular(Day(day.isoformat())):
            day -= timedelta(days=1)
        return Day(day.isoformat())


def _siblings(key: str) -> str:
    family = key.partition(".")[0]
    known = [name for name in KEYS if name.partition(".")[0] == family]
    return ", ".join(known or sorted({name.partition(".")[0] for name in KEYS}))


def _plain(raw: str) -> Value:
    if raw == NONE:
        return None
    if raw in {"true", "false"}:
        return raw == "true"
    return int(raw) if raw.isdecimal() and raw.isascii() else raw
