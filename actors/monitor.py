"""MonitorActor: keeps `state/status.json` true, for `run.py status` and for the summary.

Hears:  Begin, FeedHealth, OrderChanged, PositionChanged, EntryRefused, ModeEntered,
        StandingChanged, ChainChosen, RecoveryDone, ApiCalled, RecordKept, Heartbeat,
        InboxesMeasured, Pulse
Tells:  alerts <- StatusShown
Owns:   the status snapshot (domain.status) and its file
Dies:   losing next to nothing: it leaves its snapshot in the file, the next one goes on with it.
        A disk that takes nothing is no reason to
"""

import logging
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import assert_never

import msgspec

from actors.base import Actor
from actors.post_office import Post
from domain import clock
from domain.charges import ChargeRates
from domain.heartbeat import coverage
from domain.limits import Tally
from domain.market import Source
from domain.orders import Order
from domain.positions import Leg
from domain.session import DayPlan
from domain.status import Count, FeedView, Status
from domain.totals import Total
from domain.units import Micros, seconds
from messages.control import (
    ApiCalled,
    Begin,
    ChainChosen,
    Heartbeat,
    InboxesMeasured,
    ModeEntered,
    Pulse,
    RecordKept,
    RecoveryDone,
    StandingChanged,
    StatusShown,
)
from messages.market import FeedHealth
from messages.orders import EntryRefused, OrderChanged, PositionChanged

Fact = OrderChanged | PositionChanged | EntryRefused | ModeEntered | StandingChanged
Vital = FeedHealth | ApiCalled | RecordKept | Heartbeat | InboxesMeasured
Word = Begin | RecoveryDone | ChainChosen | Pulse
Heard = Fact | Vital | Word

log = logging.getLogger(__name__)

NO_SESSION = 403
NOBODY_BEHIND = frozenset({502, 503, 504})
"""What a proxy answers for a server that does not."""

ORDER_ROUTES = {"placeorder", "modifyorder", "cancelorder"}


