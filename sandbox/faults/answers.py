"""What the faults that hit a REST call make of it: another answer, a late one, a spoiled one.

`status` and `html_502` stand in front of the exchange: nothing is done. The others let the call be
served, and a write be executed, before they spoil what is said of it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.units import Micros, Symbol
from sandbox.api.answers import (
    Answer,
    Refused,
    bare,
    not_found,
    refusal,
    server_fault,
)
from sandbox.api.desk import NO_SUCH_KEY, Desk
from sandbox.faults.force import Force
from sandbox.faults.prices import Hit, SickPrices
from sandbox.faults.verbs import (
    Delay,
    FreezeQuotes,
    HistoryLag,
    Html502,
    MissingRows,
    NullData,
    Status,
    TruncateJson,
    Verb,
    YesterdaysQuotes,
)
from sandbox.faults.wire import span
from sandbox.kinds import NFO

HTML = "text/html"
BAD_GATEWAY = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n"
    b"</html>\r\n"
)
STATUSES = (403, 404, 429, 500, 503)
KEPT = ("status", "mode")


@dataclass(frozen=True, slots=True)
class Ills:
    """What befell one call."""

    instead: Answer | None = None
    delay: Micros = Micros(0)
    spoils: tuple[Verb, ...] = ()
    prices: tuple[Hit, ...] = ()
    follow: Callable[[Symbol], None] | None = None
    """Who wants to know of every symbol that is asked for, because old prices will be told."""

    def desk(self, desk: Desk) -> Desk:
        """Return the desk as this call sees it."""
        if self.follow is None:
            return desk
        told = SickPrices(desk.prices, self.prices, lambda: _opens(desk), self.follow)
        return desk.showing(told)

    def spoiled(self, answer: Answer) -> Answer:
        """Return what is left of an answer."""
        for verb in self.spoils:
            answer = _spoiled(verb, answer)
        return answer


WELL = Ills()


def ills(force: Force, at: Micros, route: str, *, is_write: bool) -> Ills:
    """Return what befalls a call of a route; to be asked once for each call."""
    hits = force.for_call(route, at, is_write=is_write)
    if not hits:
        return Ills(follow=force.follow) if force.remembers else WELL
    instead: Answer | None = None
    delay = 0
    spoils: list[Verb] = []
    prices: list[Hit] = []
    for fault, since in hits:
        match fault.do:
            case Status() | Html502():
                instead = instead or _instead(fault.do, route)
            case Delay() as wait:
                delay += span(wait, force.draws(fault, f"do|{route}"), at)
            case FreezeQuotes() | YesterdaysQuotes() | HistoryLag() | MissingRows():
                prices.append((fault.do, force.moment(fault, since)))
            case verb:
                spoils.append(verb)
    return Ills(instead, Micros(delay), tuple(spoils), tuple(prices), force.follow)


def _instead(verb: Verb, route: str) -> Answer:
    if not isinstance(verb, Status):
        return Answer(502, HTML, BAD_GATEWAY)
    answer = {
        403: refusal(Refused(403, NO_SUCH_KEY), {}),
        404: not_found(f"/api/v1/{route}"),
        429: bare(429, "10 per 1 second"),
        500: server_fault(),
        503: bare(503, "Service Unavailable"),
    }[verb.code]
    return Answer(answer.status, answer.content_type, answer.body, verb.retry_after_s)


def _spoiled(verb: Verb, answer: Answer) -> Answer:
    if isinstance(verb, TruncateJson):
        cut = answer.body[: len(answer.body) * verb.keep_pct // 100]
        return Answer(answer.status, answer.content_type, cut)
    body = json.loads(answer.body)
    make = _null if isinstance(verb, NullData) else _misshapen
    shown = {name: value if name in KEPT else make(value) for name, value in body.items()}
    return Answer(answer.status, answer.content_type, json.dumps(shown).encode("ascii"))


def _null(value: object) -> None:
    del value


def _misshapen(value: Any) -> object:
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, list):
        return {str(number): each for number, each in enumerate(value)}
    return {"value": value}


def _opens(desk: Desk) -> Micros:
    """Return when the options' session opens; without one nothing is the first minute."""
    hours = desk.exchange.timings(desk.exchange.day)
    return next((hour.start for hour in hours if hour.exchange == NFO), Micros(0))
