"""The settings in effect: one frozen value that everything else is built from."""

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from config import secrets
from config.groups import KeyParams, LogParams, OpenAlgoParams, StrategyChoice
from domain import params as groups
from domain.alert_params import AlertParams, HeartbeatParams, TelegramParams
from domain.lease_params import LeaseParams
from domain.page_params import PageParams
from domain.rules import RulePack

Profile = Literal["live", "sandbox"]
Room = TypeVar("Room")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting of a run, and the dated rules. Safe to share between threads."""

    profile: Profile
    universe: groups.UniverseParams
    session: groups.SessionParams
    limits: groups.LimitParams
    day: groups.DayParams
    churn: groups.ChurnParams
    watchdog: groups.WatchdogParams
    feed: groups.FeedParams
    bars: groups.BarParams
    history: groups.HistoryParams
    orders: groups.OrderParams
    reconcile: groups.ReconcileParams
    gate: groups.GateParams
    guard: groups.GuardParams
    protect: groups.ProtectParams
    exit: groups.ExitParams
    journal: groups.JournalParams
    recover: groups.RecoverParams
    broker: groups.BrokerParams
    actors: groups.ActorParams
    shutdown: groups.ShutdownParams
    flatten: groups.FlattenParams
    lease: LeaseParams
    page: PageParams
    alerts: AlertParams
    telegram: TelegramParams
    heartbeat: HeartbeatParams
    openalgo: OpenAlgoParams
    keys: KeyParams
    log: LogParams
    strategies: tuple[StrategyChoice, ...]
    rules: RulePack
    rooms: tuple[object, ...] = ()
    notes: tuple[str, ...] = ()
    """What the operator is told about sources that disagree."""
    warnings: tuple[str, ...] = ()
    """What a start may go on with, and an operator should mend."""

    @property
    def strategy(self) -> StrategyChoice:
        """The one strategy; several at once are refused on reading."""
        return self.strategies[0]

    def room(self, kind: type[Room]) -> Room:
        """Return the settings a room brought along, by class. LookupError if it did not."""
        for params in self.rooms:
            if isinstance(params, kind):
                return params
        raise LookupError(f"{kind.__name__} was not read: hand it to load(rooms=...)")

    def secrets(self) -> tuple[str, ...]:
        """Return what must appear in no log, page or journal."""
        found: list[str] = []
        for path in secrets.SECRETS:
            value: Any = self
            for name in path:
                value = getattr(value, name)
            found += secrets.spellings(path, value.get_secret_value())
        return tuple(dict.fromkeys(found))

    def at_speed(self, speed: int) -> "Settings":
        """Return the settings for a market clock that runs `speed` times faster than life.

        Half a real second is the least that protecting needs, whatever the market's clock says, and
        the least that prices and books may be old: a stall of this machine is no dead feed.
        Time-outs of calls are left as they are: `broker.http.Http` shrinks them, knowing the speed.
        """
        if speed <= 1:
            return self
        protect, feed = self.protect, self.feed
        stall_s = speed // 2
        return replace(
            self,
            protect=replace(
                protect,
                confirm_s=max(protect.confirm_s, 0.5 * speed),
                emergency_s=max(protect.emergency_s, 0.5 * speed),
            ),
            feed=replace(
                feed,
                gap_taint_s=max(feed.gap_taint_s, stall_s),
                backup_after_s=max(feed.backup_after_s, stall_s),
                fast_fallback_s=max(feed.fast_fallback_s, stall_s),
                first_tick_s=max(feed.first_tick_s, stall_s),
                fresh_canary_s=max(feed.fresh_canary_s, stall_s),
            ),
            bars=groups.BarParams(close_grace_ms=max(self.bars.close_grace_ms, 100 * speed)),
            orders=replace(
                self.orders, baseline_max_age_s=max(self.orders.baseline_max_age_s, stall_s)
            ),
            reconcile=replace(self.reconcile, window_s=max(self.reconcile.window_s, stall_s)),
            exit=replace(self.exit, quote_max_age_s=max(self.exit.quote_max_age_s, stall_s)),
        )
