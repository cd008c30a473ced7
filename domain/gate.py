"""The risk gate: pure checks that every entry passes, in order; the first failure wins.

The numbers follow `execution.md` 8.1. Exits are never held back here: what could turn an exit into
harm (more BUY than own short) is decided where the exit is made, in `desk_exits.py`.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from domain.contracts import Contract, Side
from domain.exits import band_low
from domain.ledger import Ledger
from domain.orders import Order, Purpose, StopPlan, Ticket
from domain.params import GateParams, LimitParams
from domain.reasons import Refusal
from domain.refusals import Code
from domain.strategy import Mode
from domain.units import Micros, Paise, Symbol, rupees, seconds


class Proposal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry as the strategy wants it, with the last price it was judged by.

    `instead_of` is the resting entry that would become this one; it counts no more itself.
    """

    ticket: Ticket
    side: Side
    stop: StopPlan
    last: Paise
    instead_of: Order | None = None

    @property
    def is_relief(self) -> bool:
        """Whether it only makes a resting entry smaller: nothing but its size is judged."""
        if self.instead_of is None:
            return False
        now, new = self.instead_of.ticket, self.ticket
        # What rests may stand some ticks lower than it was wished: its fingerprint.
        is_priced = now.trigger == new.trigger and now.price <= new.price
        return is_priced and new.quantity <= now.quantity


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate looks at besides the ledger; `calendar` is how two of them differ, or empty.

    `margins` is what a lot of some symbols needs, as the server said a while ago.
    """

    at: Micros
    mode: Mode
    last_entry: Micros
    feed_trusted: bool
    feed_reason: str
    snapshot_at: Micros | None
    skew: Micros
    available: Paise | None
    calendar: str = ""
    margins: dict[Symbol, Paise] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gate:
    """The checks with their limits."""

    params: GateParams
    limits: LimitParams
    max_lots: int

    def refusal(
        self, wanted: Proposal, contract: Contract, ledger: Ledger, now: Situation
    ) -> Refusal | None:
        """Return why this entry may not be sent now, or None if it may."""
        if wanted.is_relief:
            return _numbers(wanted, contract, self.max_lots)
        checks: tuple[Callable[[], Refusal | None], ...] = (
            lambda: self._mode(now),
            lambda: self._data(now),
            lambda: self._room(wanted, ledger),
            lambda: _facts(contract, ledger),
            lambda: _numbers(wanted, contract, self.max_lots),
            lambda: self._prices(wanted, contract),
            lambda: self._money(wanted, contract, ledger, now),
        )
        return next((found for check in checks if (found := check()) is not None), None)

    def _mode(self, now: Situation) -> Refusal | None:
        if now.mode is not Mode.ACTIVE:
            return Refusal(code=Code.MODE, text=f"mode is {now.mode}")
        if now.at >= now.last_entry:
            return Refusal(code=Code.LAST_ENTRY, text="no entries after the last entry time")
        return None

    def _data(self, now: Situation) -> Refusal | None:
        if now.calendar:
            return Refusal(code=Code.CALENDAR, text=now.calendar)
        if not now.feed_trusted:
            return Refusal(code=Code.FEED, text=now.feed_reason or "prices are not trusted")
        if abs(now.skew) > seconds(self.params.skew_refuse_s):
            return Refusal(code=Code.CLOCK_SKEW, text=f"the server's clock is {now.skew} us away")
        oldest = now.at - seconds(self.params.snapshot_max_age_s)
        if now.snapshot_at is None or now.snapshot_at < oldest:
            return Refusal(code=Code.BOOKS_STALE, text="no valid read of the broker's books")
        return None

    def _room(self, wanted: Proposal, ledger: Ledger) -> Refusal | None:
        if wanted.ticket.symbol in ledger.externals:
            return Refusal(code="EXTERNAL", text="somebody else trades this symbol")
        shorts = _shorts(ledger, wanted.instead_of)
        if wanted.ticket.symbol in shorts:
            return Refusal(code=Code.SYMBOL_TAKEN, text="one short per symbol")
        same = sum(side is wanted.side for side in shorts.values())
        side_limit = self.limits.ce if wanted.side is Side.CE else self.limits.pe
        if len(shorts) >= self.limits.positions or same >= side_limit:
            return Refusal(code=Code.LIMIT, text=f"{len(shorts)} shorts, {same} {wanted.side}")
        entered = sum(o.purpose is Purpose.ENTRY and o.filled > 0 for o in ledger.orders.values())
        if entered >= self.params.entries_day:
            return Refusal(code=Code.ENTRIES_DAY, text=f"{entered} shorts were entered today")
        return None

    def _prices(self, wanted: Proposal, contract: Contract) -> Refusal | None:
        ticket = wanted.ticket
        prices = (ticket.price, ticket.trigger, wanted.stop.trigger, wanted.stop.limit)
        off = [p for p in prices if p % contract.tick or p < 0]
        if off or ticket.price <= 0:
            return Refusal(code=Code.TICK, text=f"prices {prices} on tick {contract.tick}")
        if ticket.trigger and not (ticket.price <= ticket.trigger < wanted.last):
            text = f"trigger {rupees(ticket.trigger)} last {rupees(wanted.last)}"
            return Refusal(code=Code.TRIGGER_SIDE, text=text)
        if ticket.price < band_low(wanted.last, self.params.band_safety_bps, contract.tick):
            return Refusal(code=Code.BAND, text=f"limit {rupees(ticket.price)} outside the band")
        if not ticket.price < wanted.stop.trigger <= wanted.stop.limit:
            return Refusal(code=Code.STOP_SIDE, text="the stop does not stand above the entry")
        return None

    def _money(
        self, wanted: Proposal, contract: Contract, ledger: Ledger, now: Situation
    ) -> Refusal | None:
        risk = (wanted.stop.limit - wanted.ticket.price) * wanted.ticket.quantity
        risk += sum(_risk(leg.stop, leg.sold.value, leg.sold.units) for leg in ledger.open_legs())
        risk += sum(_entry_risk(order) for order in _others(ledger, wanted.instead_of))
        if risk > self.params.open_risk_p:
            return Refusal(code=Code.OPEN_RISK, text=f"open risk {rupees(risk)}")
        lots = _lots(ledger, wanted.instead_of)
        lots[contract.symbol] += wanted.ticket.quantity // contract.lot
        each = self.params.margin_per_lot_p
        margin = sum(n * now.margins.get(symbol, each) for symbol, n in lots.items())
        if now.available is None:
            return Refusal(code=Code.FUNDS_UNKNOWN, text="funds were not read yet")
        if margin * 10_000 > now.available * self.params.margin_use_bps:
            text = f"{lots.total()} lots need {rupees(margin)}, cash {rupees(now.available)}"
            return Refusal(code=Code.MARGIN, text=text)
        return None


def _facts(contract: Contract, ledger: Ledger) -> Refusal | None:
    """Compare a contract with its neighbours: a lone other lot, tick or freeze is a mistake."""
    facts = (contract.lot, contract.tick, contract.freeze)
    if min(facts) <= 0 or contract.freeze < contract.lot:
        return Refusal(code=Code.CONTRACT, text=f"lot, tick and freeze are {facts}")
    others = ledger.chain.contracts if ledger.chain else ()
    usual = Counter((each.lot, each.tick, each.freeze) for each in others)
    if usual and usual[facts] * 2 < usual.total():
        known = max(usual, key=lambda each: usual[each])
        return Refusal(code=Code.CONTRACT, text=f"lot, tick and freeze are {facts}, not {known}")
    return None


def _numbers(wanted: Proposal, contract: Contract, max_lots: int) -> Refusal | None:
    units = wanted.ticket.quantity
    if units <= 0 or units % contract.lot:
        return Refusal(code=Code.LOT, text=f"{units} units, lot {contract.lot}")
    largest = min(contract.slice_max, max_lots * contract.lot)
    if units > largest:
        return Refusal(code=Code.SIZE, text=f"{units} units, at most {largest}")
    return None


def _risk(stop: StopPlan, value: int, units: int) -> int:
    return stop.limit * units - value


def _entry_risk(order: Order) -> int:
    """What an entry risks as it stands, or as it may stand already: a change in the air counts."""
    if order.stop is None:
        return 0
    stands = (order.ticket, order.target or order.ticket)
    return max((order.stop.limit - t.price) * (t.quantity - order.filled) for t in stands)


def _others(ledger: Ledger, order: Order | None) -> Iterator[Order]:
    """Return the live entries but one."""
    left = order.intent if order is not None else ""
    return (o for o in ledger.live(Purpose.ENTRY) if o.intent != left)


def _shorts(ledger: Ledger, order: Order | None) -> dict[Symbol, Side]:
    """Return what is, or may become, short without the entry that would become another."""
    resting = {o.ticket.symbol: o.side for o in _others(ledger, order) if o.side is not None}
    return resting | {leg.symbol: leg.side for leg in ledger.open_legs()}


def _lots(ledger: Ledger, order: Order | None) -> Counter[Symbol]:
    """Lots already short or resting, by symbol and each symbol's own lot."""
    units: Counter[Symbol] = Counter()
    for leg in ledger.open_legs():
        units[leg.symbol] += leg.short
    for each in _others(ledger, order):
        asked = each.target.quantity - each.filled if each.target is not None else 0
        units[each.ticket.symbol] += max(each.remaining, asked)
    contracts = {symbol: ledger.contract(symbol) for symbol in units}
    return Counter({s: units[s] // c.lot for s, c in contracts.items() if c is not None})
