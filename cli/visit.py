"""What `run.py doctor` knows so far: each check leaves what later ones go by."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cli.attach import FollowedClock, discover
from cli.inquiry import Asker, access_of
from config.log import Redactor
from config.settings import Settings
from domain import clock
from domain.calls import PAPER_EXCHANGE, Failed, Read, ReadReply, ReadServer, ServerRead
from domain.contracts import Contract
from domain.market import Pair, Quote
from domain.session import Closed, DayPlan, plan, trading_day
from domain.units import Day, Symbol


@dataclass
class Visit:
    """One visit of the doctor. What is read is set by the check that reads it.

    `follow` keeps step with a paper exchange's clock. `sends_test`: people get a message.
    """

    folder: Path
    load: Callable[[], Settings]
    redactor: Redactor
    found: Settings | None = None
    asker: Asker | None = None
    server: ServerRead | Failed | None = None
    quote: Quote | None = None
    contracts: tuple[Contract, ...] = ()
    follow: Callable[[], None] = lambda: None
    sends_test: bool = False

    @property
    def settings(self) -> Settings:
        """The settings, once they were read."""
        assert self.found is not None
        return self.found

    @property
    def day(self) -> Day:
        """The trading day by the market's clock."""
        return trading_day(clock.now())

    @property
    def plan(self) -> DayPlan | Closed:
        """The day as the dated rules have it. Raises ConfigError."""
        settings = self.settings
        return plan(self.day, settings.rules, settings.session, settings.broker.name)

    @property
    def is_open(self) -> bool:
        """Whether options trade now."""
        planned = self.plan
        return isinstance(planned, DayPlan) and planned.open <= clock.now() < planned.close

    @property
    def index(self) -> Pair:
        """The underlying and the exchange that quotes it. Raises ConfigError."""
        name = self.settings.universe.underlying
        return Symbol(name), self.settings.rules.index_exchange(name, self.day)

    @property
    def is_paper_exchange(self) -> bool:
        """Whether the server is our own."""
        return isinstance(self.server, ServerRead) and self.server.broker == PAPER_EXCHANGE

    def meet(self) -> ServerRead | Failed:
        """Ask the server what it is, on a paper exchange by its own clock. Raises ConfigError."""
        self.server = self._who()
        if self.is_paper_exchange:
            url = self.settings.openalgo.rest_url
            access = access_of(self.settings.openalgo)
            self.follow = FollowedClock(url, discover(url, access), access).follow
            self.server = self._who()
        return self.server

    def ask(self, call: Read) -> ReadReply:
        """Ask the server, once the settings were read."""
        assert self.asker is not None
        return self.asker.ask(call)

    def _who(self) -> ServerRead | Failed:
        reply = self.ask(ReadServer())
        assert isinstance(reply, ServerRead | Failed)
        return reply
