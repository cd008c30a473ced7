"""What the decision log and the day's story say of swings and wishes; prices in rupees."""

from dataclasses import replace
from typing import assert_never

from domain.session import show
from domain.strategy import EntryWish, Limit, Note, StopAbove, StopLimit
from domain.swings import SwingEvent
from domain.units import rupees


def differences(before: tuple[EntryWish, ...], after: tuple[EntryWish, ...]) -> list[Note]:
    """Return a line for each slot whose wish changed; a stop that alone moved has its own kind."""
    old, new = ({wish.slot: wish for wish in wishes} for wishes in (before, after))
    notes: list[Note] = []
    for slot in sorted(old.keys() | new.keys()):
        was, now = old.get(slot), new.get(slot)
        if was is not None and (now is None or now.symbol != was.symbol):
            notes.append(Note(was.symbol, "unwish", f"slot={slot}"))
        if now is not None and now != was:
            is_stop = was is not None and replace(was, stop=now.stop) == now
            notes.append(Note(now.symbol, "wish_stop" if is_stop else "wish", _numbers(now)))
    return notes


def swing_numbers(event: SwingEvent) -> str:
    """Return what a swing event says: its price, its extreme, VWAP and the highest high since."""
    vwap = rupees(event.vwap_num // event.vwap_den) if event.vwap_den else "none"
    high = rupees(event.hh)
    return f"price={rupees(event.price)} extreme={show(event.minute)} vwap={vwap} hh={high}"


def _numbers(wish: EntryWish) -> str:
    match wish.price:
        case StopLimit(trigger=trigger, limit=limit):
            price = f"trigger={rupees(trigger)} limit={rupees(limit)}"
        case Limit(price=limit):
            price = f"limit={rupees(limit)}"
        case _:
            assert_never(wish.price)
    stop = f"{wish.stop.bps}bps" if isinstance(wish.stop, StopAbove) else rupees(wish.stop.price)
    return f"slot={wish.slot} units={wish.units} {price} stop={stop} swing={show(wish.minute)}"
