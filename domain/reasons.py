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
    CAST = "CAST"
    LEASE = "LEASE"


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
    (
        Condition.CAST,
        "a part of the agent died more often than it may",
        "Read the errors in the log; restart the agent once their cause is gone.",
    ),
    (
        Condition.LEASE,
        "the lease that keeps a second host from trading was not renewed for a while",
        "Look from both hosts at the storage of lease.file; entries come back by themselves.",
    ),
)

_PAGES = (
    (
        "STOP_REFUSED",
        "the exchange or the broker does not take a protective stop",
        "See the reason at the broker; the agent buys the short back at once.",
    ),
    (
        "GAP",
        "the price jumped over a stop: it was met and did not fill",
        "Watch the ladder buy the short back; if it does not fill, buy it back at the broker.",
    ),
    (
        "UNCOVERED",
        "a short has no working order that protects it",
        "Look at the order book at the broker; the agent is buying the short back.",
    ),
    (
        "SECOND_STOP",
        "nobody knows whether a stop exists, so a second one was sent",
        "Look at the order book at the broker: one stop is to stay, the agent cancels the other.",
    ),
    (
        "STOP_STAYS",
        "a resting stop does not take the trigger that is planned",
        "See at the broker why; the stop rests at its old trigger, the agent asks ever again.",
    ),
    (
        "BAND_REST",
        "the exchange takes no price as high, or low, as the exit needs",
        "Wait: the order rests at what is taken, and the exchange renews its band each 30 s.",
    ),
    (
        "EXIT_REFUSED",
        "an exit order was refused",
        "See the reason at the broker; the agent tries again by itself.",
    ),
    (
        "EXIT_FITTED",
        "an exit was sliced, rounded or cut to what the exchange takes",
        "Nothing at once; compare the contract's lot, tick and freeze with the dated rules.",
    ),
    (
        "OVER_COVER",
        "an exit would have traded more than is open, and was not sent",
        "Compare our orders with the broker's; report it with the journal.",
    ),
    (
        "NO_SNAPSHOT",
        "a short is to be left, and the broker's books cannot be read",
        "Look at the broker: what is listed stands there; close it by hand if the server is down.",
    ),
    (
        "NOT_FLAT",
        "the book ought to be flat and is not proved so",
        "Close or cancel at the broker what is listed.",
    ),
    (
        "LATE_NOT_FLAT",
        "the broker's own square-off is over, and the book is not proved flat",
        "Call the broker: what is listed may be carried overnight.",
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

_FINDINGS = (
    (
        "ILLEGAL_MOVE",
        "an order moved in a way that cannot be",
        "Wait for the next clean read; report it with the journal if it comes back.",
    ),
    (
        "OVERFILLED",
        "more was traded than an order had units",
        "Compare the trades of this order at the broker with its quantity.",
    ),
    (
        "STRANGE_ID",
        "the server answered with the id of another order",
        "Compare the order book at the broker: the books tell which order is which.",
    ),
    (
        "ODD_TRADES",
        "trades of another symbol or side stand under an order's id; they are not counted",
        "Compare the trades of this order id at the broker.",
    ),
    (
        "STOP_MISSING",
        "somebody else ended a stop of ours; a new one goes out",
        "See at the broker who cancelled or refused it: a human, or risk control.",
    ),
    (
        "ADOPTED_WEAK",
        "a filled order was taken for ours although its price differs",
        "See at the broker that nobody else placed that order.",
    ),
    (
        "REVIVED",
        "an order that had ended came back to life",
        "Nothing: it is looked after again; compare it at the broker if it happens often.",
    ),
    (
        "STRAY_REPLY",
        "an answer came to an order that is not known",
        "Nothing, after a restart; else report it with the journal.",
    ),
    (
        "OWN_GONE",
        "a position of ours is not at the broker, and no trade explains it",
        "Compare positions, products and trades at the broker; its stop stays.",
    ),
    (
        "LIVE_ORDER",
        "an order meant for paper was placed live and is cancelled",
        "See at the broker that it is cancelled and did not fill; close by hand what did.",
    ),
    (
        "EXTERNAL",
        "somebody else trades this symbol",
        "Nothing: it is entered no more today, and what is not ours is not touched.",
    ),
)

LATCHES = frozenset(name for name, _, _ in _LATCHES)
"""Every latch there is."""

REASONS: dict[str, Reason] = {
    str(code): Reason(code=str(code), says=says, remedy=remedy)
    for code, says, remedy in (
        *_TABLE,
        *_LATCHES,
        *_PAGES,
        *_FINDINGS,
        *refusals.TABLE,
        *refusals.EXITS,
    )
}


def remedy(code: str) -> str:
    """Return what to do about a code; '' for one that is not known. HTTP_502 is an HTTP."""
    reason = REASONS.get("HTTP" if code.startswith("HTTP_") else code)
    return reason.remedy if reason else ""
