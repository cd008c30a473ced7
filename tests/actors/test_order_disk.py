"""A disk that is full or locked: nothing new is entered, and no exit waits for it.

The journal is real; what holds it up is a second connection, a page limit or the system's own limit
of a file's size.
"""

import logging
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from domain import events as ev
from domain.books import Status
from domain.calls import CancelOrder, ModifyOrder, PlaceOrder
from domain.ledger import Ledger
from domain.orders import Purpose, State
from domain.params import JournalParams
from domain.reasons import Condition
from domain.strategy import Mode
from domain.units import Micros
from journal import fallback
from journal.orders import JournalReader
from messages.control import Pulse
from messages.orders import Attention, CancelEntry, ExitPosition, OrderChanged
from tests.actors.order_stand import FILLED, Stand, of, place
from tests.orders import CE, ENTRY, a_buy, a_row, rows_of_short, sold, t
from tests.trading import DAY, TAG


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Another process writes to the journal and does not end."""
    other = sqlite3.connect(folder / "orders.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """No file may grow: what SQLite appends to its log fails, what has its room does not."""
    largest = (folder / "orders.db-wal").stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def ledger(stand: Stand) -> Ledger:
    return stand.actor._desk.ledger


def on_disk(folder: Path) -> Ledger:
    """What ReconcileActor folds: the journal and its fallback."""
    events, _ = JournalReader(folder / "orders.db").after(0, DAY)
    return Ledger().fold(events)


def mode(stand: Stand, seconds: float) -> Mode:
    return stand.actor._desk.mode(t(seconds))


def spare(folder: Path) -> int:
    return len(fallback.read(folder / fallback.NAME).records)


def pulse(stand: Stand, seconds: float) -> None:
    stand.hear(seconds, Pulse(at=t(seconds)))


@pytest.mark.parametrize("trouble", [locked, full])
def test_entry_is_refused_while_the_journal_takes_no_commit(
    stand: Stand, tmp_path: Path, trouble: object
) -> None:
    stand.ready()
    assert callable(trouble)
    with trouble(tmp_path):
        told = stand.hear(1, place(1))
        assert stand.sent() == []
        (order,) = {
            changed.order.intent: changed.order for changed in of(OrderChanged, told)
        }.values()
        assert (order.state, order.reason) == (State.REFUSED, "NO_JOURNAL")
        assert mode(stand, 1) is Mode.REDUCE_ONLY
        assert Condition.NO_JOURNAL in stand.actor._desk.standing.conditions
        assert vars(on_disk(tmp_path)) == vars(ledger(stand))
    pulse(stand, 3)
    assert mode(stand, 3) is Mode.ACTIVE
    assert spare(tmp_path) == 0
    assert vars(Ledger().fold(stand.committed())) == vars(ledger(stand))


@pytest.mark.parametrize("trouble", [locked, full])
def test_stop_leaves_through_the_fallback_and_the_restart_merges_it(
    stand: Stand, tmp_path: Path, trouble: object
) -> None:
    stand.ready().hear(1, place(1))
    stand.reply(1.5, orderid="A1")
    assert callable(trouble)
    with trouble(tmp_path):
        stand.read(10, [FILLED], [sold()])
        (stop,) = stand.sent()
        assert isinstance(stop, PlaceOrder)
        assert stop.ticket == a_buy()
        found = on_disk(tmp_path)
        assert [o.state for o in found.live(Purpose.STOP)] == [State.SENDING]
        assert not any(o.purpose is Purpose.STOP for o in committed(stand).orders.values())
        stand.reply(10.5, orderid="S1")
        stand.read(11, rows_of_short(), [sold()])
        assert on_disk(tmp_path).uncovered(next(on_disk(tmp_path).open_legs())) == 0
        assert vars(on_disk(tmp_path)) == vars(ledger(stand))
        alive = vars(ledger(stand))
    assert stand.journal is not None
    stand.journal.close()
    again = Stand(tmp_path).begin(20)
    assert spare(tmp_path) == 0
    events = again.committed()
    assert again.journal is not None
    before = [e for e in events if e.at < t(20)]
    assert vars(Ledger().fold(before)) == alive


def committed(stand: Stand) -> Ledger:
    return Ledger().fold(stand.committed())


def test_database_locked_for_30_s_holds_up_entries_only(
    stand: Stand, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The order of every write in the fallback is that of the journal afterwards, without a gap."""
    stand.protected()
    with locked(tmp_path):
        stand.hear(12, ExitPosition(at=t(12), strategy=TAG, symbol=CE, reason="TARGET"))
        stand.read(13, rows_of_short(), [sold()])
        (ask,) = stand.sent()
        assert isinstance(ask, CancelOrder)
        stand.hear(14, place(14))
        assert stand.sent() == [ask]
        for second in range(15, 45, 5):
            pulse(stand, second)
        assert vars(on_disk(tmp_path)) == vars(ledger(stand))
        assert mode(stand, 41) is Mode.REDUCE_ONLY
    pulse(stand, 45)
    assert mode(stand, 45) is Mode.ACTIVE
    assert vars(committed(stand)) == vars(ledger(stand))
    db = sqlite3.connect(tmp_path / "orders.db")
    numbers = [seq for (seq,) in db.execute("SELECT seq FROM event ORDER BY seq")]
    db.close()
    assert numbers == list(range(1, len(numbers) + 1))
    said = [r for r in caplog.records if r.levelno >= logging.CRITICAL]
    assert [r.message[:11] for r in said] == ["NO JOURNAL:"]


