"""Letting the universe follow the market: further strikes join before the money reaches the last.

Half a width joins on the side whose last strike spot comes too near to; nothing ever leaves
(`strategy.md` section 1). What the symbol master says of the new contracts is compared with the
dated rules as in the morning, and where they differ none of them joins.
"""

from collections.abc import Iterator

import msgspec

from domain.asking import Asking
from domain.calls import ChainRead, Failed, ReadChain, ReadReply
from domain.contracts import Chain, Contract, UniverseRule
from domain.market import Forming
from domain.params import UniverseParams
from domain.rules import RulePack
from domain.session import DayPlan
from domain.symbols import strikes
from domain.units import Micros, Paise, rupees
from domain.universe import ANSWER_WITHIN, RETRY, choose

UP, DOWN = 1, -1


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The contracts that join, what keeps others from joining, and what is worth a warning."""

    contracts: tuple[Contract, ...] = ()
    against: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Edge:
    """Asks for further strikes while the session runs, one question at a time.

    A side's edge is the last strike asked for, whether or not the master knew it: what it did not
    know this morning it does not know now. `fault` says why the last answer was of no use, '' if it
    was. Mutable, owned by one StrategyActor.
    """

    def __init__(
        self,
        rule: UniverseRule,
        params: UniverseParams,
        pack: RulePack,
        plan: DayPlan,
        chain: Chain,
    ) -> None:
        self.fault = ""
        self._rule = rule
        self._params = params
        self._pack = pack
        self._plan = plan
        self._chain = chain
        chosen = strikes(chain.atm, rule.width_points, rule.step_points)
        known = [*chosen, *(contract.strike for contract in chain.contracts)]
        self._last = {UP: max(known), DOWN: min(known)}
        self._seen: Forming | None = None
        self._side = UP
        self._asked: tuple[Paise, ...] = ()
        self._not_before = plan.open
        self._asking = Asking(ANSWER_WITHIN)

    def price(self, now: Forming) -> None:
        """Take a price; those of the index are remembered, if they can be believed."""
        if now.symbol == self._rule.underlying:
            limit = self._params.spot_sanity_bps * self._chain.atm
            if all(abs(p - self._chain.atm) * 10_000 <= limit for p in (now.low, now.high)):
                self._seen = now

    def due(self, at: Micros) -> tuple[int, ReadChain] | None:
        """Return what to read now, numbered: its answer comes back through `answer`, once."""
        is_time = self._not_before <= at < self._plan.last_entry
        if self._seen is None or not is_time or self._asking.is_out(at):
            return None
        side = next(self._near(self._seen), None)
        return None if side is None else (self._asking.begin(at), self._call(side))

    def answer(self, number: int, reply: ReadReply, at: Micros) -> Found | None:
        """Take an answer; return what comes of it, None if nothing does."""
        if not self._asking.is_answer(number):
            return None
        self.fault = ""
        if isinstance(reply, ChainRead):
            return self._found(reply)
        self.fault = "no contract was answered"
        if isinstance(reply, Failed):
            self.fault = f"{reply.call} failed status={reply.status} {reply.text}"
        self._not_before = Micros(at + RETRY)
        return None

    def _call(self, side: int) -> ReadChain:
        self._side, self._asked = side, self._further(side)
        return ReadChain(
            underlying=self._chain.underlying,
            exchange=self._pack.exchange(self._chain.underlying, self._plan.day),
            day=self._plan.day,
            strikes=tuple(sorted(self._asked)),
        )

    def _near(self, now: Forming) -> Iterator[int]:
        """Return the sides whose last strike the index came too near to in this minute."""
        reach = self._params.edge_points * 100
        if UP in self._last and self._last[UP] - now.high < reach:
            yield UP
        if DOWN in self._last and now.low - self._last[DOWN] < reach and self._further(DOWN):
            yield DOWN

    def _further(self, side: int) -> tuple[Paise, ...]:
        """Return the strikes of half a width beyond the last one, outwards; all above 0."""
        step = self._rule.step_points
        count = max(1, self._rule.width_points // 2 // step)
        beyond = (self._last[side] + side * n * step * 100 for n in range(1, count + 1))
        return tuple(Paise(strike) for strike in beyond if strike > 0)

    def _found(self, read: ChainRead) -> Found:
        last, self._last[self._side] = self._last[self._side], self._asked[-1]
        known = {contract.symbol for contract in self._chain.contracts}
        new = tuple(each for each in read.contracts if each.symbol not in known)
        if not new:
            del self._last[self._side]
            where = "above" if self._side == UP else "below"
            return Found(warnings=(f"universe: no strikes {where} {rupees(last)}",))
        fresh = msgspec.structs.replace(read, contracts=new)
        choice = choose(fresh, self._rule, self._chain.atm, self._pack, self._plan.day)
        against = choice.against
        if read.expiry != self._chain.expiry:
            against += (f"expiry={read.expiry} this morning={self._chain.expiry}",)
        if against:
            return Found(against=against, warnings=choice.warnings)
        self._chain = self._chain.grown(choice.chain.contracts)
        return Found(contracts=choice.chain.contracts, warnings=choice.warnings)
