"""Hand-written days for the checker: rows of truth and of the agent's journal."""

from typing import Any

import msgspec

from domain.books import Action, PriceType
from domain.calls import Outcome
from domain.events import (
    CancelPlanned,
    DayPlanned,
    ExitPhase,
    ExternalClosed,
    FillsSeen,
    IntentPlanned,
    LatchCleared,
    LatchSet,
    ModeChanged,
    ModifyPlanned,
    ProvedFlat,
    StateChanged,
    WriteReplied,
    WriteSent,
)
from domain.orders import EntryKey, Pending, Purpose, Ticket
from domain.orders import State as OrderState
from domain.positions import Phase
from domain.units import Micros, Paise, Symbol, Units, seconds
from sandbox.checker import Report, Terms, judge
from sandbox.kinds import NFO, Change, OrderLine, Origin, PriceKind, Status
from sandbox.truth import Accepted, Arrived, Payload, Refused, State, Traded, Truth
from tests.sandbox.pit import CALL, at

Written = (
    CancelPlanned
    | DayPlanned
    | ExitPhase
    | ExternalClosed
    | FillsSeen
    | IntentPlanned
    | LatchCleared
    | LatchSet
    | ModeChanged
    | ModifyPlanned
    | ProvedFlat
    | StateChanged
    | WriteReplied
    | WriteSent
)
START = at("10:00")
SELL, BUY = Action.SELL, Action.BUY


def _purpose(trigger: int) -> Purpose:
    return Purpose.STOP if trigger else Purpose.COVER


