"""Whether the agent is healthy and ready, for probes: what a machine asks before a human is called.

Healthy: the process lives and tells. Ready: it may enter, or does not for a reason that is meant to
be, which is the time of day or the day's own limit. Everything else needs somebody's attention.
"""

from domain.feed_watch import DARK
from domain.standing import PARKING
from domain.status import OLD_S, Status, entries_off
from domain.strategy import Mode
from domain.units import MINUTE

READY_BY = 5 * MINUTE
"""After the open; until then the contracts are being chosen, which nobody has to look at."""

CLOSING = 2 * MINUTE
"""How long leaving every short and proving it takes at most; `exit.proof_s` pages then too."""

DAY_DONE = "DAY_DONE"
UNREADY = "the strategy is not ready yet"


def illness(age_s: float) -> str:
    """Return why an agent is not healthy that last told something so many real seconds ago."""
    return f"nothing was told for {age_s:.0f} s" if age_s > OLD_S else ""


def attention(status: Status, age_s: float) -> str:
    """Return why the agent is not ready, in words; '' if it is."""
    ill = illness(age_s)
    if ill or status.mode == Mode.CLOSED:
        return ill or status.needs
    if status.mode == Mode.ACTIVE:
        return _active(status)
    is_meant = status.mode == Mode.REDUCE_ONLY and (_is_preparing(status) or _is_closing(status))
    return "" if is_meant else f"{status.mode} {status.mode_reason or _held(status)}".strip()


def _active(status: Status) -> str:
    """Judge an agent that would enter: late in the day only darkness matters."""
    if status.feed in DARK:
        return f"{status.feed.upper()} no source has live prices"
    is_late = status.last_entry is not None and status.at >= status.last_entry
    return "" if is_late else entries_off(status, alive=True)


def _is_preparing(status: Status) -> bool:
    """Whether the strategy only waits for the market to open and its contracts to be chosen."""
    is_early = status.opens_at is not None and status.at < status.opens_at + READY_BY
    return is_early and not (status.mode_reason or status.latches or status.conditions)


def _is_closing(status: Status) -> bool:
    """Whether the day ends as it is meant to: by the clock or by its limit, and soon."""
    is_meant = {hold.code for hold in status.latches} <= {DAY_DONE} and not status.conditions
    is_soon = status.mode_since is not None and status.at - status.mode_since <= CLOSING
    return is_meant and is_soon and status.mode_reason not in {"", PARKING}


def _held(status: Status) -> str:
    """Say what holds it; what is told without words is a strategy that is not ready yet."""
    codes = " ".join(hold.code for hold in (*status.latches, *status.conditions))
    return codes or UNREADY * (status.mode == Mode.REDUCE_ONLY)
