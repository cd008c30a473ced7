"""Every call of `domain/calls.py` as a conversation: yield what to ask, get the answer sent in.

A script knows nothing of sockets, threads or time-outs. A shell drives it: a lane over HTTP, or the
simulated world in virtual time. What a script returns is the typed reply; it raises nothing.
A write asks exactly once. A read's asks may be repeated by the shell (`HttpAsk.retry`).
"""

import logging
from collections.abc import Generator
from typing import Any, TypeVar

from broker import errors, wire, wire_account, wire_market, wire_orders
from broker.asks import HttpAnswer, HttpAsk
from domain import clock
from domain.books import Books, OrderRow, UnreadRow, unrepeated
from domain.calls import (
    ChainRead,
    Failed,
    FundsRead,
    History,
    Inquiry,
    InquiryReply,
    MarginRead,
    Outcome,
    Preflight,
    Quotes,
    Read,
    ReadBooks,
    ReadChain,
    ReadFunds,
    ReadHistory,
    ReadMargin,
    ReadQuotes,
    ReadReply,
    ReadServer,
    ReadTimings,
    Ready,
    ServerRead,
    TimingsRead,
    Write,
    WriteReply,
)
from domain.contracts import Contract, Side
from domain.errors import BrokerError, NotSent, Rejected, WireError
from domain.symbols import BadSymbol, OptionSymbol
from domain.units import SECOND, Day, Micros

log = logging.getLogger(__name__)

Reply = TypeVar("Reply")
Script = Generator[HttpAsk, HttpAnswer, Reply]

_FIRST_ROUTES: dict[type[Read], str] = {
    ReadBooks: "orderbook",
    ReadQuotes: "multiquotes",
    ReadHistory: "history",
    ReadChain: "expiry",
    ReadMargin: "margin",
    ReadServer: "ping",
    ReadFunds: "funds",
    ReadTimings: "market/timings",
    Preflight: "ping",
}
_NOTHING = b"{}"
_PROBE = b'{"strategy":"preflight","orderid":"0"}'
_HALF_A_SECOND = SECOND // 2


def write(call: Write, mode: str) -> Script[WriteReply]:
    """Send an order write once and say what is known. `mode` is the one the server must be in."""
    try:
        body = wire_orders.body(call)
        answer = yield HttpAsk(route=wire_orders.route(call), body=body, retry=False)
        accepted = errors.written(answer)
    except BrokerError as error:
        return _refused(call, error)
    return _acknowledged(call, accepted, mode)


def read(call: Read) -> Script[ReadReply]:
    """Do a read job and return its reply, or Failed."""
    try:
        return (yield from _reader(call))
    except (BrokerError, WireError) as error:
        kind = type(call).__name__
        log.debug("read failed call=%s outcome=%s text=%s", kind, errors.outcome_of(error), error)
        return Failed(
            call=kind,
            outcome=errors.outcome_of(error),
            at=clock.now(),
            status=error.status if isinstance(error, BrokerError) else 200,
            text=str(error),
        )


def first_route(call: Read) -> str:
    """Return the route a read begins with, so that a shell can wait for it before it begins."""
    return _FIRST_ROUTES[type(call)]


def not_sent(call: Write, text: str) -> WriteReply:
    """Return the reply to a write that never left: too late, or the lanes are closed."""
    return _reply(call, Outcome.NOT_SENT, code="NOT_SENT", text=text)


def lost(call: Write, text: str) -> WriteReply:
    """Return the reply to a write whose carrier died: it may have been executed."""
    return _reply(call, Outcome.UNKNOWN, code="LOST", text=text)


def unread(call: Read, text: str) -> Failed:
    """Return the reply to a read that was never asked, or whose carrier died."""
    return Failed(call=type(call).__name__, outcome=Outcome.NOT_SENT, at=clock.now(), text=text)


def _refused(call: Write, error: BrokerError) -> WriteReply:
    outcome = errors.outcome_of(error)
    return _reply(call, outcome, status=error.status, code=error.code, text=str(error))


def _reply(call: Write, outcome: Outcome, **said: Any) -> WriteReply:
    route = wire_orders.route(call)
    return WriteReply(ref=call.ref, route=route, outcome=outcome, at=clock.now(), **said)


def _acknowledged(call: Write, accepted: wire.Body, expected: str) -> WriteReply:
    said = wire.excerpt(accepted.get("mode") or "")
    try:
        orderid, seen = wire_orders.orderid(accepted), wire_orders.mode(accepted)
    except WireError as error:
        code = "SEMI_AUTO" if said == "semi_auto" else "NO_ORDERID"
        odd = {"status": 200, "mode": said, "text": str(error)}
        if accepted.get("orderid") in (None, ""):
            return _reply(call, Outcome.NONSENSE, code=code, **odd)
        # There is an id that cannot be read: there may be an order.
        return _reply(call, Outcome.UNKNOWN, code="BODY", **odd)
    named = {"orderid": orderid, "mode": said}
    if seen != expected:
        text = f"answered in mode {seen}, expected {expected}"
        return _reply(call, Outcome.NONSENSE, status=200, code="MODE", text=text, **named)
    return _reply(call, Outcome.DONE, status=200, text=errors.message(accepted), **named)


def _reader(call: Read) -> Script[ReadReply]:
    script: Script[ReadReply]
    match call:
        case ReadBooks():
            script = _books()
        case ReadQuotes():
            script = _quotes(call)
        case ReadHistory():
            script = _history(call)
        case ReadChain():
            script = _chain(call)
        case ReadMargin():
            script = _margin(call)
        case _:
            script = _inquiry(call)
    return script


