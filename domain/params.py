"""Every number an operator may set, with its default and its allowed range, group by group.

The suffix is the unit: `_p` paise, `_s` seconds, `_ms` milliseconds, `_min` minutes, `_bps` basis
points, `_points` index points, `_r` multiples of risk. `config/settings.py` builds the validated
settings from these classes, so a default or a range is written exactly once. Sources of the values:
the reference strategy, OpenAlgo's public defaults (30, 60, 120 and 1.5 s), else judgement.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal


@dataclass(frozen=True, slots=True)
class Between:
    """The allowed range of a setting, both ends included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Shaped:
    """The allowed form of a text: the whole of it matches `pattern`; `says` is for people.

    `accepts` refuses what has the form and is none, such as the 30th of February.
    """

    pattern: str
    says: str
    accepts: Callable[[str], bool] = lambda _: True


def is_date(text: str) -> bool:
    """Whether a text as YYYY-MM-DD is a day of the calendar."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


Seconds = Annotated[float, Between(0, 86_400)]
Wall = Annotated[
    str,
    Shaped(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?", "a time of day as HH:MM or HH:MM:SS"),
]
Date = Annotated[str, Shaped(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "a date as YYYY-MM-DD", is_date)]


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseParams:
    """Which contracts are watched: `2 * width / step + 1` strikes on both sides.

    Half a width joins on a side whose last strike is nearer to spot than `edge_points`.
    """

    underlying: Annotated[str, Shaped(r"[A-Z0-9]{1,32}", "an index of the dated rules")] = "NIFTY"
    choose_after_s: Annotated[int, Between(0, 1800)] = 60
    atm_round_points: Annotated[int, Between(1, 1000)] = 100
    width_points: Annotated[int, Between(50, 5000)] = 1000
    step_points: Annotated[int, Between(1, 500)] = 50
    spot_sanity_bps: Annotated[int, Between(100, 5000)] = 2000
    min_symbols: Annotated[int, Between(2, 1000)] = 8
    edge_points: Annotated[int, Between(0, 2000)] = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionParams:
    """When the day ends for us. `force_close` is HH:MM:SS in Asia/Kolkata.

    A process that stays over night begins `wake_before_min` before the open.
    """

    force_close: Wall = "15:15:00"
    close_margin_min: Annotated[int, Between(5, 60)] = 15
    square_off_margin_s: Annotated[int, Between(0, 900)] = 120
    entry_stop_min: Annotated[int, Between(0, 240)] = 5
    trade_special: bool = False
    wake_before_min: Annotated[int, Between(1, 240)] = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class SwingParams:
    """Which detector reads the bars."""

    version: Annotated[int, Between(1, 1)] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterParams:
    """Stage 1 and 2: which swing lows are candidates, and which of them are in."""

    price_min_p: Annotated[int, Between(100, 10**6)] = 10_000
    price_max_p: Annotated[int, Between(100, 10**6)] = 30_000
    vwap_premium_bps: Annotated[int, Between(0, 5000)] = 400
    stop_min_bps: Annotated[int, Between(0, 5000)] = 200
    stop_max_bps: Annotated[int, Between(1, 10_000)] = 1000
    target_points_p: Annotated[int, Between(50, 10**5)] = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryParams:
    """How the entry rests under the swing and when it is given up."""

    trigger_offset_p: Annotated[int, Between(5, 500)] = 5
    limit_offset_p: Annotated[int, Between(5, 2000)] = 300
    min_gap_ticks: Annotated[int, Between(1, 20)] = 1
    amend_min_p: Annotated[int, Between(5, 1000)] = 100
    side_cooldown_s: Annotated[int, Between(0, 900)] = 120
    triggered_unfilled_s: Annotated[int, Between(2, 120)] = 10
    partial_s: Annotated[int, Between(1, 600)] = 30
    reject_backoff_s: tuple[Annotated[int, Between(1, 600)], ...] = (5, 15, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopParams:
    """The protective stop: `hh + buffer` triggers it, the larger offset sets its limit."""

    buffer_p: Annotated[int, Between(5, 2000)] = 100
    limit_offset_p: Annotated[int, Between(5, 5000)] = 300
    limit_offset_bps: Annotated[int, Between(0, 1500)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingParams:
    """How many lots one R buys. `worst` measures from the entry limit to the stop limit."""

    r_p: Annotated[int, Between(1000, 10**9)] = 650_000
    max_lots: Annotated[int, Between(1, 200)] = 10
    basis: Literal["swing", "worst"] = "swing"


@dataclass(frozen=True, slots=True, kw_only=True)
class SwingBreakParams:
    """The settings of the default strategy, under `strategies[].params`."""

    swing: SwingParams = SwingParams()
    filter: FilterParams = FilterParams()
    entry: EntryParams = EntryParams()
    stop: StopParams = StopParams()
    sizing: SizingParams = SizingParams()


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitParams:
    """How many shorts may be open at once; resting and unknown entries count."""

    positions: Annotated[int, Between(1, 50)] = 5
    ce: Annotated[int, Between(0, 50)] = 3
    pe: Annotated[int, Between(0, 50)] = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DayParams:
    """When the day is over by result. `loss_p` 0 switches the rupee limit off."""

    stop_r: Annotated[int, Between(-50, -1)] = -5
    target_r: Annotated[int, Between(1, 50)] = 5
    loss_p: Annotated[int, Between(0, 10**9)] = 4_875_000
    confirm_s: Annotated[int, Between(0, 10)] = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ChurnParams:
    """When cancelling and placing the same again is too much; it then pauses, not for the day.

    A cancel and a place of one symbol on one side within `pair_s` is one churn. Within `window_s`
    so many of one symbol block it, so many in all pause every entry, each for `block_s`.
    """

    pair_s: Annotated[int, Between(5, 3600)] = 30
    window_s: Annotated[int, Between(5, 3600)] = 300
    per_symbol: Annotated[int, Between(1, 100)] = 2
    total: Annotated[int, Between(1, 100)] = 5
    block_s: Annotated[int, Between(60, 28_800)] = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchdogParams:
    """How often the watchdog looks and speaks."""

    check_s: Annotated[int, Between(1, 300)] = 30
    heartbeat_s: Annotated[int, Between(5, 3600)] = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedParams:
    """When a feed is doubted, left and trusted again."""

    stale_warn_s: Annotated[int, Between(10, 600)] = 60
    fallback_s: Annotated[int, Between(10, 1200)] = 120
    hedge_s: Annotated[int, Between(2, 60)] = 10
    fast_fallback_s: Annotated[int, Between(2, 120)] = 20
    backup_after_s: Annotated[int, Between(5, 120)] = 15
    post_fill_grace_s: Annotated[int, Between(0, 60)] = 15
    first_tick_s: Annotated[int, Between(5, 120)] = 15
    return_s: Annotated[int, Between(5, 600)] = 30
    dwell_max_s: Annotated[int, Between(30, 3600)] = 300
    max_switches_per_h: Annotated[int, Between(2, 60)] = 6
    relogin_after: Annotated[int, Between(1, 100)] = 6
    gap_taint_s: Annotated[int, Between(1, 60)] = 5
    rest_poll_ms: Annotated[int, Between(500, 10_000)] = 1500
    rest_strikes: Annotated[int, Between(0, 40)] = 5
    rest_still_s: Annotated[int, Between(5, 120)] = 20
    rest_entries: Literal["never", "paper", "always"] = "never"
    rest_alert_s: Annotated[int, Between(30, 3600)] = 300
    entry_linger_s: Annotated[int, Between(0, 120)] = 5
    fresh_canary_s: Annotated[int, Between(1, 60)] = 5
    fresh_near_s: Annotated[int, Between(5, 600)] = 30
    fresh_far_s: Annotated[int, Between(30, 3600)] = 300
    pending_warn_s: Annotated[int, Between(10, 600)] = 120
    pending_cancel_s: Annotated[int, Between(10, 1800)] = 240
    coverage_warn_pct: Annotated[int, Between(1, 100)] = 90
    exchange_time: Literal["auto", "trust", "ignore"] = "auto"
    rebase_ticks: Annotated[int, Between(2, 50)] = 5
    subscribe_chunk: Annotated[int, Between(1, 500)] = 50
    max_frames_queued: Annotated[int, Between(1000, 10**6)] = 20_000
    spot_log_s: Annotated[int, Between(10, 3600)] = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class BarParams:
    """When a minute is closed by the clock."""

    close_grace_ms: Annotated[int, Between(0, 5000)] = 1500


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryParams:
    """How history is asked for."""

    settle_s: Annotated[int, Between(2, 120)] = 12
    retry_s: Annotated[int, Between(5, 600)] = 60
    retries: Annotated[int, Between(0, 20)] = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderParams:
    """How an order is recognised and how long it may be unknown."""

    baseline_max_age_s: Annotated[float, Between(1, 60)] = 5
    fingerprint_ticks: Annotated[int, Between(1, 200)] = 60
    match_skew_s: Annotated[int, Between(10, 3600)] = 180
    unknown_s: Annotated[int, Between(125, 900)] = 135
    confirm_gap_s: Annotated[float, Between(0.5, 30)] = 1.0
    fill_agree_s: Annotated[float, Between(0.5, 30)] = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileParams:
    """How often the broker's books are read."""

    window_s: Annotated[float, Between(1, 60)] = 5
    fast_s: Annotated[float, Between(0.5, 30)] = 1.5
    resting_s: Annotated[float, Between(1, 60)] = 5
    stops_s: Annotated[float, Between(2, 120)] = 10
    slow_s: Annotated[float, Between(5, 600)] = 60
    settle_s: Annotated[float, Between(0, 30)] = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class GateParams:
    """What an order must pass before it leaves."""

    snapshot_max_age_s: Annotated[int, Between(10, 600)] = 90
    skew_refuse_s: Annotated[float, Between(1, 60)] = 10
    skew_warn_s: Annotated[float, Between(0.5, 60)] = 2
    open_risk_p: Annotated[int, Between(1000, 10**10)] = 10_000_000
    margin_per_lot_p: Annotated[int, Between(1000, 10**10)] = 20_000_000
    margin_use_bps: Annotated[int, Between(100, 10_000)] = 9000
    entries_day: Annotated[int, Between(1, 1000)] = 40
    rejects_per_minute: Annotated[int, Between(1, 100)] = 5
    band_safety_bps: Annotated[int, Between(1000, 10_000)] = 9000


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardParams:
    """How many orders that are not ours, in our contracts, mean that another one trades here."""

    foreign_orders_max: Annotated[int, Between(1, 100)] = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectParams:
    """The clock of an uncovered short."""

    confirm_s: Annotated[float, Between(1, 60)] = 5
    emergency_s: Annotated[float, Between(2, 120)] = 10
    deadline_s: Annotated[float, Between(10, 600)] = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitParams:
    """The ladder that ends a position, its proof, and when it ends for want of prices: 0 never."""

    unfilled_s: Annotated[float, Between(0.5, 30)] = 1
    rung_s: Annotated[float, Between(0.5, 30)] = 2
    step_p: Annotated[int, Between(5, 10_000)] = 200
    step_bps: Annotated[int, Between(10, 5000)] = 500
    max_modifies: Annotated[int, Between(1, 20)] = 8
    quote_max_age_s: Annotated[float, Between(1, 60)] = 3
    proof_s: Annotated[int, Between(10, 600)] = 120
    quiet_s: Annotated[int, Between(0, 300)] = 30
    blind_flatten_s: Annotated[int, Between(0, 3600)] = 300
    beside_s: Annotated[int, Between(10, 600)] = 30
    sell_back: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalParams:
    """What the disk of the state directory must have: with less room free nothing is entered.

    The journals of `keep_days` days that are over are kept beside the running ones.
    """

    min_free_mb: Annotated[int, Between(0, 10**6)] = 500
    keep_days: Annotated[int, Between(10, 5000)] = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverParams:
    """What becomes of shorts that a lost journal does not know, and that have no stop."""

    protect_orphans: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerParams:
    """How the server is spoken to. `name` selects the broker's row of the dated rules.

    Per minute and per day only entries and their cancels are bound, exits never. `modify_qty` says
    what a modify may do to a quantity: `total` sets it, `none` means cancel and place anew. So does
    `remaining`, where the number means what is still to be traded: an order that may fill is then
    not modified in price either.
    `exit_modify` says how a resting stop becomes the LIMIT that leaves: by a modify, or replaced.
    """

    name: Annotated[str, Shaped(r"[a-z0-9_]{1,32}", "a broker's name in small letters")] = "default"
    order_rate_per_s: Annotated[int, Between(1, 10)] = 8
    exit_reserve: Annotated[int, Between(1, 9)] = 5
    rate_per_minute: Annotated[int, Between(1, 600)] = 120
    rate_per_day: Annotated[int, Between(1, 100_000)] = 2000
    modify_qty: Literal["total", "remaining", "none"] = "total"
    exit_modify: Literal["cancel_replace", "change_type"] = "cancel_replace"
    connect_timeout_s: Annotated[float, Between(0.5, 30)] = 2
    order_timeout_s: Annotated[float, Between(2, 120)] = 20
    read_timeout_s: Annotated[float, Between(1, 60)] = 10
    read_retries: Annotated[int, Between(0, 10)] = 3
    read_rate_per_s: Annotated[int, Between(1, 50)] = 9
    session_retry_s: Annotated[int, Between(5, 600)] = 30
    entry_ttl_s: Annotated[float, Between(0.5, 30)] = 2
    plain_http_hosts: tuple[Annotated[str, Shaped(r"[A-Za-z0-9._:-]{1,253}", "a host")], ...] = (
        "openalgo",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorParams:
    """How the cast is laid out."""

    bar_symbols_per_actor: Annotated[int, Between(1, 1000)] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FlattenParams:
    """How long run.py flatten sees a running agent journal nothing before it gives up on it."""

    takeover_s: Annotated[int, Between(5, 600)] = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownParams:
    """How long parking may take."""

    park_s: Annotated[int, Between(1, 300)] = 45
