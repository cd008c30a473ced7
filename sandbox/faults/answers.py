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
    success,
)
from sandbox.api.desk import NO_SUCH_KEY, Books, Desk
from sandbox.faults import books, order_answers
from sandbox.faults.account_verbs import ModeFlip, RevokeSession, SemiAuto, StaticIpDenied
from sandbox.faults.acts import Acts
from sandbox.faults.books import Memory, SickBooks
from sandbox.faults.elsewhere import Elsewhere
from sandbox.faults.force import Force, Hit
from sandbox.faults.order_answers import BAD_GATEWAY
from sandbox.faults.order_verbs import (
    AckWithoutOrderid,
    DropBeforeAccept,
    OrderVerb,
    StaleVersions,
)
from sandbox.faults.prices import Hit as PriceHit
from sandbox.faults.prices import SickPrices
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
from sandbox.kinds import NFO, STRAIGHT, Twist

STATUSES = (403, 404, 429, 500, 503)
UNREGISTERED = "Orders from an unregistered IP address are not allowed"
QUEUED = "Order queued for approval in Action Center"
"""Of a server in semi-auto (seen)."""
SEMI_AUTO = "This operation is not allowed in Semi-Auto mode"
KEPT = ("status", "mode")


@dataclass(frozen=True, slots=True)
class Ills:
    """What befell one call.

    `instead` stands in front of the exchange; `lost` is told whatever the exchange answers.
    """

    instead: Answer | None = None
    lost: Answer | None = None
    delay: Micros = Micros(0)
    spoils: tuple[Verb, ...] = ()
    prices: tuple[PriceHit, ...] = ()
    books: Books | None = None
    elsewhere: Elsewhere | None = None
    twist: Twist = STRAIGHT
    follow: Callable[[Symbol], None] | None = None
    """Who wants to know of every symbol that is asked for, because old prices will be told."""

    def desk(self, desk: Desk) -> Desk:
        """Return the desk as this call sees it."""
        if self.elsewhere is not None:
            desk = desk.elsewhere(self.elsewhere, self.elsewhere)
        elif self.books is not None:
            desk = desk.telling(self.books)
        if self.twist is not STRAIGHT:
            desk = desk.twisted(self.twist)
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


class Misfortune:
    """What befalls the calls of one exchange. One thread at a time."""

    def __init__(self, force: Force, acts: Acts) -> None:
        self._force = force
        self._acts = acts
        self._memories: dict[str, Memory] = {}
        self._elsewhere = Elsewhere(force.exchange.capital)
        self._queued = 0

    def of(self, at: Micros, route: str, body: bytes, *, is_write: bool) -> Ills:
        """Return what befalls a call; to be asked once for each."""
        force = self._force
        if self._acts.is_idle:
            force.count(route, is_write=is_write)
            return WELL
        told = None if is_write else self._books(at, route)
        side = order_answers.side
        hits = force.for_call(route, at, is_write=is_write, side=lambda: side(force.exchange, body))
        own = self._own(at, route, is_write=is_write)
        if own is not None:
            return own
        if not hits and told is None:
            return Ills(follow=force.follow) if force.remembers else WELL
        return self._ills(at, route, hits, told)

    def _own(self, at: Micros, route: str, *, is_write: bool) -> Ills | None:
        """Return what befalls a call by the state of the account; nothing can worsen that."""
        found: Ills | None = None
        for fault, since in self._acts.of_calls():
            instead = self._barred(fault.do, route, is_write=is_write)
            if instead is not None:
                found = found or Ills(instead=instead)
            elif isinstance(fault.do, ModeFlip):
                found = found or Ills(elsewhere=self._elsewhere)
            else:
                continue
            self._force.met(at, fault, since, f"rest:{route}")
        return found

    def _barred(self, verb: Verb, route: str, *, is_write: bool) -> Answer | None:
        match verb:
            case RevokeSession():
                return refusal(Refused(403, NO_SUCH_KEY), {})
            case StaticIpDenied() if is_write:
                return refusal(Refused(403, UNREGISTERED), {})
            case SemiAuto() if route == "placeorder":
                self._queued += 1
                more = {"mode": "semi_auto", "pending_order_id": self._queued}
                return success({"message": QUEUED, **more})
            case SemiAuto(live=True) if is_write:
                return refusal(Refused(403, SEMI_AUTO), {})
            case _:
                return None

    def _ills(self, at: Micros, route: str, hits: list[Hit], told: SickBooks | None) -> Ills:
        force = self._force
        instead: Answer | None = None
        lost: Answer | None = None
        delay = 0
        spoils: list[Verb] = []
        prices: list[PriceHit] = []
        for hit in hits:
            match hit.fault.do:
                case Status() | Html502():
                    instead = instead or _instead(hit.fault.do, route)
                case DropBeforeAccept() as drop:
                    instead = instead or order_answers.lost(drop)
                case Delay() as wait:
                    delay += span(wait, force.draws(hit.fault, f"do|{route}"), at)
                case FreezeQuotes() | YesterdaysQuotes() | HistoryLag() | MissingRows():
                    prices.append((hit.fault.do, force.moment(hit.fault, hit.since)))
                case verb:
                    lost = lost or order_answers.lost(verb)
                    spoils.append(verb)
            delay += order_answers.wait(hit.fault.do)
        return Ills(
            instead=instead,
            lost=lost,
            delay=Micros(delay),
            spoils=tuple(spoils),
            prices=tuple(prices),
            books=told,
            twist=order_answers.twist(force, at, hits),
            follow=force.follow,
        )

    def _books(self, at: Micros, route: str) -> SickBooks | None:
        """Return the books this call is told of, if faults hit them; others are remembered."""
        place = books.PLACES.get(route)
        if place is None or not (faults := self._force.at(place)):
            return None
        hits = self._force.for_read(place, at)
        memory = self._memories.setdefault(place, Memory())
        if hits:
            return SickBooks(self._force, place, hits, memory)
        if any(isinstance(fault.do, StaleVersions) for fault in faults):
            memory.remember(place, self._force.exchange)
        return None


def _instead(verb: Verb, route: str) -> Answer:
    if not isinstance(verb, Status):
        return BAD_GATEWAY
    answer = {
        403: refusal(Refused(403, NO_SUCH_KEY), {}),
        404: not_found(f"/api/v1/{route}"),
        429: bare(429, "10 per 1 second"),
        500: server_fault(),
        503: bare(503, "Service Unavailable"),
    }[verb.code]
    return Answer(answer.status, answer.content_type, answer.body, verb.retry_after_s)


def _spoiled(verb: Verb, answer: Answer) -> Answer:
    if isinstance(verb, AckWithoutOrderid):
        return order_answers.nameless(answer)
    if isinstance(verb, OrderVerb):
        return answer
    if isinstance(verb, TruncateJson):
        cut = answer.body[: len(answer.body) * verb.keep_pct // 100]
        return Answer(answer.status, answer.content_type, cut)
    try:
        body = json.loads(answer.body)
    except json.JSONDecodeError:
        return answer  # another fault has torn it already
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
