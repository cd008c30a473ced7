"""The closed set of rules, and which values each may have.

A value is a whole number, a text or true/false; money is in paise, ratios in basis points or per
crore. `none` stands for a rule that is not in force or not known.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from domain.units import Day

Value = int | str | bool | None
By = Literal["expiry", "trade_date"]

NONE = "none"
FIRST_DAY = Day("2000-01-01")
UNDERLYINGS = ("NIFTY", "BANKNIFTY", "FINNIFTY", "MIDCPNIFTY", "NIFTYNXT50", "SENSEX")
DEFAULT_BROKER = "default"
BROKERS = (
    DEFAULT_BROKER,
    "sandbox",
    "analyzer",
    "zerodha",
    "dhan",
    "upstox",
    "angel",
    "groww",
    "aliceblue",
    "geojit",
)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CERTAINTIES = frozenset(
    {"exchange", "broker docs", "data", "seen", "code", "secondary", "unchecked", "judgement"}
)

_WALL = r"([01][0-9]|2[0-3]):[0-5][0-9]"


@dataclass(frozen=True, slots=True)
class Kind:
    """Which values a rule may have; `says` completes the sentence 'allowed is'."""

    says: str
    accepts: Callable[[object], bool]


@dataclass(frozen=True, slots=True)
class Key:
    """One rule of the closed set. A broker's own rule may be absent: then the default holds."""

    by: By
    kind: Kind
    required: bool = True


def wall(text: object) -> bool:
    """Whether this is a time of day as HH:MM."""
    return isinstance(text, str) and re.fullmatch(_WALL, text) is not None


def _number(low: int, high: int, unit: str) -> Kind:
    def accepts(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    return Kind(f"a whole number of {unit} from {low} to {high}", accepts)


def _word(*words: str) -> Kind:
    return Kind(" or ".join(words), words.__contains__)


def _is_hours(value: object) -> bool:
    if not isinstance(value, str) or not re.fullmatch(f"{_WALL}-{_WALL}", value):
        return False
    opened, closed = value.split("-")
    return opened < closed


_UNITS = _number(1, 100_000, "units")
_PER_CRORE = _number(0, 100_000, "rupees per crore")
_PAISE = _number(1, 10_000_000, "paise")
_BPS = _number(0, 100_000, "basis points")
_SECONDS = _number(1, 86_400, "seconds")
_COUNT = _number(1, 10_000, "times")
_TIME = Kind("a time of day as HH:MM", wall)
_HOURS = Kind("hours as 09:15-15:30, the close after the open", _is_hours)
_FLAG = Kind("true or false", lambda value: isinstance(value, bool))


def _keys() -> dict[str, Key]:
    keys = {
        "tick.index_options": Key("trade_date", _PAISE),
        "hours.fno": Key("trade_date", _HOURS),
        "lpp.flat_up_to_p": Key("trade_date", _PAISE),
        "lpp.flat_p": Key("trade_date", _PAISE),
        "lpp.band_bps": Key("trade_date", _BPS),
        "lpp.window_s": Key("trade_date", _SECONDS),
        "lpp.quiet_s": Key("trade_date", _SECONDS),
        "order_rate.per_second": Key("trade_date", _COUNT),
        "charges.brokerage_p": Key("trade_date", _PAISE),
        "charges.stt_sell_per_crore": Key("trade_date", _PER_CRORE),
        "charges.sebi_per_crore": Key("trade_date", _PER_CRORE),
        "charges.stamp_buy_per_crore": Key("trade_date", _PER_CRORE),
        "charges.gst_bps": Key("trade_date", _BPS),
    }
    for exchange in ("NFO", "BFO"):
        keys[f"sl_m.{exchange}"] = Key("trade_date", _word("allow", "refuse"))
        keys[f"charges.transaction_per_crore_{exchange}"] = Key("trade_date", _PER_CRORE)
    for name in UNDERLYINGS:
        keys[f"lot.{name}"] = Key("expiry", _UNITS)
        keys[f"weekly.{name}"] = Key("expiry", _FLAG)
        keys[f"expiry_weekday.{name}"] = Key("expiry", _word(*WEEKDAYS[:5]))
        keys[f"freeze.{name}"] = Key("trade_date", _UNITS)
        keys[f"exchange.{name}"] = Key("trade_date", _word("NFO", "BFO"))
    for broker in BROKERS:
        needed = broker == DEFAULT_BROKER
        keys[f"square_off.{broker}"] = Key("trade_date", _TIME, needed)
        keys[f"mis_new_until.{broker}"] = Key("trade_date", _TIME, needed)
        market = _word("allow", "protect", "refuse")
        keys[f"market_orders.{broker}"] = Key("trade_date", market, needed)
        keys[f"max_modifies.{broker}"] = Key("trade_date", _COUNT, needed)
    return keys


KEYS = _keys()
