"""What a write is told when the caller shall not learn what became of it, or learn it wrongly."""

import json

from domain.units import Micros, seconds
from sandbox.api.answers import JSON, Answer, Refused, refusal, server_fault
from sandbox.exchange import Exchange
from sandbox.faults.force import Force, Hit
from sandbox.faults.order_verbs import (
    DelayEffect,
    DropAfterAccept,
    DropBeforeAccept,
    PartialThenReject,
    PlacedBut400,
)
from sandbox.faults.verbs import Verb
from sandbox.faults.wire import span
from sandbox.kinds import STRAIGHT, Twist

HTML = "text/html"
BAD_GATEWAY = Answer(
    502,
    HTML,
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n"
    b"</html>\r\n",
)
CUT = Answer(0, "", b"", is_cut=True)
TIMED_OUT = "Request to the broker timed out"
NOT_PLACED = "'NoneType' object has no attribute 'get'"
"""What a broker's plug-in says when it stumbles over an answer; it proves nothing."""

HANG = seconds(130)
"""A server works on a call for up to 120 s; nobody waits that long."""

_ANSWERS: dict[str, Answer] = {
    "timeout": CUT,
    "reset": CUT,
    "http_500": server_fault(),
    "html_502": BAD_GATEWAY,
    "http_400": refusal(Refused(400, TIMED_OUT), {}),
}


def lost(verb: Verb) -> Answer | None:
    """Return what is told of a call whose own answer is lost; None if it is not."""
    match verb:
        case DropBeforeAccept(how=how) | DropAfterAccept(how=how):
            return _ANSWERS[how]
        case PlacedBut400():
            return refusal(Refused(400, NOT_PLACED), {})
        case _:
            return None


def wait(verb: Verb) -> Micros:
    """Return how much later than usual such an answer comes."""
    match verb:
        case DropBeforeAccept(how="timeout") | DropAfterAccept(how="timeout"):
            return HANG
        case _:
            return Micros(0)


def twist(force: Force, at: Micros, hits: list[Hit]) -> Twist:
    """Return what goes another way with a write that is done; the last of several faults wins."""
    found = STRAIGHT
    for hit in hits:
        match hit.fault.do:
            case DropAfterAccept(late_s=late_s) if late_s:
                found = Twist(late=seconds(late_s))
            case DelayEffect() as effect:
                found = Twist(late=span(effect, force.draws(hit.fault, "do"), at))
            case PartialThenReject(lots=lots, after_s=after_s):
                found = Twist(lots=lots, rejected_after=seconds(after_s))
            case _:
                continue
    return found


def nameless(answer: Answer) -> Answer:
    """Return an acknowledgement without its order id."""
    body = json.loads(answer.body)
    body.pop("orderid", None)
    return Answer(answer.status, JSON, json.dumps(body).encode("ascii"))


def side(exchange: Exchange, body: bytes) -> str:
    """Return BUY or SELL of the order that a write concerns, or '' if nobody can tell."""
    try:
        said = json.loads(body)
        action = said.get("action")
        orderid = said.get("orderid")
    except (ValueError, AttributeError):
        return ""
    if isinstance(action, str):
        return action.upper()
    order = exchange.order(orderid) if isinstance(orderid, str) else None
    return order.action.value if order else ""