def test_exit_leaves_even_if_no_disk_takes_it(
    stand: Stand, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / fallback.NAME).mkdir()
    stand.ready().hear(1, place(1))
    stand.reply(1.5, orderid="A1")
    with locked(tmp_path):
        stand.read(10, [FILLED], [sold()])
        (stop,) = stand.sent()
        assert isinstance(stop, PlaceOrder)
        assert f"sent without any record, both journals fail: {stop.ref}" in caplog.text
        scribe = stand.actor._scribe
        assert scribe is not None
        assert scribe.unrecorded == 1
    pulse(stand, 12)
    assert vars(committed(stand)) == vars(ledger(stand))


def test_end_of_an_entry_leaves_once_the_fallback_has_it(stand: Stand, tmp_path: Path) -> None:
    """It adds no risk: who cannot write it down in the journal may still end it."""
    resting(stand)
    with locked(tmp_path):
        stand.hear(3, CancelEntry(at=t(3), strategy=TAG, slot="CE", reason="broken"))
        (ask,) = stand.sent()
        assert isinstance(ask, CancelOrder)
        assert [o.pending for o in on_disk(tmp_path).live()] == ["cancel"]


def test_end_of_an_entry_that_no_disk_takes_waits(stand: Stand, tmp_path: Path) -> None:
    (tmp_path / fallback.NAME).mkdir()
    resting(stand)
    with locked(tmp_path):
        stand.hear(3, CancelEntry(at=t(3), strategy=TAG, slot="CE", reason="broken"))
        assert stand.sent() == []
    pulse(stand, 5)
    pulse(stand, 6)
    assert [type(write) for write in stand.sent()] == [CancelOrder]
    assert vars(committed(stand)) == vars(ledger(stand))


def resting(stand: Stand) -> None:
    stand.ready().hear(1, place(1))
    stand.reply(1.5, orderid="A1")
    stand.read(2, [a_row(ENTRY)])


def test_rung_of_the_ladder_leaves_through_the_fallback(stand: Stand, tmp_path: Path) -> None:
    stand.protected()
    opened = [rows_of_short()[0], a_row(a_buy(), "S1", Status.OPEN)]
    with locked(tmp_path):
        stand.read(12, opened, [sold()])
        stand.read(14, opened, [sold()])
        for second in range(15, 20):
            pulse(stand, second)
        asked = [write for write in stand.sent() if isinstance(write, ModifyOrder)]
        assert asked
        assert vars(on_disk(tmp_path)) == vars(ledger(stand))


