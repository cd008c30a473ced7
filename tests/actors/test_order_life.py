"""OrderActor from its first message to its last: the start, a lost login, doubt, the end."""

from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time

from domain import clock
from domain import events as ev
from domain.books import Status
from domain.calls import (
    CancelOrder,
    Outcome,
    Preflight,
)
from domain.params import BrokerParams
from domain.preflight import wrong_mode, wrong_world
from domain.strategy import Mode
from domain.units import seconds
from messages.control import Begin, Ended, ModeEntered, Park, Pulse, RecoveryDone
from messages.orders import (
    Attention,
    BooksFailed,
    ExitPosition,
    FactsWanted,
    FlattenAll,
    OrderChanged,
    PositionChanged,
    StrategyLost,
    StrategyReady,
)
from tests.actors.fakes import To
from tests.actors.order_stand import FILLED, FORCE, Stand, of, place, told_to_doers
from tests.orders import (
    CE,
    ENTRY,
    PLANNED,
    STOP,
    T0,
    a_row,
    rows_of_short,
    sold,
    t,
)
from tests.trading import DAY, PLAN, TAG, a_chain, a_key


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


# Beginning.


def test_begin_opens_the_journal_and_asks_the_server(stand: Stand) -> None:
    told = stand.hear(0, Begin(at=T0))
    assert stand.asked() == [Preflight(day=DAY)]
    entered = ModeEntered(at=T0, mode="RECOVERING", reason="")
    assert told == [
        *told_to_doers(entered),
        To("reconcile", Attention(at=T0, every=seconds(1.5), now=False, reason="proof wanted")),
    ]


@pytest.mark.parametrize(
    "message", [Pulse(at=T0), place(0), Park(at=T0), FlattenAll(at=T0, reason="human")]
)
def test_nothing_is_heard_before_the_journal_is_open(stand: Stand, message: Any) -> None:
    assert stand.hear(0, message) == []
    assert (stand.sent(), stand.asked()) == ([], [])


def test_books_are_asked_for_once_the_server_is_ready(stand: Stand) -> None:
    stand.begin()
    (attention,) = of(Attention, stand.preflight(1))
    assert attention.now


@pytest.mark.parametrize(("server", "expected"), [("live", "analyze"), ("analyze", "live")])
def test_server_in_the_wrong_mode_ends_the_start(
    tmp_path: Path, server: str, expected: str
) -> None:
    stand = Stand(tmp_path, mode=expected).begin()
    (told,) = stand.preflight(1, mode=server)
    assert told == To("main", Ended(at=t(1), code=78, reason=wrong_mode(server, expected)))
    assert stand.preflight(2, mode=server) == []
    assert stand.broker.writes == []


@pytest.mark.parametrize(
    ("is_paper_exchange", "broker"), [(False, "sutradhar_sandbox"), (True, "zerodha")]
)
def test_server_of_the_other_world_ends_the_start(
    tmp_path: Path, is_paper_exchange: bool, broker: str
) -> None:
    stand = Stand(tmp_path, is_paper_exchange=is_paper_exchange).begin()
    reason = wrong_world(broker, is_paper_exchange=is_paper_exchange)
    ended = Ended(at=t(1), code=78, reason=reason)
    assert stand.preflight(1, broker=broker) == [To("main", ended)]
    assert (reason != "", stand.broker.writes) == (True, [])


def test_server_that_lets_humans_approve_ends_the_start(stand: Stand) -> None:
    (ended,) = of(Ended, stand.begin().preflight(1, semi_auto=True))
    assert (ended.code, "semi-auto" in ended.reason) == (78, True)


def test_server_that_lets_humans_approve_is_borne_when_something_is_open(stand: Stand) -> None:
    entry = ev.IntentPlanned(
        at=T0,
        intent="old",
        purpose="entry",  # type: ignore[arg-type]  # as a former process wrote it
        leg="old",
        ticket=ENTRY,
        baseline=(),
        fingerprint=0,
        reason="",
        key=a_key(),
        stop=STOP,
    )
    sent = ev.WriteSent(at=T0, intent="old", op="place")
    told = stand.begin(0, PLANNED, entry, sent).preflight(1, semi_auto=True)
    assert of(Ended, told) == []
    assert stand.actor._desk.ledger.latches == {"ORDER_MODE": "orders wait for a human"}


