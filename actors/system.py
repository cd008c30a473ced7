"""The cast of one day: who is built from what, in which order it starts, and how it stops.

Every actor is a maker (a class with its arguments), so that it can be built again; a `Stage` brings
it to life.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from actors.alerts import AlertsActor, Pager
from actors.bar import BarActor
from actors.feed import FeedActor, FeedPorts
from actors.journal import JournalActor
from actors.monitor import MonitorActor
from actors.order import OrderActor
from actors.post_office import Post
from actors.reconcile import ReconcileActor
from actors.stages import Maker, Stage
from actors.strategy import StrategyActor
from actors.watchdog import WatchdogActor
from config.settings import Settings
from domain import clock
from domain.desk_params import DeskParams
from domain.feed_watch import Policy
from domain.market import Pair
from domain.role import Role
from domain.session import DayPlan
from domain.status import Status
from domain.units import SECOND, Day, Symbol
from journal.day import DayJournal
from journal.opening import Opened, open_orders
from journal.orders import NAME, JournalReader, OrderJournal
from messages.control import Begin
from strategies.swing_break import SwingBreak

STARTED = ("monitor", "journal", "reconcile", "feed", "strategy", "watchdog", "order")
"""The order of birth: those who only listen first, the one who asks the broker last."""

ALERTS = "alerts"
"""Where there is a pager: the first to be born and the last to die, for it hears last words too."""

BARS = "bar:"
STOPPED = ("watchdog", "strategy", BARS, "feed", "order", "reconcile", "journal", "monitor")
"""The order of death: nobody is rebuilt, nothing is wished, nothing sent, all is on record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What the cast speaks to: the post, the broker, the disk; a human, where there is a pager."""

    post: Post
    feed: FeedPorts
    folder: Path
    url: str
    pid: int
    status_every_s: float = 2
    show: Callable[[Status], None] = lambda _: None
    commit: str = ""
    pager: Pager | None = None

    def open_journals(self, day: Day) -> Opened:
        """Open the order journal and its fallback; in OrderActor's thread."""
        return open_orders(self.folder, day, self.claim)

    def claim(self, boot_after: int) -> OrderJournal:
        """Open the order journal alone, under a number above this one."""
        return OrderJournal(self.folder / NAME, self.pid, clock.now(), boot_after=boot_after)

    def open_day(self, day: Day) -> DayJournal:
        """Open the day's journal; in JournalActor's thread."""
        return DayJournal(self.folder, day)


class System:
    """The running cast. It is the watchdog's `Spawner`."""

    def __init__(self, settings: Settings, plan: DayPlan, ports: Ports, stage: Stage) -> None:
        self._post = ports.post
        self._stage = stage
        self._makers = _makers(settings, plan, ports, self)
        self._bar_maker: Callable[[str], Maker] = lambda address: partial(
            BarActor,
            address,
            ports.post,
            broker=ports.feed.broker,
            bars=settings.bars,
            history=settings.history,
        )
        self._bars: list[str] = []

    def start(self) -> None:
        """Build and start everybody, then let them begin."""
        self.enter((ALERTS, *STARTED) if ALERTS in self._makers else STARTED)

    def enter(self, cast: tuple[str, ...]) -> None:
        """Build and start these, then let them begin."""
        for address in cast:
            self._stage.put((address,), self._makers[address])
        for address in cast:
            self._post.tell(address, Begin(at=clock.now()))

    def spawn(self, address: str) -> None:
        """Build and start one actor anew."""
        self._stage.put((address,), self._makers[address])

    def spawn_bars(self, symbols: tuple[Symbol, ...]) -> None:
        """Build and start one bar actor for these symbols."""
        addresses = tuple(f"bar:{symbol}" for symbol in symbols)
        self._bars = [a for a in self._bars if a != addresses[0]] + [addresses[0]]
        self._stage.put(addresses, self._bar_maker(addresses[0]))

    def is_alive(self, address: str) -> bool:
        """Whether an actor of this address lives."""
        return self._stage.is_alive(address)

    def abandon(self, address: str) -> None:
        """Give up an actor that lives and does not answer."""
        self._stage.abandon(address)

    def stuck(self, address: str) -> int:
        """Return how many actors of this address were given up and still hang."""
        return self._stage.stuck(address)

    def stop(self, within_s: float) -> bool:
        """Stop everybody in reverse; whether all did so within the deadline (real seconds)."""
        deadline = clock.machine() + within_s * SECOND
        in_time = True
        for name in (*STOPPED, ALERTS) if ALERTS in self._makers else STOPPED:
            for address in self._bars if name == BARS else (name,):
                left_s = max(0.1, (deadline - clock.machine()) / SECOND)
                in_time = self._stage.stop(address, left_s) and in_time
        return in_time


