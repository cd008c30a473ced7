"""OrderActor: the only writer to the broker.

Hears:  Begin, PreflightDone, PlanDay, JoinContracts, StrategyReady, StrategyLost, ActorLost,
        FeedTrusted, ClockJumped, LeaseSeen, PlaceEntry, CancelEntry, RaiseStop, MoveStop,
        TriggerMet, ExitPosition, FlattenAll, BrokerReplied, OrderPushed, QuotesRead, MarginSeen,
        BooksJudged, BooksFailed, FactsWanted, Park, PullLever, Pulse
Tells:  watchdog, strategy, feed, monitor <- OrderChanged, PositionChanged, RecoveryDone;
        strategy, monitor <- ModeEntered, EntryRefused; monitor <- StandingChanged;
        reconcile <- Attention; alerts <- Paged; main <- LeverPulled, Ended
Owns:   the order journal and the desk (domain.desk): order machines, legs, latches, the risk gate
Dies:   and the process with it (exit 70); recovery from the journal and the books is its restart
"""

import logging
from collections.abc import Callable
from typing import assert_never

from actors.base import Actor
from actors.bulletin import AUDIENCE, Bulletin
from actors.checkups import Checkups
from actors.commands import entry
from actors.post_office import Post
from actors.scribe import Scribe, report
from broker.port import Broker
from domain import clock
from domain import events as ev
from domain.asking import Asking
from domain.cadence import login_pace
from domain.calls import Outcome, Quotes, ReadQuotes, ReadReply, Write, WriteReply
from domain.desk import Desk
from domain.desk_params import DeskParams
from domain.ledger import Ledger
from domain.levers import Lever
from domain.params import BrokerParams, JournalParams
from domain.reconcile import Verdict
from domain.session import DayPlan
from domain.strategy import Mode
from domain.units import Micros, seconds
from journal.opening import Opened
from messages.control import Begin, ClockJumped, Ended, LeaseSeen, Park, Pulse, RecoveryDone
from messages.orders import (
    ActorLost,
    Attention,
    BooksFailed,
    BooksJudged,
    BrokerReplied,
    CancelEntry,
    ExitPosition,
    FactsWanted,
    FeedTrusted,
    FlattenAll,
    JoinContracts,
    LeverPulled,
    MarginSeen,
    MoveStop,
    OrderPushed,
    PlaceEntry,
    PlanDay,
    PreflightDone,
    PullLever,
    QuotesRead,
    RaiseStop,
    StrategyLost,
    StrategyReady,
    TriggerMet,
)

log = logging.getLogger(__name__)

Command = PlaceEntry | CancelEntry | RaiseStop | MoveStop | ExitPosition | FlattenAll | Park
Price = QuotesRead | MarginSeen
Answer = BrokerReplied | OrderPushed | Price | BooksJudged | BooksFailed | PreflightDone
Said = StrategyReady | StrategyLost | ActorLost | FeedTrusted | TriggerMet | ClockJumped | LeaseSeen
Word = Begin | PlanDay | JoinContracts | Said | FactsWanted | PullLever | Pulse
Heard = Command | Answer | Word

PARKED = 0
DAY_DONE = 10
BAD_CONFIG = 78
QUOTES_APART = seconds(1)
QUOTES_WITHIN = seconds(10)
"""A leg that is left needs prices: whose answer takes longer is asked again beside it."""


