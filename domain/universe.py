"""Choosing the day's contracts: the spot, the strikes around it, and whether they may be traded.

What the symbol master says is compared with the dated rules; where they differ nobody wins silently
and nothing is entered (`strategy.md` section 1, `market-rules.md` section 8).
"""

import msgspec

from domain.asking import Asking
from domain.calls import ChainRead, Failed, Quotes, Read, ReadChain, ReadQuotes, ReadReply
from domain.contracts import Chain, Contract, UniverseRule
from domain.market import Forming, Quote
from domain.params import FeedParams, UniverseParams
from domain.rules import RulePack
from domain.rules.comparing import compare, settled
from domain.session import DayPlan
from domain.symbols import atm, strikes
from domain.units import Day, Micros, Paise, Symbol, seconds

RETRY = seconds(5)
VERIFY_AGAIN = seconds(60)
ANSWER_WITHIN = seconds(300)
"""Longer than a server takes for every contract: 82 of them take half a minute."""

SPOT_AGE = seconds(5)
NEAR_STRIKES = 5
"""Contracts this many strikes around the money are expected to tick more often."""


class Spot(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The price of the index to go by, or why there is none (`fault`)."""

    price: Paise = Paise(0)
    fault: str = ""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The day's chain, what forbids entries in it, and what is only worth a warning."""

    chain: Chain
    against: tuple[str, ...]
    warnings: tuple[str, ...]


class Chooser:
    """Asks what is needed to choose the day's chain, or to verify the one chosen earlier today.

    `fault` says why the last answer was of no use, '' if it was.
    """

    def __init__(
        self,
        rule: UniverseRule,
        params: UniverseParams,
        pack: RulePack,
        plan: DayPlan,
        chain: Chain | None = None,
    ) -> None:
        self.fault = ""
        self._rule = rule
        self._params = params
        self._pack = pack
        self._plan = plan
        self._chain = chain
        self._middle = chain.atm if chain else None
        self._seen: Forming | None = None
        self._not_before = Micros(0 if chain else plan.open + seconds(params.choose_after_s))
        self._asking = Asking(ANSWER_WITHIN)

    @property
    def index(self) -> tuple[Symbol, str]:
        """The index to go by, and the exchange that quotes it. Raises RuleError."""
        name = self._rule.underlying
        return Symbol(name), self._pack.index_exchange(name, self._plan.day)

    def price(self, now: Forming) -> None:
        """Take a price; those of the index are remembered."""
        if now.symbol == self._rule.underlying:
            self._seen = now

    def due(self, at: Micros) -> tuple[int, Read] | None:
        """Return what to read now, numbered: its answer comes back through `answer`, once."""
        if self._asking.is_out(at) or not self._not_before <= at < self._plan.last_entry:
            return None
        return self._asking.begin(at), self._call()

    def answer(self, number: int, reply: ReadReply, at: Micros) -> Choice | None:
        """Take an answer; return the choice once it is made, and then never again."""
        if not self._asking.is_answer(number):
            return None
        self.fault = ""
        match reply:
            case Quotes(quotes=(quote,)):
                self._spot(quote, at)
            case ChainRead() if reply.contracts and self._middle is not None:
                self._not_before = self._plan.close
                return self._choice(reply, self._middle)
            case Failed():
                self._fail(f"{reply.call} failed status={reply.status} {reply.text}", at)
            case _:
                self._fail("the server knows no price of the index, or no contract", at)
        return None

    def _call(self) -> Read:
        if self._middle is None:
            return ReadQuotes(symbols=(self.index,))
        if self._chain is None:
            return chain_call(self._rule, self._middle, self._pack, self._plan.day)
        return verify_call(self._chain, self._pack, self._plan.day)

    def _spot(self, quote: Quote, at: Micros) -> None:
        spot = spot_of(self._seen, quote, at, self._params.spot_sanity_bps)
        if spot.fault:
            self._fail(spot.fault, at)
        else:
            self._middle = atm(spot.price, self._rule.atm_round_points)

    def _choice(self, read: ChainRead, middle: Paise) -> Choice:
        day = self._plan.day
        if self._chain is not None:
            choice = Choice(
                chain=self._chain, against=verify(read, self._chain, self._pack, day), warnings=()
            )
        else:
            choice = choose(read, self._rule, middle, self._pack, day)
        few = too_few(choice.chain, self._params.min_symbols)
        return msgspec.structs.replace(choice, against=choice.against + few)

    def _fail(self, fault: str, at: Micros) -> None:
        self.fault = fault
        self._not_before = Micros(at + (VERIFY_AGAIN if self._chain else RETRY))


def spot_of(seen: Forming | None, quote: Quote, at: Micros, sanity_bps: int) -> Spot:
    """Return the last streamed price if it is fresh, else the quoted one, if it can be believed.

    It must lie within `sanity_bps` of the previous close; a broker that names none is measured by
    its quote instead, so that one of the two sources alone cannot move the strikes.
    """
    is_fresh = seen is not None and at - seen.at <= SPOT_AGE
    price = seen.last if seen is not None and is_fresh else quote.ltp
    if not is_fresh and at - quote.got_at > SPOT_AGE:
        return Spot(fault="the quote is old")
    reference = quote.prev_close or quote.ltp
    if price <= 0 or abs(price - reference) * 10_000 > sanity_bps * reference:
        return Spot(fault=f"spot={price} is too far from reference={reference}")
    return Spot(price=price)


def chain_call(rule: UniverseRule, middle: Paise, pack: RulePack, day: Day) -> ReadChain:
    """Return the read of the contracts around the strike `middle`. Raises RuleError."""
    return ReadChain(
        underlying=rule.underlying,
        exchange=pack.exchange(rule.underlying, day),
        day=day,
        strikes=strikes(middle, rule.width_points, rule.step_points),
    )


def verify_call(chain: Chain, pack: RulePack, day: Day) -> ReadChain:
    """Return the read of the contracts chosen earlier today. Raises RuleError."""
    return ReadChain(
        underlying=chain.underlying,
        exchange=pack.exchange(chain.underlying, day),
        day=day,
        strikes=tuple(sorted({c.strike for c in chain.contracts})),
    )


def choose(read: ChainRead, rule: UniverseRule, middle: Paise, pack: RulePack, day: Day) -> Choice:
    """Return the chain of the contracts found, each as orders in it are made. Raises RuleError."""
    chain = Chain(
        underlying=rule.underlying,
        index_exchange=pack.index_exchange(rule.underlying, day),
        expiry=read.expiry,
        atm=middle,
        contracts=tuple(settled(each, pack, day) for each in read.contracts),
    )
    against, warnings = _differences(read.contracts, pack, day)
    if read.missing:
        warnings += (f"universe: no contract at strikes {' '.join(read.missing)}",)
    return Choice(chain=chain, against=against, warnings=warnings)


def too_few(chain: Chain, min_symbols: int) -> tuple[str, ...]:
    """Return what forbids entries in so small a chain, if it is too small."""
    found = len(chain.contracts)
    return (f"universe: {found} symbols, at least {min_symbols}",) if found < min_symbols else ()


def verify(read: ChainRead, chain: Chain, pack: RulePack, day: Day) -> tuple[str, ...]:
    """Return what forbids entries in a chain chosen earlier today, as the master stands now."""
    against, _ = _differences(read.contracts, pack, day)
    found = {each.symbol: settled(each, pack, day) for each in read.contracts}
    changed = [c.symbol for c in chain.contracts if found.get(c.symbol) != c]
    if changed:
        against += (f"contracts differ from this morning's: {' '.join(changed)}",)
    return against


def freshness(chain: Chain, step_points: int, feed: FeedParams) -> dict[Symbol, Micros]:
    """Return how old the last price of each contract may be, by its distance from the money."""
    reach = NEAR_STRIKES * step_points * 100
    near, far = seconds(feed.fresh_near_s), seconds(feed.fresh_far_s)
    return {c.symbol: near if abs(c.strike - chain.atm) <= reach else far for c in chain.contracts}


def _differences(
    contracts: tuple[Contract, ...], pack: RulePack, day: Day
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the mismatches that forbid entries, and the others; each once."""
    found = {m for contract in contracts for m in compare(contract, pack, day)}
    against = sorted(m.reason for m in found if m.blocks)
    outdated = pack.refusal(day)
    return (
        (*([outdated] if outdated else []), *against),
        tuple(sorted(m.reason for m in found if not m.blocks)),
    )
