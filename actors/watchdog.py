"""WatchdogActor: judges the feed, rebuilds the dead, speaks once a minute.

Hears:  Begin, RecoveryDone, ChainChosen, FeedHealth, FeedLost, FeedRestored, ClockJumped,
        OrderChanged, PositionChanged, CoverageMeasured, ActorDied, WorkerDied, Alive, Pulse
Tells:  everybody <- SayAlive; feed <- SelectSource, Reconnect; order, strategy <- FeedTrusted;
        order <- StrategyLost, ActorLost, FlattenAll; bar:* <- BeginBars, WatchPrice;
        monitor <- Heartbeat; alerts <- Paged; main <- Ended; to those it rebuilt what they
        must know
Owns:   the feed's judgement (actors.judge, domain.feed_health), who is down
        (domain.supervision), who answers (domain.liveness), the deadline of an uncovered short
        (domain.coverage)
Dies:   and the process with it (exit 70)
"""

import logging
import random
from collections.abc import Iterable
from typing import assert_never

from msgspec.structs import replace

from actors import stacks
from actors.base import Actor
from actors.judge import Judge
from actors.post_office import Post
from actors.rollcall import RollCall
from actors.spawner import Spawner
from domain import clock
from domain.coverage import Deadline
from domain.exposure import Exposure
from domain.feed_watch import Policy
from domain.lineup import Group, index_group, option_groups
from domain.market import Pair
from domain.pages import Page, PageCode
from domain.reasons import remedy
from domain.status import Count, FeedView, Member
from domain.supervision import (
    DECIDES,
    MOST_STUCK,
    SPARES_ENTRIES,
    Exit,
    Quarantine,
    Restart,
    Supervision,
)
from domain.units import Micros
from messages.control import (
    ActorDied,
    Alive,
    Begin,
    ChainChosen,
    ClockJumped,
    Ended,
    Heartbeat,
    Pulse,
    RecoveryDone,
    WorkerDied,
)
from messages.market import BeginBars, FeedHealth, FeedLost, FeedRestored, WatchPrice
from messages.orders import (
    ActorLost,
    CoverageMeasured,
    FactsWanted,
    OrderChanged,
    Paged,
    PositionChanged,
    StrategyLost,
)

log = logging.getLogger(__name__)

Day = RecoveryDone | ChainChosen
Fact = OrderChanged | PositionChanged
News = FeedLost | FeedRestored
Life = ActorDied | WorkerDied | Alive
Heard = Begin | Day | FeedHealth | News | ClockJumped | Fact | CoverageMeasured | Life | Pulse

UNHEARD = 10
"""How many epochs, at the very most, a feed used between its last word and its death."""

CAST = ("order", "reconcile", "feed", "strategy", "journal", "monitor", "alerts")

STUCK = "it does not answer from its inbox"


