"""The agent's snapshot for Prometheus. Every name, unit and meaning is in docs/METRICS.md too.

Durations that the agent measures are in market seconds: in a paper session at 60 times the speed a
real second holds 60 of them. Counters begin at 0 with each trading day.
"""

import threading
from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from dashboard.board import Board
from domain.feed_watch import FeedState
from domain.market import Source
from domain.orders import State
from domain.readiness import attention
from domain.reasons import LATCHES, Condition
from domain.status import Count, Status, entries_off
from domain.strategy import Mode
from domain.units import SECOND, Micros

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "sutradhar_"

MODES = tuple(mode.value for mode in Mode)
FEED_STATES = tuple(state.value for state in FeedState)
SOURCES = tuple(source.value for source in Source)
ORDER_STATES = tuple(state.value for state in State)

COUNTERS = {
    "ticks": "Ticks taken from any source today.",
    "bars": "One-minute bars kept today.",
    "swings": "Swings found today.",
    "feed_switches": "Changes of the price source today.",
    "refusals": "Entries refused by our own risk gate today.",
    "trades": "Shorts closed today.",
    "uncovered_seconds": "Market seconds today with a short that no working stop covered.",
}
"""Without labels; all of them end in _total."""


class Snapshot(Collector):
    """Turns the newest status into metrics whenever it is asked; nothing else is read."""

    def __init__(self, board: Board, version: str) -> None:
        self._board = board
        self._version = version

    def collect(self) -> Iterator[Metric]:
        """Yield every metric; before the first status only what is known without one."""
        yield _gauge("status_age_seconds", "Real seconds since anything was told.", self._age_s())
        seen = self._board.look()
        if seen is None:
            yield _gauge("ready", READY, 0)
            return
        status, age_s = seen
        yield _info(self._version, status.commit)
        yield _gauge("ready", READY, not attention(status, age_s))
        off = entries_off(status, alive=True, age_s=int(age_s))
        yield _gauge("entries_allowed", "1 if mode, time and prices allow an entry.", not off)
        yield from _standing(status)
        yield from _feed(status)
        yield from _book(status)
        yield from _counters(status)
        yield from _cast(status)

    def _age_s(self) -> float:
        return round(self._board.age_s(), 3)


READY = "1 if /readyz answers 200."


def registry(board: Board, version: str) -> CollectorRegistry:
    """Return a registry of our own: the snapshot, and what the kernel says of this process."""
    found = CollectorRegistry()
    found.register(Snapshot(board, version))
    ProcessCollector(registry=found)
    return found


def exposition(found: CollectorRegistry) -> bytes:
    """Return all of it as Prometheus reads it."""
    return generate_latest(found)


def _standing(status: Status) -> Iterator[Metric]:
    yield _gauge("market_time_seconds", "The agent's clock, since the epoch.", status.at / SECOND)
    yield _one_of("mode", "1 for the mode the agent is in.", "mode", MODES, status.mode)
    yield _set(
        "latch", "1 for a latch that is up.", LATCHES, (hold.code for hold in status.latches)
    )
    conditions = (hold.code for hold in status.conditions)
    yield _set("condition", "1 for a condition that holds entries back.", Condition, conditions)


def _feed(status: Status) -> Iterator[Metric]:
    yield _one_of(
        "feed_state", "1 for what is thought of the feed.", "state", FEED_STATES, status.feed
    )
    text = "1 for the source that prices come from."
    yield _one_of("feed_source", text, "source", SOURCES, status.feed_source)
    yield _gauge("feed_trusted", "1 if prices are good enough to enter on.", status.feed_trusted)
    yield _gauge("websocket_connected", "1 if a WebSocket is connected.", status.connected)
    yield from _age("last_tick_age_seconds", LAST_TICK, status.last_tick_at, status.at)
    yield from _age("websocket_silent_seconds", SILENT, status.silent_since, status.at)
    yield from _age("openalgo_unanswered_seconds", UNANSWERED, status.unanswered_since, status.at)
    if status.authenticated is not None:
        text = "0 if OpenAlgo refuses the key or has no broker session."
        yield _gauge("openalgo_authenticated", text, status.authenticated)
    yield _gauge("websocket_reconnects", RECONNECTS, status.reconnects)
    yield _gauge("symbols_subscribed", "Symbols asked for.", status.subscribed)
    yield _gauge("symbols_seen", "Symbols with a price today.", status.seen)
    yield _gauge("symbols_stale", "Symbols whose price is too old.", status.stale)


