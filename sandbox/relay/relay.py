"""Another server's day, relayed: its prices, its bars and, if it is a paper exchange, its clock.

Lives in the server's loop; whatever may block is done in a thread beside it.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from domain.session import trading_day
from sandbox.api.answers import Refused
from sandbox.api.requests import History
from sandbox.hands import Hands
from sandbox.kinds import BarLine, InstrumentLine
from sandbox.market.live import LiveDay
from sandbox.relay import listing, wire
from sandbox.relay.rest import Rest, Route, Unread
from sandbox.relay.stream import Stream

log = logging.getLogger(__name__)

FOLLOW_S = 1.0
FOLLOW_STANDING_S = 0.02
BROKER_FAILED = 500

Done = TypeVar("Done")


class Relay:
    """What the server needs of another one while it serves.

    `follows`: the other one is a paper exchange, whose clock is ours. Of `rests` the first reads
    bars, the second that clock: each is used by one thread at a time.
    """

    def __init__(
        self, day: LiveDay, stream: Stream, rests: tuple[Rest, Rest], *, follows: bool
    ) -> None:
        self._day = day.day
        self._inbox = day.inbox
        self._known = {(str(line.symbol), line.exchange): line for line, _ in day.listed}
        self._stream = stream
        self._books, self._watch = rests
        self._follows = follows
        self._one_at_a_time = asyncio.Lock()

    async def run(self, hands: Hands) -> None:
        """Keep prices and clock coming until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._stream.run())
            if self._follows:
                group.create_task(self._follow(hands))

    async def fetch(self, asked: History) -> None:
        """Read the day's minutes of a symbol, so that an answer about to be made has them.

        Raises Refused as OpenAlgo does when its broker fails: the other server's 403 says nothing
        about our own key.
        """
        line = self._known.get((asked.symbol, asked.exchange))
        if line is None or not asked.start_date <= self._day <= asked.end_date:
            return
        async with self._one_at_a_time:
            try:
                body = await beside(lambda: self._read(line))
                self._inbox.bars[line.symbol] = self._today(wire.bars(body))
            except (Unread, wire.Unreadable) as error:
                log.warning("no bars of %s: %s", line.symbol, error)
                raise Refused(BROKER_FAILED, f"Failed to fetch history: {error}") from error

    def _read(self, line: InstrumentLine) -> bytes:
        return self._books.read(
            Route.HISTORY,
            symbol=line.symbol,
            exchange=line.exchange,
            interval="1m",
            start_date=self._day,
            end_date=self._day,
        )

    def _today(self, bars: tuple[BarLine, ...]) -> tuple[BarLine, ...]:
        """Return the bars of the day in order, one a minute; the last one told wins."""
        by_minute = {bar.minute: bar for bar in bars if trading_day(bar.minute) == self._day}
        return tuple(by_minute[minute] for minute in sorted(by_minute))

    async def _follow(self, hands: Hands) -> None:
        while True:
            pause_s = FOLLOW_STANDING_S if hands.anchor.paused else FOLLOW_S
            await asyncio.sleep(pause_s)  # noqa: TID251 - the sandbox server may
            # A server that is gone keeps its last clock.
            with suppress(Unread, wire.Unreadable):
                found = await beside(lambda: listing.moment(self._watch))
                if found.date == self._day and found.anchor != hands.anchor:
                    hands.adopt(found.anchor)


async def beside(work: Callable[[], Done]) -> Done:
    """Do blocking work in a thread of its own, which nobody waits for when the process ends."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Done] = loop.create_future()

    def settle(act: Callable[[], None]) -> None:
        # Whoever asked may have gone, and the loop with it.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: None if future.done() else act())

    def do() -> None:
        try:
            done = work()
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            failure = error
            settle(lambda: future.set_exception(failure))
        else:
            settle(lambda: future.set_result(done))

    threading.Thread(target=do, daemon=True).start()  # noqa: TID251 - the loop may not block
    return await future
