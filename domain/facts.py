"""The picture one strategy has of its own entries and shorts, folded from what OrderActor tells.

An entry that was asked for and not yet answered counts as live from the moment of asking: a price
that breaks its swing meanwhile must find it pinned.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from domain.books import PriceType
from domain.contracts import Side
from domain.orders import EntryKey, Order, Pending, Purpose, State, StopPlan, Ticket
from domain.positions import Leg, Phase
from domain.strategy import EntryView, Limit, PositionView, StopLimit
from domain.units import Micros, Paise, Symbol, Units, divide_half_up

_MODIFYING = frozenset({Pending.MODIFY, Pending.MODIFY_UNKNOWN})
_CANCELLING = frozenset({Pending.CANCEL, Pending.CANCEL_UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    """An entry that was asked for."""

    key: EntryKey
    side: Side
    view: EntryView


class Facts:
    """What is known today: one strategy's entries, and the legs of all, which share the limits."""

    def __init__(self, strategy: str) -> None:
        self._strategy = strategy
        self._orders: dict[str, Order] = {}
        self._legs: dict[str, Leg] = {}
        self._asked: dict[str, _Ask] = {}
        self._refused: dict[EntryKey, EntryView] = {}
        self._fold()

    def order(self, order: Order) -> None:
        """Take an order as it is now; exits and other strategies' orders are left aside."""
        key = order.key
        if order.purpose is not Purpose.ENTRY or key is None or key.strategy != self._strategy:
            return
        self._orders[order.intent] = order
        self._answered(key)
        if order.target_key is not None:
            self._answered(order.target_key)
        self._fold()

    def leg(self, leg: Leg) -> None:
        """Take a leg as it is now, whoever opened it."""
        self._legs[leg.leg] = leg
        self._fold_shorts()

    def asked(self, key: EntryKey, side: Side, ticket: Ticket, stop: StopPlan) -> None:
        """Remember an entry just asked for, until OrderActor says what became of it.

        Where an entry lives in its slot the ask is a change of that one, and no entry of its own.
        """
        if any(o.stood_for(key) or _is_in(o, key.slot) for o in self._orders.values()):
            return
        view = _view(key, ticket, stop, State.PLANNED)
        self._asked[key.slot] = _Ask(key=key, side=side, view=view)
        self._fold()

    def withdrawn(self, slot: str) -> None:
        """Forget an entry asked for and taken back before it became an order."""
        if self._asked.pop(slot, None) is not None:
            self._fold()

    def refused(self, key: EntryKey, code: str, at: Micros) -> None:
        """Take a refusal of something asked for. Its order, if there is one, says more."""
        ask = self._asked.get(key.slot)
        if ask is not None and ask.key == key:
            over = replace(ask.view, state=State.REFUSED, ended_at=at, reason=code)
            self._refused[key] = over
            self._answered(key)
            self._fold()

    @property
    def orders(self) -> tuple[Order, ...]:
        """Every entry order of this strategy today."""
        return tuple(self._orders.values())

    @property
    def entries(self) -> Mapping[str, EntryView]:
        """The live entry of each slot, or the last that ended. The same object until it changes."""
        return self._entries

    @property
    def ended(self) -> tuple[EntryView, ...]:
        """Every entry that is over, in the order they ended. The same object until it changes."""
        return self._ended

    @property
    def refusals(self) -> Mapping[str, str]:
        """Why the last entry of a slot was refused, by slot. The same object until it changes."""
        return self._refusals

    @property
    def positions(self) -> Mapping[Symbol, PositionView]:
        """Open shorts of this strategy by symbol. The same object until it changes."""
        return self._positions

    @property
    def legs(self) -> tuple[Leg, ...]:
        """Every leg of the day, of every strategy, in the order of their ids."""
        return self._day_legs

    @property
    def shorts(self) -> Mapping[Symbol, Side]:
        """Symbols that are, or may become, short: open legs, live entries and asked ones."""
        return self._shorts

    @property
    def is_flat(self) -> bool:
        """Whether nothing is short and no entry lives."""
        return not self._shorts

    def attempt(self, slot: str, symbol: Symbol, minute: Micros) -> int:
        """Return the attempt a new order of this decision would be: one above the last that ended.

        That is the number of terminal entries known for it, unless some were forgotten in between.
        """
        tried = [
            view.attempt
            for view in self._ended
            if (view.slot, view.symbol, view.minute) == (slot, symbol, minute)
        ]
        tried += [
            key.attempt
            for order in self._orders.values()
            for key in order.former
            if (key.slot, key.symbol, key.minute) == (slot, symbol, minute)
        ]
        return max(tried, default=-1) + 1

    def _answered(self, key: EntryKey) -> None:
        ask = self._asked.get(key.slot)
        if ask is not None and ask.key == key:
            del self._asked[key.slot]

    def _fold(self) -> None:
        views = [order_view(order) for order in self._orders.values()]
        known = {order.key for order in self._orders.values()}
        views += [view for key, view in self._refused.items() if key not in known]
        # Of two that ended at the same instant a refusal is the later: it was asked for afterwards.
        over = sorted((v for v in views if v.ended_at is not None), key=_ended_at)
        entries = {view.slot: view for view in over}
        entries |= {slot: ask.view for slot, ask in self._asked.items()}
        entries |= {view.slot: view for view in views if view.ended_at is None}
        self._ended = tuple(over)
        self._entries: Mapping[str, EntryView] = entries
        self._refusals: Mapping[str, str] = {
            slot: view.reason for slot, view in entries.items() if view.state is State.REFUSED
        }
        self._fold_shorts()

    def _fold_shorts(self) -> None:
        self._day_legs = tuple(self._legs[name] for name in sorted(self._legs))
        legs = [leg for leg in self._day_legs if leg.phase is not Phase.DONE]
        self._positions: Mapping[Symbol, PositionView] = {
            leg.symbol: _position(leg)
            for leg in legs
            if leg.short > 0 and leg.strategy == self._strategy
        }
        shorts = {leg.symbol: leg.side for leg in legs}
        for order in self._orders.values():
            if order.is_live and order.side is not None:
                shorts.setdefault(order.ticket.symbol, order.side)
        for ask in self._asked.values():
            shorts.setdefault(ask.key.symbol, ask.side)
        self._shorts: Mapping[Symbol, Side] = shorts


