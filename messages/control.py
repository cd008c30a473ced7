"""Time, life and death, and the levers of the watchdog."""

import msgspec

from domain.calls import ApiSeen, ReadReply
from domain.contracts import Chain
from domain.market import Source
from domain.session import DayPlan
from domain.status import Count, FeedView, Hold, Member, Status
from domain.units import Micros, Symbol


class Pulse(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A whole second of market time is over. run.py -> every actor."""

    at: Micros


class Begin(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Set yourself up: the first message of an actor's life. System, WatchdogActor -> any actor.

    No feed before this one used a newer epoch than `epoch`.
    """

    at: Micros
    restarted: bool = False
    epoch: int = 0


class RecoveryDone(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Every short is protected.

    OrderActor -> WatchdogActor, StrategyActor, FeedActor, MonitorActor.
    `chain` is set when the journal already knows the day's contracts.
    """

    at: Micros
    plan: DayPlan
    chain: Chain | None


class ChainChosen(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The day's contracts are fixed; told again, with those of before, when others joined.

    StrategyActor -> FeedActor, WatchdogActor, MonitorActor.
    """

    at: Micros
    plan: DayPlan
    chain: Chain


class ChainFound(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The symbol master answered `question`. Read lane -> StrategyActor."""

    question: int
    reply: ReadReply


class StrikesFound(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The master answered `question` about further strikes. Read lane -> StrategyActor."""

    question: int
    reply: ReadReply


class StatusShown(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """What the agent says of itself, each market second. MonitorActor -> AlertsActor."""

    at: Micros
    status: Status


class ModeEntered(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """What the agent may do now. OrderActor -> StrategyActor, MonitorActor."""

    at: Micros
    mode: str
    reason: str


class StandingChanged(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """What holds the agent back: latches that are up, conditions that hold.

    OrderActor -> MonitorActor.
    """

    at: Micros
    latches: tuple[Hold, ...]
    conditions: tuple[Hold, ...]


class SelectSource(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Make this source authoritative; idempotent. WatchdogActor -> FeedActor."""

    at: Micros
    source: Source
    reason: str


class Reconnect(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Open a new socket to a stream; one under way is success. WatchdogActor -> FeedActor."""

    at: Micros
    reason: str
    source: Source = Source.PRIMARY


class LeaseSeen(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The lease of this host is renewed again, or was not for a while. run.py -> OrderActor.

    An empty `doubt`: it may enter.
    """

    at: Micros
    doubt: str


class ClockJumped(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The wall clock was set, or the process slept.

    run.py -> FeedActor, WatchdogActor, OrderActor.

    `since` is when the clock was last looked at before: in the future, if it was set back.
    """

    at: Micros
    since: Micros
    reason: str


class ActorDied(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """An actor raised and is gone, its inbox with it.

    `poison` is the kind of the message that killed it for the second time and is not handed to an
    actor of this address any more; '' if there is none. Any actor -> WatchdogActor.
    """

    at: Micros
    address: str
    error: str
    poison: str = ""


class SayAlive(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Answer from your inbox to `who`, with the same `asked`. WatchdogActor, main -> any actor."""

    who: str
    asked: Micros


class Alive(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A question that was told at `asked` has passed an inbox. Any actor -> WatchdogActor, main."""

    address: str
    asked: Micros


class WorkerDied(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A worker died with the call it carried and was replaced. A lane -> WatchdogActor."""

    at: Micros
    lane: str


class Park(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """End entries, leave every stop working, then say so. main -> OrderActor."""

    at: Micros


class DecisionMade(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Why something was or was not done, in a form that can be compared.

    Any actor -> JournalActor.
    """

    at: Micros
    strategy: str
    symbol: Symbol
    kind: str
    detail: str


class ApiCalled(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """One HTTP exchange happened. Any lane -> MonitorActor."""

    seen: ApiSeen


class RecordKept(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """How much of the day is on record by now. JournalActor -> MonitorActor."""

    bars: int
    swings: int


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """How many actors were rebuilt, and what is thought of the feed, if it was judged yet.

    Each minute, after each rebuild, and when the judgement changed. WatchdogActor -> MonitorActor.
    """

    at: Micros
    restarts: int
    feed: FeedView | None = None
    restarted: tuple[Count, ...] = ()
    cast: tuple[Member, ...] = ()


class InboxesMeasured(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """How many messages wait, by actor; those of all bars together. main -> MonitorActor."""

    at: Micros
    inboxes: tuple[Count, ...]


class Ended(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The process should end with this code. OrderActor, WatchdogActor -> main."""

    at: Micros
    code: int
    reason: str
