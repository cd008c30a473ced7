"""StrategyActor: plays the strategy, and tells OrderActor what it wants.

Hears:  Begin, RecoveryDone, ChainFound, StrikesFound, BarUpdated, BarClosed, BarsBackfilled,
        OrderChanged, PositionChanged, EntryRefused, ModeEntered, FeedTrusted, FeedLost,
        FeedRestored, Pulse
Tells:  order <- PlanDay, JoinContracts, StrategyReady, FactsWanted, PlaceEntry, CancelEntry,
        RaiseStop, MoveStop, ExitPosition, FlattenAll; feed, watchdog, monitor <- ChainChosen;
        bar:* <- WatchPrice, BarsWanted; journal <- DecisionMade
Owns:   the strategy's pure state (domain.trader.Trader), the choice of the day's contracts
        (domain.universe.Chooser) and of those that join them (domain.edge.Edge)
Dies:   rebuilt from today's bars and OrderActor's facts; until they came it wishes nothing
"""

import logging
from typing import assert_never

from actors.base import Actor
from actors.commands import command
from actors.contracts import Contracts
from actors.post_office import Post
from broker.port import Broker
from domain import clock
from domain.conditions import Conditions
from domain.contracts import Chain, Contract
from domain.market import Source
from domain.params import UniverseParams
from domain.progress import Load, Progress
from domain.role import Role, Stage, Start
from domain.rules import RulePack
from domain.session import DayPlan
from domain.strategy import Mode, Note
from domain.trader import Backfill, Told, Trader
from domain.units import Micros, Symbol
from domain.universe import Choice
from messages.control import (
    Begin,
    ChainChosen,
    ChainFound,
    DecisionMade,
    ModeEntered,
    Pulse,
    RecoveryDone,
    StrikesFound,
)
from messages.market import (
    BarClosed,
    BarsBackfilled,
    BarsWanted,
    BarUpdated,
    FeedLost,
    FeedRestored,
    WatchPrice,
)
from messages.orders import (
    EntryRefused,
    FactsWanted,
    FeedTrusted,
    JoinContracts,
    OrderChanged,
    PlanDay,
    PositionChanged,
    StrategyReady,
)

log = logging.getLogger(__name__)

Market = BarUpdated | BarClosed | BarsBackfilled
Fact = OrderChanged | PositionChanged | EntryRefused
Condition = ModeEntered | FeedTrusted | FeedLost | FeedRestored
Answer = ChainFound | StrikesFound
Word = Begin | RecoveryDone | Pulse
Heard = Market | Fact | Condition | Answer | Word

STORY = frozenset({"armed", "spent", "best", "wish", "unwish", "rebuilt"})
"""What a trader wants to read in the day's log; the decision log has the rest."""

ALARMS = frozenset({"blocked", "silent"})
"""What the agent coped with, and a trader should know."""


