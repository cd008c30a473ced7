"""Plays a feed second by second, for tests: ticks, closings and polls as they are scripted."""

import random
from collections.abc import Callable
from typing import TypeVar

from domain.calls import Failed, Outcome, Quotes, StreamChange, StreamState
from domain.contracts import Chain
from domain.feed import Feed, Frame
from domain.feed_effects import Connect, Effect, Poll
from domain.market import Source
from domain.params import FeedParams
from domain.units import SECOND, Micros, seconds
from tests.domain.tape import NIFTY, a_chain, a_plan, an_index_tick, at
from tests.domain.wares import a_quote

INDEX = (NIFTY, "NSE_INDEX")
E = TypeVar("E")


def a_feed(
    wall: str = "09:05", sources: tuple[Source, ...] = (Source.PRIMARY,), **feed: int
) -> Feed:
    params = FeedParams(**feed)  # type: ignore[arg-type]  # by name
    return Feed(Frame(a_plan(), INDEX, params, sources), random.Random(7), at(wall))


def epoch_of(feed: Feed, source: Source = Source.PRIMARY) -> int:
    return feed.upstreams[source].connection.epoch


def choose(feed: Feed, wall: str = "09:16", chain: Chain | None = None) -> tuple[Effect, ...]:
    chain = chain or a_chain()
    return feed.choose(chain, {c.symbol: seconds(300) for c in chain.contracts}, at(wall))


def change(
    state: StreamState,
    wall: str | Micros,
    epoch: int = 1,
    *,
    code: int = 0,
    text: str = "",
    refused: tuple[str, ...] = (),
    source: Source = Source.PRIMARY,
    is_denied: bool = False,
) -> StreamChange:
    return StreamChange(
        source=source,
        is_denied=is_denied,
        epoch=epoch,
        state=state,
        at=at(wall) if isinstance(wall, str) else wall,
        code=code,
        text=text,
        subscribed=1,
        refused=refused,  # type: ignore[arg-type]  # symbols
    )


class Stage:
    """A feed whose stream ticks while `ticks` says so and whose broker answers while `rest` does.

    `rest` returns the index's price, or None for a failure. Effects are kept with their second.
    """

    def __init__(self, feed: Feed, began: str) -> None:
        self.feed = feed
        self.ticks: Callable[[Micros], bool] = lambda _: True
        self.rest: Callable[[Micros], int | None] = lambda now: now // SECOND % 9_999 + 1
        self.now = at(began)
        self.is_up = False
        self.greets = True
        self.log: list[tuple[Micros, Effect]] = []
        self.hear(feed.begin(self.now))

    def play(self, until: str) -> "Stage":
        while self.now < at(until):
            self.play_one()
        return self

    def play_one(self) -> None:
        """Let one second pass."""
        if self.is_up and self.ticks(self.now):
            tick = an_index_tick(self.now, epoch=epoch_of(self.feed))
            self.hear(self.feed.arrived([tick]))
        self.hear(self.feed.pulse(self.now, self.now))
        self.now = Micros(self.now + SECOND)

    def hear(self, effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
        self.log += [(self.now, effect) for effect in effects]
        for effect in effects:
            if isinstance(effect, Connect):
                self.is_up = self.is_up or effect.source is Source.PRIMARY
                ready = change(StreamState.READY, self.now, effect.epoch, source=effect.source)
                self.hear(self.feed.moved(ready) if self.greets else ())
            elif isinstance(effect, Poll):
                self.answer(effect)
        return effects

    def close(self, state: StreamState, code: int = 0, text: str = "") -> None:
        """End the connection from the other side."""
        self.is_up = False
        epoch = epoch_of(self.feed)
        self.hear(self.feed.moved(change(state, self.now, epoch, code=code, text=text)))

    def answer(self, poll: Poll) -> None:
        price = self.rest(self.now)
        reply: Quotes | Failed
        if price is None:
            reply = Failed(call="multiquotes", outcome=Outcome.UNKNOWN, at=self.now)
        else:
            quote = a_quote(
                self.now, symbol=NIFTY, exchange="NSE_INDEX", ltp=price, volume=0, high=10**12
            )
            reply = Quotes(quotes=(quote,), missing=())
        self.hear(self.feed.polled(reply, poll.epoch, poll.asked_at))

    def said(self, kind: type[E]) -> list[E]:
        return [effect for _, effect in self.log if isinstance(effect, kind)]

    def times(self, kind: type[E]) -> list[Micros]:
        return [now for now, effect in self.log if isinstance(effect, kind)]
