"""The lease on disk and the host that stands by: asked before each write, given back at the end."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from cli import lease as leases
from cli.lease import ENTRIES_OFF, NOT_OURS, Keeper, LeaseFile, Unreadable, identity
from cli.life import asleep
from cli.night import Beside, Night
from cli.standby import STOOD_BY, Standby
from config.settings import Settings
from domain.calls import CancelOrder, PlaceOrder, Priority
from domain.lease import Instant, Record
from domain.lease_params import LeaseParams
from domain.ledger import Ledger
from domain.readiness import attention
from domain.reasons import Condition
from domain.session import DayPlan, instant
from domain.status import Status
from domain.units import SECOND, Micros
from journal.orders import NAME, verify
from messages.control import Ended
from tests.cli.test_life import FRIDAY, Hand, hand, impatient, send
from tests.cli.test_life import settings as plain_settings
from tests.orders import ENTRY, a_buy
from tests.trading import PLAN

__all__ = ["hand", "impatient", "plain_settings"]

ENTER = PlaceOrder(ref="e", ticket=ENTRY, priority=Priority.ENTRY)
STOP = PlaceOrder(ref="s", ticket=a_buy(), priority=Priority.EXIT)
END = CancelOrder(ref="e", orderid="A1", strategy="x", priority=Priority.CANCEL)
TERM, MARGIN, SETTLE = 90, 180, 15
WHOLE = TERM + MARGIN + SETTLE + 20


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    path = tmp_path / "shared" / "lease"
    path.parent.mkdir()
    path.touch()
    return path


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The time of both hosts; the first entry is moved by hand."""
    now = [0]
    at = lambda: Instant(boot=Micros(now[0] * SECOND), wall=Micros(now[0] * SECOND))  # noqa: E731
    monkeypatch.setattr(leases, "now", at)
    return now


def params(shared: Path, name: str = "a", role: str = "primary") -> LeaseParams:
    return LeaseParams(file=str(shared), name=name, role=role)  # type: ignore[arg-type] # as read


def a_keeper(shared: Path, tmp_path: Path, name: str = "a", **more: str) -> Keeper:
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    return Keeper(params(shared, name, **more), folder)


def lived(keeper: Keeper, seconds: list[int], span: int = WHOLE) -> None:
    for _ in range(0, span, 5):
        keeper.step()
        seconds[0] += 5
    keeper.step()


def test_record_is_read_as_it_was_written_and_never_longer(shared: Path) -> None:
    store = LeaseFile(shared)
    assert store.read() is None
    for beat in (10**9, 1):
        record = Record(holder="a" * 120, token=3, beat=beat)
        store.write(record)
        assert store.read() == record
    assert shared.stat().st_size == leases.BLOCK


@pytest.mark.parametrize("spoil", [Path.unlink, lambda p: p.write_text('{"holder": "a", "tok')])
def test_file_that_is_gone_or_torn_is_no_answer(
    shared: Path, spoil: Callable[[Path], object]
) -> None:
    spoil(shared)
    with pytest.raises(Unreadable):
        LeaseFile(shared).read()


def test_lease_is_never_made_by_us(shared: Path) -> None:
    shared.unlink()
    with pytest.raises(Unreadable):
        LeaseFile(shared).write(Record(holder="a"))
    assert not shared.exists()


def test_host_is_known_by_its_name_and_its_boot(shared: Path) -> None:
    name, _, boot = identity(params(shared)).partition("@")
    assert (name, len(boot)) == ("a", 36)
    assert identity(LeaseParams(file="x")).partition("@")[0]


def test_writes_leave_as_long_as_the_lease_allows(
    shared: Path, tmp_path: Path, seconds: list[int]
) -> None:
    keeper = a_keeper(shared, tmp_path)
    writes = (ENTER, END, STOP)
    assert [keeper.refusal(write) for write in writes] == [NOT_OURS] * 3
    lived(keeper, seconds)
    assert [keeper.refusal(write) for write in writes] == [""] * 3
    seconds[0] += TERM // 3
    assert [keeper.refusal(write) for write in writes] == [ENTRIES_OFF, "", ""]
    seconds[0] += TERM // 3
    assert [keeper.refusal(write) for write in writes] == [NOT_OURS] * 3


