"""Where a ladder stands, what became of its last price, and which price comes next.

`execution.md` 9.5. A BUY climbs, a SELL descends; `sign` is that of the order's action. A rung
counts once an order carries its price uncut: a broker that is down climbs nothing.
"""

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from domain.bearings import REFUSALS, Bearings
from domain.books import Action
from domain.exits import Reference, backoff, is_band, nearer_bands, rung, rung_down
from domain.orders import Order, Pending, State
from domain.units import Micros, Paise, Symbol, Units, seconds


class Ladder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a ladder stands: the rung asked for last, its price, when, and whether the band cut it.

    `intent` is the order of an attempt whose fate is open. `in_band` counts the refusals for the
    band since a price was last taken, `lost` every other attempt since then that failed, `vain`
    those of them that may have been carried out and had no effect (`is_doubted`: the one at hand).
    `modifies` counts the changes the order at hand took, `quantity` is the one last asked for.
    """

    since: Micros
    rung: int = 0
    price: Paise = Paise(0)
    sent_at: Micros | None = None
    is_cut: bool = False
    intent: str = ""
    in_band: int = 0
    refused_price: Paise = Paise(0)
    refused_at: Micros | None = None
    lost: int = 0
    vain: int = 0
    is_doubted: bool = False
    not_before: Micros = Micros(0)
    modifies: int = 0
    quantity: Units = Units(0)


def not_after(ladder: Ladder, at: Micros) -> Ladder:
    """Return a ladder that waits for nothing of which the clock was set back."""
    return replace(
        ladder,
        since=min(ladder.since, at),
        sent_at=None if ladder.sent_at is None else min(ladder.sent_at, at),
        refused_at=None if ladder.refused_at is None else min(ladder.refused_at, at),
        not_before=min(ladder.not_before, at),
    )


class Rungs:
    """Chooses prices. Holds nothing of its own."""

    def __init__(self, bearings: Bearings, action: Action) -> None:
        self._b = bearings
        self._sign = action.sign

    def judged(self, ladder: Ladder, at: Micros) -> Ladder:
        """Return the ladder with what became of the price asked last.

        An order id alone says nothing yet: exchanges refuse what brokers accepted.
        """
        order = self._b.ledger.orders.get(ladder.intent)
        if order is None or order.pending is not Pending.NONE:
            return ladder if order is None else _waiting(ladder, order)
        is_taken = self._sign * (order.ticket.price - ladder.price) >= 0
        is_there = order.state.is_working or self._b.may_fill(order)
        if order.state is State.FILLED or (is_there and is_taken):
            return _taken(ladder, order)
        if order.state in REFUSALS:
            return _failed(_nearer(ladder, order, at), order.reason, at)
        if is_there:
            return _failed(ladder, order.modify_refused, at)
        return replace(ladder, intent="") if order.state.is_terminal else ladder

    def is_due(self, ladder: Ladder, at: Micros) -> bool:
        """Whether another price may be asked for now."""
        if ladder.lost:
            return at >= ladder.not_before
        return ladder.sent_at is None or at >= ladder.sent_at + self._rung_s

    def next(
        self, symbol: Symbol, ladder: Ladder, blind_from: Paise | None, at: Micros
    ) -> Ladder | None:
        """Return the ladder with a new price at its rung; None while a quote is awaited.

        After a rung's time without any quote the price is chosen blind, from `blind_from` on, and
        at once while no quote is worth anything: those that come then serve only to cut a price
        the band has refused.
        """
        tape = self._b.tapes[symbol]
        quote = None if self._b.is_blind else tape.fresh(at, self._b.terms.exits.quote_max_age_s)
        if quote is not None and self._reference(quote) > 0:
            wanted = self._rung(symbol, ladder.rung, ladder.price, self._reference(quote))
        elif blind_from is None:
            return None
        elif ladder.lost and ladder.price:
            wanted = ladder.price
        elif self._b.is_blind or at >= (ladder.sent_at or ladder.since) + self._rung_s:
            wanted = self._blind(symbol, ladder, blind_from)
        else:
            return None
        price = self._in_band(symbol, ladder, wanted, at)
        return replace(ladder, price=price, sent_at=at, is_cut=price != wanted)

    def shown(self, symbol: Symbol, reference: Paise) -> tuple[Paise, ...]:
        """Return the first three rungs from a reference."""
        prices: list[Paise] = []
        for n in range(3):
            prices.append(self._rung(symbol, n, prices[-1] if prices else Paise(0), reference))
        return tuple(prices)

    @property
    def _rung_s(self) -> Micros:
        return seconds(self._b.terms.exits.rung_s)

    def _reference(self, quote: Reference) -> Paise:
        return quote.price if self._sign > 0 else quote.sale

    def _rung(self, symbol: Symbol, n: int, previous: Paise, reference: Paise) -> Paise:
        price = rung if self._sign > 0 else rung_down
        tick = self._b.tick(symbol)
        return max(tick, price(n, previous, reference, self._b.terms.exits, tick))

    def _blind(self, symbol: Symbol, ladder: Ladder, start: Paise) -> Paise:
        """Return a price without any quote: the stored limit first, then on from it."""
        if not ladder.rung:
            return max(ladder.price, start)
        return self._rung(symbol, ladder.rung - 1, ladder.price, start)

    def _in_band(self, symbol: Symbol, ladder: Ladder, wanted: Paise, at: Micros) -> Paise:
        """Return a price cut to where the exchange takes it, by our estimate of its reference.

        The mean of the last 30 s; after a refusal the most careful one of the last minute, and half
        the distance from it as often as it takes to end below what was refused.
        """
        tape = self._b.tapes[symbol]
        safety = self._b.terms.gate.band_safety_bps
        if not ladder.in_band:
            mean = None if self._b.is_blind else tape.mean(at)
            return wanted if mean is None else next(self._cuts(symbol, wanted, mean, safety))
        mean = tape.extreme_mean(at, self._sign)
        if mean is None:
            return wanted
        cuts = self._cuts(symbol, wanted, mean, safety)
        lower = (price for price in cuts if self._sign * (ladder.refused_price - price) > 0)
        return next(lower, next(self._cuts(symbol, wanted, mean, 0)))

    def _cuts(self, symbol: Symbol, wanted: Paise, mean: int, safety_bps: int) -> Iterator[Paise]:
        """Return a price cut to the edge of the band, and to ever nearer ones."""
        inner = min if self._sign > 0 else max
        edges = nearer_bands(mean, safety_bps, self._b.tick(symbol), self._sign)
        return (inner(wanted, edge) for edge in edges)


def _waiting(ladder: Ladder, order: Order) -> Ladder:
    """The answer is awaited, or was none: then the change may have been made."""
    is_doubted = order.pending is Pending.MODIFY_UNKNOWN and not order.modify_refused
    return replace(ladder, is_doubted=ladder.is_doubted or is_doubted)


def _taken(ladder: Ladder, order: Order) -> Ladder:
    """The exchange took the price: the next rung is due in its time."""
    return replace(
        ladder,
        intent="",
        rung=ladder.rung + (not ladder.is_cut),
        in_band=0,
        lost=0,
        vain=0,
        is_doubted=False,
        modifies=ladder.modifies + bool(order.modifies),
    )


def _nearer(ladder: Ladder, order: Order, at: Micros) -> Ladder:
    """Let the next price be more careful after an exchange that did not say why it took none.

    Most brokers' books say `rejected` and no more: the band is why more often than not.
    """
    if order.state is not State.REJECTED or order.reason != State.REJECTED:
        return ladder
    return replace(ladder, in_band=ladder.in_band + 1, refused_price=ladder.price, refused_at=at)


def _failed(ladder: Ladder, reason: str, at: Micros) -> Ladder:
    """The price was refused, or never got there: try it again, or a more careful one."""
    if is_band(reason):
        return replace(
            ladder,
            intent="",
            in_band=ladder.in_band + 1,
            refused_price=ladder.price,
            refused_at=at,
        )
    lost = ladder.lost + 1
    return replace(
        ladder,
        intent="",
        lost=lost,
        vain=ladder.vain + ladder.is_doubted,
        is_doubted=False,
        not_before=Micros(at + backoff(lost)),
    )