# The strategy.


def test_dead_strategy_makes_the_mode_reduce_only_until_it_is_ready(stand: Stand) -> None:
    stand.ready()
    told = stand.hear(20, StrategyLost(at=t(20), too_often=False))
    reason = "the strategy is being rebuilt"
    assert of(ModeEntered, told)[0] == ModeEntered(at=t(20), mode="REDUCE_ONLY", reason=reason)
    told = stand.hear(21, StrategyReady(at=t(21)))
    assert of(ModeEntered, told)[0].mode == "ACTIVE"


# Recovery.


def test_recovery_is_announced_only_after_protection_was_sent(stand: Stand) -> None:
    former = Stand(stand._folder)
    former.ready().hear(1, place(1))
    former.reply(1.5, orderid="A1")
    events = former.committed()
    assert former.journal is not None
    former.journal.close()
    stand.begin(5)
    assert of(RecoveryDone, stand.preflight(6)) == []
    seen: list[int] = []
    tell = stand.post.tell

    def watch(address: str, message: object) -> None:
        if isinstance(message, RecoveryDone):
            seen.append(len(stand.sent()))
        tell(address, message)

    stand.post.tell = watch  # type: ignore[method-assign]
    told = stand.read(7, [FILLED], [sold()])
    assert seen == [1] * 4
    done = RecoveryDone(at=t(7), plan=PLAN, chain=a_chain())
    announced = [to for to in told if isinstance(to.message, RecoveryDone)]
    audience = ("watchdog", "strategy", "feed", "monitor")
    assert announced == [To(who, done) for who in audience]
    for who in audience:
        heard = [to.message for to in told if to.address == who]
        shorts = [m.leg.short for m in heard if isinstance(m, PositionChanged)]
        assert shorts, f"{who} knows nothing of the short that was there before"
    assert of(RecoveryDone, stand.read(9, [FILLED], [sold()])) == []
    assert stand.committed()[: len(events)] == events


def test_intents_of_a_second_boot_have_names_of_their_own(tmp_path: Path) -> None:
    Stand(tmp_path).ready().hear(1, place(1))
    second = Stand(tmp_path).begin(5)
    second.preflight(6)
    second.read(7, [a_row(ENTRY, "A1")], [])
    second.reply(8, orderid="A1")
    second.read(9, [FILLED], [sold()])
    assert [write.ref for write in second.sent()] == [f"{DAY}-2-1"]


def test_restarted_actor_gets_the_whole_picture(stand: Stand) -> None:
    stand.protected()
    told = stand.hear(20, FactsWanted(who="strategy"))
    ledger = stand.actor._desk.ledger
    facts = [
        *[OrderChanged(at=t(20), order=order) for order in ledger.orders.values()],
        *[PositionChanged(at=t(20), leg=leg) for leg in ledger.legs.values()],
        ModeEntered(at=t(20), mode="ACTIVE", reason=""),
    ]
    attention = Attention(at=t(20), every=seconds(10), now=False, reason="stops rest")
    assert told == [*[To("strategy", fact) for fact in facts], To("reconcile", attention)]


def test_restarted_reader_gets_its_pace_and_reads_at_once(stand: Stand) -> None:
    stand.protected()
    told = stand.hear(20, FactsWanted(who="reconcile"))
    attention = Attention(at=t(20), every=seconds(10), now=True, reason="stops rest")
    assert told == [To("reconcile", attention)]


# Books that are not believed.


def test_books_that_could_not_be_read_for_another_reason_are_read_again_soon(stand: Stand) -> None:
    stand.protected()
    told = stand.hear(20, BooksFailed(at=t(20), status=500, text="boom"))
    assert told == [To("reconcile", soon(20))]


def soon(seconds_: float) -> Attention:
    return Attention(at=t(seconds_), every=seconds(1.5), now=False, reason="books doubted")


