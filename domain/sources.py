"""One stream of prices: its connection, what it holds, and what it must prove.

A socket that is connected and subscribed proves nothing. So an attempt counts by its canaries, each
symbol by its own ticks, and what stays silent is named, asked for again, or told to a human.
"""

import random
from collections.abc import Collection, Iterable

from domain.calls import StreamChange, StreamState
from domain.canaries import HOLE
from domain.connection import MANY, Connection
from domain.feed_effects import Connect, Effects, Resubscribe, Say, Subscribe
from domain.intake import Intake
from domain.market import Pair, Source
from domain.params import FeedParams
from domain.repairs import Fault
from domain.signs import Sign
from domain.units import MINUTE, Micros, Symbol, seconds

UNAUTHENTICATED = 4401
"""The close code after 15 s without authentication; a wrong key ends so, and a slow server."""

NOBODY_LISTENS = "ConnectionRefusedError"
"""How the end of a connection reads that nobody took."""

DENIALS = 3
TOLD = 3
"""So many attempts without a tick are told in full; the story is not one of reconnects."""

SHOWN = 8
"""So many names make a readable line."""

PROVED_AFTER = MINUTE
"""How long every symbol has to show itself after a connection, before those that did not are named.
"""

AGREE = 1000
"""The index's prices agree within one part in so many."""


