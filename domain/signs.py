"""What each source shows of itself, as the watchdog's policy judges it."""

from enum import StrEnum

import msgspec

from domain.market import Source
from domain.units import Micros


class RestVerdict(StrEnum):
    """What polled prices are worth.

    IDLE: nobody asks. UNPROVEN: asked, but no canary has shown two distinct values yet. LIVE: they
    move and are coherent. STALE: they stand still, went back, or history is older than they claim.
    UNUSABLE: three polls in a row failed.
    """

    IDLE = "idle"
    UNPROVEN = "unproven"
    LIVE = "live"
    STALE = "stale"
    UNUSABLE = "unusable"


class Sign(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one stream shows by its own canaries.

    `canary_at` is the newest tick; `since` is since when they tick without a hole, None while there
    were too few. `is_ready`: subscribed, and a canary ticked since. `agrees`: its index price is
    within 0.1 % of the polled one, or nothing is polled. `is_connected`: its symbols are
    subscribed, whether they tick or not. `reconnects`: how often it was opened again since it last
    brought a minute of prices.
    """

    source: Source
    canary_at: Micros | None
    since: Micros | None
    is_ready: bool
    agrees: bool
    is_connected: bool = False
    reconnects: int = 0