class MonitorActor(Actor):
    """Fold what the others tell into one snapshot; write it every `every_s` machine seconds.

    `show` gets it each market second, in the actor's thread, and must not wait.
    """

    def __init__(  # noqa: PLR0913 - what it is of, and who looks
        self,
        address: str,
        post: Post,
        *,
        path: Path,
        day: str,
        url: str,
        every_s: float,
        show: Callable[[Status], None],
        rates: ChargeRates,
        commit: str = "",
    ) -> None:
        super().__init__(address, post)
        self._path = path
        self._show = show
        self._status = Status(
            at=Micros(0), pid=os.getpid(), day=day, url=url, mode="STARTING", commit=commit
        )
        self._legs: dict[str, Leg] = {}
        self._orders: dict[str, Order] = {}
        self._tally = Tally(rates)
        self._ticks = Total()
        self._switches = Total()
        self._every = seconds(every_s)
        self._written_at: Micros | None = None
        self._plan: DayPlan | None = None
        self._listens_since: Micros | None = None
        self._failed = 0

    def on_receive(self, message: Heard) -> None:
        """Take one fact in. In the actor's thread, which may wait for the disk."""
        match message:
            case (
                OrderChanged()
                | PositionChanged()
                | EntryRefused()
                | ModeEntered()
                | StandingChanged()
            ):
                self._fact(message)
            case FeedHealth() | ApiCalled() | RecordKept() | Heartbeat() | InboxesMeasured():
                self._vital(message)
            case Pulse(at=at):
                self._set(at=at)
                self._show(self._status)
                self.post.tell("alerts", StatusShown(at=at, status=self._status))
                self._write_if_due()
            case Begin(restarted=restarted):
                if restarted:
                    self._resume()
            case RecoveryDone(plan=plan) | ChainChosen(plan=plan):
                self._plan = plan
                self._set(last_entry=plan.last_entry, opens_at=plan.open)
            case _:
                assert_never(message)

    def on_stop(self) -> None:
        """Leave the last word. In the actor's thread."""
        self._set(ended=self._status.ended or "stopped")
        self.post.tell("alerts", StatusShown(at=clock.now(), status=self._status))
        self._write()

    def leave_behind(self) -> None:
        """Leave what is known to who comes after. In the actor's thread."""
        self._write()

    def _fact(self, message: Fact) -> None:
        match message:
            case OrderChanged(at=at, order=order):
                self._orders[order.intent] = order
                self._count_orders()
                self._count_shorts(at)
            case PositionChanged(at=at, leg=leg):
                self._legs[leg.leg] = leg
                self._count_shorts(at)
                self._sum_up()
            case StandingChanged(latches=latches, conditions=conditions):
                self._set(latches=latches, conditions=conditions)
                self._write()
            case EntryRefused():
                self._set(refusals=self._status.refusals + 1)
            case ModeEntered(at=at, mode=mode, reason=reason):
                if mode != self._status.mode:  # else it is told again, and without its reason
                    ended = "day done" * (mode == "CLOSED")
                    self._set(mode=mode, mode_reason=reason, mode_since=at, ended=ended)
                self._write()
            case _:
                assert_never(message)

    def _vital(self, message: Vital) -> None:
        match message:
            case FeedHealth():
                self._feed(message)
            case ApiCalled():
                self._api(message)
            case RecordKept(bars=bars, swings=swings):
                self._set(bars=bars, swings=swings)
            case InboxesMeasured(inboxes=inboxes):
                self._set(inboxes=inboxes)
            case Heartbeat(restarts=restarts, feed=feed, restarted=restarted, cast=cast):
                self._set(actor_restarts=restarts, restarts=restarted, cast=cast)
                if feed is not None:
                    self._judged(feed)
            case _:
                assert_never(message)

    def _feed(self, health: FeedHealth) -> None:
        self._set(
            connected=any(sign.is_connected for sign in health.streams),
            reconnects=max((sign.reconnects for sign in health.streams), default=0),
            source=health.source.tag,
            last_tick_at=health.last_tick_at,
            subscribed=health.subscribed,
            seen=health.seen,
            coverage=coverage(health.seen, health.subscribed),
            stale=health.stale,
            ticks=self._ticks.take(health.ticks),
            feed_switches=self._switches.take(health.switches),
            feed_source=health.source.value,
            stream_tick_at=self._stream_tick_at(health),
        )
        self._set(silent_since=self._silent_since(health.at))

    def _stream_tick_at(self, health: FeedHealth) -> Micros | None:
        """Return the newest tick of any stream; a feed that was rebuilt has forgotten it."""
        own = None if health.source is Source.REST else health.last_tick_at
        ticks = (self._status.stream_tick_at, own, *(sign.canary_at for sign in health.streams))
        return max((tick for tick in ticks if tick is not None), default=None)

    def _silent_since(self, at: Micros) -> Micros | None:
        """Return since when no stream ticked; None outside the session.

        Who was started in the middle of it has heard nothing before.
        """
        if self._listens_since is None:
            self._listens_since = at
        if self._plan is None or not self._plan.open <= at < self._plan.close:
            return None
        return max(self._plan.open, self._status.stream_tick_at or self._listens_since)

    def _judged(self, feed: FeedView) -> None:
        self._set(
            feed=feed.state,
            feed_since=feed.since,
            feed_source_since=feed.source_since,
            feed_trusted=feed.is_trusted,
            feed_doubt=feed.doubt,
            feed_rest_long=feed.is_rest_long,
        )

    def _api(self, message: ApiCalled) -> None:
        """Keep the last request; an order's is kept until the next order's."""
        seen = message.seen
        if seen.status and seen.status not in NOBODY_BEHIND:
            self._set(authenticated=seen.status != NO_SESSION, unanswered_since=None)
        elif self._status.unanswered_since is None:
            self._set(unanswered_since=seen.at)
        if seen.route in ORDER_ROUTES or self._status.last_request not in ORDER_ROUTES:
            self._set(
                last_request=seen.route,
                last_request_at=seen.at,
                last_response=f"{seen.status or ''} {seen.text}".strip(),
                last_orderid=seen.orderid,
            )

    def _count_orders(self) -> None:
        states = Counter(order.state.value for order in self._orders.values())
        counts = (Count(name=name, count=count) for name, count in sorted(states.items()))
        self._set(orders=tuple(counts))

    def _count_shorts(self, at: Micros) -> None:
        shorts = [leg for leg in self._legs.values() if leg.short > 0]
        covered: Counter[str] = Counter()
        for order in self._orders.values():
            if order.state.is_working and order.ticket.action.sign > 0:
                covered[order.leg] += order.remaining
        uncovered = sum(max(0, leg.short - covered[leg.leg]) for leg in shorts)
        self._set(positions=len(shorts), uncovered=uncovered)
        self._time_cover(at)

    def _time_cover(self, at: Micros) -> None:
        """Sum up how long shorts were uncovered."""
        since, is_bare = self._status.uncovered_since, self._status.uncovered > 0
        if is_bare and since is None:
            self._set(uncovered_since=at)
        elif not is_bare and since is not None:
            spent = self._status.uncovered_us + max(0, at - since)
            self._set(uncovered_since=None, uncovered_us=spent)

    def _sum_up(self) -> None:
        """Count what is closed: whole shorts only, so that no price is guessed."""
        closed = [leg for leg in self._legs.values() if leg.short <= 0]
        result = self._tally.of(closed, lambda _: None)
        shown = f"{float(result.r):+.2f}"
        self._set(trades=len(closed), result_p=result.pnl, result_r=shown)

    def _resume(self) -> None:
        """Go on with the snapshot of a predecessor in this process."""
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=Status)
        except (OSError, msgspec.DecodeError):
            return
        if (found.pid, found.day) == (self._status.pid, self._status.day):
            self._status = found
            self._ticks.resume(found.ticks)
            self._switches.resume(found.feed_switches)

    def _set(self, **changes: object) -> None:
        self._status = msgspec.structs.replace(self._status, **changes)

    def _write_if_due(self) -> None:
        now = clock.machine()
        if self._written_at is None or now >= self._written_at + self._every:
            self._written_at = now
            self._write()

    def _write(self) -> None:
        """Replace the file in one step, so that a reader never sees half of it.

        A disk that takes nothing is said once; the next write is another try.
        """
        new = self._path.with_suffix(".new")
        try:
            new.write_bytes(msgspec.json.encode(self._status))
            new.replace(self._path)
        except OSError as error:
            if not self._failed:
                log.error("%s cannot be written: %s; it is tried again", self._path, error)  # noqa: TRY400 - one line, no traceback
            self._failed += 1
            return
        if self._failed:
            log.warning("%s is written again, after %d failed tries", self._path, self._failed)
        self._failed = 0
