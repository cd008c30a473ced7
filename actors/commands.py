"""What a strategy has decided, as the command OrderActor understands, and as its desk takes it."""

from typing import assert_never

from domain.desk_entries import Entry
from domain.strategy import Lasts
from domain.units import Micros
from domain.wishes import Cancel, Decision, Flatten, Leave, Look, Move, Place, Raise
from messages.orders import (
    CancelEntry,
    ExitPosition,
    FlattenAll,
    MoveStop,
    PlaceEntry,
    RaiseStop,
    TriggerMet,
)

Command = PlaceEntry | CancelEntry | RaiseStop | MoveStop | ExitPosition | FlattenAll | TriggerMet


def command(decision: Decision, strategy: str, last: Lasts, at: Micros) -> Command:
    """Return the command of a decision made at `at` for the strategy with this tag.

    `last` knows the price an entry was judged by; an entry without one is never decided.
    """
    match decision:
        case Place():
            return _place(decision, last, at)
        case Cancel(key=key, reason=reason):
            return CancelEntry(at=at, strategy=strategy, slot=key.slot, reason=reason)
        case Raise(key=key, stop=stop):
            return RaiseStop(at=at, key=key, stop=stop)
        case Look(symbol=symbol):
            return TriggerMet(at=at, symbol=symbol)
        case Move() | Leave() | Flatten():
            return _exit(decision, strategy, at)
        case _:
            assert_never(decision)


def _place(wanted: Place, last: Lasts, at: Micros) -> PlaceEntry:
    seen = last(wanted.key.symbol)
    assert seen is not None
    return PlaceEntry(
        at=at,
        key=wanted.key,
        side=wanted.side,
        ticket=wanted.ticket,
        stop=wanted.stop,
        last=seen.price,
        reason=wanted.reason,
    )


def _exit(decision: Move | Leave | Flatten, strategy: str, at: Micros) -> Command:
    match decision:
        case Move(symbol=symbol, stop=stop):
            return MoveStop(at=at, strategy=strategy, symbol=symbol, stop=stop)
        case Leave(symbol=symbol, reason=reason):
            return ExitPosition(at=at, strategy=strategy, symbol=symbol, reason=reason)
        case Flatten(reason=reason):
            return FlattenAll(at=at, reason=reason)
        case _:
            assert_never(decision)


def entry(message: PlaceEntry) -> Entry:
    """Return the entry a command asks for, as the desk takes it."""
    return Entry(
        at=message.at,
        key=message.key,
        side=message.side,
        ticket=message.ticket,
        stop=message.stop,
        last=message.last,
        reason=message.reason,
    )
