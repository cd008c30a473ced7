"""StrategyActor with the post and the broker it is handed, and a clock moved by hand."""

from dataclasses import dataclass, field
from typing import Any

from actors.strategy import StrategyActor
from config.pack import load
from domain.calls import ChainRead, Quotes
from domain.contracts import Chain, Contract, Side
from domain.market import Quote
from domain.params import UniverseParams
from domain.role import Role
from domain.units import MINUTE, Day, Micros, Paise, Symbol, Units
from messages.control import (
    Begin,
    ChainFound,
    ModeEntered,
    Pulse,
    RecoveryDone,
)
from messages.market import (
    BarClosed,
    BarUpdated,
)
from messages.orders import (
    FeedTrusted,
)
from strategies.swing_break import SwingBreak
from tests.actors.fakes import FakeBroker, RecordingPost, To
from tests.strategies.player import a_low
from tests.trading import (
    PLAN,
    TAG,
    a_chain,
    a_contract,
    a_forming,
    at,
    minute,
)

CE = a_contract()
PE = a_contract(side=Side.PE)
CHAIN = a_chain(CE, PE)
INDEX = Symbol("NIFTY")
PACK = load()


class Hands:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.at = Micros(0)

    def now(self) -> Micros:
        return self.at

    def machine(self) -> Micros:
        return self.at


@dataclass
class Stand:
    """The actor with the post and the broker it was handed."""

    hands: Hands
    post: RecordingPost = field(default_factory=RecordingPost)
    broker: FakeBroker = field(default_factory=FakeBroker)
    role: Role = field(default_factory=lambda: Role(strategy=SwingBreak(), tag=TAG))
    min_symbols: int = 2
    chain: Chain = CHAIN
    question: int = 0

    def __post_init__(self) -> None:
        self.actor = StrategyActor(
            "strategy",
            self.post,
            broker=self.broker,
            role=self.role,
            universe=UniverseParams(min_symbols=self.min_symbols),
            pack=PACK,
        )

    def hear(self, message: Any, when: Micros | None = None) -> list[To]:
        """Hand a message over at an instant and return what was sent because of it."""
        self.hands.at = when or self.hands.at
        self.actor.on_receive(message)
        return self.post.take()

    def pulse(self, when: Micros) -> list[To]:
        return self.hear(Pulse(at=when), when)

    def answer(self, reply: Any) -> list[To]:
        """Answer the oldest read and let the actor hear it."""
        self.broker.answer(reply)
        (told,) = self.post.take()
        self.question += 1
        assert told == To("strategy", ChainFound(question=self.question, reply=reply))
        return self.hear(told.message)

    def begin(self, *, restarted: bool = False, chain: bool = False) -> list[To]:
        self.hear(Begin(at=minute(0), restarted=restarted), minute(0))
        return self.hear(RecoveryDone(at=minute(0), plan=PLAN, chain=self.chain if chain else None))

    def go(self) -> "Stand":
        """Begin with the chain of this morning, verified, active and trusted."""
        self.begin(chain=True)
        self.answer(a_read())
        self.hear(ModeEntered(at=minute(0), mode="ACTIVE", reason=""))
        self.hear(FeedTrusted(at=minute(0), entries=True, reason=""))
        return self

    def low(self, contract: Contract = CE) -> list[To]:
        """Let a low of 127.00 be confirmed at 09:19, with a price of 130.00."""
        sent = []
        for bar in a_low(contract):
            over = Micros(bar.minute + MINUTE)
            sent += self.hear(BarClosed(bar=bar, settled=over), over)
        now = a_forming(4, 13_000, symbol=contract.symbol, second=1)
        return sent + self.hear(BarUpdated(now=now), now.at)


def a_quote(ltp: int = 2_600_500, *, got_at: Micros | None = None) -> Quotes:
    zero = Paise(0)
    quote = Quote(
        symbol=INDEX,
        exchange="NSE_INDEX",
        ltp=Paise(ltp),
        bid=zero,
        ask=zero,
        open=zero,
        high=zero,
        low=zero,
        prev_close=Paise(2_590_000),
        volume=Units(0),
        oi=Units(0),
        asked_at=at("09:16"),
        got_at=got_at or at("09:16"),
    )
    return Quotes(quotes=(quote,), missing=())


def a_read(*contracts: Contract) -> ChainRead:
    return ChainRead(expiry=Day("2026-11-23"), contracts=contracts or (CE, PE), missing=())


def to(sent: list[To], address: str) -> list[Any]:
    return [message for told, message in sent if told == address]


def of(sent: list[To], kind: type) -> list[Any]:
    return [message for _, message in sent if isinstance(message, kind)]