LAST_TICK = "Market seconds since the newest tick; none, no value."
SILENT = "Market seconds in which no WebSocket ticked; outside the session no value."
UNANSWERED = "Market seconds since OpenAlgo answers no request; no value while it does."
RECONNECTS = "How often the worst WebSocket was opened again without a minute of prices since."


def _book(status: Status) -> Iterator[Metric]:
    yield _gauge("positions", "Shorts that are open.", status.positions)
    text = "Units that are short without a working stop."
    yield _gauge("uncovered_units", text, status.uncovered)
    since = status.uncovered_since
    naked_s = 0.0 if since is None else max(0, status.at - since) / SECOND
    text = "Market seconds for which a short has been uncovered by now; 0 if none is."
    yield _gauge("naked_seconds", text, naked_s)
    yield _gauge("result_rupees", "Of shorts closed today, after charges.", status.result_p / 100)
    yield _gauge("result_r", "The same, in multiples of risk.", float(status.result_r))
    counts = {count.name: count.count for count in status.orders}
    orders = GaugeMetricFamily(f"{PREFIX}orders", "Today's orders by state.", labels=["state"])
    for state in ORDER_STATES:
        orders.add_metric([state], counts.get(state, 0))
    yield orders


def _counters(status: Status) -> Iterator[Metric]:
    bare = status.uncovered_us
    if status.uncovered_since is not None:
        bare += max(0, status.at - status.uncovered_since)
    values = {"uncovered_seconds": bare / SECOND}
    for name, text in COUNTERS.items():
        value = values.get(name)
        yield CounterMetricFamily(
            f"{PREFIX}{name}", text, value if value is not None else getattr(status, name)
        )


def _cast(status: Status) -> Iterator[Metric]:
    text = "Actors rebuilt after their death, by actor."
    restarts = CounterMetricFamily(f"{PREFIX}actor_restarts", text, labels=["actor"])
    _fill(restarts, status.restarts)
    yield restarts
    text = "Messages that an actor has not looked at yet; those of all bars together."
    inboxes = GaugeMetricFamily(f"{PREFIX}inbox_messages", text, labels=["actor"])
    _fill(inboxes, status.inboxes)
    yield inboxes
    text = "Real seconds since an actor last answered from its inbox; of all bars the oldest."
    echoes = GaugeMetricFamily(f"{PREFIX}actor_echo_age_seconds", text, labels=["actor"])
    for member in status.cast:
        if member.echo_s is not None:
            echoes.add_metric([member.address], member.echo_s)
    yield echoes
    yield _gauge("threads", "Threads of this process.", threading.active_count())


def _fill(family: Any, counts: Iterable[Count]) -> None:
    for count in counts:
        family.add_metric([count.name], count.count)


def _info(version: str, commit: str) -> Metric:
    text = "Always 1; the labels say which code runs."
    info = GaugeMetricFamily(f"{PREFIX}build_info", text, labels=["version", "commit"])
    info.add_metric([version, commit], 1)
    return info


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}{name}", text, float(value))


def _age(name: str, text: str, since: Micros | None, at: Micros) -> Iterator[Metric]:
    """Yield how long ago something was; without a value where it never was."""
    family = GaugeMetricFamily(f"{PREFIX}{name}", text)
    if since is not None:
        family.add_metric([], max(0, at - since) / SECOND)
    yield family


def _one_of(name: str, text: str, label: str, known: Iterable[str], now: str) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}{name}", text, labels=[label])
    for each in known:
        family.add_metric([each], each == now)
    return family


def _set(name: str, text: str, known: Iterable[str], up: Iterable[str]) -> Metric:
    held = set(up)
    family = GaugeMetricFamily(f"{PREFIX}{name}", text, labels=["code"])
    for each in sorted({*map(str, known), *held}):
        family.add_metric([each], each in held)
    return family