def test_storage_that_fails_is_said_once_and_waited_for(
    shared: Path, tmp_path: Path, seconds: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    keeper = a_keeper(shared, tmp_path)
    lived(keeper, seconds)
    away = shared.rename(shared.with_name("away"))
    for _ in range(3):
        keeper.step()
    assert keeper.may_send
    assert keeper.words().startswith("standby, the lease cannot be read: ")
    assert keeper.needs().startswith("the lease cannot be read (")
    away.rename(shared)
    keeper.step()
    assert keeper.needs() == ""
    assert keeper.may_enter
    told = [r.message for r in caplog.records if "read" in r.message]
    assert [text.split(":")[0] for text in told] == [
        "the lease cannot be read or written",
        "the lease can be read and written again",
    ]


def test_next_process_goes_on_at_once_if_the_journal_is_ready(
    shared: Path, tmp_path: Path, seconds: list[int]
) -> None:
    keeper = a_keeper(shared, tmp_path)
    lived(keeper, seconds)
    with a_keeper(shared, tmp_path).living() as unready:
        assert not unready.may_send
    keeper.ready()
    keeper.step()
    with a_keeper(shared, tmp_path).living() as following:
        assert following.may_send
    seconds[0] += TERM
    with a_keeper(shared, tmp_path).living() as late:
        assert not late.may_send


def test_other_host_takes_over_and_says_from_whom(
    shared: Path, tmp_path: Path, seconds: list[int]
) -> None:
    first = a_keeper(shared, tmp_path)
    lived(first, seconds)
    second = a_keeper(shared, tmp_path, "b", role="secondary")
    second.step()
    assert second.words() == "standby, a has the lease"
    lived(second, seconds, WHOLE + 2 * SETTLE)
    assert (second.may_send, second.took_from) == (True, "a")
    assert not first.may_send
    first.step()
    assert first.words() == "standby, b has the lease"


def test_lease_given_back_frees_it_for_the_primary(
    shared: Path, tmp_path: Path, seconds: list[int]
) -> None:
    keeper = a_keeper(shared, tmp_path)
    lived(keeper, seconds)
    keeper.ready()
    keeper.step()
    with keeper.living():
        keeper.give_back()
    assert not keeper.may_send
    assert not (tmp_path / "a" / leases.NAME).exists()
    other = a_keeper(shared, tmp_path, "b")
    other.step()
    assert other.is_left is False
    assert other.words() == "standby, taking the lease over"
    lived(other, seconds, TERM + 10)
    assert other.may_enter


class Scene:
    """A host that stands by; each round of its night does what is next."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings
        self.rounds: list[Callable[[], object]] = []
        self.played = 0

    def round(self) -> None:
        self.rounds.pop(0)()

    def play(self, standby: Standby, code: int = 10, planned: DayPlan = PLAN) -> Ended:
        def once() -> Ended:
            self.played += 1
            return Ended(at=Micros(0), code=code, reason="played")

        night = Night(self.folder, asleep(self.settings), Beside(follow=self.round))
        return standby.play(planned, night, once)


@pytest.fixture
def scene(tmp_path: Path, plain_settings: Settings, hand: Hand) -> Scene:
    folder = tmp_path / "b"
    folder.mkdir()
    return Scene(folder, plain_settings)


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> list[Keeper]:
    """Keepers whose thread does nothing: a test steps them."""
    made: list[Keeper] = []
    original = Keeper.__init__

    def init(self: Keeper, params: LeaseParams, folder: Path) -> None:
        original(self, params, folder)
        made.append(self)

    monkeypatch.setattr(Keeper, "__init__", init)
    monkeypatch.setattr(Keeper, "_live", lambda _: None)
    return made


def test_without_a_lease_the_day_is_played_at_once(scene: Scene) -> None:
    standby = Standby(LeaseParams(), scene.folder)
    assert scene.play(standby).code == 10
    assert standby.refusal(ENTER) == ""


def test_standby_sends_nothing_until_it_holds_then_plays_and_gives_back(
    scene: Scene, shared: Path, seconds: list[int], still: list[Keeper]
) -> None:
    standby = Standby(params(shared, "b"), scene.folder)
    refused = list[str]()
    scene.rounds = [
        lambda: refused.append(standby.refusal(STOP)),
        lambda: lived(still[0], seconds),
    ]
    assert scene.play(standby).reason == "played"
    assert (refused, scene.played) == ([NOT_OURS], 1)
    found = LeaseFile(shared).read()
    assert found is not None
    assert found.is_free


def test_escalation_keeps_the_lease_for_the_next_process(
    scene: Scene, shared: Path, seconds: list[int], still: list[Keeper]
) -> None:
    scene.rounds = [lambda: lived(still[0], seconds)]
    assert scene.play(Standby(params(shared, "b"), scene.folder), code=70).code == 70
    found = LeaseFile(shared).read()
    assert found is not None
    assert not found.is_free


def test_status_of_a_standby_says_what_it_needs_while_the_lease_is_not_read(
    scene: Scene, shared: Path, still: list[Keeper]
) -> None:
    shown = list[Status]()

    def lost() -> None:
        shared.unlink()
        still[0].step()

    scene.rounds = [lost, lambda: None, send(signal.SIGTERM)]
    beside = Beside(follow=scene.round, show=shown.append)
    night = Night(scene.folder, asleep(scene.settings), beside)
    Standby(params(shared, "b"), scene.folder).play(PLAN, night, lambda: pytest.fail("played"))
    assert "see to the storage of lease.file" in attention(shown[-1], 0)


def test_signal_while_standing_by_parks(
    scene: Scene, shared: Path, seconds: list[int], still: list[Keeper]
) -> None:
    scene.rounds = [send(signal.SIGTERM)]
    ended = scene.play(Standby(params(shared, "b"), scene.folder))
    assert (ended.code, scene.played) == (0, 0)


@pytest.mark.parametrize("is_left", [True, False])
def test_day_that_another_host_closed_is_done(
    scene: Scene,
    shared: Path,
    seconds: list[int],
    still: list[Keeper],
    hand: Hand,
    *,
    is_left: bool,
) -> None:
    LeaseFile(shared).write(Record(holder="a@1", token=1, is_free=is_left))

    def later() -> None:
        hand.at = PLAN.force_close if is_left else instant(FRIDAY, "23:59:59.999999")

    def past() -> None:
        hand.at = Micros(hand.at + 1)

    scene.rounds = [lambda: still[0].step(), later, past]  # noqa: PLW0108 - it is made later
    ended = scene.play(Standby(params(shared, "b", "secondary"), scene.folder))
    assert (ended.code, ended.reason, scene.played) == (10, STOOD_BY, 0)


def test_takeover_in_a_session_is_a_loss_to_the_journal(
    scene: Scene, shared: Path, seconds: list[int], still: list[Keeper], hand: Hand
) -> None:
    hand.at = instant(FRIDAY, "11:00")
    LeaseFile(shared).write(Record(holder="a@1", token=1))
    scene.rounds = [lambda: lived(still[0], seconds)]
    scene.play(Standby(params(shared, "b"), scene.folder))
    ledger = Ledger().fold(verify(scene.folder / NAME, FRIDAY))
    assert "taken over from a:" in ledger.unsafe[Condition.JOURNAL_LOST]


class Told:
    """An agent that notes what it is told."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def leased(self, doubt: str) -> None:
        self.words.append(doubt or "fine")

    def end(self, reason: str) -> None:
        self.words.append(f"end: {reason}")


def test_agent_hears_of_doubt_once_and_is_ended_when_the_lease_is_lost(
    scene: Scene, shared: Path, seconds: list[int], still: list[Keeper]
) -> None:
    standby, agent = Standby(params(shared, "b"), scene.folder), Told()

    def look(after: int) -> None:
        seconds[0] += after
        standby.look(agent)  # type: ignore[arg-type] # what it needs of one

    def once() -> Ended:
        for after in (0, TERM // 3, 1, TERM // 3):
            look(after)
        return Ended(at=Micros(0), code=70, reason="ended")

    scene.rounds = [lambda: lived(still[0], seconds)]
    night = Night(scene.folder, asleep(scene.settings), Beside(follow=scene.round))
    standby.play(PLAN, night, once)
    assert agent.words == [ENTRIES_OFF, f"end: {leases.LOST}"]
    Standby(LeaseParams(), scene.folder).look(agent)  # type: ignore[arg-type] # as above
