"""The agent of bench/latency.py, a process of its own: all of it, but for what it wishes.

    python -m bench.latency_cast FOLDER ADDRESS

It is `cli.agent.Agent`, as `run.py sandbox` and `run.py live` start it: stream thread, six actors
and a bar actor for each symbol in threads of their own, journals in FOLDER, lanes. Two of the cast
are changed: the strategy wishes what marks ask for, beside its own work, and the feed notes what it
heard. On SIGTERM it parks and prints how many frames it heard, and their checksum.
"""

import dataclasses
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from actors.feed import FeedActor, Heard
from actors.post_office import PostOffice
from actors.stages import Maker, ThreadStage
from actors.strategy import StrategyActor
from bench.latency_frames import API_KEY, LEVEL, SPEED, live_by, tally_ticks
from bench.latency_peer import Address
from cli.agent import Agent, Server
from cli.session import Session
from config import log as logs
from config.settings import load
from domain.contracts import Chain, UniverseRule
from domain.market import Bar, Forming, Tick
from domain.role import Role
from domain.session import Closed, DayPlan, plan
from domain.strategy import EntryWish, Limit, StopAbove, Strategy, View, Wishes
from domain.units import Day, Paise, Symbol
from messages.market import TicksArrived
from sandbox.params import SandboxParams

STOP_BPS = 1000
REACH = Paise(5000)
"""No mark is further than this under the level: what is, is history's own price."""


@dataclasses.dataclass(slots=True)
class Marking:
    """The state of the strategy it sits on, the lows seen, and what is wished because of them."""

    inner: Any
    chain: Chain
    lows: dict[Symbol, Paise] = dataclasses.field(default_factory=dict)
    entries: dict[str, EntryWish] = dataclasses.field(default_factory=dict)
    wishes: Wishes = dataclasses.field(default_factory=Wishes)


class Marks:
    """The strategy that is played, doing its work; what is wished are the marks instead."""

    def __init__(self, inner: Strategy[Any]) -> None:
        self._inner = inner

    def universe(self, day: DayPlan) -> UniverseRule:
        """Watch what it watches."""
        return self._inner.universe(day)

    def begin(self, day: DayPlan, chain: Chain) -> Marking:
        """Begin with no mark seen."""
        return Marking(self._inner.begin(day, chain), chain)

    def on_bar(self, state: Marking, bar: Bar, view: View) -> tuple[Marking, Wishes]:
        """Let it work."""
        state.inner, _ = self._inner.on_bar(state.inner, bar, view)
        return state, state.wishes

    def on_price(self, state: Marking, now: Forming, view: View) -> tuple[Marking, Wishes]:
        """Wish to sell at a new low under the level."""
        state.inner, _ = self._inner.on_price(state.inner, now, view)
        if LEVEL - REACH < now.low < state.lows.get(now.symbol, LEVEL):
            state.lows[now.symbol] = now.low
            contract = state.chain.of(now.symbol)
            assert contract is not None
            state.entries[now.symbol] = EntryWish(
                slot=now.symbol,
                symbol=now.symbol,
                units=contract.lot,
                price=Limit(now.low),
                stop=StopAbove(STOP_BPS),
                minute=now.at,
            )
            state.wishes = Wishes(entries=tuple(state.entries.values()))
        return state, state.wishes

    def on_pulse(self, state: Marking, view: View) -> tuple[Marking, Wishes]:
        """Wish no more what was refused."""
        state.inner, _ = self._inner.on_pulse(state.inner, view)
        over = {
            slot
            for slot, wish in state.entries.items()
            if (held := view.entries.get(slot)) is not None
            and held.minute == wish.minute
            and held.ended_at is not None
        }
        if over:
            state.entries = {s: wish for s, wish in state.entries.items() if s not in over}
            state.wishes = Wishes(entries=tuple(state.entries.values()))
        return state, state.wishes


class NotingFeed(FeedActor):
    """The feed, which keeps what it heard."""

    def __init__(self, heard: list[tuple[Tick, ...]], *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._noted = heard

    def on_receive(self, message: Heard) -> None:
        """Note ticks, then do what the feed does. In the actor's thread."""
        if isinstance(message, TicksArrived):
            self._noted.append(message.ticks)
        super().on_receive(message)


class MarkedStage(ThreadStage):
    """Threads, for a cast of which two are changed."""

    def __init__(self, post: PostOffice, heard: list[tuple[Tick, ...]]) -> None:
        super().__init__(post)
        self._heard = heard

    def put(self, addresses: tuple[str, ...], maker: Maker) -> None:
        """Start an actor, or what takes its place. Any thread."""
        if maker.func is StrategyActor:
            role: Role = maker.keywords["role"]
            marked = dataclasses.replace(role, strategy=Marks(role.strategy))
            maker = partial(maker.func, *maker.args, **{**maker.keywords, "role": marked})
        elif maker.func is FeedActor:
            maker = partial(NotingFeed, self._heard, *maker.args, **maker.keywords)
        super().put(addresses, maker)


def main(folder: Path, address: Address) -> None:
    """Play until told to park; then say what was heard."""
    logs.setup(logs.Redactor(), file=folder / "agent.log")
    live_by(address.r0, address.v0)
    settings = load("sandbox", {}, rooms={"sandbox": SandboxParams()}).at_speed(SPEED)
    planned = plan(
        Day(settings.room(SandboxParams).date),
        settings.rules,
        settings.session,
        settings.broker.name,
        quiet_s=settings.exit.quiet_s,
    )
    assert not isinstance(planned, Closed)
    server = Server(
        url=f"http://127.0.0.1:{address.http}",
        ws_url=f"ws://127.0.0.1:{address.ws}",
        api_key=API_KEY,
        speed=SPEED,
    )
    session = Session(settings=settings, folder=folder)
    heard: list[tuple[Tick, ...]] = []
    Agent(session, planned, server, lambda post: MarkedStage(post, heard)).run()
    print(json.dumps(tally_ticks(heard)), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), msgspec.json.decode(sys.argv[2], type=Address))
