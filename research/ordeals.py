"""The market data faults an agent is put through, and what counts as having noticed each.

An ordeal is a short session with a fault script. `noticed` reads from the notes of the session when
the agent no longer took the data for good, `acted` when it did something about it. None is never.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.market import Source
from domain.units import Micros
from research.witness import Notes

Entry = Mapping[str, Any]
Reading = Callable[[Notes, Micros], Micros | None]

BEGIN = "09:10"
FAULT_AT = "09:40"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordeal:
    """One kind of trouble. `fault_at` is when it begins; delays are counted from there.

    `noticed` and `acted` None: there is nothing to notice, the agent has to stay calm and right.
    `may_act`: whether a reconnect or a switch is in order. Times are HH:MM[:SS] of the day played.
    """

    name: str
    text: str
    faults: tuple[Entry, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    begin: str = BEGIN
    fault_at: str = FAULT_AT
    until: str = "09:50"
    noticed: Reading | None = None
    acted: Reading | None = None
    may_act: bool = True

    @property
    def calm_until(self) -> str:
        """When the first of its faults begins."""
        begins: list[str] = [fault["when"]["between"][0] for fault in self.faults]
        return min([self.fault_at, *begins])


def lost(notes: Notes, since: Micros) -> Micros | None:
    """When the prices were called missing."""
    return next((at for at in notes.lost if at >= since), None)


def left(notes: Notes, since: Micros) -> Micros | None:
    """When another source than the primary was chosen."""
    return next((at for at, to in notes.selects if at >= since and to is not Source.PRIMARY), None)


def reopened(notes: Notes, since: Micros) -> Micros | None:
    """When a new socket was asked for."""
    return next((at for at in notes.reconnects if at >= since), None)


def distrusted(notes: Notes, since: Micros) -> Micros | None:
    """When entries were switched off."""
    return next((at for at, is_on in notes.trust if at >= since and not is_on), None)


def tainted(notes: Notes, since: Micros) -> Micros | None:
    """When the first bar was told as not to be traded on."""
    return next((at for at, _ in notes.tainted if at >= since), None)


def resubscribed(notes: Notes, since: Micros) -> Micros | None:
    """When a symbol was subscribed again by itself."""
    return next((at for at in notes.resubscribed if at >= since), None)


def _fault(name: str, place: str, do: Mapping[str, Any], *when: str, **more: Any) -> Entry:
    begin, end = when
    return {"id": name, "at": place, "when": {"between": [begin, end], **more}, "do": do}


def _stream(name: str, do: Mapping[str, Any], end: str = "09:46") -> tuple[Entry, ...]:
    return (_fault(name, "ws:conn", do, FAULT_AT, end),)


def _ticks(name: str, do: Mapping[str, Any], end: str = "09:46") -> tuple[Entry, ...]:
    return (_fault(name, "ws:market_data", do, FAULT_AT, end),)


MUTE = _fault("mute", "ws:conn", {"silent": {"pong": True}}, "09:30", "10:00")

ORDEALS: tuple[Ordeal, ...] = (
    Ordeal(
        name="mute socket",
        text="connected, answers pings, says nothing",
        faults=_stream("mute", {"silent": {"pong": True}}),
        noticed=lost,
        acted=left,
    ),
    Ordeal(
        name="half open",
        text="the other end is gone and says nothing, not even pong",
        faults=_stream("half_open", {"half_open": {}}),
        noticed=lost,
        acted=left,
    ),
    Ordeal(
        name="closed again and again",
        text="close 1006 each time it comes back",
        faults=_stream("loop", {"close": {"code": 1006}}),
        noticed=lost,
        acted=left,
    ),
    Ordeal(
        name="4401 again and again",
        text="close 4401 each time it comes back",
        faults=_stream("auth", {"close": {"code": 4401}}),
        noticed=lost,
        acted=left,
    ),
    Ordeal(
        name="subscribed, nothing sent",
        text="closed once; afterwards subscriptions are acknowledged and nothing comes",
        faults=(
            *_stream("drop", {"close": {"code": 1011}}, "09:40:02"),
            *_stream("empty", {"subscribe_ok_no_data": {}}),
        ),
        noticed=lost,
        acted=left,
    ),
    Ordeal(
        name="mute, then frozen quotes",
        text="REST answers 200 with the prices of 09:40",
        faults=(
            MUTE,
            _fault("frozen", "rest:multiquotes", {"freeze_quotes": {}}, FAULT_AT, "09:50"),
        ),
        noticed=distrusted,
        acted=distrusted,
    ),
    Ordeal(
        name="mute, then yesterday's quotes",
        text="REST answers 200 with yesterday's prices",
        faults=(
            MUTE,
            _fault("old", "rest:multiquotes", {"yesterdays_quotes": {}}, FAULT_AT, "09:50"),
        ),
        noticed=distrusted,
        acted=distrusted,
    ),
    Ordeal(
        name="mute, then REST fails",
        text="REST answers 500",
        faults=(
            MUTE,
            _fault("down", "rest:multiquotes", {"status": {"code": 500}}, FAULT_AT, "09:50"),
        ),
        noticed=distrusted,
        acted=distrusted,
    ),
    Ordeal(
        name="one symbol without volume",
        text="a call near the money is degraded to LTP until it is subscribed anew",
        faults=_ticks("ltp", {"wrong_mode": {"symbols": ["atm_ce+1"]}}),
        noticed=tainted,
        acted=resubscribed,
    ),
    Ordeal(
        name="one symbol mute",
        text="a call near the money says nothing until it is subscribed anew",
        faults=_ticks("one", {"symbol_mute": {"symbols": ["atm_ce+1"], "until_subscribed": True}}),
        noticed=resubscribed,
        acted=resubscribed,
    ),
    Ordeal(
        name="volume starts again",
        text="the day's cumulative volume of every symbol falls to 0",
        faults=_ticks("reset", {"volume_reset": {}}, "09:50"),
        noticed=tainted,
        acted=tainted,
        may_act=False,
    ),
    Ordeal(
        name="frozen for 10.6 s, then a burst",
        text="the backlog comes at once with its own stamps",
        faults=_stream("burst", {"burst": {"hold_s": 10.6}}, "09:40:01"),
        noticed=lost,
        acted=lost,
        may_act=False,
    ),
    Ordeal(
        name="duplicates",
        text="every tick comes again 3 s later",
        faults=_ticks("twice", {"duplicate_ticks": {"after_s": 3}}),
        may_act=False,
    ),
    Ordeal(
        name="out of order",
        text="ticks are shuffled within two seconds, also across minutes",
        faults=_ticks("shuffled", {"out_of_order": {"within_s": 2, "across_minutes": True}}),
        may_act=False,
    ),
    Ordeal(
        name="garbage",
        text="frames that are no JSON, of wrong shape and too large, between the good ones",
        faults=(
            *_ticks("garbage", {"garbage": {}}),
            *_ticks("large", {"oversize": {"symbols": ["spot"]}}, "09:40:10"),
        ),
    ),
    Ordeal(
        name="history lags",
        text="started at 09:40, history lacks the last 15 minutes until 09:50",
        faults=(_fault("lag", "rest:history", {"history_lag": {"minutes": 15}}, "09:30", "09:50"),),
        begin=FAULT_AT,
        until="10:05",
        may_act=False,
    ),
    Ordeal(
        name="the exchange halts",
        text="no quotes, no prints, frozen REST; sockets stay healthy",
        settings={"sandbox.market.regime": "halt"},
        begin="10:30",
        fault_at="11:00",
        until="11:10",
        noticed=lost,
        acted=distrusted,
    ),
)


def square_wave(period_s: int) -> Ordeal:
    """Return an hour in which the socket is mute for the first half of every period."""
    faults = []
    for number, start in enumerate(range(0, 3600, period_s)):
        begin, end = (_wall(9 * 3600 + 1800 + start + part) for part in (0, period_s // 2))
        faults.append(_fault(f"wave{number}", "ws:conn", {"silent": {"pong": True}}, begin, end))
    return Ordeal(
        name=f"square wave of {period_s} s",
        text="mute for half of each period, for an hour",
        faults=tuple(faults),
        fault_at="09:30",
        until="10:30",
    )


WAVES = (60, 150, 300, 420, 600)
"""Periods in seconds: below every threshold, around them, long enough to fall back each time."""


def _wall(second: int) -> str:
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
