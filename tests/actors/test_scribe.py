"""What may leave while the journals fail, and what becomes of the events meanwhile."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from actors.scribe import CHECK_AFTER, Dispatch, Scribe
from domain import events as ev
from domain.calls import CancelOrder, ModifyOrder, Outcome, PlaceOrder, Priority, Write
from domain.errors import JournalError
from domain.ledger import Ledger
from domain.params import JournalParams
from domain.reasons import Condition
from domain.standing import Standing
from domain.units import Micros
from journal.fallback import NAME, Fallback, read
from journal.opening import Opened
from journal.orders import OrderJournal
from tests.orders import ENTRY, T0, a_buy, t
from tests.trading import PLAN

ENTER = PlaceOrder(ref="e", ticket=ENTRY, priority=Priority.ENTRY)
AMEND = ModifyOrder(ref="e", orderid="A1", ticket=ENTRY, priority=Priority.ENTRY)
END = CancelOrder(ref="e", orderid="A1", strategy="x", priority=Priority.CANCEL)
STOP = PlaceOrder(ref="s", ticket=a_buy(), priority=Priority.EXIT)
MOVE = ModifyOrder(ref="s", orderid="S1", ticket=a_buy(), priority=Priority.EXIT)
SURPLUS = CancelOrder(ref="s", orderid="S2", strategy="x", priority=Priority.EXIT)
ALL: tuple[Write, ...] = (ENTER, STOP, END, MOVE, AMEND, SURPLUS)


def note(name: str | int) -> ev.Event:
    return ev.LatchSet(at=T0, name=str(name), reason="")


class Fake(OrderJournal):
    """A journal that fails when told to, and remembers what it was asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "orders.db", 1, T0)
        self.fails = False
        self.asked: list[int] = []
        self.checks: list[int] = []

    def append(self, events: Iterable[ev.Event]) -> int:
        events = tuple(events)
        self.asked.append(len(events))
        if self.fails:
            raise JournalError("disk full")
        return super().append(events)

    def check(self, ledger: Ledger) -> None:
        self.checks.append(self.seq)
        super().check(ledger)


class Desk:
    """A scribe between a fake journal and a real fallback."""

    def __init__(
        self, folder: Path, *, spare: bool = True, waiting: tuple[ev.Event, ...] = ()
    ) -> None:
        self.folder = folder
        self.journal = Fake(folder)
        self.ledger = Ledger()
        opened = Opened(
            journal=self.journal,
            fallback=Fallback(folder / NAME) if spare else None,
            events=(),
            waiting=waiting,
        )
        self.scribe = Scribe(opened, self.ledger, JournalParams(min_free_mb=0))

    def commit(self, seconds: float, *names: str | int, writes: tuple[Write, ...] = ()) -> Dispatch:
        return self.scribe.commit([note(name) for name in names], writes, t(seconds))

    @property
    def spared(self) -> list[tuple[int, list[str]]]:
        """What the fallback holds: first number and names of each record."""
        records = read(self.folder / NAME).records
        return [(r.seq, [getattr(e, "name", "") for e in r.events]) for r in records]

    @property
    def written(self) -> list[str]:
        names = [self.journal.event(seq) for seq in range(1, self.journal.seq + 1)]
        return [getattr(event, "name", "") for event in names]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_everything_leaves_once_it_is_committed(desk: Desk) -> None:
    assert desk.commit(0, "a", writes=ALL) == Dispatch(ALL)
    assert (desk.written, desk.spared, desk.scribe.trouble) == (["a"], [], "")


def test_nothing_decided_is_no_commit(desk: Desk) -> None:
    assert desk.commit(0) == Dispatch(())
    assert desk.journal.asked == []


def test_entries_are_held_and_exits_leave_through_the_fallback(desk: Desk) -> None:
    desk.journal.fails = True
    assert desk.commit(0, "a", "b", writes=ALL) == Dispatch(
        (STOP, END, MOVE, SURPLUS), (ENTER, AMEND)
    )
    assert desk.spared == [(1, ["a", "b"])]
    assert desk.scribe.trouble == "disk full"
    assert desk.scribe.unrecorded == 0


def test_without_any_disk_only_exits_leave_and_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(tmp_path, spare=False)
    desk.journal.fails = True
    assert desk.commit(0, "a", writes=ALL) == Dispatch((STOP, MOVE, SURPLUS), (ENTER, END, AMEND))
    assert desk.scribe.unrecorded == 3
    assert "sent without any record, both journals fail: s, s, s" in caplog.text


def test_journal_is_asked_again_after_a_second_only(desk: Desk) -> None:
    """A locked file is waited for each time, and an exit must not wait."""
    desk.journal.fails = True
    for seconds in (0, 0.3, 0.9):
        desk.commit(seconds, str(seconds))
    assert desk.journal.asked == [1]
    desk.commit(1, "late")
    assert desk.journal.asked == [1, 4]