def server_mode(settings: Settings) -> str:
    """Return the mode the server is expected to be in."""
    return "analyze" if settings.openalgo.paper_trading else "live"


def _makers(settings: Settings, plan: DayPlan, ports: Ports, system: System) -> Mapping[str, Maker]:
    underlying = settings.universe.underlying
    index = (Symbol(underlying), settings.rules.index_exchange(underlying, plan.day))
    return {
        **_records(settings, plan, ports),
        **_market(settings, ports, index),
        **_orders(settings, plan, ports),
        "watchdog": partial(
            WatchdogActor,
            "watchdog",
            ports.post,
            spawner=system,
            policy=Policy(
                feed=settings.feed,
                watchdog=settings.watchdog,
                exit=settings.exit,
                is_paper=settings.openalgo.paper_trading,
            ),
            index=index,
            group_size=settings.actors.bar_symbols_per_actor,
            deadline_s=settings.protect.deadline_s,
            chance=ports.feed.chance,
        ),
    }


def _records(settings: Settings, plan: DayPlan, ports: Ports) -> dict[str, Maker]:
    return {
        "monitor": partial(
            MonitorActor,
            "monitor",
            ports.post,
            path=ports.folder / "status.json",
            day=plan.day,
            url=ports.url,
            every_s=ports.status_every_s,
            show=ports.show,
            rates=settings.rules.charges(plan.day),
            commit=ports.commit,
        ),
        "journal": partial(
            JournalActor, "journal", ports.post, journal=partial(ports.open_day, plan.day)
        ),
        **_alerts(settings, ports),
    }


def _alerts(settings: Settings, ports: Ports) -> dict[str, Maker]:
    if ports.pager is None:
        return {}
    maker = partial(AlertsActor, ALERTS, ports.post, pager=ports.pager, params=settings.alerts)
    return {ALERTS: maker}


def _market(settings: Settings, ports: Ports, index: Pair) -> dict[str, Maker]:
    return {
        "feed": partial(
            FeedActor,
            "feed",
            ports.post,
            ports=ports.feed,
            params=settings.feed,
            universe=settings.universe,
            index=index,
        ),
        "strategy": partial(
            StrategyActor,
            "strategy",
            ports.post,
            broker=ports.feed.broker,
            role=_role(settings),
            universe=settings.universe,
            pack=settings.rules,
        ),
    }


def _orders(settings: Settings, plan: DayPlan, ports: Ports) -> dict[str, Maker]:
    broker, mode = ports.feed.broker, server_mode(settings)
    return {
        "reconcile": partial(
            ReconcileActor,
            "reconcile",
            ports.post,
            broker=broker,
            reader=JournalReader(ports.folder / NAME),
            day=plan.day,
            server_mode=mode,
            params=settings.reconcile,
        ),
        "order": partial(
            OrderActor,
            "order",
            ports.post,
            broker=broker,
            journal=partial(ports.open_journals, plan.day),
            disk=settings.journal,
            plan=plan,
            params=_desk(settings),
            link=settings.broker,
            server_mode=mode,
            is_paper_exchange=settings.profile == "sandbox",
        ),
    }


def _role(settings: Settings) -> Role:
    chosen = settings.strategy
    return Role(
        strategy=SwingBreak(params=chosen.params, market=settings.universe),
        tag=chosen.tag,
        limits=chosen.limits,
        day=settings.day,
        churn=settings.churn,
        stop=chosen.params.stop,
        feed=settings.feed,
        history=settings.history,
        fingerprint_ticks=settings.orders.fingerprint_ticks,
        days=chosen.days,
        enters_from=chosen.from_,
        enters_until=chosen.to,
        is_enabled=chosen.enabled,
    )


def _desk(settings: Settings) -> DeskParams:
    chosen = settings.strategy
    return DeskParams(
        entry=chosen.params.entry,
        limits=settings.limits,
        day=settings.day,
        orders=settings.orders,
        reconcile=settings.reconcile,
        gate=settings.gate,
        protect=settings.protect,
        guard=settings.guard,
        exit=settings.exit,
        max_lots=chosen.params.sizing.max_lots,
        modify_qty=settings.broker.modify_qty,
        recover=settings.recover,
        underlying=settings.universe.underlying,
        stop=chosen.params.stop,
        exit_modify=settings.broker.exit_modify,
    )