class WatchdogActor(Actor):
    """Judge, rebuild, and tell the rebuilt what they must know."""

    def __init__(  # noqa: PLR0913 - what it judges by, and who rebuilds
        self,
        address: str,
        post: Post,
        *,
        spawner: Spawner,
        policy: Policy,
        index: Pair,
        group_size: int,
        deadline_s: float,
        chance: random.Random,
    ) -> None:
        super().__init__(address, post)
        self._spawner = spawner
        self._judge = Judge(post, policy)
        self._index = index
        self._group_size = group_size
        self._supervision = Supervision(chance)
        self._roll = RollCall(address, post)
        self._died_at: dict[str, Micros] = {}
        self._exposure = Exposure()
        self._deadline = Deadline(deadline_s)
        self._ended = False
        self._groups: dict[str, Group] = {}
        self._seen_alive: set[str] = set()
        self._recovered: RecoveryDone | None = None
        self._news: News | None = None
        self._epoch = 0
        self._shown: FeedView | None = None

    def on_receive(self, message: Heard) -> None:
        """Handle one message. In the actor's thread."""
        match message:
            case Pulse(at=at):
                self._pulse(at)
            case FeedHealth() | FeedLost() | FeedRestored() | ClockJumped():
                self._hear_feed(message)
            case OrderChanged() | PositionChanged():
                self._hear_fact(message)
            case RecoveryDone() | ChainChosen():
                self._learn_day(message)
            case CoverageMeasured(bare=bare, read_at=read_at, boots=boots):
                self._deadline.hear(bare, read_at, boots, clock.machine())
            case ActorDied() | WorkerDied() | Alive():
                self._hear_life(message)
            case Begin():
                pass
            case _:
                assert_never(message)

    def _hear_feed(self, message: FeedHealth | News | ClockJumped) -> None:
        match message:
            case FeedHealth(epoch=epoch):
                self._judge.hear(message)
                self._epoch = max(self._epoch, epoch)
            case ClockJumped(at=at):
                self._judge.jumped(at)
                self._deadline.slept(clock.machine())
            case FeedLost() | FeedRestored():
                self._news = message
            case _:
                assert_never(message)

    def _hear_fact(self, fact: Fact) -> None:
        match fact:
            case OrderChanged(at=at, order=order):
                self._exposure.order(order, at)
            case PositionChanged(at=at, leg=leg):
                self._exposure.leg(leg, at)
            case _:
                assert_never(fact)

    def _hear_life(self, message: Life) -> None:
        match message:
            case ActorDied(at=at, address=address, error=error, poison=poison):
                if poison:
                    self._poisoned(address, poison, at)
                self._died(address, at, error)
            case WorkerDied(at=at, lane=lane):
                verdict = self._supervision.replaced("lane", clock.machine())
                if verdict is not None:
                    self._end(at, verdict.code, f"lane workers die too often, the last of {lane}")
            case Alive():
                self._roll.hear(message)
            case _:
                assert_never(message)

    def _learn_day(self, message: Day) -> None:
        known = self._recovered.chain if self._recovered else None
        self._recovered = RecoveryDone(
            at=message.at, plan=message.plan, chain=message.chain or known
        )
        if self._start(index_group(self._index)) and self._recovered.chain is None:
            # The contracts are chosen by its price, and who chooses them is told of it no sooner.
            index, _ = self._index
            self.post.tell(f"bar:{index}", WatchPrice(symbol=index, on=True))
        if message.chain is not None:
            hosted = {symbol for group in self._groups.values() for symbol in group.symbols}
            for group in option_groups(message.chain, self._group_size, hosted):
                self._start(group)

    def _start(self, group: Group) -> bool:
        """Start the bars of a group, once; return whether that is news."""
        if group.address in self._groups:
            return False
        self._groups[group.address] = group
        self._spawn_bars(group)
        return True

    def _spawn_bars(self, group: Group) -> None:
        assert self._recovered is not None
        self._spawner.spawn_bars(group.symbols)
        plan = self._recovered.plan
        wish = BeginBars(plan=plan, symbols=group.pairs, contracts=group.contracts, rank=group.rank)
        self.post.tell(group.address, wish)
        if self._news is not None:
            self.post.tell(group.address, self._news)

    def _pulse(self, at: Micros) -> None:
        for address in (*CAST, *self._groups):
            if self._spawner.is_alive(address):
                self._seen_alive.add(address)
            elif address in self._seen_alive:
                self._died(address, at, "found dead")
        self._call_the_roll(at)
        self._rebuild(at)
        self._look_at_cover(at)
        if self._recovered is not None:
            if self._judge.speak(self._exposure.positions, at):
                self._tell_monitor(at)
            self._judge.pulse(self._recovered.plan, self._exposure, at)
            if self._judge.view != self._shown:
                self._tell_monitor(at)

    def _call_the_roll(self, at: Micros) -> None:
        """Give up whoever lives and answers nothing; of the order actor there is but one."""
        living = [a for a in (*CAST, *self._groups) if self._spawner.is_alive(a)]
        for address in self._roll.call(living, clock.machine()):
            self._roll.forget(address)
            if self._supervision.is_down(address):
                continue
            stacks.log_of(f"actor-{address}")
            if address != "order":
                self._spawner.abandon(address)
            self._mourn(address, at, STUCK)

    def _look_at_cover(self, at: Micros) -> None:
        """End the process if a short is left uncovered by our own fault; else tell a human."""
        has_shorts = self._exposure.positions > 0
        alarm = self._deadline.look(clock.machine(), has_shorts=has_shorts)
        if alarm is None or self._ended:
            return
        log.critical("UNCOVERED %s; %s", alarm.text, remedy("UNCOVERED"), extra={"tag": "PAGE"})
        page = Page(code=PageCode.UNCOVERED, subject="watchdog", text=alarm.text)
        self.post.tell("alerts", Paged(at=at, page=page))
        if alarm.code:
            self._end(at, alarm.code, f"UNCOVERED {alarm.text}")

    def _end(self, at: Micros, code: int, reason: str) -> None:
        if not self._ended:
            self._ended = True
            self.post.tell("main", Ended(at=at, code=code, reason=reason))

    def _died(self, address: str, at: Micros, error: str) -> None:
        """Take a death in once: told by the actor's last word, or seen."""
        if not (self._supervision.is_down(address) or self._spawner.is_alive(address)):
            self._mourn(address, at, error)

    def _mourn(self, address: str, at: Micros, error: str) -> None:
        """Let follow what follows from a death."""
        self._died_at[address] = at
        verdict = self._supervision.died(address, clock.machine())
        log.error("%s is dead error=%s verdict=%s", address, error, verdict)
        match verdict:
            case Exit(code=code):
                self._end(at, code, f"{address}: {error}")
            case Restart(too_often=too_often):
                self._lost(address, at, too_often=too_often or self._is_held(address))
                self._rebuild(at)
            case Quarantine():
                self._tell_monitor(at)
            case _:
                assert_never(verdict)

    def _lost(self, address: str, at: Micros, *, too_often: bool) -> None:
        """Tell who sends entries that somebody it goes by is away."""
        if address == "strategy":
            self.post.tell("order", StrategyLost(at=at, too_often=too_often))
        elif too_often and address not in SPARES_ENTRIES:
            self.post.tell("order", ActorLost(at=at, address=address))

    def _poisoned(self, address: str, kind: str, at: Micros) -> None:
        """Take that a message is kept away from now on: it killed twice."""
        log.error("%s died twice of the same %s, which is kept away from it", address, kind)
        if address in DECIDES:
            self.post.tell("order", ActorLost(at=at, address=address, poison=kind))

    def _is_held(self, address: str) -> bool:
        """Whether so many threads of an address hang that no further one is begun."""
        return self._spawner.stuck(address) >= MOST_STUCK

    def _rebuild(self, at: Micros) -> None:
        for address in self._supervision.due(clock.machine(), self._is_held):
            log.warning("%s is rebuilt restarts=%d", address, self._supervision.restarts)
            self._roll.forget(address)
            if address in self._groups:
                self._rebuild_bars(self._groups[address])
            else:
                self._spawner.spawn(address)
                self._brief(address, at)
            self._tell_monitor(at)

    def _tell_monitor(self, at: Micros) -> None:
        self._shown = self._judge.view
        counts = sorted(self._supervision.restarted.items())
        beat = Heartbeat(
            at=at,
            restarts=self._supervision.restarts,
            feed=self._shown,
            restarted=tuple(Count(name=name, count=count) for name, count in counts),
            cast=self._cast(),
        )
        self.post.tell("monitor", beat)

    def _cast(self) -> tuple[Member, ...]:
        members = [self._member(a, self._state(a), (a,)) for a in CAST if a in self._seen_alive]
        if self._groups:
            states = [self._state(address) for address in self._groups]
            state = f"{states.count('alive')} of {len(states)} alive"
            members.append(self._member("bar", state, self._groups))
        return tuple(members)

    def _member(self, name: str, state: str, addresses: Iterable[str]) -> Member:
        ages = [age for a in addresses if (age := self._roll.age_s(a)) is not None]
        return Member(
            address=name,
            state=state,
            restarts=self._supervision.restarted[name],
            echo_s=round(max(ages)) if ages else None,
        )

    def _state(self, address: str) -> str:
        if not self._supervision.is_down(address):
            return "alive"
        return "given up" if self._supervision.is_given_up(address) else "down"

    def _rebuild_bars(self, group: Group) -> None:
        """Let it report every price: which of them somebody watches died with it."""
        self._spawn_bars(group)
        for symbol in group.symbols:
            self.post.tell(group.address, WatchPrice(symbol=symbol, on=True))

    def _brief(self, address: str, at: Micros) -> None:
        """Tell a rebuilt actor since when it was dead, and what it missed."""
        begin = Begin(at=self._died_at[address], restarted=True)
        if address == "feed":
            self._epoch += UNHEARD
            begin = replace(begin, epoch=self._epoch)
        self.post.tell(address, begin)
        if self._recovered is not None and address in {"feed", "strategy", "monitor"}:
            self.post.tell(address, replace(self._recovered, at=at))
        if address == "strategy":
            for known in (self._news, self._judge.trusted):
                if known is not None:
                    self.post.tell(address, known)
        if address == "monitor":
            self.post.tell("order", FactsWanted(who=address))
