"""The checks of `run.py doctor` about the server and the account behind it."""

from cli.findings import Finding, failed, passed, skipped
from cli.visit import Visit
from domain.books import Action, PriceType
from domain.calls import (
    Failed,
    FundsRead,
    MarginRead,
    Quotes,
    ReadFunds,
    ReadMargin,
    ReadQuotes,
    ReadTimings,
    ServerRead,
    TimingsRead,
)
from domain.contracts import Contract
from domain.orders import Ticket
from domain.preflight import wrong_mode
from domain.session import Closed, cross_check, show
from domain.units import SECOND, Paise, floor_tick, rupees, seconds

KEY_REFUSED = frozenset({400, 401, 403})
LOG_IN = "Log in to the broker in OpenAlgo, which it asks for every day"


def server(visit: Visit) -> Finding:
    """Whether somebody answers there, and as OpenAlgo does."""
    url = visit.settings.openalgo.rest_url
    reply = visit.meet()
    if isinstance(reply, ServerRead) or reply.status in KEY_REFUSED:
        return passed(f"{url} answers")
    if not reply.status:
        where = "Start OpenAlgo there, or correct OPENALGO_HOST and OPENALGO_PORT"
        return failed(f"{url} does not answer ({reply.text})", where)
    where = "Correct OPENALGO_HOST and OPENALGO_PORT, or look into OpenAlgo's log"
    return failed(f"{url} does not answer as OpenAlgo does ({_said(reply)})", where)


def key(visit: Visit) -> Finding:
    """Whether the server takes our key."""
    reply = visit.server
    if isinstance(reply, Failed):
        again = "Copy the key from OpenAlgo once more, and log in to the broker there"
        both = f"{again}: one answer stands for both"
        return failed(f"OPENALGO_API_KEY was refused ({_said(reply)})", both)
    assert reply is not None
    kind = ", the paper exchange" if visit.is_paper_exchange else ""
    return passed(f"accepted, broker {reply.broker}{kind}")


def mode(visit: Visit) -> Finding:
    """Whether we and the server agree on paper or live."""
    is_paper = visit.settings.openalgo.paper_trading
    expected = "analyze" if is_paper else "live"
    said = f"PAPER_TRADING={str(is_paper).lower()}"
    found = _server(visit).mode
    if wrong_mode(found, expected):
        text = f"{said} expects {expected} mode, the server is in {found} mode"
        return failed(text, "Correct PAPER_TRADING or OpenAlgo's analyzer mode, whichever is wrong")
    return passed(f"{said}, the server is in {found} mode")


def order_mode(visit: Visit) -> Finding:
    """Whether orders go out without a human."""
    if _server(visit).mode != "live":
        return skipped("analyzer mode does not show it; OpenAlgo's order mode must be auto")
    if _server(visit).semi_auto:
        return failed("orders wait for a human (semi-auto)", "Set OpenAlgo's order mode to auto")
    return passed("auto")


def clock_skew(visit: Visit) -> Finding:
    """Whether both clocks agree well enough to trade by them."""
    skew = _server(visit).skew
    most_s = visit.settings.gate.skew_refuse_s
    text = f"the server is {abs(skew) / SECOND:.1f} s {'behind' if skew < 0 else 'ahead'}"
    if abs(skew) > seconds(most_s):
        return failed(f"{text}, at most {most_s:g} s are allowed", "Let both machines use NTP")
    return passed(text)


def calendar(visit: Visit) -> Finding:
    """Whether the server's calendar and the dated rules agree on today."""
    planned = visit.plan
    reply = visit.ask(ReadTimings(day=visit.day))
    if not isinstance(reply, TimingsRead):
        return failed(f"market/timings gave nothing usable ({_said(reply)})", "Update OpenAlgo")
    against = cross_check(planned, reply.nfo_open)
    if against:
        told = "Find out who is right: until both agree nothing is entered"
        return failed(against, told)
    if isinstance(planned, Closed):
        following = planned.next_day or "beyond the known calendar"
        return passed(f"no session on {planned.day} ({planned.reason}), the next is {following}")
    now = "open now" if visit.is_open else "closed now"
    return passed(f"session {planned.day} {show(planned.open)} to {show(planned.close)}, {now}")


def broker(visit: Visit) -> Finding:
    """Whether the broker is connected: a ping never asks it, a quote does."""
    index = visit.index
    reply = visit.ask(ReadQuotes(symbols=(index,)))
    if isinstance(reply, Failed):
        return failed(f"no quote of {index[0]} ({_said(reply)})", LOG_IN)
    assert isinstance(reply, Quotes)
    if not reply.quotes:
        return failed(f"no quote of {index[0]} ({reply.missing[0][1]})", LOG_IN)
    (visit.quote,) = reply.quotes
    if visit.quote.ltp <= 0:
        return failed(f"{index[0]} is quoted at {rupees(visit.quote.ltp)}", LOG_IN)
    return passed(f"{index[0]} {rupees(visit.quote.ltp)}")


def funds(visit: Visit) -> Finding:
    """Whether the cash is enough for one lot at the money."""
    reply = visit.ask(ReadFunds())
    if not isinstance(reply, FundsRead):
        return failed(f"funds gave nothing usable ({_said(reply)})", LOG_IN)
    contract = visit.contracts[0]
    needed, by = _margin(visit, contract)
    gate = visit.settings.gate
    text = f"{rupees(reply.available)} available, a lot of {contract.symbol} needs {rupees(needed)}"
    if needed * 10_000 > reply.available * gate.margin_use_bps:
        share = f"of which gate.margin_use_bps leaves {gate.margin_use_bps / 100:g} %"
        return failed(f"{text} by {by}, {share}", "Add cash, or free what other positions block")
    return passed(f"{text} by {by}")


def _margin(visit: Visit, contract: Contract) -> tuple[Paise, str]:
    """Return what a lot needs and who says so: the broker, or else our own setting."""
    prices = visit.ask(ReadQuotes(symbols=((contract.symbol, contract.exchange),)))
    found = prices.quotes if isinstance(prices, Quotes) else ()
    price = max(contract.tick, floor_tick(found[0].ltp if found else 0, contract.tick))
    ticket = Ticket(
        symbol=contract.symbol,
        exchange=contract.exchange,
        action=Action.SELL,
        quantity=contract.lot,
        pricetype=PriceType.LIMIT,
        price=price,
        trigger=Paise(0),
        strategy=visit.settings.strategy.tag,
    )
    reply = visit.ask(ReadMargin(ticket=ticket))
    if isinstance(reply, MarginRead) and reply.total > 0:
        return reply.total, "the broker's margin"
    return Paise(visit.settings.gate.margin_per_lot_p), "gate.margin_per_lot_p"


def _server(visit: Visit) -> ServerRead:
    assert isinstance(visit.server, ServerRead)
    return visit.server


def _said(reply: object) -> str:
    assert isinstance(reply, Failed)
    return f"{reply.status or 'no answer'} {reply.text}".strip()