def order_view(order: Order) -> EntryView:
    """Return an entry order as a strategy sees it; a modify in the air counts as done."""
    if order.key is None or order.stop is None:
        raise ValueError(f"{order.intent} is no entry")
    is_changing = order.pending in _MODIFYING and order.target is not None
    ticket = order.target if is_changing and order.target else order.ticket
    key = order.target_key if is_changing and order.target_key else order.key
    triggered = order.state is State.OPEN and ticket.pricetype is PriceType.SL
    return replace(
        _view(key, ticket, order.stop, order.state),
        filled=order.filled,
        touched=triggered or order.filled > 0,
        ended_at=order.changed_at if order.state.is_terminal else None,
        reason=order.reason,
        ending=order.pending in _CANCELLING,
    )


def _is_in(order: Order, slot: str) -> bool:
    return order.is_live and order.key is not None and order.key.slot == slot


def _view(key: EntryKey, ticket: Ticket, stop: StopPlan, state: State) -> EntryView:
    is_stop = ticket.pricetype is PriceType.SL
    return EntryView(
        slot=key.slot,
        symbol=key.symbol,
        minute=key.minute,
        units=ticket.quantity,
        filled=Units(0),
        price=StopLimit(ticket.trigger, ticket.price) if is_stop else Limit(ticket.price),
        state=state,
        touched=False,
        attempt=key.attempt,
        ended_at=None,
        reason="",
        stop=stop,
    )


def _position(leg: Leg) -> PositionView:
    return PositionView(
        symbol=leg.symbol,
        side=leg.side,
        units=leg.short,
        average=Paise(divide_half_up(leg.sold.value, leg.sold.units)),
        stop=leg.stop.trigger,
    )


def _ended_at(view: EntryView) -> int:
    return view.ended_at or 0
