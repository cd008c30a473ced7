"""What WatchdogActor thinks of the feed, told to those it concerns: one judgement, one voice.

The policy itself is `domain.feed_health`; this carries out what it says. In the watchdog's thread.
"""

import logging
from typing import assert_never

from actors.post_office import Post
from actors.vitals import facts_of, heartbeat_of
from domain.exposure import Exposure
from domain.feed_health import decide
from domain.feed_watch import (
    Action,
    FeedState,
    Flatten,
    Policy,
    Reopen,
    Say,
    Select,
    Trust,
    Urgency,
    Watch,
)
from domain.heartbeat import Coverage
from domain.session import DayPlan
from domain.status import FeedView
from domain.units import Micros, seconds
from messages.control import Reconnect, SelectSource
from messages.market import FeedHealth
from messages.orders import FeedTrusted, FlattenAll

log = logging.getLogger(__name__)

BLIND = "BLIND"
"""The reason of leaving every short for want of prices."""

LEVELS = {
    Urgency.STORY: logging.INFO,
    Urgency.WARNING: logging.WARNING,
    Urgency.PAGE: logging.ERROR,
}


class Judge:
    """Hold what was heard of the feed and what is thought of it. Mutable, owned by the watchdog."""

    def __init__(self, post: Post, policy: Policy) -> None:
        self.trusted: FeedTrusted | None = None
        self._post = post
        self._policy = policy
        self._watch = Watch()
        self._since: Micros | None = None
        self._coverage = Coverage()
        self._health: FeedHealth | None = None
        self._unanswered = 0
        self._jumped_at: Micros | None = None
        self._beat = 0

    @property
    def view(self) -> FeedView | None:
        """What people are told of the feed; None before it was ever judged."""
        watch = self._watch
        if self._since is None:
            return None
        return FeedView(
            state=watch.standing,
            since=self._since,
            source_since=watch.chosen_at or None,
            is_trusted=watch.is_trusted,
            doubt=watch.doubt,
            is_rest_long=watch.has_alerted,
        )

    def hear(self, health: FeedHealth) -> None:
        """Take the feed's vital signs."""
        self._health = health
        self._unanswered = 0

    def jumped(self, at: Micros) -> None:
        """Take a jump of the clock, or a sleep: the feed's own word of it comes a pulse later."""
        self._jumped_at = at

    def pulse(self, plan: DayPlan, exposure: Exposure, at: Micros) -> None:
        """Judge the feed, if it was ever heard of, and tell what follows."""
        if self._health is None:
            return
        self._unanswered += 1
        facts = facts_of(
            plan,
            self._health,
            exposure,
            jumped_at=self._jumped_at,
            unanswered=self._unanswered,
        )
        before = self._watch.standing
        self._watch, actions = decide(self._watch, facts, at, self._policy)
        if self._watch.standing is not before:
            log.info("feed was %s, is %s", before, self._watch.standing)
        if self._since is None or self._watch.standing is not before:
            self._since = at
        for action in actions:
            self._do(action, at)

    def speak(self, positions: int, at: Micros) -> bool:
        """Say the line of the minute when it is time; return whether it was said."""
        beat = at // seconds(self._policy.watchdog.heartbeat_s)
        if beat == self._beat:
            return False
        self._beat, is_first = beat, not self._beat
        if is_first:
            return False
        log.info("%s", heartbeat_of(positions, self._health), extra={"tag": "HEARTBEAT"})
        if self._watch.state is FeedState.FALLBACK and self._watch.doubt:
            log.info("entries stay off: %s", self._watch.doubt)
        self._cover()
        return True

    def _cover(self) -> None:
        """Judge the coverage of a live feed; that of a dead one is no news."""
        if self._health is None or self._watch.state is not FeedState.HEALTHY:
            return
        mute, subscribed = self._health.mute, self._health.subscribed
        was_alerted = self._coverage.is_alerted
        warn_pct = self._policy.feed.coverage_warn_pct
        self._coverage, text = self._coverage.beat(mute, subscribed, warn_pct)
        if text:
            log.log(logging.INFO if was_alerted else logging.WARNING, "%s", text)

    def _do(self, action: Action, at: Micros) -> None:
        match action:
            case Select(source=source, reason=reason):
                self._post.tell("feed", SelectSource(at=at, source=source, reason=reason))
            case Reopen(source=source, reason=reason):
                self._post.tell("feed", Reconnect(at=at, source=source, reason=reason))
            case Trust():
                self._trust(action, at)
            case Flatten():
                self._post.tell("order", FlattenAll(at=at, reason=BLIND))
            case Say(text=text, urgency=urgency):
                log.log(LEVELS[urgency], "%s", text)
            case _:
                assert_never(action)

    def _trust(self, trust: Trust, at: Micros) -> None:
        entries, reason = trust.entries, trust.reason
        if entries is not (self.trusted is not None and self.trusted.entries):
            log.info("entries are %s: %s", "on" if entries else "off", reason)
        self.trusted = FeedTrusted(at=at, entries=entries, reason=reason, is_blind=trust.is_blind)
        for address in ("order", "strategy"):
            self._post.tell(address, self.trusted)