def _ask(route: str, body: bytes = _NOTHING) -> Script[wire.Body]:
    answer = yield HttpAsk(route=route, body=body, retry=True)
    return errors.read(answer)


def _books() -> Script[Books]:
    asked_at = clock.now()
    orders = yield from _ask("orderbook")
    trades = yield from _ask("tradebook")
    positions = yield from _ask("positionbook")
    modes = [wire_orders.mode(answer) for answer in (orders, trades, positions)]
    if len(set(modes)) > 1:
        raise WireError(f"the three books are of different modes: {modes}")
    rows = wire_orders.order_rows(orders)
    return Books(
        asked_at=asked_at,
        got_at=clock.now(),
        mode=modes[0],
        orders=tuple(row for row in rows if isinstance(row, OrderRow)),
        trades=unrepeated(wire_orders.trade_rows(trades)),
        positions=wire_orders.position_rows(positions),
        unread=tuple(row for row in rows if isinstance(row, UnreadRow)),
    )


def _quotes(call: ReadQuotes) -> Script[Quotes]:
    asked_at = clock.now()
    body = wire_market.quotes_body(call.symbols)
    answer = yield HttpAsk(route="multiquotes", body=body, retry=True)
    try:
        found = errors.read(answer)
    except Rejected:
        found = wire.decode(answer.body)
        if "invalid_symbols" not in found:
            raise
    return wire_market.quotes(found, call.symbols, asked_at, clock.now())


def _history(call: ReadHistory) -> Script[History]:
    asked_at = clock.now()
    answer = yield from _ask("history", wire_market.history_body(call))
    return History(
        symbol=call.symbol, bars=wire_market.bars(answer, call.symbol), asked_at=asked_at
    )


def _chain(call: ReadChain) -> Script[ChainRead]:
    answer = yield from _ask("expiry", wire_market.expiry_body(call))
    expiry = wire_market.nearest_expiry(answer, call.day)
    contracts: list[Contract] = []
    for strike in call.strikes:
        for side in Side:
            wanted = OptionSymbol(name=call.underlying, expiry=expiry, strike=strike, side=side)
            found = yield from _contract(wanted, call.exchange)
            contracts += [found] if found else []
    return wire_market.chain(call, expiry, contracts)


def _contract(wanted: OptionSymbol, exchange: str) -> Script[Contract | None]:
    try:
        body = wire_market.symbol_body(wanted.symbol, exchange)
    except BadSymbol as error:
        raise Rejected(str(error), code=wire_orders.UNSENDABLE) from error
    try:
        answer = yield from _ask("symbol", body)
    except Rejected as error:
        if error.status == 404 and error.code != "ROUTE":
            return None
        raise
    try:
        return wire_market.contract(answer, wanted, exchange)
    except WireError as error:
        log.warning("contract cannot be traded symbol=%s error=%s", wanted.symbol, error)
        return None


def _margin(call: ReadMargin) -> Script[MarginRead]:
    answer = yield from _ask("margin", wire_orders.margin_body(call.ticket))
    return MarginRead(total=wire_account.margin_total(answer))


def _inquiry(call: Inquiry) -> Script[InquiryReply]:
    script: Script[InquiryReply]
    match call:
        case ReadServer():
            script = _server()
        case ReadFunds():
            script = _funds()
        case ReadTimings():
            script = _timings(call.day)
        case Preflight():
            script = _preflight(call)
    return script


def _preflight(call: Preflight) -> Script[Ready]:
    name, mode, skew = yield from _introduction()
    funds = yield from _funds()
    timings = yield from _timings(call.day)
    return Ready(
        broker=name,
        mode=mode,
        skew=skew,
        available=funds.available,
        semi_auto=(yield from _is_semi_auto(mode)),
        nfo_open=timings.nfo_open,
        at=clock.now(),
    )


def _server() -> Script[ServerRead]:
    name, mode, skew = yield from _introduction()
    semi_auto = yield from _is_semi_auto(mode)
    return ServerRead(broker=name, mode=mode, skew=skew, semi_auto=semi_auto)


def _introduction() -> Script[tuple[str, str, Micros]]:
    """Return the broker's name, the server's mode, and its clock minus ours."""
    answer = yield HttpAsk(route="ping", body=_NOTHING, retry=True)
    skew = _skew(answer, clock.now())
    name = wire_account.broker_name(errors.read(answer))
    mode = wire_account.server_mode((yield from _ask("analyzer")))
    return name, mode, skew


def _funds() -> Script[FundsRead]:
    return FundsRead(available=wire_account.available_cash((yield from _ask("funds"))))


def _timings(day: Day) -> Script[TimingsRead]:
    answer = yield from _ask("market/timings", wire_account.timings_body(day))
    return TimingsRead(nfo_open=wire_account.is_open(answer, "NFO"))


def _is_semi_auto(mode: str) -> Script[bool]:
    """Whether orders wait for a human. The analyzer's answers do not show it."""
    return (yield from _probe()) if mode == wire_orders.LIVE else False


def _probe() -> Script[bool]:
    """Whether orders wait for a human: asked with a cancel of order 0, which exists nowhere."""
    answer = yield HttpAsk(route="cancelorder", body=_PROBE, retry=False)
    try:
        errors.written(answer)
    except BrokerError as error:
        if error.code == "SEMI_AUTO":
            return True
        if isinstance(error, NotSent) or error.code in {"DENIED", "TIMEOUT", "RESET"}:
            raise
    return False


def _skew(answer: HttpAnswer, got_at: Micros) -> Micros:
    """The server's clock minus ours; its Date header is cut off at whole seconds."""
    if answer.server_at is None:
        return Micros(0)
    return Micros(answer.server_at + _HALF_A_SECOND - got_at)
