"""What became of orders, legs and the mode, told to those who follow them."""

import logging
from collections.abc import Iterable

from actors.post_office import Post
from domain import events as ev
from domain.ledger import Ledger
from domain.orders import EntryKey
from domain.pages import Page
from domain.reasons import Refusal, remedy
from domain.standing import Standing
from domain.status import Hold
from domain.story import tell
from domain.units import Micros
from messages.control import ModeEntered, StandingChanged
from messages.orders import EntryRefused, OrderChanged, Paged, PositionChanged

log = logging.getLogger(__name__)

AUDIENCE = ("watchdog", "strategy", "feed", "monitor")
"""Who hears of orders and legs; first who builds the bars that the next one asks for."""

DOERS = ("strategy", "monitor")
"""Who hears of the mode and of refusals."""


class Bulletin:
    """Tells what was committed. In OrderActor's thread."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._stood: StandingChanged | None = None

    def tell(self, events: Iterable[ev.Event], ledger: Ledger, at: Micros) -> None:
        """Tell what events, folded into the ledger, came to; each order and leg once."""
        intents: dict[str, None] = {}
        legs: dict[str, None] = {}
        for event in events:
            _log(event, ledger)
            if isinstance(event, ev.ModeChanged):
                entered = ModeEntered(at=at, mode=event.mode, reason=event.reason)
                self._tell(DOERS, entered)
            intent = getattr(event, "intent", None)
            if intent in ledger.orders:
                intents[intent] = None
                legs[ledger.orders[intent].leg] = None
            elif isinstance(event, ev.ExitPhase):
                legs[event.leg] = None
        for intent in intents:
            self._tell(AUDIENCE, OrderChanged(at=at, order=ledger.orders[intent]))
        for leg in legs:
            if leg in ledger.legs and ledger.legs[leg].sold.units:
                self._tell(AUDIENCE, PositionChanged(at=at, leg=ledger.legs[leg]))

    def refuse(self, refused: Iterable[tuple[EntryKey, Refusal]], at: Micros) -> None:
        """Tell which entries were refused, and why."""
        for key, refusal in refused:
            told = EntryRefused(at=at, key=key, code=refusal.code, text=refusal.text)
            self._tell(DOERS, told)

    def stand(self, standing: Standing, ledger: Ledger, at: Micros) -> None:
        """Tell what holds the agent back, when that is news; a condition without words is none."""
        latches = tuple(Hold(code=name, text=text) for name, text in ledger.latches.items())
        held = standing.conditions.items()
        conditions = tuple(Hold(code=str(code), text=text) for code, text in held if text)
        known = self._stood
        before = (known.latches, known.conditions) if known else ((), ())
        if before != (latches, conditions):
            self._stood = StandingChanged(at=at, latches=latches, conditions=conditions)
            self._post.tell("monitor", self._stood)

    def page(self, pages: Iterable[Page], at: Micros) -> None:
        """Tell a human what he must know, with what to do about it: in the log, and by alert."""
        for page in pages:
            level = logging.CRITICAL if page.is_critical else logging.ERROR
            count = f" ({page.count} times)" if page.count > 1 else ""
            text = f"{page.code} {page.subject}: {page.text}{count}; {remedy(page.code)}"
            log.log(level, "%s", text, extra={"tag": "PAGE"})
            self._post.tell("alerts", Paged(at=at, page=page))

    def everything(self, who: str, ledger: Ledger, at: Micros) -> None:
        """Give one listener the whole picture: orders, legs, and the mode if it goes by it."""
        for order in ledger.orders.values():
            self._post.tell(who, OrderChanged(at=at, order=order))
        for leg in ledger.legs.values():
            if leg.sold.units:
                self._post.tell(who, PositionChanged(at=at, leg=leg))
        if who in DOERS:
            self._post.tell(who, ModeEntered(at=at, mode=ledger.mode, reason=""))
        if who == "monitor" and self._stood is not None:
            self._post.tell(who, self._stood)

    def _tell(
        self,
        addresses: tuple[str, ...],
        fact: OrderChanged | PositionChanged | ModeEntered | EntryRefused,
    ) -> None:
        for address in addresses:
            self._post.tell(address, fact)


def _log(event: ev.Event, ledger: Ledger) -> None:
    line = tell(event, ledger)
    if line is not None:
        level = logging.WARNING if line.warn else logging.INFO
        log.log(level, "%s", line.text, extra={"tag": line.tag})