class OrderActor(Actor):
    """Carry out what the desk decides: commit first, then send, then tell."""

    def __init__(  # noqa: PLR0913 - the desk's ports, all of them
        self,
        address: str,
        post: Post,
        *,
        broker: Broker,
        journal: Callable[[], Opened],
        disk: JournalParams,
        plan: DayPlan,
        params: DeskParams,
        link: BrokerParams,
        server_mode: str,
        is_paper_exchange: bool,
    ) -> None:
        super().__init__(address, post)
        self._broker = broker
        self._open_journal = journal
        self._disk = disk
        self._plan = plan
        self._params = params
        self._link = link
        self._server_mode = server_mode
        self._scribe: Scribe | None = None
        self._desk = Desk(Ledger(), plan, plan.day, params)
        self._bulletin = Bulletin(post)
        self._checkups = Checkups(
            post, broker, link, server_mode, is_paper_exchange=is_paper_exchange
        )
        self._quotes = Asking(QUOTES_WITHIN)
        self._quotes_at = Micros(0)
        self._read_now = False
        self._pace: tuple[Micros, str, bool] | None = None
        self._announced = False
        self._ended = False
        self._pulled: list[tuple[str, str]] = []

    def on_receive(self, message: Heard) -> None:
        """Hear one message, decide, commit, send, tell. In the actor's thread.

        Nothing is heard before `Begin`: without the journal there is no past and no right to act.
        """
        at = clock.now()
        if self._scribe is None and not isinstance(message, Begin):
            return
        match message:
            case (
                PlaceEntry()
                | CancelEntry()
                | RaiseStop()
                | MoveStop()
                | ExitPosition()
                | FlattenAll()
                | Park()
            ):
                self._command(message, at)
            case (
                BrokerReplied()
                | OrderPushed()
                | QuotesRead()
                | MarginSeen()
                | BooksJudged()
                | BooksFailed()
                | PreflightDone()
            ):
                self._answer(message, at)
            case _:
                self._word(message, at)
        self._carry_out(at)

    def _command(self, message: Command, at: Micros) -> None:
        desk = self._desk
        match message:
            case PlaceEntry():
                desk.wish(entry(message), at, self._send_before())
            case CancelEntry(strategy=strategy, slot=slot, reason=reason):
                desk.cancel(strategy, slot, reason)
            case RaiseStop(key=key, stop=stop):
                desk.raise_stop(key, stop, at)
            case MoveStop(strategy=strategy, symbol=symbol, stop=stop):
                desk.move_stop(strategy, symbol, stop, at)
            case ExitPosition(strategy=strategy, symbol=symbol, reason=reason):
                desk.leave(strategy, symbol, reason, at)
            case FlattenAll(reason=reason):
                desk.flatten(reason, at)
            case Park():
                desk.park(at)
                self._read_now = True
            case _:
                assert_never(message)

    def _answer(self, message: Answer, at: Micros) -> None:  # noqa: C901 - one case per message
        desk = self._desk
        match message:
            case BrokerReplied(intent=intent, op=op, reply=reply):
                desk.replied(intent, op, reply, at)
                self._read_now = self._read_now or reply.outcome is not Outcome.DONE
            case OrderPushed(push=push):
                self._read_now = desk.pushed(push) or self._read_now
            case MarginSeen(question=question, reply=reply):
                self._checkups.margin(desk, question, reply, at)
            case QuotesRead(question=question, reply=reply):
                if self._quotes.is_answer(question) and isinstance(reply, Quotes):
                    desk.quoted(reply)
            case BooksJudged():
                self._judged(message, at)
            case BooksFailed(status=status, text=text):
                desk.doubted()
                self._checkups.refused(desk, status, text)
            case PreflightDone(reply=reply):
                is_new, wrong = self._checkups.take(desk, reply, at)
                self._read_now = self._read_now or is_new
                if wrong:
                    self._end(at, BAD_CONFIG, wrong)
            case _:
                assert_never(message)

    def _word(self, message: Word, at: Micros) -> None:
        desk = self._desk
        match message:
            case Begin():
                self._begin(at)
            case PlanDay(plan=plan, chain=chain):
                desk.planned(ev.DayPlanned(at=at, plan=plan, chain=chain))
            case JoinContracts(contracts=contracts):
                desk.joined(ev.ContractsJoined(at=at, contracts=contracts))
            case FactsWanted(who=who):
                self._tell_everything(who, at)
            case PullLever():
                self._pull(message, at)
            case Pulse():
                self._checkups.inquire(desk, self._plan.day, at)
            case _:
                self._hear(message, at)

    def _hear(self, said: Said, at: Micros) -> None:
        desk = self._desk
        match said:
            case StrategyReady():
                desk.strategy_ready()
            case StrategyLost(too_often=too_often):
                desk.strategy_lost(too_often=too_often)
            case ActorLost(address=address, poison=poison):
                desk.lost(address, poison, at)
            case FeedTrusted(entries=entries, reason=reason, is_blind=is_blind):
                desk.trusted(entries=entries, reason=reason, is_blind=is_blind)
            case TriggerMet():
                self._read_now = True
            case ClockJumped(reason=reason):
                desk.jumped(reason, at)
            case LeaseSeen(doubt=doubt):
                desk.standing.leased(doubt)
            case _:
                assert_never(said)

    def on_stop(self) -> None:
        """Let go of the journals. In the actor's thread."""
        if self._scribe is not None:
            self._scribe.close()

    def _pull(self, message: PullLever, at: Micros) -> None:
        """Do what a human asks; the answer waits until it is on disk."""
        refusal = self._desk.pull(message.lever, message.name, message.reason, at)
        self._read_now = self._read_now or message.lever is Lever.RECONCILE
        if message.request:
            self._pulled.append((message.request, refusal))

    def _begin(self, at: Micros) -> None:
        """Open the journals, fold the day, take over what a former process left, ask the server."""
        opened = self._open_journal()
        ledger = Ledger().fold(opened.events)
        self._scribe = Scribe(opened, ledger, self._disk)
        prefix = f"{self._plan.day}-{opened.journal.boot_seq}"
        self._desk = Desk(ledger, self._plan, prefix, self._params)
        report(opened, self._desk.blotter, self._desk.standing, at)
        self._desk.begin(at)
        self._checkups.inquire(self._desk, self._plan.day, at)

    def _judged(self, message: BooksJudged, at: Micros) -> None:
        desk = self._desk
        if message.books.mode not in {"", self._server_mode}:
            desk.flipped(f"the books are of {message.books.mode} mode", at)
        if message.faults:
            verdict = Verdict(faults=message.faults, lags=message.lags, gone=message.gone)
            desk.disbelieved(verdict, at, message.books)
        else:
            desk.judged(message.books, message.digest, at, self._send_before())

    def _carry_out(self, at: Micros) -> None:
        """Write down, send, tell, in this order."""
        assert self._scribe is not None
        self._desk.settle(at, self._send_before())
        events = self._write_down(self._scribe, at)
        if self._scribe.hold(self._desk.standing, at):
            self._desk.settle(at, self._send_before())
            events += self._write_down(self._scribe, at)
        self._bulletin.tell(events, self._desk.ledger, at)
        self._bulletin.refuse(self._desk.entries.refused, at)
        self._desk.entries.refused.clear()
        self._bulletin.stand(self._desk.standing, self._desk.ledger, at)
        self._answer_levers(at)
        self._announce(at)
        self._ask_quotes(at)
        self._direct_reading(at)
        self._bulletin.page(self._desk.pages(at), at)
        self._end_if_over(at)

    def _write_down(self, scribe: Scribe, at: Micros) -> tuple[ev.Event, ...]:
        """Make durable what was decided and send what may leave; return what was recorded.

        What may not leave is answered at once: it never did.
        """
        recorded: tuple[ev.Event, ...] = ()
        while self._desk.blotter.events or scribe.is_behind:
            events, writes = self._desk.blotter.drain()
            dispatch = scribe.commit(events, writes, at)
            recorded += events
            for write in dispatch.send:
                self._send(write)
            for write in dispatch.held:
                self._desk.replied(write.ref, _op(write), scribe.unsent(write, at), at)
            if not dispatch.held:
                break
        return recorded

    def _answer_levers(self, at: Micros) -> None:
        """Say what came of the levers that were pulled, now that it is on disk."""
        for request, refusal in self._pulled:
            said = LeverPulled(
                at=at,
                request=request,
                refusal=refusal,
                mode=self._desk.mode(at),
                latches=tuple(self._desk.ledger.latches),
            )
            self.post.tell("main", said)
        self._pulled.clear()

    def _send(self, write: Write) -> None:
        def done(reply: WriteReply) -> None:
            self.post.tell("order", BrokerReplied(intent=write.ref, op=_op(write), reply=reply))

        self._broker.write(write, done)

    def _send_before(self) -> Micros:
        """Return the machine time after which an entry is too old to be sent."""
        return Micros(clock.machine() + seconds(self._link.entry_ttl_s))

    def _tell_everything(self, who: str, at: Micros) -> None:
        """Give a restarted actor the whole picture; the reader its pace."""
        self._pace = None
        if who == "reconcile":
            self._read_now = True
        else:
            self._bulletin.everything(who, self._desk.ledger, at)

    def _announce(self, at: Micros) -> None:
        """Let the feed start, once every short was met and protected."""
        if self._announced or not self._desk.is_recovered:
            return
        self._announced = True
        done = RecoveryDone(at=at, plan=self._desk.plan, chain=self._desk.ledger.chain)
        for address in AUDIENCE:
            self.post.tell(address, done)
            self._tell_everything(address, at)

    def _ask_quotes(self, at: Micros) -> None:
        wanted = self._desk.wanted_quotes(at)
        if wanted and not self._quotes.is_out(at) and not 0 <= at - self._quotes_at < QUOTES_APART:
            self._quotes_at, number = at, self._quotes.begin(at)
            call = ReadQuotes(symbols=wanted, urgent=True)
            self._broker.read(call, lambda reply: self._hear_quotes(number, reply))

    def _hear_quotes(self, number: int, reply: ReadReply) -> None:
        """Pass prices on to ourselves. In the read lane's thread."""
        self.post.tell("order", QuotesRead(question=number, reply=reply))

    def _direct_reading(self, at: Micros) -> None:
        """Tell ReconcileActor how often to read, when that changed or something is to be seen."""
        pace = self._desk.attention(at)
        if self._desk.mode(at) is Mode.WAIT_LOGIN and not self._desk.doubts.is_answered:
            pace = login_pace(self._desk.ledger, self._link.session_retry_s), "no broker session"
        self._read_now = self._desk.doubts.take_read() or self._read_now
        unwritten = self._scribe is not None and self._scribe.has_unwritten
        if self._read_now or (*pace, unwritten) != self._pace:
            every, reason, _ = self._pace = *pace, unwritten
            attention = Attention(
                at=at, every=every, now=self._read_now, reason=reason, is_unwritten=unwritten
            )
            self.post.tell("reconcile", attention)
        self._read_now = False

    def _end_if_over(self, at: Micros) -> None:
        if self._desk.mode(at) is Mode.CLOSED:
            self._end(at, DAY_DONE, "day done, proved flat")
        elif self._desk.is_parked():
            verified, shorts = self._desk.covered()
            self._end(at, PARKED, f"PARKED: stops verified {verified}/{shorts}")

    def _end(self, at: Micros, code: int, reason: str) -> None:
        if not self._ended:
            self._ended = True
            self.post.tell("main", Ended(at=at, code=code, reason=reason))


def _op(write: Write) -> str:
    return type(write).__name__.removesuffix("Order").lower()