def test_doubted_books_move_nothing(stand: Stand) -> None:
    stand.protected()
    before = stand.committed()
    told = stand.read(20, faults=("order A1 is missing",))
    assert told == [To("reconcile", soon(20))]
    assert stand.committed() == before


def test_books_of_the_other_mode_stop_every_write(stand: Stand) -> None:
    stand.protected()
    told = stand.read(20, mode="live", faults=("mode is live, started in analyze",))
    assert of(ModeEntered, told)[0].reason == "MODE_FLIP"
    stand.hear(21, ExitPosition(at=t(21), strategy=TAG, symbol=CE, reason="EXIT"))
    stand.hear(FORCE, Pulse(at=t(FORCE)))
    assert stand.sent() == []
    stand.read(FORCE + 1, rows_of_short(), [sold()])
    stand.read(FORCE + 3, rows_of_short(), [sold()])
    assert [type(write) for write in stand.sent()] == [CancelOrder]


# The end.


def test_proved_flat_day_ends_with_code_ten_once(stand: Stand) -> None:
    stand.ready()
    stand.hear(FORCE, Pulse(at=t(FORCE)))
    assert of(Ended, stand.read(FORCE + 1)) == []
    told = stand.read(FORCE + 3)
    assert of(Ended, told) == [
        Ended(at=t(FORCE + 3), code=10, reason="day done, proved flat"),
    ]
    assert of(Ended, stand.hear(FORCE + 4, Pulse(at=t(FORCE + 4)))) == []
    assert stand.actor._desk.mode(t(FORCE + 4)) is Mode.CLOSED


@pytest.mark.incident("INC-72")
def test_failed_cover_pages_and_stays_loud(stand: Stand, caplog: pytest.LogCaptureFixture) -> None:
    stand.protected()
    gone = rows_of_short(Status.CANCELLED)
    ended = []
    for second in range(0, 310, 10):
        now = FORCE + second
        ended += of(Ended, stand.hear(now, Pulse(at=t(now))))
        if stand.sent():
            ended += of(Ended, stand.reply(now, Outcome.REJECTED))
        ended += of(Ended, stand.read(now + 1, gone if second else rows_of_short(), [sold()]))
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    pages = [page for page in told if page.startswith("NOT_FLAT")]
    assert len(pages) == 4  # 120, 180, 240 and 300 s after the close began
    assert all(f"{CE} short 650 last=" in page for page in pages)
    assert ended == []


@pytest.mark.incident("INC-59")
def test_kill_and_sigterm_leave_every_stop_working(stand: Stand) -> None:
    stand.protected()
    told = stand.hear(20, Park(at=t(20)))
    assert of(Ended, told) == []
    (attention,) = of(Attention, told)
    assert attention.now
    told = stand.read(21, rows_of_short(), [sold()])
    assert of(Ended, told) == [Ended(at=t(21), code=0, reason="PARKED: stops verified 1/1")]
    assert stand.sent() == []


def test_parking_with_nothing_open_ends_at_once(stand: Stand) -> None:
    stand.begin()
    assert of(Ended, stand.hear(1, Park(at=t(1))))[0].code == 0


def test_parking_ends_resting_entries_first(stand: Stand) -> None:
    stand.ready().hear(1, place(1))
    stand.reply(1.5, orderid="A1")
    stand.read(2, [a_row(ENTRY)])
    assert of(Ended, stand.hear(3, Park(at=t(3)))) == []
    assert [type(write) for write in stand.sent()] == [CancelOrder]
    gone = a_row(ENTRY, status=Status.CANCELLED)
    assert of(Ended, stand.read(4, [gone])) == []
    assert [ended.reason for ended in of(Ended, stand.read(6, [gone]))] == [
        "PARKED: stops verified 0/0"
    ]


def test_entry_has_two_seconds_of_this_machine_to_leave(stand: Stand) -> None:
    stand.ready().hear(1, place(1))
    with freeze_time(clock.moment(t(1))):
        deadline = clock.machine() + seconds(2)
    (write,) = stand.sent()
    assert (write.send_before, BrokerParams().entry_ttl_s) == (deadline, 2)
