"""Every reason code with what it means and the one thing to do about it.

The same code and the same remedy stand in the log, in alerts, on the page and in `run.py doctor`.
A code that is not in this table is a mistake; a test collects those that the code uses.
"""

from enum import StrEnum

import msgspec

from domain import refusals


class Reason(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One code: what happened, in a few words, and one sentence that says what to do."""

    code: str
    says: str
    remedy: str


class Refusal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why an order may not go, or not as it is: a code for programs, a sentence for people."""

    code: str
    text: str


class Condition(StrEnum):
    """What holds the agent back while it lasts; it comes and goes by itself, unlike a latch."""

    LOGIN = "LOGIN"
    OTHER_WORLD = "OTHER_WORLD"
    STRATEGY = "STRATEGY"
    BOOKS = "BOOKS"
    RESYNC = "RESYNC"
    NO_JOURNAL = "NO_JOURNAL"
    JOURNAL_LOST = "JOURNAL_LOST"
    JOURNAL_DOUBT = "JOURNAL_DOUBT"
    DISK_SPACE = "DISK_SPACE"
    ANOTHER_TRADER = "ANOTHER_TRADER"
    WRITES_REFUSED = "WRITES_REFUSED"
    QUARANTINE = "QUARANTINE"


_TABLE = (
    (
        Condition.LOGIN,
        "the server has no broker session, or does not answer",
        "Log in to the broker in OpenAlgo, or start OpenAlgo; the agent asks again by itself.",
    ),
    (
        Condition.OTHER_WORLD,
        "an answer came from the other world, paper or live",
        "Set OpenAlgo's analyzer mode as PAPER_TRADING says; then clear the latch MODE_FLIP.",
    ),
    (
        Condition.STRATEGY,
        "no strategy is ready to look after its entries",
        "Wait: it is rebuilt from the day's bars; if it died too often, restart the agent.",
    ),
    (
        Condition.BOOKS,
        "the broker's books could not be believed several times in a row",
        "Compare the order book at the broker with `run.py reconcile`, and log in again.",
    ),
    (
        Condition.RESYNC,
        "something happened to an order that cannot happen",
        "Wait for one clean read of the books; report it with the journal if it comes back.",
    ),
    (
        Condition.NO_JOURNAL,
        "the order journal takes no commit; exits go through the fallback",
        "Free disk space or end whatever locks state/orders.db; the agent goes on by itself.",
    ),
    (
        Condition.JOURNAL_LOST,
        "the order journal was damaged or lost; the day was rebuilt from the broker's books",
        "Compare positions and orders at the broker; enter again tomorrow with the new journal.",
    ),
    (
        Condition.JOURNAL_DOUBT,
        "the journals do not agree with each other, or with what was written down of them",
        "Compare positions and orders at the broker; the service log names what differs.",
    ),
    (
        Condition.DISK_SPACE,
        "free disk space is below journal.min_free_mb",
        "Free disk space in the state directory; entries come back by themselves.",
    ),
    (
        Condition.ANOTHER_TRADER,
        "orders in our universe that are not ours",
        "See who trades this account; then `run.py ack-foreign`.",
    ),
    (
        Condition.WRITES_REFUSED,
        "the server answers reads and refuses orders",
        "Register this machine's address with the broker, or set OpenAlgo's order mode to auto.",
    ),
    (
        Condition.QUARANTINE,
        "a position of ours is gone at the broker without a trade that explains it",
        "Compare positions and trades at the broker; the stop stays until a trade explains it.",
    ),
)

_LATCHES = (
    (
        "FREEZE",
        "a human, or an alarm, wants nothing new entered",
        "When entries may go on: remove the file KILL if it is there, then `run.py resume`.",
    ),
    (
        "FLATTEN",
        "a human, or the loss of all prices, wants the book flat",
        "Wait for the proof of flat; to enter again after it, `run.py clear --latch FLATTEN`.",
    ),
    (
        "HALT",
        "a human wants nothing sent at all, not even an exit",
        "Look at the broker's books; to let stops and exits go on, `run.py clear --latch HALT`.",
    ),
    (
        "DAY_DONE",
        "the day's limit is reached",
        "Nothing: it ends with the trading day and cannot be cleared.",
    ),
    (
        "DUPLICATE",
        "an order of ours existed twice",
        "See that the surplus order is gone at the broker; then `run.py clear --latch DUPLICATE`.",
    ),
    (
        "OWN_LONG",
        "more was bought back than was sold",
        "Look at the position; once it is sold back, `run.py clear --latch OWN_LONG`.",
    ),
    (
        "MODE_FLIP",
        "the server changed between paper and live",
        "Set OpenAlgo's analyzer mode back; then `run.py clear --latch MODE_FLIP`.",
    ),
    (
        "ORDER_MODE",
        "orders wait at the server for a human",
        "Set OpenAlgo's order mode to auto; then `run.py clear --latch ORDER_MODE`.",
    ),
    (
        "REJECTS",
        "the broker refused too many orders within a minute",
        "Read the reasons at the broker and remove the cause; then `run.py clear --latch REJECTS`.",
    ),
    (
        "SCHEMA",
        "the server does not understand our orders",
        "Compare OpenAlgo's version with the supported one; then `run.py clear --latch SCHEMA`.",
    ),
)

LATCHES = frozenset(name for name, _, _ in _LATCHES)
"""Every latch there is."""

REASONS: dict[str, Reason] = {
    str(code): Reason(code=str(code), says=says, remedy=remedy)
    for code, says, remedy in (*_TABLE, *_LATCHES, *refusals.TABLE, *refusals.EXITS)
}


def remedy(code: str) -> str:
    """Return what to do about a code; '' for one that is not known. HTTP_502 is an HTTP."""
    reason = REASONS.get("HTTP" if code.startswith("HTTP_") else code)
    return reason.remedy if reason else ""
