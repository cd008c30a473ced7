"""What a fault can do to the account, to the market and to the server's clock, as values.

Each happens at the beginning of its time, and ends with it where it can end. The fields are the
settings of the script, in its units, as in `verbs.py`.
"""

from dataclasses import dataclass

ACTED = ("account", "market", "clock")
"""Where a fault is no matter of calls or connections: it begins, and it ends."""


@dataclass(frozen=True, slots=True)
class HumanTrade:
    """Let the account's owner trade so many lots at the touch, once."""

    symbol: str = "ours"
    action: str = "BUY"
    lots: int = 1


@dataclass(frozen=True, slots=True)
class RmsSquareOff:
    """Let the broker's risk desk end what is intraday, once, ahead of its time."""


@dataclass(frozen=True, slots=True)
class ModeFlip:
    """Turn the server into its other mode: other answers, other books, another world of orders."""


@dataclass(frozen=True, slots=True)
class SemiAuto:
    """Queue placements for a human's approval; when `live`, refuse changes and cancels."""

    live: bool = True


@dataclass(frozen=True, slots=True)
class RevokeSession:
    """Refuse every REST call as a session that is gone does; the stream goes on."""


@dataclass(frozen=True, slots=True)
class StaticIpDenied:
    """Refuse order writes for the address they come from; reads go on."""


@dataclass(frozen=True, slots=True)
class MarginShrink:
    """Leave this share of what the account has available."""

    to_pct: int = 10


@dataclass(frozen=True, slots=True)
class Gap:
    """Let prices leap, by rupees or by a share of the last price, until it ends."""

    points: float | None = None
    pct: float = 30.0
    symbols: tuple[str, ...] = ("ours",)


@dataclass(frozen=True, slots=True)
class EmptySide:
    """Let nobody quote on one side, or on both."""

    side: str = "ask"
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Halt:
    """Let nothing be quoted, printed or taken."""


@dataclass(frozen=True, slots=True)
class LppFreeze:
    """Let the price band keep the references it had at the beginning."""


@dataclass(frozen=True, slots=True)
class ClockSkew:
    """Let the server's own stamps be so many seconds ahead, or behind."""

    by: float = 60.0


AccountVerb = (
    HumanTrade | RmsSquareOff | ModeFlip | SemiAuto | RevokeSession | StaticIpDenied
    | MarginShrink | Gap | EmptySide | Halt | LppFreeze | ClockSkew
)  # fmt: skip

ACCOUNT_NAMES: dict[type[object], str] = {
    HumanTrade: "human_trade",
    RmsSquareOff: "rms_square_off",
    ModeFlip: "mode_flip",
    SemiAuto: "semi_auto",
    RevokeSession: "revoke_session",
    StaticIpDenied: "static_ip_denied",
    MarginShrink: "margin_shrink",
    Gap: "gap",
    EmptySide: "empty_side",
    Halt: "halt",
    LppFreeze: "lpp_freeze",
    ClockSkew: "clock_skew_s",
}
"""The word of the script for each."""
