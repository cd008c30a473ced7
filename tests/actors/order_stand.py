"""An order actor to be tested: a fake broker, a real journal, and time that stands still."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from freezegun import freeze_time

from actors.bulletin import DOERS
from actors.order import OrderActor
from domain import clock
from domain import events as ev
from domain.books import OrderRow, Status, TradeRow
from domain.calls import (
    Outcome,
    Write,
)
from domain.orders import StopPlan
from domain.params import BrokerParams, JournalParams
from domain.units import Paise
from journal.opening import Opened, open_orders
from journal.orders import OrderJournal
from messages.control import Begin
from messages.orders import (
    BooksJudged,
    FeedTrusted,
    PlaceEntry,
    PlanDay,
    PreflightDone,
    StrategyReady,
)
from tests.actors.fakes import FakeBroker, RecordingPost, To
from tests.orders import (
    ENTRY,
    PARAMS,
    T0,
    a_ready,
    a_reply,
    a_row,
    an_entry_wish,
    rows_of_short,
    sold,
    some_books,
    t,
)
from tests.trading import DAY, PLAN, a_chain

FILLED = a_row(ENTRY, status=Status.COMPLETE)
HIGHER = StopPlan(trigger=Paise(14_200), limit=Paise(15_340))
FORCE = (PLAN.force_close - T0) / 1_000_000


class WatchedJournal(OrderJournal):
    """A journal that remembers how many writes the broker had when it was committed to."""

    broker: FakeBroker

    def append(self, events: Iterable[ev.Event]) -> int:
        self.sent_before = len(self.broker.writes)
        return super().append(events)


class Stand:
    """An order actor on a fake broker and a real journal; time stands where it is put."""

    def __init__(
        self,
        folder: Path,
        *,
        mode: str = "analyze",
        is_paper_exchange: bool = True,
        disk: JournalParams = JournalParams(min_free_mb=0),  # noqa: B008 - a frozen value
    ) -> None:
        self.post = RecordingPost()
        self.broker = FakeBroker()
        self.journal: WatchedJournal | None = None
        self._folder = folder
        self.actor = OrderActor(
            "order",
            self.post,
            broker=self.broker,
            journal=self._open,
            disk=disk,
            plan=PLAN,
            params=PARAMS,
            link=BrokerParams(),
            server_mode=mode,
            is_paper_exchange=is_paper_exchange,
        )

    def _open(self) -> Opened:
        return open_orders(self._folder, DAY, self._claim)

    def _claim(self, boot_after: int) -> OrderJournal:
        self.journal = WatchedJournal(self._folder / "orders.db", 1, T0, boot_after=boot_after)
        self.journal.broker = self.broker
        return self.journal

    def hear(self, seconds: float, *messages: Any) -> list[To]:
        """Hand messages in at this instant; return what is told because of them."""
        self.post.take()
        with freeze_time(clock.moment(t(seconds))):
            for message in messages:
                self.actor.on_receive(message)
        return self.post.sent

    def begin(self, seconds: float = 0, *events: ev.Event) -> "Stand":
        """Begin with what a former process committed."""
        if events:
            with OrderJournal(self._folder / "orders.db", 0, T0) as former:
                former.append(events)
        self.hear(seconds, Begin(at=t(seconds)))
        return self

    def ready(self, seconds: float = 0) -> "Stand":
        """Begin, pass the preflight, read empty books; the contracts are chosen, all is trusted."""
        self.begin(seconds)
        self.preflight(seconds)
        self.hear(seconds, PlanDay(at=t(seconds), plan=PLAN, chain=a_chain()))
        self.read(seconds)
        self.hear(seconds, StrategyReady(at=t(seconds)), trusted(seconds))
        return self

    def preflight(self, seconds: float, **changes: Any) -> list[To]:
        return self.hear(seconds, PreflightDone(reply=a_ready(t(seconds), **changes)))

    def read(
        self,
        seconds: float,
        rows: Iterable[OrderRow] = (),
        trades: Iterable[TradeRow] = (),
        *,
        faults: tuple[str, ...] = (),
        mode: str = "analyze",
    ) -> list[To]:
        books = some_books(rows, trades, asked=t(seconds), mode=mode)
        return self.hear(seconds, BooksJudged(books=books, faults=faults, digest=f"d{seconds}"))

    def reply(self, seconds: float, outcome: Outcome = Outcome.DONE, orderid: str = "") -> list[To]:
        """Let the oldest write be answered, as a lane would, and hand the answer in."""
        self.post.take()
        self.broker.confirm(a_reply(outcome, orderid, when=t(seconds)))
        (answer,) = self.post.take()
        assert answer.address == "order"
        return self.hear(seconds, answer.message)

    def sent(self) -> list[Write]:
        return [call for call, _ in self.broker.writes]

    def asked(self) -> list[Any]:
        return [call for call, _ in self.broker.reads]

    def committed(self) -> tuple[ev.Event, ...]:
        assert self.journal is not None
        return self.journal.events(DAY)

    def protected(self) -> "Stand":
        """A short whose stop rests as S1 since 10:00:11."""
        self.ready().hear(1, place(1))
        self.reply(1.5, orderid="A1")
        self.read(10, [FILLED], [sold()])
        self.reply(10.5, orderid="S1")
        self.read(11, rows_of_short(), [sold()])
        return self


def trusted(seconds: float) -> FeedTrusted:
    return FeedTrusted(at=t(seconds), entries=True, reason="")


def place(seconds: float, **changes: Any) -> PlaceEntry:
    wish = an_entry_wish(when=t(seconds), **changes)
    return PlaceEntry(
        at=wish.at,
        key=wish.key,
        side=wish.side,
        ticket=wish.ticket,
        stop=wish.stop,
        last=wish.last,
        reason=wish.reason,
    )


def of(kind: type, told: Iterable[To]) -> list[Any]:
    return [message for _, message in told if isinstance(message, kind)]


def told_to_doers(message: object) -> list[To]:
    return [To(address, message) for address in DOERS]