@pytest.mark.parametrize("jump", [-3600, 3600])
def test_clock_that_is_set_does_not_put_the_next_try_off(desk: Desk, jump: float) -> None:
    desk.journal.fails = True
    desk.commit(0, "a")
    desk.journal.fails = False
    desk.commit(jump)
    assert desk.written == ["a"]


def test_events_keep_their_order_and_numbers(desk: Desk) -> None:
    desk.commit(0, "a")
    desk.journal.fails = True
    desk.commit(1, "b", writes=(STOP,))
    desk.commit(1.2, "c", "d")
    assert desk.scribe.is_behind
    assert desk.spared == [(2, ["b"]), (3, ["c", "d"])]
    desk.journal.fails = False
    assert desk.commit(3, "e", writes=(ENTER,)) == Dispatch((ENTER,))
    assert desk.written == ["a", "b", "c", "d", "e"]
    assert desk.spared == []
    assert not desk.scribe.is_behind


def test_second_failure_goes_on_in_an_empty_fallback(desk: Desk) -> None:
    for first, second in ((0, "a"), (10, "b")):
        desk.journal.fails = True
        desk.commit(first, second)
        desk.journal.fails = False
        desk.commit(first + 2)
    desk.journal.fails = True
    desk.commit(20, "c")
    assert desk.written == ["a", "b"]
    assert desk.spared == [(3, ["c"])]


def test_what_a_former_process_left_is_committed_first(tmp_path: Path) -> None:
    spare = Fallback(tmp_path / NAME)
    spare.append(1, 1, [note("old")])
    spare.close()
    desk = Desk(tmp_path, waiting=(note("old"),))
    desk.journal.fails = True
    desk.commit(0, "new")
    assert desk.spared == [(1, ["old"]), (2, ["new"])]
    desk.journal.fails = False
    desk.commit(2)
    assert (desk.written, desk.spared) == (["old", "new"], [])


def test_fallback_keeps_room_for_exits(desk: Desk) -> None:
    desk.journal.fails = True
    desk.commit(0, "X" * 600_000)
    assert desk.spared == []
    desk.commit(0.1, "stop", writes=(STOP,))
    assert [names[-1] for _, names in desk.spared] == ["stop"]


def test_first_failure_is_said_once_and_its_end_too(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.journal.fails = True
    for seconds in (0, 2, 4):
        desk.commit(seconds, str(seconds))
    desk.journal.fails = False
    desk.commit(6)
    said = [r.message for r in caplog.records if r.name == "actors.scribe"]
    assert said == ["NO JOURNAL: disk full", "the order journal takes commits again: 3 events"]


def test_fold_is_written_down_from_time_to_time_and_when_flat(desk: Desk) -> None:
    desk.commit(0, *range(CHECK_AFTER - 1))
    assert desk.journal.checks == []
    desk.commit(1, "one more")
    assert desk.journal.checks == [CHECK_AFTER]
    desk.scribe.commit([ev.ProvedFlat(at=T0, first="a", second="b")], (), t(2))
    assert desk.journal.checks == [CHECK_AFTER, CHECK_AFTER + 1]


def test_held_write_is_answered_as_never_sent(desk: Desk) -> None:
    desk.journal.fails = True
    desk.commit(0, "a", writes=(ENTER,))
    reply = desk.scribe.unsent(ENTER, t(1))
    found = (reply.ref, reply.outcome, reply.code, reply.text, reply.at)
    assert found == ("e", Outcome.NOT_SENT, "NO_JOURNAL", "disk full", t(1))


def test_condition_comes_and_goes_with_the_trouble(desk: Desk) -> None:
    standing = Standing(desk.ledger, PLAN)
    assert not desk.scribe.hold(standing, T0)
    desk.journal.fails = True
    desk.commit(0, "a")
    assert desk.scribe.hold(standing, T0)
    assert standing.conditions == {Condition.NO_JOURNAL: "disk full"}
    assert not desk.scribe.hold(standing, T0)
    desk.journal.fails = False
    desk.commit(2)
    assert desk.scribe.hold(standing, T0)
    assert standing.conditions == {}


def test_room_is_asked_for_each_ten_seconds(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    def none_known(path: Path) -> int:
        asked.append(path)
        raise JournalError("not known")

    monkeypatch.setattr("actors.scribe.free_mb", none_known)
    found = [desk.scribe.shortage(Micros(T0 + n * 1_000_000)) for n in (0, 9, 10, 11, 5)]
    assert found == ["not known"] * 5
    assert asked == [desk.folder, desk.folder]


def test_what_no_disk_has_is_known_until_one_takes_it(desk: Desk) -> None:
    desk.journal.fails = True
    desk.commit(0, "a")
    found = [desk.scribe.has_unwritten]
    spare, desk.scribe._fallback = desk.scribe._fallback, None
    desk.commit(2, "b")
    found.append(desk.scribe.has_unwritten)
    desk.scribe._fallback, desk.journal.fails = spare, False
    desk.commit(4)
    found.append(desk.scribe.has_unwritten)
    assert (found, desk.written) == ([False, True, False], ["a", "b"])