class Day:
    """Builds both sides of a story; instants are seconds after 10:00."""

    def __init__(self) -> None:
        self.truth = Truth()
        self.journal: list[dict[str, Any]] = []
        self._intents: dict[str, tuple[str, Ticket]] = {}

    def order(
        self, orderid: str, action: Action, units: int, at_s: float, *, price: int = 15_000,
        trigger: int = 0, intended: bool = True, key: EntryKey | None = None,
        origin: Origin = Origin.AGENT, symbol: Symbol = CALL, planned_s: float | None = None,
    ) -> None:  # fmt: skip
        """Journal an intent and let the exchange accept its order."""
        if intended:
            self.intend(orderid, action, units, at_s if planned_s is None else planned_s,
                        price=price, trigger=trigger, key=key, symbol=symbol)  # fmt: skip
        line = self.line(
            orderid, action, units, at_s,
            price=price, trigger=trigger, origin=origin, symbol=symbol,
        )  # fmt: skip
        self.add(at_s, Accepted(order=line, reserve=0))

    def rejected(self, orderid: str, action: Action, units: int, at_s: float) -> None:
        self.intend(orderid, action, units, at_s)
        line = self.line(orderid, action, units, at_s)
        row = msgspec.structs.replace(line, status=Status.REJECTED, reason="no")
        self.add(at_s, Refused(route="place", orderid=orderid, text="no", order=row))

    def intend(
        self, orderid: str, action: Action, units: int, at_s: float, *, price: int = 15_000,
        trigger: int = 0, key: EntryKey | None = None, symbol: Symbol = CALL, sent: bool = True,
    ) -> None:  # fmt: skip
        ticket = Ticket(
            symbol=symbol, exchange=NFO, action=action, quantity=Units(units),
            pricetype=PriceType.SL if trigger else PriceType.LIMIT, price=Paise(price),
            trigger=Paise(trigger), strategy="t",
        )  # fmt: skip
        self._intents[orderid] = (f"i-{orderid}", ticket)
        event = IntentPlanned(
            at=self.instant(at_s), intent=f"i-{orderid}", leg="", key=key,
            purpose=Purpose.ENTRY if action is SELL else _purpose(trigger),
            ticket=ticket, baseline=(), fingerprint=0, reason="",
        )  # fmt: skip
        self.write(event)
        if sent:
            self.send(orderid, at_s)

    def send(self, orderid: str, at_s: float) -> None:
        """Journal that a placement is handed over."""
        self.write(WriteSent(at=self.instant(at_s), intent=f"i-{orderid}", op="place"))

    def move(self, orderid: str, at_s: float, state: OrderState, *, known: str = "") -> None:
        """Journal what evidence made of an order; `known` is the broker's id that came with it."""
        event = StateChanged(
            at=self.instant(at_s), intent=f"i-{orderid}", state=state, pending=Pending.NONE,
            orderid=known, reason="",
        )  # fmt: skip
        self.write(event)

    def book(self, orderid: str, at_s: float, filled: int) -> None:
        """Journal that so many units of an order were seen filled."""
        event = FillsSeen(
            at=self.instant(at_s), intent=f"i-{orderid}", filled=Units(filled), value=0
        )
        self.write(event)

    def phase(self, at_s: float, phase: Phase, leg: str = "") -> None:
        """Journal how a leg is handled from now on."""
        self.write(ExitPhase(at=self.instant(at_s), leg=leg, phase=phase, reason=""))

    def reply(self, orderid: str, at_s: float, outcome: Outcome) -> None:
        """Journal how a placement was answered."""
        event = WriteReplied(
            at=self.instant(at_s), intent=f"i-{orderid}", op="place", outcome=outcome,
            status=0, orderid="", mode="", code="", text="",
        )  # fmt: skip
        self.write(event)

    def modify(
        self, orderid: str, at_s: float, *, units: int, price: int, trigger: int = 0,
        planned: bool = True,
    ) -> None:  # fmt: skip
        intent, ticket = self._intents[orderid]
        new = msgspec.structs.replace(
            ticket, quantity=Units(units), price=Paise(price), trigger=Paise(trigger)
        )
        if planned:
            self.write(ModifyPlanned(at=self.instant(at_s), intent=intent, ticket=new, reason=""))
        status = Status.TRIGGER_PENDING if trigger else Status.OPEN
        self.state(orderid, at_s, status, None, units=units, price=price, trigger=trigger)

    def cancel(self, orderid: str, at_s: float, *, units: int, planned: bool = True) -> None:
        if planned:
            event = CancelPlanned(
                at=self.instant(at_s), intent=self._intents[orderid][0], reason=""
            )
            self.write(event)
        self.state(orderid, at_s, Status.CANCELLED, Change.CANCELLED, units=units)

    def trigger(self, orderid: str, at_s: float, *, units: int, price: int, trigger: int) -> None:
        self.state(
            orderid, at_s, Status.OPEN, Change.TRIGGERED,
            units=units, price=price, trigger=trigger,
        )  # fmt: skip

    def state(
        self, orderid: str, at_s: float, status: Status, change: Change | None, *, units: int,
        price: int = 0, trigger: int = 0,
    ) -> None:  # fmt: skip
        self.add(
            at_s,
            State(
                orderid=orderid, status=status, change=change, quantity=Units(units),
                price=Paise(price), trigger=Paise(trigger), triggered=change is Change.TRIGGERED,
                modifies=0, reserve=0, reason="", origin=Origin.AGENT,
            ),
        )  # fmt: skip

    def trade(
        self, orderid: str, action: Action, units: int, at_s: float, *, price: int = 15_000,
        origin: Origin = Origin.AGENT, symbol: Symbol = CALL, product: str = "MIS",
    ) -> None:  # fmt: skip
        self.add(
            at_s,
            Traded(
                tradeid=str(len(self.truth.rows)), orderid=orderid, symbol=symbol, exchange=NFO,
                product=product, action=action, quantity=Units(units), price=Paise(price),
                origin=origin, charges=10, blocked=0,
            ),
        )  # fmt: skip

    def arrive(self, at_s: float, route: str = "placeorder") -> None:
        self.add(at_s, Arrived(route=route, digest="", peer="", answer="passed"))

    def short(self, units: int = 650, at_s: float = 0) -> None:
        """An entry, filled at once."""
        self.order("entry", SELL, units, at_s)
        self.trade("entry", SELL, units, at_s)

    def stop(self, orderid: str, units: int, at_s: float) -> None:
        """A protective stop that rests."""
        self.order(orderid, BUY, units, at_s, price=16_500 + len(self.truth.rows), trigger=16_000)

    def cover(self, orderid: str, units: int, at_s: float) -> None:
        """A covering order, filled at once."""
        self.order(orderid, BUY, units, at_s, price=15_500 + len(self.truth.rows))
        self.trade(orderid, BUY, units, at_s, price=14_000)

    def prove_flat(self, at_s: float) -> None:
        self.write(ProvedFlat(at=self.instant(at_s), first="a", second="b"))

    def add(self, at_s: float, payload: Payload) -> None:
        self.truth.add(self.instant(at_s), payload)

    def write(self, event: Written) -> None:
        """Append an event as the journal's reader hands it over."""
        self.journal.append(
            {
                "seq": len(self.journal) + 1, "at": event.at, "day": "2026-11-19",
                "boot_id": "boot-1", "kind": type(event).__name__, "intent_id": None,
                "orderid": None, "body": msgspec.to_builtins(event),
            }
        )  # fmt: skip

    def judge(self, **terms: Any) -> Report:
        return judge(self.truth.rows, self.journal, Terms(**terms))

    def broken(self, **terms: Any) -> list[str]:
        """The rules broken, without what was seen."""
        return [text[:2] for text in self.judge(**terms).invariants_broken]

    @staticmethod
    def instant(at_s: float) -> Micros:
        return Micros(START + seconds(at_s))

    @staticmethod
    def line(
        orderid: str, action: Action, units: int, at_s: float, *, price: int = 15_000,
        trigger: int = 0, origin: Origin = Origin.AGENT, symbol: Symbol = CALL,
    ) -> OrderLine:  # fmt: skip
        return OrderLine(
            orderid=orderid, symbol=symbol, exchange=NFO, action=action, quantity=Units(units),
            price=Paise(price), trigger=Paise(trigger),
            kind=PriceKind.SL if trigger else PriceKind.LIMIT, product="MIS", strategy="t",
            origin=origin, status=Status.TRIGGER_PENDING if trigger else Status.OPEN,
            placed_at=Day.instant(at_s),
        )  # fmt: skip
