"""Where a fault can hit, what it can do there, and with which settings and conditions.

One table for reader and page: a test compares the page with it.
"""

from dataclasses import dataclass, field

from sandbox.api.routes import ROUTES
from sandbox.faults import account_verbs, noise, order_verbs, verbs, words
from sandbox.faults.answers import STATUSES
from sandbox.faults.script import EVENTS
from sandbox.faults.words import Read

CLOSE_CODES = (1006, 1011, 4401)
SOURCES = ("primary", "backup")

CONDITIONS: dict[str, Read] = {
    "between": words.window,
    "at": words.wall,
    "after": words.one_of(*EVENTS),
    "for_s": words.number(0.001, 86_400),
    "nth": words.counts,
    "probability": words.number(0, 1),
    "source": words.several_of(*SOURCES),
    "action": words.one_of("BUY", "SELL"),
}

_SYMBOLS: dict[str, Read] = {"symbols": words.symbols}
_CODE: dict[str, Read] = {"code": words.one_of(*CLOSE_CODES)}
_WAIT: dict[str, Read] = {
    "seconds": words.number(0.001, 130),
    "lognormal_s": words.median_and_sigma,
    "cap_s": words.number(0.001, 130),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A verb at a place: what it becomes, its settings, and what it cannot do.

    `without` are conditions that make no sense with it; `timed` asks for one that names a time.
    """

    verb: type[verbs.Verb]
    settings: dict[str, Read] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    timed: bool = False


Entries = dict[str, Entry]

_BURST = Entry(verbs.Burst, {"hold_s": words.number(0.001, 3600)}, timed=True)

CONNECTION: Entries = {
    "silent": Entry(verbs.Silent, {"pong": words.truth}),
    "half_open": Entry(verbs.HalfOpen),
    "reset": Entry(verbs.Reset),
    "close": Entry(verbs.Close, _CODE),
    "close_loop": Entry(
        verbs.CloseLoop, {"every_s": words.number(0.1, 3600), **_CODE}, without=("at", "after")
    ),
    "refuse_connect": Entry(verbs.RefuseConnect, without=("at", "after")),
    "subscribe_ok_no_data": Entry(verbs.SubscribeOkNoData, _SYMBOLS),
    "burst": _BURST,
}

_FRAME: dict[str, Read] = {"instead": words.truth, **_SYMBOLS}

TICKS: Entries = {
    "symbol_mute": Entry(verbs.SymbolMute, {"until_subscribed": words.truth, **_SYMBOLS}),
    "wrong_mode": Entry(verbs.WrongMode, _SYMBOLS),
    "volume_reset": Entry(verbs.VolumeReset, _SYMBOLS),
    "burst": _BURST,
    "delay": Entry(verbs.DelayTicks, {**_WAIT, **_SYMBOLS}),
    "duplicate_ticks": Entry(
        verbs.DuplicateTicks,
        {"copies": words.whole(1, 10), "after_s": words.number(0, 300), **_SYMBOLS},
    ),
    "out_of_order": Entry(
        verbs.OutOfOrder,
        {"within_s": words.number(0.001, 300), "across_minutes": words.truth, **_SYMBOLS},
    ),
    "garbage": Entry(verbs.Garbage, {"kind": words.one_of(*noise.KINDS), **_FRAME}),
    "oversize": Entry(verbs.Oversize, {"bytes": words.whole(1 << 20, 1 << 24), **_FRAME}),
}

ANSWERS: Entries = {
    "delay": Entry(verbs.Delay, _WAIT),
    "status": Entry(
        verbs.Status,
        {"code": words.one_of(*STATUSES), "retry_after_s": words.whole(0, 3600)},
    ),
    "html_502": Entry(verbs.Html502),
    "truncate_json": Entry(verbs.TruncateJson, {"keep_pct": words.whole(0, 99)}),
    "wrong_schema": Entry(verbs.WrongSchema),
    "null_data": Entry(verbs.NullData),
}

QUOTES: Entries = {
    "freeze_quotes": Entry(verbs.FreezeQuotes, _SYMBOLS),
    "yesterdays_quotes": Entry(verbs.YesterdaysQuotes, {"coherent": words.truth, **_SYMBOLS}),
}

HISTORY: Entries = {
    "history_lag": Entry(verbs.HistoryLag, {"minutes": words.whole(1, 400), **_SYMBOLS}),
    "missing_rows": Entry(
        verbs.MissingRows,
        {"first_minutes": words.whole(1, 400), "stretch": words.window, **_SYMBOLS},
    ),
}

_HOW: dict[str, Read] = {"how": words.one_of(*order_verbs.HOWS)}
_LATE_S: dict[str, Read] = {"late_s": words.number(0, 130)}
_CHANCE: dict[str, Read] = {"probability": words.number(0, 1)}

ORDERS: Entries = {
    "drop_before_accept": Entry(order_verbs.DropBeforeAccept, _HOW),
    "drop_after_accept": Entry(order_verbs.DropAfterAccept, {**_HOW, **_LATE_S}),
    "placed_but_400": Entry(order_verbs.PlacedBut400),
    "ack_without_orderid": Entry(order_verbs.AckWithoutOrderid),
}

PLACING: Entries = {
    "partial_then_reject": Entry(
        order_verbs.PartialThenReject,
        {"lots": words.whole(1, 1000), "after_s": words.number(0, 600)},
    ),
}

CHANGING: Entries = {"delay_effect": Entry(order_verbs.DelayEffect, _WAIT)}

BOOKS: Entries = {
    "success_empty": Entry(order_verbs.SuccessEmpty, {"alternate": words.truth}),
    "late_visible": Entry(order_verbs.LateVisible, _WAIT),
    "stale_versions": Entry(order_verbs.StaleVersions, {"k": words.whole(1, 100)}),
    "missing_ids": Entry(order_verbs.MissingIds, _CHANCE),
    "reorder": Entry(order_verbs.ReorderRows),
}

STATUSES_OF_ROWS: Entries = {"status_leak": Entry(order_verbs.StatusLeak, _CHANCE)}

PUSHES: Entries = {
    "duplicate": Entry(
        order_verbs.DuplicatePush, {"copies": words.whole(1, 10), "after_s": words.number(0, 300)}
    ),
    "reorder": Entry(order_verbs.ReorderPush, {"within_s": words.number(0.001, 300)}),
    "late": Entry(order_verbs.LatePush, _WAIT),
    "drop": Entry(order_verbs.DropPush),
    "garbage": Entry(verbs.Garbage, {"kind": words.one_of(*noise.KINDS), "instead": words.truth}),
    "oversize": Entry(
        verbs.Oversize, {"bytes": words.whole(1 << 20, 1 << 24), "instead": words.truth}
    ),
}

ACCOUNT: Entries = {
    "human_trade": Entry(
        account_verbs.HumanTrade,
        {
            "symbol": words.one_symbol,
            "action": words.one_of("BUY", "SELL"),
            "lots": words.whole(1, 100),
        },
        timed=True,
    ),
    "rms_square_off": Entry(account_verbs.RmsSquareOff, timed=True),
    "mode_flip": Entry(account_verbs.ModeFlip),
    "semi_auto": Entry(account_verbs.SemiAuto, {"live": words.truth}),
    "revoke_session": Entry(account_verbs.RevokeSession),
    "static_ip_denied": Entry(account_verbs.StaticIpDenied),
    "margin_shrink": Entry(account_verbs.MarginShrink, {"to_pct": words.whole(0, 100)}),
}

MARKET: Entries = {
    "gap": Entry(
        account_verbs.Gap,
        {"points": words.number(-10_000, 10_000), "pct": words.number(-99, 1000), **_SYMBOLS},
        timed=True,
    ),
    "empty_side": Entry(
        account_verbs.EmptySide, {"side": words.one_of("bid", "ask", "both"), **_SYMBOLS}
    ),
    "halt": Entry(account_verbs.Halt),
    "lpp_freeze": Entry(account_verbs.LppFreeze),
}

CLOCK: Entries = {
    "clock_skew_s": Entry(account_verbs.ClockSkew, {"by": words.number(-86_400, 86_400)})
}

SIDED = ("rest:placeorder", "rest:modifyorder", "rest:cancelorder")
"""Where a script may choose calls by the side of their order."""

PLACES: dict[str, Entries] = {
    "ws:conn": CONNECTION,
    "ws:market_data": TICKS,
    "ws:order_update": PUSHES,
    "rest:*": ANSWERS | QUOTES,
    **{f"rest:{route}": ANSWERS for route in ROUTES},
    **{f"rest:{route}": ANSWERS | QUOTES for route in verbs.OF_QUOTES},
    "rest:history": ANSWERS | HISTORY,
    "rest:placeorder": ANSWERS | ORDERS | PLACING,
    "rest:modifyorder": ANSWERS | ORDERS | CHANGING,
    "rest:cancelorder": ANSWERS | ORDERS | CHANGING,
    "book:orders": BOOKS | STATUSES_OF_ROWS,
    "book:trades": BOOKS,
    "book:positions": BOOKS,
    "book:funds": {"success_empty": BOOKS["success_empty"]},
    **dict(zip(account_verbs.ACTED, (ACCOUNT, MARKET, CLOCK), strict=True)),
}
"""`rest:*` is every route but those that write orders, which a script must name."""

SPELLED = (
    "ws:conn, ws:market_data, ws:order_update, book:orders, book:trades, book:positions, "
    "book:funds, account, market, clock, rest:* or rest: and a route, such as rest:quotes"
)


def conditions(place: str) -> tuple[str, ...]:
    """Return the conditions a place knows: only streams have a source, only orders a side."""
    unknown = set() if place.startswith("ws:") else {"source"}
    unknown |= set() if place in SIDED else {"action"}
    return tuple(name for name in CONDITIONS if name not in unknown)