class StrategyActor(Actor):
    """Choose the day's contracts, feed the trader, carry out what it decides."""

    def __init__(
        self,
        address: str,
        post: Post,
        *,
        broker: Broker,
        role: Role,
        universe: UniverseParams,
        pack: RulePack,
    ) -> None:
        super().__init__(address, post)
        self._contracts = Contracts(address, self.post, broker)
        self._role = role
        self._universe = universe
        self._pack = pack
        self._is_restart = False
        self._plan: DayPlan | None = None
        self._trader: Trader | None = None
        self._conditions = Conditions()
        self._is_ready = False
        self._progress = Progress(role.history)

    def on_receive(self, message: Heard) -> None:
        """Hear one message. In the actor's thread."""
        at = clock.now()
        match message:
            case BarUpdated() | BarClosed() | BarsBackfilled():
                told = self._market(message, at)
            case OrderChanged() | PositionChanged() | EntryRefused():
                told = self._fact(message, at)
            case ModeEntered() | FeedTrusted() | FeedLost() | FeedRestored():
                told = self._condition(message, at)
            case ChainFound() | StrikesFound():
                told = self._answer(message, at)
            case Begin() | RecoveryDone() | Pulse():
                told = self._word(message, at)
            case _:
                assert_never(message)
        self._carry_out(told, at)

    def _market(self, message: Market, at: Micros) -> Told:
        if isinstance(message, BarUpdated):
            self._contracts.price(message.now)
        trader = self._trader
        if trader is None:
            return Told()
        match message:
            case BarUpdated(now=now):
                return trader.price(now, at)
            case BarClosed(bar=bar, settled=settled):
                return trader.bar_closed(bar, settled, at)
            case BarsBackfilled(symbol=symbol, since=since, bars=bars, settled=settled):
                return trader.backfilled(symbol, since, Backfill(bars, settled), at)
            case _:
                assert_never(message)

    def _fact(self, message: Fact, at: Micros) -> Told:
        trader = self._trader
        if trader is None:
            return Told()
        match message:
            case OrderChanged(order=order):
                return trader.order(order, at)
            case PositionChanged(leg=leg):
                return trader.leg(leg, at)
            case EntryRefused(key=key, code=code):
                return trader.refused(key, code, at)
            case _:
                assert_never(message)

    def _condition(self, message: Condition, at: Micros) -> Told:
        match message:
            case ModeEntered(mode=mode):
                self._conditions.mode = Mode(mode)
            case FeedTrusted(entries=entries, is_blind=is_blind):
                self._conditions.trusted(entries=entries, is_blind=is_blind)
            case FeedLost():
                self._conditions.feed_lost()
            case FeedRestored(until=until, source=source):
                self._conditions.feed_restored(until, is_polled=source is Source.REST)
            case _:
                assert_never(message)
        return self._trader.pulse(at) if self._trader is not None else Told()

    def _word(self, message: Word, at: Micros) -> Told:
        match message:
            case Begin(restarted=restarted):
                self._is_restart = restarted
            case RecoveryDone(plan=plan, chain=chain):
                self._recovered(plan, chain, at)
            case Pulse():
                self._contracts.inquire(at)
                self._tell_progress(at)
            case _:
                assert_never(message)
        return self._trader.pulse(at) if self._trader is not None else Told()

    def _recovered(self, plan: DayPlan, chain: Chain | None, at: Micros) -> None:
        """Take the day: with a chain play at once and verify it, without one choose it."""
        self._plan = plan
        rule = self._role.strategy.universe(plan)
        self._contracts.begin(rule, self._universe, self._pack, plan, chain)
        if chain is not None:
            self._play(chain, Start.RESTARTED if self._is_restart else Start.RESUMED, at)
        self._contracts.inquire(at)

    def _answer(self, message: Answer, at: Micros) -> Told:
        told = Told()
        match message:
            case ChainFound():
                choice = self._contracts.chosen(message, at)
                if choice is not None:
                    self._chosen(choice, at)
                if self._trader is not None:
                    told = self._trader.pulse(at)
            case StrikesFound():
                found = self._contracts.found(message, at)
                if found is not None and found.contracts:
                    told = self._joined(found.contracts, at)
            case _:
                assert_never(message)
        self._contracts.inquire(at)
        return told

    def _joined(self, contracts: tuple[Contract, ...], at: Micros) -> Told:
        assert self._trader is not None
        self.post.tell("order", JoinContracts(at=at, contracts=contracts))
        told = self._trader.join(contracts, at)
        self._announce(self._trader.chain, at)
        return told

    def _announce(self, chain: Chain, at: Micros) -> None:
        assert self._plan is not None
        chosen = ChainChosen(at=at, plan=self._plan, chain=chain)
        for address in ("feed", "watchdog", "monitor"):
            self.post.tell(address, chosen)

    def _chosen(self, choice: Choice, at: Micros) -> None:
        index = self._contracts.index
        if self._trader is None and self._plan is not None and index is not None:
            self._watch(index, on=False)
            self.post.tell("order", PlanDay(at=at, plan=self._plan, chain=choice.chain))
            self._play(choice.chain, Start.FRESH, at)
        if self._trader is None:
            return
        self._trader.is_verified = True
        if choice.against:
            log.error("no entries today: %s", "; ".join(choice.against))
            self._trader.against = "; ".join(choice.against)

    def _play(self, chain: Chain, start: Start, at: Micros) -> None:
        """Begin to trade a chain; who comes back asks for bars and facts again."""
        assert self._plan is not None
        rates = self._pack.charges(self._plan.day, chain.contracts[0].exchange)
        stage = Stage(plan=self._plan, chain=chain, rates=rates)
        self._trader = Trader(self._role, stage, self._conditions, at, start)
        if start is Start.RESTARTED:
            for contract in chain.contracts:
                self.post.tell(f"bar:{contract.symbol}", BarsWanted(symbol=contract.symbol))
        else:
            self._announce(chain, at)
        if start is not Start.FRESH:
            self.post.tell("order", FactsWanted(who=self.address))

    def _carry_out(self, told: Told, at: Micros) -> None:
        for note in told.notes:
            self._note(note, at)
        for symbol, on in told.watch:
            self._watch(symbol, on=on)
        trader = self._trader
        if trader is None:
            return
        for decision in told.decisions:
            self.post.tell("order", command(decision, self._role.tag, trader.last, at))
        if trader.is_caught_up and not self._is_ready:
            self._is_ready = True
            self.post.tell("order", StrategyReady(at=at))

    def _tell_progress(self, at: Micros) -> None:
        """Let people see the history arrive, and which of it does not."""
        if self._trader is None or not self._progress.is_due(at):
            return
        said = self._progress.line(Load(*self._trader.progress, self._trader.settled), at)
        if said is not None:
            level = logging.WARNING if said.is_warming else logging.INFO
            log.log(level, "%s", said.text, extra={"tag": "HISTORY"})

    def _note(self, note: Note, at: Micros) -> None:
        level = logging.INFO if note.kind in STORY else logging.DEBUG
        level = logging.WARNING if note.kind in ALARMS else level
        log.log(level, "%s %s %s", note.kind, note.symbol, note.detail, extra={"tag": "SWING"})
        made = DecisionMade(
            at=at,
            strategy=self._role.tag,
            symbol=note.symbol,
            kind=note.kind,
            detail=note.detail,
        )
        self.post.tell("journal", made)

    def _watch(self, symbol: Symbol, *, on: bool) -> None:
        self.post.tell(f"bar:{symbol}", WatchPrice(symbol=symbol, on=on))
