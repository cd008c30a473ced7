"""What a human's lever does: which latch it raises or takes down, and when it may not.

FREEZE, FLATTEN and HALT are latches of their own and all of them may be up: HALT is obeyed before
FLATTEN, and FLATTEN before FREEZE (`domain.standing`). Nothing here is forgotten by a restart: the
journal is the one place where latches live.
"""

from collections.abc import Container

from domain import events as ev
from domain.ledger import Ledger
from domain.levers import Lever
from domain.reasons import LATCHES, Condition
from domain.units import Micros, seconds

FLATTEN_WORD = "FLATTEN"
"""What the file KILL must hold to flatten; anything else, also nothing, freezes."""

RAISES = {Lever.FREEZE: "FREEZE", Lever.FLATTEN: "FLATTEN", Lever.HALT: "HALT"}
"""The latch of each lever that raises one."""

TWICE_WITHIN = seconds(10)
"""Within this a second signal flattens: one stray signal of a log rotation must not trade."""


def kill_level(text: str) -> Lever:
    """Return what the content of the file KILL asks for."""
    return Lever.FLATTEN if text.strip() == FLATTEN_WORD else Lever.FREEZE


class Taps:
    """Counts signals: one freezes, a second one soon after flattens. Mutable."""

    def __init__(self) -> None:
        self._last: Micros | None = None

    def tap(self, machine: Micros) -> Lever:
        """Take a signal at this machine time and return the lever it pulls."""
        last, self._last = self._last, machine
        is_second = last is not None and machine - last <= TWICE_WITHIN
        return Lever.FLATTEN if is_second else Lever.FREEZE


def pulled(
    lever: Lever, name: str, reason: str, ledger: Ledger, at: Micros
) -> tuple[ev.Event, ...]:
    """Return what a lever adds to the journal; nothing if that is so already.

    `name` is the latch to clear, which `why_not_cleared` allows.
    """
    match lever:
        case Lever.CLEAR:
            return (ev.LatchCleared(at=at, name=name, reason=reason),)
        case Lever.ACK_FOREIGN:
            return (ev.ForeignAcknowledged(at=at),)
        case Lever.RECONCILE:
            return ()
        case _:
            latch = RAISES[lever]
    return () if latch in ledger.latches else (ev.LatchSet(at=at, name=latch, reason=reason),)


def why_not_cleared(name: str, ledger: Ledger, holds: Container[str] = ()) -> str:
    """Return why a human may not take this latch down now, or ''.

    `holds` are the conditions that hold; with the agent dead there are none, and whatever lasts
    raises its latch again at the next start.
    """
    if name not in ledger.latches:
        up = ", ".join(sorted(ledger.latches)) or "none"
        known = "is not up" if name in LATCHES else "is no latch"
        return f"{name} {known}; up: {up}"
    return _CHECKS.get(name, _may)(ledger, holds)


def _may(ledger: Ledger, holds: Container[str]) -> str:
    del ledger, holds
    return ""


def _day_done(ledger: Ledger, holds: Container[str]) -> str:
    del ledger, holds
    return "DAY_DONE ends with the trading day: what reached the day's limit is not opened again"


def _flatten(ledger: Ledger, holds: Container[str]) -> str:
    del holds
    if ledger.proved_flat_at is not None:
        return ""
    return "FLATTEN stays until the book is proved flat; `run.py status` tells how far it is"


def _own_long(ledger: Ledger, holds: Container[str]) -> str:
    del holds
    long = sorted(symbol for symbol, net in ledger.own_net().items() if net > 0)
    if not long:
        return ""
    return f"OWN_LONG stays while {', '.join(long)} is long by our own trades"


def _mode_flip(ledger: Ledger, holds: Container[str]) -> str:
    del ledger
    if Condition.OTHER_WORLD not in holds:
        return ""
    return "MODE_FLIP stays while the server is in the other mode; set OpenAlgo's mode back first"


_CHECKS = {
    "DAY_DONE": _day_done,
    "FLATTEN": _flatten,
    "OWN_LONG": _own_long,
    "MODE_FLIP": _mode_flip,
}
