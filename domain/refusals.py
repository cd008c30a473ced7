"""Why an order is refused, by us or by the server: every code, what it means, what to do about it.

A code stands in the journal, in the log, on the page and in `run.py doctor`; `reasons.py` has the
table of all codes. Those of the server are what `broker/errors.py` makes of its answers.
"""

from enum import StrEnum


class Code(StrEnum):
    """The risk gate's refusals, in the order of its rows, and those of the desk before it."""

    MODE = "MODE"
    LAST_ENTRY = "LAST_ENTRY"
    CALENDAR = "CALENDAR"
    FEED = "FEED"
    CLOCK_SKEW = "CLOCK_SKEW"
    BOOKS_STALE = "BOOKS_STALE"
    SYMBOL_TAKEN = "SYMBOL_TAKEN"
    LIMIT = "LIMIT"
    NO_CONTRACT = "NO_CONTRACT"
    CONTRACT = "CONTRACT"
    LOT = "LOT"
    SIZE = "SIZE"
    TICK = "TICK"
    TRIGGER_SIDE = "TRIGGER_SIDE"
    STOP_SIDE = "STOP_SIDE"
    BAND = "BAND"
    OPEN_RISK = "OPEN_RISK"
    FUNDS_UNKNOWN = "FUNDS_UNKNOWN"
    MARGIN = "MARGIN"
    ENTRIES_DAY = "ENTRIES_DAY"
    SLICED = "SLICED"
    NO_FINGERPRINT = "NO_FINGERPRINT"
    USED_KEY = "USED_KEY"
    OLD = "OLD"
    OVER = "OVER"
    SLOT_TAKEN = "SLOT_TAKEN"


SCHEMA_CODES = frozenset({"SCHEMA", "ROUTE"})
"""Refusals that say our own words were wrong: nothing more is entered until somebody looked."""