# Room.


def test_little_room_on_the_disk_means_no_entry(tmp_path: Path) -> None:
    stand = Stand(tmp_path, disk=JournalParams(min_free_mb=10**6))
    stand.ready()
    assert mode(stand, 1) is Mode.REDUCE_ONLY
    text = stand.actor._desk.standing.conditions[Condition.DISK_SPACE]
    assert text.endswith(" MB free, journal.min_free_mb is 1000000")
    stand.hear(1, place(1))
    assert stand.sent() == []


# A journal that is not whole.


def broken(folder: Path) -> None:
    (folder / "orders.db").write_bytes(b"not a database, but long enough to be taken for one")


def test_lost_journal_holds_entries_for_the_day(tmp_path: Path) -> None:
    broken(tmp_path)
    first = Stand(tmp_path).ready()
    assert mode(first, 1) is Mode.REDUCE_ONLY
    text = first.actor._desk.standing.conditions[Condition.JOURNAL_LOST]
    assert text == "orders.db: file is not a database; kept as orders.db.corrupt-1"
    lost = [e for e in first.committed() if isinstance(e, ev.FindingApplied)]
    assert [(e.kind, e.subject) for e in lost] == [("JOURNAL_LOST", "orders.db.corrupt-1")]
    assert first.journal is not None
    first.journal.close()
    second = Stand(tmp_path).ready(10)
    assert second.actor._desk.standing.conditions[Condition.JOURNAL_LOST] == text
    assert [e for e in second.committed() if isinstance(e, ev.FindingApplied)] == lost


def test_journal_in_doubt_holds_entries(tmp_path: Path) -> None:
    spare_file = fallback.Fallback(tmp_path / fallback.NAME)
    spare_file.append(1, 40, [ev.LatchSet(at=Micros(1), name="X", reason="")])
    spare_file.close()
    stand = Stand(tmp_path).ready()
    assert mode(stand, 1) is Mode.REDUCE_ONLY
    text = stand.actor._desk.standing.conditions[Condition.JOURNAL_DOUBT]
    assert text == "fallback.log was left out: events between orders.db and it are missing"


def test_reader_is_told_while_no_disk_has_what_was_sent(stand: Stand, tmp_path: Path) -> None:
    """It judges cover by the disk: what is not there would look naked, and end the process."""
    stand.ready().hear(1, place(1))
    stand.reply(1.5, orderid="A1")
    assert stand.actor._scribe is not None
    spare, stand.actor._scribe._fallback = stand.actor._scribe._fallback, None
    with locked(tmp_path):
        told = stand.read(10, [FILLED], [sold()])
        assert [attention.is_unwritten for attention in of(Attention, told)] == [True]
        told = stand.reply(10.5, orderid="S1")
        assert [attention.is_unwritten for attention in of(Attention, told)] in ([], [True])
    stand.actor._scribe._fallback = spare
    told = stand.read(12, rows_of_short(), [sold()])
    assert [attention.is_unwritten for attention in of(Attention, told)] == [False]
    assert vars(on_disk(tmp_path)) == vars(ledger(stand))


@pytest.mark.incident("INC-102")
def test_who_stops_lets_go_of_every_file(stand: Stand, tmp_path: Path) -> None:
    """A process that stays over night has an order actor each day."""
    stand.begin()
    assert held(tmp_path) == {"orders.db", "orders.db-wal", "orders.db-shm", "fallback.log"}
    stand.actor.on_stop()
    assert held(tmp_path) == set()


def held(folder: Path) -> set[str]:
    """Return the files of a folder that this process has open."""
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            target = link.readlink()
            if target.parent == folder:
                found.add(target.name)
    return found
