"""The contracts of the day: what StrategyActor asks the symbol master, and what it makes of it."""

import logging
from collections.abc import Callable

from actors.post_office import Post
from broker.port import Broker
from domain.calls import Read, ReadReply
from domain.contracts import Chain, UniverseRule
from domain.edge import Edge, Found
from domain.market import Forming
from domain.params import UniverseParams
from domain.rules import RulePack
from domain.session import DayPlan
from domain.units import Micros, Symbol
from domain.universe import Choice, Chooser
from messages.control import ChainFound, StrikesFound

log = logging.getLogger(__name__)

Passed = type[ChainFound] | type[StrikesFound]


class Contracts:
    """Chooses the day's contracts, then looks for those that join. In StrategyActor's thread."""

    def __init__(self, address: str, post: Post, broker: Broker) -> None:
        self._address = address
        self._post = post
        self._broker = broker
        self._chooser: Chooser | None = None
        self._edge: Edge | None = None
        self._faults: dict[str, str] = {}

    def begin(
        self,
        rule: UniverseRule,
        params: UniverseParams,
        pack: RulePack,
        plan: DayPlan,
        chain: Chain | None,
    ) -> None:
        """Choose a chain, or verify the one that is known; then let others join it."""
        self._chooser = Chooser(rule, params, pack, plan, chain)
        self._widen: Callable[[Chain], Edge] = lambda it: Edge(rule, params, pack, plan, it)
        if chain is not None:
            self._edge = self._widen(chain)

    @property
    def index(self) -> Symbol | None:
        """The index to go by; None before the day is known."""
        return self._chooser.index[0] if self._chooser is not None else None

    def price(self, now: Forming) -> None:
        """Take a price; those of the index decide."""
        for follower in (self._chooser, self._edge):
            if follower is not None:
                follower.price(now)

    def inquire(self, at: Micros) -> None:
        """Ask what has come due."""
        self._pass(self._chooser.due(at) if self._chooser is not None else None, ChainFound)
        self._pass(self._edge.due(at) if self._edge is not None else None, StrikesFound)

    def chosen(self, answer: ChainFound, at: Micros) -> Choice | None:
        """Take an answer; return the day's choice once it is made, or verified."""
        if self._chooser is None:
            return None
        choice = self._chooser.answer(answer.question, answer.reply, at)
        what = "chosen" if self._edge is None else "verified"
        self._say(f"no contracts {what} yet", self._chooser.fault)
        if choice is not None:
            _warn(choice.warnings)
            self._edge = self._edge or self._widen(choice.chain)
        return choice

    def found(self, answer: StrikesFound, at: Micros) -> Found | None:
        """Take an answer about further strikes; return what comes of it."""
        if self._edge is None:
            return None
        found = self._edge.answer(answer.question, answer.reply, at)
        self._say("no further strikes yet", self._edge.fault)
        if found is not None:
            _warn(found.warnings)
        if found is not None and found.against:
            log.error("further strikes do not join: %s", "; ".join(found.against))
        return found

    def _pass(self, due: tuple[int, Read] | None, kind: Passed) -> None:
        """Ask, and pass the answer on to the actor: in the read lane's thread."""
        if due is not None:
            number, call = due
            post, address = self._post, self._address

            def answered(reply: ReadReply) -> None:
                post.tell(address, kind(question=number, reply=reply))

            self._broker.read(call, answered)

    def _say(self, what: str, fault: str) -> None:
        """Say why an answer was of no use, once until it is another reason."""
        if fault and fault != self._faults.get(what):
            log.warning("%s: %s", what, fault)
        self._faults[what] = fault


def _warn(warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        log.warning("%s", warning)
