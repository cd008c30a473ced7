"""What a human may ask by chat, and what he is answered: words to wishes, a status to a few lines.

Only what was sent after this process began, and a moment ago, is obeyed: commands that waited while
nobody listened were meant for another hour.
"""

from enum import StrEnum

import msgspec

from domain.levers import Lever
from domain.session import show
from domain.status import Status, entries_off
from domain.units import rupees

STALE_S = 60
"""In real seconds; whoever asked has looked elsewhere by then."""

CONFIRM = "yes"


class Wish(StrEnum):
    """What a message asks for."""

    STATUS = "/status"
    PAUSE = "/pause"
    RESUME = "/resume"
    KILL = "/kill"
    KILL_YES = "/kill yes"
    HELP = "/help"


LEVERS = {
    Wish.PAUSE: (Lever.FREEZE, ""),
    Wish.RESUME: (Lever.CLEAR, "FREEZE"),
    Wish.KILL_YES: (Lever.FLATTEN, ""),
}
"""The lever of each wish that has one, and the latch it clears."""

HELP = """\
/status - what the agent does now
/pause - enter nothing more (FREEZE); stops stay, exits go on
/resume - take FREEZE down
/kill yes - FLATTEN: leave every short now, and prove the book flat
/help - this"""


class Sent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A message: in which chat, when by the service's clock in Unix seconds, and what it says."""

    chat: str
    at_s: int
    text: str


def wish(text: str) -> Wish:
    """Return what a message asks for; whatever is not understood asks for help.

    `/pause@some_bot`, as groups write it, is `/pause`.
    """
    first, *others = text.lower().split() or [""]
    words = [first.partition("@")[0], *others]
    known = {str(each): each for each in Wish}
    return known.get(" ".join(words), Wish.HELP)


def why_ignored(sent: Sent, began_s: float, now_s: float) -> str:
    """Return why a message is not obeyed for its age, '' if it is. Times are Unix seconds."""
    if sent.at_s < began_s:
        return "it was sent before this agent was started"
    if now_s - sent.at_s > STALE_S:
        return f"it is {now_s - sent.at_s:.0f} s old"
    return ""


def confirm(status: Status | None) -> str:
    """Say what /kill would do, and how to mean it."""
    shorts = "every short" if status is None else f"{status.positions} open shorts"
    return f"This leaves {shorts} at once and ends the day. Send /kill yes to do it."


def brief(status: Status | None, age_s: float) -> str:
    """Return a few lines for a small screen; `age_s` is real seconds."""
    if status is None:
        return "The agent has not said anything yet."
    off = entries_off(status, alive=not status.ended, age_s=int(age_s))
    bare = f", {status.uncovered} units UNCOVERED" if status.uncovered else ""
    up = ", ".join(hold.code for hold in status.latches) or "none"
    held = ", ".join(hold.code for hold in status.conditions) or "none"
    seen = f", {age_s:.0f} s ago" if age_s > STALE_S else ""
    return "\n".join(
        [
            f"{status.mode} at {show(status.at)} IST{seen}",
            f"Entries: {f'OFF ({off})' if off else 'ON'}",
            f"Shorts: {status.positions}{bare}",
            f"Closed: {status.trades}, Rs {rupees(status.result_p)}, {status.result_r} R",
            f"Feed: {status.feed or 'unknown'}, {status.source or 'no source'}",
            f"Latches: {up}; conditions: {held}",
        ]
    )