class Upstream:
    """One WebSocket source. Mutable, owned by FeedActor, which has one or two."""

    def __init__(
        self, source: Source, intake: Intake, params: FeedParams, chance: random.Random
    ) -> None:
        self.source = source
        self.connection = Connection(seconds(params.first_tick_s), chance)
        self._intake = intake
        self._params = params
        self._name = "WebSocket" if source is Source.PRIMARY else f"{source} WebSocket"
        self._pairs: dict[Symbol, Pair] = {}
        self._denials = self._absent = 0
        self._ready_at: Micros | None = None
        self._told: set[str] = set()

    @property
    def newest(self) -> Micros | None:
        """Its newest canary tick."""
        return self._intake.beats[self.source].newest

    def is_ticking(self, at: Micros) -> bool:
        """Whether its canaries live."""
        limit = seconds(self._params.fresh_canary_s)
        return self.newest is not None and at - self.newest <= limit

    def sign(self, at: Micros) -> Sign:
        """Return what it shows of itself."""
        connection = self.connection
        return Sign(
            source=self.source,
            canary_at=self.newest,
            since=self._intake.beats[self.source].steady_since,
            is_ready=connection.is_ready and connection.is_live and self.is_ticking(at),
            agrees=self._agrees(at),
            is_connected=connection.is_ready,
            reconnects=connection.row,
        )

    def connect(self, epoch: int, pairs: tuple[Pair, ...], at: Micros) -> Effects:
        """Open it as `epoch` with these symbols."""
        self.connection.open(epoch, at)
        self._intake.ledger.connected(self.source, epoch, at)
        self._intake.sightings[self.source].resubscribed(at)
        self._intake.repairs[self.source].forget()
        self._ready_at = None
        self._pairs = {pair[0]: pair for pair in pairs}
        said: Effects = ()
        if self.connection.row >= MANY:
            said = self._alert("row", f"{self._name} was reconnected {MANY} times in a row")
        return (*said, Connect(self.source, epoch, pairs))

    def subscribe(self, pairs: Iterable[Pair]) -> Effects:
        """Subscribe whatever it does not hold yet; before the first connection nothing."""
        fresh = tuple(pair for pair in pairs if pair[0] not in self._pairs)
        if not fresh or not self.connection.opened:
            return ()
        self._pairs |= {pair[0]: pair for pair in fresh}
        return (Subscribe(self.source, fresh),)

    def ticked(self, at: Micros) -> None:
        """Take note that a canary of it ticked."""
        self.connection.ticked(at)
        if self.connection.row == 0:
            self._told.clear()

    def ready(self, change: StreamChange) -> Effects:
        """Take the answers to its subscriptions; those refused are named and asked for again."""
        is_news = self.connection.ready(change.epoch)
        if change.epoch != self.connection.epoch:
            return ()
        self._denials = 0
        self._intake.repairs[self.source].note(change.refused, Fault.REFUSED)
        if not is_news:
            return ()
        self._ready_at = change.at
        text = f"Connected: {self._name} symbols={change.subscribed} epoch={change.epoch}"
        said = Say(text, again=self._is_old_news)
        if not change.refused:
            return (said,)
        return (said, Say(f"Not subscribed: {_listed(change.refused)}", warn=True))

    def broke(self, change: StreamChange, *, is_open: bool) -> tuple[str, Effects] | None:
        """Take its end; return how that reads and what follows, None if it is an older one's."""
        timed_out = change.state is StreamState.CLOSED and change.code == UNAUTHENTICATED
        denials = self._denials + 1 if timed_out else 0
        is_denied = change.is_denied or denials >= DENIALS
        broke = self.connection.broke(change.epoch, change.at, is_open=is_open, slowly=is_denied)
        if not broke:
            return None
        self._denials = denials
        self._absent += change.text.startswith(NOBODY_LISTENS)
        self._absent = min(self._absent, self.connection.fruitless)
        self._ready_at = None
        text = f"{self._name} {change.state} code={change.code} {change.text}".rstrip()
        said: Effects = (Say(text, warn=True, again=self._is_old_news),)
        if is_denied:
            said += self._alert(
                "key",
                f"FEED_AUTH: the server of the {self._name} does not take the API key; compare it"
                " with the one OpenAlgo shows, it is tried again each 60 s",
            )
        return text, said + self._page()

    def elapse(self, opens_at: Micros, at: Micros) -> Effects:
        """Give an attempt up that brought no canary tick in time, or no answer."""
        if self.connection.is_unanswered(at):
            self.connection.renew(at)
            text = f"{self._name}: prices come, answers to subscriptions do not, reconnecting"
            return (Say(text, warn=True, again=self.connection.unanswered > 1),)
        if not self.connection.is_mute(opens_at, at):
            return ()
        self.connection.give_up(at)
        first_s = self._params.first_tick_s
        text = f"No tick within {first_s} s of connecting"
        if self.source is not Source.PRIMARY:
            text = f"{self._name}: {text[0].lower()}{text[1:]}"
        return (Say(text, again=self._is_old_news), *self._page())

    def stands_idle(self, at: Micros) -> bool:
        """Whether it lived, and has been silent for so long that it needs a new socket."""
        quiet = at - (self.newest or at)
        return self.connection.is_live and quiet >= seconds(self._params.stale_warn_s)

    def prove(self, since: Micros, own: Collection[Symbol], at: Micros) -> Effects:
        """Name symbols that stay mute, and subscribe again whatever does not deliver as asked."""
        if not self.connection.is_ready or not self.is_ticking(at):
            return ()
        sightings, repairs = self._intake.sightings[self.source], self._intake.repairs[self.source]
        near = seconds(self._params.fresh_near_s)
        # After a hole of the whole stream every symbol has its time anew.
        since = max(since, self._intake.beats[self.source].since)
        repairs.note(sightings.overdue(at, since, near, own), Fault.MUTE)
        effects = self._name_mute(since, at)
        due = {
            fault: held
            for fault, symbols in repairs.due(at).items()
            if (held := tuple(self._pairs[s] for s in symbols if s in self._pairs))
        }
        for fault, pairs in due.items():
            symbols = [symbol for symbol, _ in pairs]
            sightings.asked_again(symbols, at)
            text = f"Subscribing again: {_listed(symbols)} ({fault})"
            effects += (Say(text, warn=True), Resubscribe(self.source, pairs))
        return effects

    def _name_mute(self, since: Micros, at: Micros) -> Effects:
        if self._ready_at is None or at - max(self._ready_at, since) < PROVED_AFTER:
            return ()
        self._ready_at = None
        sightings = self._intake.sightings[self.source]
        if not sightings.mute:
            return ()
        text = f"{self._name}: {len(sightings.mute)} of {sightings.subscribed} symbols stay mute"
        return (Say(f"{text}: {_listed(sightings.mute)}", warn=True),)

    @property
    def _is_old_news(self) -> bool:
        return self.connection.fruitless > TOLD

    def _page(self) -> Effects:
        """Say what to do about connections in vain: a server that is down needs no login."""
        vain = self.connection.fruitless
        if vain < self._params.relogin_after:
            return ()
        if self._absent >= vain:
            text = f"Start OpenAlgo: {vain} connections of the {self._name} were refused"
            return self._alert("start", f"{text}, nobody listens there")
        text = f"Log in to OpenAlgo again: {vain} connections of the {self._name} brought no tick"
        return self._alert("login", text)

    def _alert(self, subject: str, text: str) -> Effects:
        """Say it once, until a minute of canary ticks."""
        if subject in self._told:
            return ()
        self._told.add(subject)
        return (Say(text, warn=True, alert=True),)

    def _agrees(self, at: Micros) -> bool:
        ours = self._intake.spots.get(self.source)
        polled = self._intake.spots.get(Source.REST)
        if ours is None or polled is None or at - polled.at > HOLE:
            return True
        return abs(ours.price - polled.price) * AGREE <= polled.price


def _listed(symbols: Collection[Symbol]) -> str:
    shown = " ".join(tuple(symbols)[:SHOWN])
    return shown if len(symbols) <= SHOWN else f"{shown} and {len(symbols) - SHOWN} more"
