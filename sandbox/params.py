"""Every number of the paper exchange an operator may set, in the manner of `domain/params.py`.

All of them are our own judgement; what NSE or a broker lays down is in the dated rules instead. The
suffix is the unit: `_p` paise, `_s` seconds, `_ms` milliseconds, `_bp` basis points, `_points`
index points. Times and durations are market time unless the field says otherwise.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from domain.params import Between, Date, Shaped, Wall

Host = Annotated[str, Shaped(r"[A-Za-z0-9.:-]{1,253}", "a host name or address")]
Port = Annotated[int, Between(0, 65_535)]
Path = Annotated[str, Shaped(r"[^\x00]{0,4096}", "a path of a file, or nothing")]
BrokerName = Annotated[str, Shaped(r"[a-z0-9_]{1,32}", "a broker's name in small letters")]
Override = Annotated[
    str, Shaped(r"[a-z_]+\.[A-Za-z0-9_]+=\S+", "a dated rule as key=value, such as lot.NIFTY=75")
]
BrokerQuirk = Literal[
    "zerodha_leak",
    "fyers_empty",
    "shoonya_empty",
    "angel_price_is_avg",
    "dhan_vocab",
    "no_fill_qty",
    "push_none",
    "modify_remaining",
    "sl_to_limit_refused",
    "protect_market",
]
Rename = Annotated[str, Shaped(r"[a-z_]+=[^=]+", "our column=the file's, such as cum_volume=vtt")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lognormal:
    """A latency in milliseconds of market time: its median, the sigma of its logarithm, its cap."""

    median: Annotated[int, Between(0, 60_000)] = 45
    sigma: Annotated[float, Between(0, 3)] = 0.6
    cap: Annotated[int, Between(0, 60_000)] = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyParams:
    """How long a write takes until the exchange acts on it."""

    place_ms: Lognormal = Lognormal()
    modify_ms: Lognormal = Lognormal()
    cancel_ms: Lognormal = Lognormal(median=60, sigma=0.8)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchingParams:
    """How much of what the market shows reaches our orders.

    `queue_factor` times the displayed size stands ahead of a resting order; `participation` is the
    share of a print through our price that is ours.
    """

    queue_factor: Annotated[float, Between(0, 10)] = 1.0
    participation: Annotated[float, Between(0, 1)] = 0.5
    extra_slippage_ticks: Annotated[int, Between(0, 100)] = 0
    market_protection_bp: Annotated[int, Between(0, 5000)] = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginParams:
    """What a short option blocks, in shares of the underlying's value."""

    scan_bp: Annotated[int, Between(0, 5000)] = 930
    minimum_bp: Annotated[int, Between(0, 5000)] = 300
    exposure_bp: Annotated[int, Between(0, 5000)] = 200
    expiry_day_bp: Annotated[int, Between(0, 5000)] = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeParams:
    """One kind of day: yearly volatility, drift over the day (its sign is drawn), jumps."""

    sigma_bp: Annotated[int, Between(1, 20_000)]
    drift_bp: Annotated[int, Between(0, 2000)]
    jumps_per_day: Annotated[float, Between(0, 100)]
    jump_sd_bp: Annotated[float, Between(0, 1000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashParams(RegimeParams):
    """A day that falls by `drop_bp` within `drop_min` from `shock_at` on, on top of its drift.

    The yearly volatility is `shock_sigma_bp` then; what is above `sigma_bp` halves every
    `half_life_min`. Options are priced with it within `learn_min`: with 0 a premium leaps out of
    its price band in one instant, and no cover is taken for half a minute. From the shock to the
    close quotes are `spread_x` times as wide. For `no_asks_s` seconds of the fall, drawn by the
    seed, nobody sells puts.
    """

    shock_at: Wall = "11:07"
    drop_bp: Annotated[int, Between(0, 2000)] = 300
    drop_min: Annotated[int, Between(1, 375)] = 12
    shock_sigma_bp: Annotated[int, Between(1, 20_000)] = 4500
    half_life_min: Annotated[int, Between(1, 375)] = 40
    learn_min: Annotated[int, Between(0, 375)] = 12
    spread_x: Annotated[float, Between(1, 20)] = 3
    no_asks_s: Annotated[int, Between(0, 600)] = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryParams(RegimeParams):
    """The expiry day of the nearest weekly, by default the first one from `sandbox.date` on.

    From `pull_from` on the spot is drawn to the nearest multiple of `pull_points`: half of the way
    there in `pull_half_life_min`. Jumps come in the `jumps_min` minutes from `jumps_from` on.
    """

    jumps_from: Wall = "14:45"
    jumps_min: Annotated[int, Between(1, 375)] = 20
    pull_from: Wall = "14:00"
    pull_points: Annotated[int, Between(1, 1000)] = 100
    pull_half_life_min: Annotated[int, Between(1, 375)] = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltParams(RegimeParams):
    """A day on which nothing is quoted, printed or taken from `halt_at` on for `halt_min`.

    The prices of the minute before stay where they were, and resume where the spot has gone unseen.
    `drop_bp` is how far the spot falls in the `drop_min` before: 1000 is the index halting because
    it met its first limit, and needs more `strikes` to stay on the chain.
    """

    halt_at: Wall = "11:00"
    halt_min: Annotated[int, Between(0, 375)] = 45
    drop_bp: Annotated[int, Between(0, 2000)] = 0
    drop_min: Annotated[int, Between(1, 375)] = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketParams:
    """Where prices come from, and the shape of the synthetic chain.

    `trend_x` multiplies the drift of `trend`: 3 makes a day that leaves the watched strikes.
    `strikes` are on each side of the money. `quotes_per_s` is the rate at the money; it falls with
    the distance from it, never below one in `quiet_max_s`, and is `open_x` times as high until
    `open_until`. There are more strikes than the 20 a side that are watched by default, so that
    the money may have moved by the time they are chosen.
    """

    source: Literal["synthetic", "tape", "openalgo"] = "synthetic"
    regime: Literal["calm", "trend", "crash", "expiry", "halt"] = "trend"
    spot_p: Annotated[int, Between(100_000, 100_000_000)] = 2_600_000
    rate_bp: Annotated[int, Between(0, 2000)] = 650
    iv_premium_bp: Annotated[int, Between(0, 5000)] = 50
    half_spread_bp: Annotated[int, Between(0, 1000)] = 20
    half_spread_min_p: Annotated[int, Between(1, 1000)] = 5
    strikes: Annotated[int, Between(1, 100)] = 30
    step_points: Annotated[int, Between(1, 500)] = 50
    expiries: Annotated[int, Between(1, 4)] = 2
    quotes_per_s: Annotated[float, Between(0.01, 50)] = 1.2
    quiet_max_s: Annotated[int, Between(1, 600)] = 20
    open_x: Annotated[float, Between(1, 20)] = 3
    open_until: Wall = "09:20"
    print_share_bp: Annotated[int, Between(0, 10_000)] = 6000
    trend_x: Annotated[float, Between(0, 10)] = 1
    calm: RegimeParams = RegimeParams(sigma_bp=900, drift_bp=0, jumps_per_day=0.2, jump_sd_bp=10)
    trend: RegimeParams = RegimeParams(sigma_bp=1200, drift_bp=80, jumps_per_day=1, jump_sd_bp=15)
    crash: CrashParams = CrashParams(sigma_bp=1800, drift_bp=0, jumps_per_day=3, jump_sd_bp=30)
    expiry: ExpiryParams = ExpiryParams(sigma_bp=1300, drift_bp=0, jumps_per_day=1, jump_sd_bp=40)
    halt: HaltParams = HaltParams(sigma_bp=900, drift_bp=0, jumps_per_day=0, jump_sd_bp=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeParams:
    """How a recorded day is played.

    `kind` is told by the columns unless it is named. `columns` renames those of the file to ours.
    Bars become `ticks_per_bar` ticks; the `path` `cross` mirrors puts against the underlying.
    """

    file: Path = ""
    kind: Literal["auto", "bars", "ticks", "samples"] = "auto"
    columns: tuple[Rename, ...] = ()
    ticks_per_bar: Annotated[int, Between(4, 600)] = 30
    path: Literal["plain", "cross"] = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamParams:
    """The OpenAlgo server that prices are relayed from, where `market.source` is openalgo.

    Address and key are those of `run.py live`. `mode` is how much of each price is subscribed:
    below depth, bid and ask are made by the spread rule. After `silent_s` without a price in the
    session the stream is opened anew; `timeout_s` is real time.
    """

    mode: Literal["ltp", "quote", "depth"] = "depth"
    chunk: Annotated[int, Between(1, 500)] = 50
    silent_s: Annotated[int, Between(10, 600)] = 60
    timeout_s: Annotated[int, Between(1, 60)] = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlParams:
    """The control app: clock, truth, faults. It listens on loopback only."""

    enabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxParams:
    """The paper exchange of one run. Ports 0 mean any free one.

    `broker` names the row of the dated rules the exchange follows (square-off, MARKET orders,
    modifications). `profile` dresses the answers: as OpenAlgo's own sandbox, or as a live broker
    behind it; live ones are numbered in order and stamped in one of four forms, by the seed.
    `broker_profile` adds what the plug-ins of some brokers make of the truth, as many as are
    named (docs/FAULTS.md). `rules` replaces dated rules for this exchange only, so that it can
    disagree with what the agent believes. `start_wait_s` is real time: how long the clock stands
    still for the agent's first subscription. `alone_at` is when `run.py exchange` takes over a day
    already played up to there.
    """

    date: Date = "2026-11-19"
    start_at: Wall = "09:10"
    alone_at: Wall = "09:30"
    start_wait_s: Annotated[int, Between(0, 600)] = 60
    speed: Annotated[int, Between(1, 120)] = 60
    seed: Annotated[int, Between(0, 2**63 - 1)] = 16
    capital_p: Annotated[int, Between(100_000, 10**13)] = 1_000_000_000
    broker: BrokerName = "sandbox"
    profile: Literal["analyze", "live_quirks"] = "analyze"
    broker_profile: tuple[BrokerQuirk, ...] = ()
    reject_style: Literal["exchange", "analyze"] = "exchange"
    rms_spread_s: Annotated[int, Between(0, 600)] = 20
    rms_fee_p: Annotated[int, Between(0, 100_000)] = 5000
    rules: tuple[Override, ...] = ()
    faults: Path = ""
    rest_host: Host = "127.0.0.1"
    rest_port: Port = 5000
    ws_host: Host = "127.0.0.1"
    ws_port: Port = 8765
    control_port: Port = 5099
    control: ControlParams = ControlParams()
    market: MarketParams = MarketParams()
    matching: MatchingParams = MatchingParams()
    latency: LatencyParams = LatencyParams()
    margin: MarginParams = MarginParams()
    tape: TapeParams = TapeParams()
    upstream: UpstreamParams = UpstreamParams()