TABLE = (
    (
        Code.MODE,
        "an entry was wished while nothing may be entered",
        "See the reason of the mode with `run.py status`; entries come back with it.",
    ),
    (
        Code.LAST_ENTRY,
        "it is too late in the day to enter",
        "Nothing: entries end at the last entry time; see session.entry_stop_min.",
    ),
    (
        Code.CALENDAR,
        "our calendar and the server's differ",
        "Compare the day's timings in OpenAlgo with the dated rules in config/rules.",
    ),
    (
        Code.FEED,
        "prices are not good enough to enter on",
        "See the feed with `run.py status`; entries come back with the prices.",
    ),
    (
        Code.CLOCK_SKEW,
        "the server's clock and ours are apart",
        "Let both machines take their time from NTP, then watch the skew in `run.py doctor`.",
    ),
    (
        Code.BOOKS_STALE,
        "the broker's books were not read well for too long",
        "See with `run.py reconcile` why the books are not read or not believed.",
    ),
    (
        Code.SYMBOL_TAKEN,
        "a symbol is short, or about to be, already",
        "Nothing: one short per symbol.",
    ),
    (
        Code.LIMIT,
        "as many shorts are open or resting as may be",
        "Nothing, or raise limits.positions, limits.ce or limits.pe.",
    ),
    (
        Code.NO_CONTRACT,
        "a symbol is none of today's contracts",
        "Restart the agent before the open, so that it chooses today's contracts.",
    ),
    (
        Code.CONTRACT,
        "lot, tick or freeze quantity of a contract is missing or unlike its neighbours'",
        "Download the master contracts in OpenAlgo again, and compare them with config/rules.",
    ),
    (
        Code.LOT,
        "a quantity is no whole number of lots",
        "Compare the lot size in OpenAlgo's master contracts with config/rules.",
    ),
    (
        Code.SIZE,
        "a quantity is above the freeze quantity or sizing.max_lots",
        "Lower sizing.max_lots, or nothing: the strategy sizes anew.",
    ),
    (
        Code.TICK,
        "a price is no multiple of the tick",
        "Compare the tick size in OpenAlgo's master contracts with config/rules.",
    ),
    (
        Code.TRIGGER_SIDE,
        "the market already stands at or beyond a stop's trigger",
        "Nothing: the price moved; the strategy looks again.",
    ),
    (
        Code.STOP_SIDE,
        "the planned stop does not stand above its entry",
        "Look at stop.buffer_p and entry.limit_offset_p: they overlap.",
    ),
    (
        Code.BAND,
        "a price is outside the exchange's price band",
        "Lower entry.limit_offset_p if it comes back; an exit is cut to the band by itself.",
    ),
    (
        Code.OPEN_RISK,
        "all shorts together would risk more than gate.open_risk_p",
        "Nothing, or raise gate.open_risk_p.",
    ),
    (
        Code.FUNDS_UNKNOWN,
        "the cash of the account was not read yet",
        "Wait; if it lasts, look at the funds page of OpenAlgo.",
    ),
    (
        Code.MARGIN,
        "the margin needed is above the allowed share of cash",
        "Add cash, lower sizing.max_lots, or raise gate.margin_use_bps.",
    ),
    (
        Code.ENTRIES_DAY,
        "as many shorts were entered today as may be",
        "Nothing, or raise gate.entries_day.",
    ),
    (
        Code.SLICED,
        "an exit is larger than one order may be, and goes in parts",
        "Nothing: the rest follows by itself.",
    ),
    (
        Code.NO_FINGERPRINT,
        "every price near the wished one was used today",
        "Nothing: the symbol rests until its price moves; see orders.fingerprint_ticks.",
    ),
    (
        Code.USED_KEY,
        "a decision already had its order",
        "Nothing: one decision never makes two orders.",
    ),
    (
        Code.OLD,
        "a command waited too long to be carried out",
        "Nothing, once; if it comes back the machine is overloaded: see `run.py status`.",
    ),
    (
        Code.OVER,
        "a waiting entry was dropped: its time is over",
        "Nothing: the reason stands beside it.",
    ),
    (
        Code.SLOT_TAKEN,
        "another entry lives on this side, or is filling",
        "Nothing: it ends first, then the wish is asked again.",
    ),
    (
        "FUNDS",
        "the broker says that the funds do not suffice",
        "Add cash at the broker, or lower sizing.max_lots.",
    ),
    (
        "MIS_CLOCK",
        "the broker takes no intraday orders at this time",
        "Set session.force_close before the broker's square-off; nothing more can be entered.",
    ),
    (
        "SESSION",
        "the exchange is closed, or trading is halted",
        "Wait for the exchange; stops that rest stay there.",
    ),
    (
        "SLM",
        "the exchange takes no SL-M orders for options",
        "Report it with the journal: the agent never sends one.",
    ),
    (
        "MARKET",
        "unprotected MARKET orders are refused",
        "Report it with the journal: the agent never sends one.",
    ),
    (
        "SYMBOL",
        "the server does not know a symbol",
        "Download the master contracts in OpenAlgo again.",
    ),
    (
        "PRICE",
        "a price is missing or cannot be read",
        "Report it with the journal: our order was wrong.",
    ),
    (
        "PRODUCT",
        "the product is not allowed for options",
        "Enable intraday (MIS) trading of options for this account at the broker.",
    ),
    (
        "FILLED",
        "a quantity below what filled already was asked for",
        "Nothing: the next read of the books shows the fill.",
    ),
    (
        "MODIFIES",
        "an order was changed as often as the exchange allows",
        "Nothing: the agent replaces it.",
    ),
    (
        "ROUTE",
        "the server does not know the address we asked",
        "Compare OpenAlgo's version with the supported one; then `run.py clear --latch SCHEMA`.",
    ),
    (
        "RATE",
        "the server refused for too many requests; nothing was executed",
        "Close other programs that use this server; the agent waits and tries again by itself.",
    ),
    (
        "DENIED",
        "the server denied an order: key, address or broker session",
        "Log in again, and register this machine's address with the broker.",
    ),
    (
        "SEMI_AUTO",
        "orders wait at the server for a human",
        "Set OpenAlgo's order mode to auto; then `run.py clear --latch ORDER_MODE`.",
    ),
    (
        "NO_ORDERID",
        "the server said success and named no order",
        "Set OpenAlgo's order mode to auto, and look at its pending orders.",
    ),
    (
        "CONNECT",
        "no connection to the server was made",
        "Start OpenAlgo, and see that openalgo.host and openalgo.port are right.",
    ),
    (
        "TIMEOUT",
        "the server gave no answer in time; it may have been executed",
        "Wait: the books are read until they tell; never place it by hand meanwhile.",
    ),
    (
        "RESET",
        "the connection broke before an answer; it may have been executed",
        "Wait: the books are read until they tell; never place it by hand meanwhile.",
    ),
    (
        "BODY",
        "the server's answer cannot be read; it may have been executed",
        "Wait: the books are read until they tell; never place it by hand meanwhile.",
    ),
    (
        "HTTP",
        "the server answered with an error that proves nothing",
        "Wait: the books are read until they tell; look at OpenAlgo's log.",
    ),
    (
        "LOST",
        "the worker that carried an order died; it may have been executed",
        "Wait: the books are read until they tell; report it with the log if it comes back.",
    ),
    (
        "UNSENDABLE",
        "an order of ours cannot be written as the server wants it",
        "Report it with the journal: our order was wrong.",
    ),
    (
        "NOT_SENT",
        "nothing left this machine",
        "Nothing: an exit is sent again by itself, an entry is wished again.",
    ),
)

EXITS = (
    (
        "EMERGENCY",
        "a short stayed without a working stop for too long and is bought back",
        "See in the log why no stop stood; compare the order book at the broker.",
    ),
    (
        "STOP_JUMPED",
        "a stop was met and did not fill, so its short is bought back up a ladder",
        "Watch it fill; if it happens often, raise stop.limit_offset_bps.",
    ),
    (
        "FORCE_CLOSE",
        "the day's end is reached and every short is left",
        "Nothing: the agent proves the book flat and ends.",
    ),
    (
        "DAY_STOP",
        "the day's loss in R, or in rupees, is reached",
        "Nothing: every short is left, and nothing is entered until the next trading day.",
    ),
    (
        "DAY_TARGET",
        "the day's profit in R is reached",
        "Nothing: every short is left, and nothing is entered until the next trading day.",
    ),
    (
        "DAY_LOSS",
        "the realised loss of the day is at day.loss_p",
        "Nothing: every short is left, and nothing is entered until the next trading day.",
    ),
    (
        "BLIND",
        "prices were gone for too long, so every short was left",
        "Look at the feed in `run.py status`; the book is being proved flat.",
    ),
    (
        "BY_HAND",
        "a human asked for a flat book",
        "Wait for the proof of flat.",
    ),
)
"""Why a short is left; its protective stop filling needs no reason."""
