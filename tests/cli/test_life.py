"""One process over many days: what is played when, and what is heard while nobody plays."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from cli.dropbox import KILL, Answer, Dropbox, request
from cli.life import DAY_DONE, Life
from cli.night import Beside
from cli.status import NAME as STATUS
from config.settings import Settings
from domain import clock
from domain.events import LatchSet, ProvedFlat
from domain.ledger import Ledger
from domain.levers import Lever
from domain.session import DayPlan, instant, trading_day
from domain.status import Status
from domain.units import Day, Micros
from journal import archive
from journal.orders import NAME, OrderJournal, verify
from messages.control import Ended
from tests.config.reading import settings_of
from tests.orders import planned as an_intent

FRIDAY, MONDAY = Day("2026-11-20"), Day("2026-11-23")
ESCALATED = 70


class Hand:
    """Time that stands until it is put forward."""

    def __init__(self, at: Micros) -> None:
        self.at = at

    def now(self) -> Micros:
        return self.at

    def machine(self) -> Micros:
        return clock.steady()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no round wait."""
    monkeypatch.setattr("cli.night.LOOK_S", 0)


@pytest.fixture
def hand() -> Iterator[Hand]:
    hand = Hand(instant(FRIDAY, "08:00"))
    clock.use(hand)
    yield hand
    clock.use(clock.WallClock())


@pytest.fixture
def settings() -> Settings:
    return settings_of()


class Story:
    """What a life did, in order: rounds of the night do what is next in `nights`."""

    def __init__(self, hand: Hand, folder: Path, *codes: int) -> None:
        self.hand = hand
        self.folder = folder
        self.codes = list(codes)
        self.played: list[tuple[str, Micros]] = []
        self.shown: list[Status] = []
        self.nights: list[Callable[[], None]] = []

    def play(self, planned: DayPlan) -> Ended:
        self.played.append((planned.day, self.hand.at))
        self.hand.at = planned.force_close
        with OrderJournal(self.folder / NAME, 1, self.hand.at) as journal:
            journal.append([ProvedFlat(at=self.hand.at, first="a", second="b")])
        return Ended(at=self.hand.at, code=self.codes.pop(0), reason="in this test")

    def round(self) -> None:
        self.nights.pop(0)()

    def run(self, settings: Settings, *, stays: bool = True) -> Ended:
        beside = Beside(follow=self.round, show=self.shown.append)
        return Life(settings, self.folder, stays=stays, beside=beside).run(self.play)

    def put(self, day: Day, wall: str) -> Callable[[], None]:
        """Return what puts the time forward."""

        def put() -> None:
            self.hand.at = instant(day, wall)

        return put


@pytest.fixture
def story(hand: Hand, tmp_path: Path) -> Story:
    return Story(hand, tmp_path)


def send(number: signal.Signals) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


def test_without_stay_one_day_is_played_at_once(story: Story, settings: Settings) -> None:
    story.codes = [DAY_DONE]
    assert story.run(settings, stays=False).code == DAY_DONE
    assert story.played == [(FRIDAY, instant(FRIDAY, "08:00"))]


def test_without_stay_a_weekend_is_done_at_once(
    story: Story, settings: Settings, hand: Hand
) -> None:
    hand.at = instant(Day("2026-11-21"), "11:00")
    ended = story.run(settings, stays=False)
    assert (ended.code, ended.reason, story.played) == (DAY_DONE, "weekend", [])


def test_who_stays_begins_each_session_half_an_hour_before_its_open(
    story: Story, settings: Settings
) -> None:
    story.codes = [DAY_DONE, ESCALATED]
    saturday = story.put(Day("2026-11-21"), "12:00")
    story.nights = [story.put(FRIDAY, "08:45"), saturday, story.put(MONDAY, "08:45")]
    assert story.run(settings).code == ESCALATED
    assert story.played == [
        (FRIDAY, instant(FRIDAY, "08:45")),
        (MONDAY, instant(MONDAY, "08:45")),
    ]


@pytest.mark.parametrize("code", [0, 70, 130])
def test_whatever_else_ends_a_day_ends_the_process(
    story: Story, settings: Settings, hand: Hand, code: int
) -> None:
    hand.at = instant(FRIDAY, "11:00")
    story.codes = [code]
    assert story.run(settings).code == code


def test_a_start_after_hours_looks_whether_the_day_is_flat_and_sleeps(
    story: Story, settings: Settings, hand: Hand
) -> None:
    hand.at = instant(FRIDAY, "20:00")
    story.codes = [DAY_DONE]
    story.nights = [send(signal.SIGTERM)]
    assert story.run(settings).code == 0
    assert story.played == [(FRIDAY, instant(FRIDAY, "20:00"))]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_sleeper_is_ended_with_0(
    story: Story, settings: Settings, number: signal.Signals
) -> None:
    story.nights = [send(number)]
    before = signal.getsignal(number)
    ended = story.run(settings)
    assert (ended.code, story.played) == (0, [])
    assert ended.reason == f"{number.name}: no session was on"
    assert signal.getsignal(number) == before


def test_status_of_a_sleeper_is_closed_and_names_the_next_session(
    story: Story, settings: Settings, hand: Hand, tmp_path: Path
) -> None:
    hand.at = instant(FRIDAY, "15:30")
    story.codes = [DAY_DONE]
    story.nights = [lambda: None, send(signal.SIGTERM)]
    story.run(settings)
    written = msgspec.json.decode((tmp_path / STATUS).read_bytes(), type=Status)
    assert (written.mode, written.mode_reason) == ("CLOSED", "next session 2026-11-23 09:15 IST")
    assert (written.pid, written.ended, story.shown) == (os.getpid(), "", [written])


def test_beyond_the_calendar_it_sleeps_until_it_is_ended(
    story: Story, settings: Settings, hand: Hand
) -> None:
    hand.at = instant(settings.rules.holidays_through, "23:00")
    story.codes = [DAY_DONE]
    story.nights = [story.put(Day("2031-01-01"), "10:00"), send(signal.SIGTERM)]
    assert story.run(settings).code == 0
    last = story.shown[-1]
    assert last.mode_reason == "beyond the known calendar"
    assert last.needs == "no session is known after 2026-12-31: renew config/rules and start again"


def test_file_that_ends_the_next_session_is_said_once_and_shown_until_it_is_gone(
    story: Story, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kill = tmp_path / KILL

    def left() -> None:
        kill.write_text("FLATTEN")

    story.nights = [
        lambda: None,
        left,
        lambda: None,
        kill.unlink,
        send(signal.SIGTERM),
    ]
    story.run(settings)
    does = f"{kill} is there and ends the next session at its start (rm {kill})"
    assert [status.needs for status in story.shown] == ["", does, ""]
    assert [r.message for r in caplog.records if r.levelname == "WARNING"] == [does]


def test_file_that_freezes_is_told_so(story: Story, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / KILL).touch()
    story.nights = [lambda: None, send(signal.SIGTERM)]
    story.run(settings)
    assert "is there and freezes the next session" in story.shown[-1].needs


def latches(folder: Path, day: Day) -> dict[str, str]:
    return Ledger().fold(verify(folder / NAME, day)).latches


def test_latches_raised_over_the_week_end_hold_on_monday(
    story: Story, settings: Settings, tmp_path: Path, hand: Hand
) -> None:
    hand.at = instant(FRIDAY, "11:00")
    story.codes = [DAY_DONE]
    found = dict[str, str]()

    def asked() -> None:
        Dropbox(tmp_path).put(request(Lever.HALT))

    def play(planned: DayPlan) -> Ended:
        if planned.day == MONDAY:
            found.update(latches(tmp_path, MONDAY))
            return Ended(at=hand.at, code=ESCALATED, reason="seen")
        return story.play(planned)

    sunday = story.put(Day("2026-11-22"), "12:00")
    story.nights = [send(signal.SIGUSR1), asked, sunday, story.put(MONDAY, "08:45")]
    beside = Beside(follow=story.round, show=story.shown.append)
    Life(settings, tmp_path, stays=True, beside=beside).run(play)
    assert found == {"FREEZE": "SIGUSR1", "HALT": "BY_HAND"}
    assert {hold.code for hold in story.shown[-1].latches} == {"FREEZE", "HALT"}


@pytest.mark.parametrize(
    ("lever", "name", "refusal"),
    [
        (Lever.FREEZE, "", ""),
        (Lever.FLATTEN, "", ""),
        (Lever.RECONCILE, "", "no session is on: there is nothing to read until the next one"),
        (Lever.CLEAR, "NONSENSE", "--latch NONSENSE: is no latch; up: none"),
    ],
)
def test_levers_are_answered_while_asleep(
    story: Story, settings: Settings, tmp_path: Path, lever: Lever, name: str, refusal: str
) -> None:
    box = Dropbox(tmp_path)
    ids, said = list[str](), list[Answer | None]()

    def look() -> None:
        said.append(box.answered(ids[0]))

    story.nights = [
        lambda: ids.append(box.put(request(lever, name))),
        look,
        send(signal.SIGTERM),
    ]
    story.run(settings)
    up = () if refusal else (lever.value.upper(),)
    assert said == [Answer(refusal=refusal, mode="CLOSED", latches=up)]


def test_flatten_raised_by_night_is_taken_down_by_night_unless_something_is_open(
    story: Story, settings: Settings, tmp_path: Path, hand: Hand
) -> None:
    box = Dropbox(tmp_path)
    ids = list[str]()

    def ask(lever: Lever, name: str = "") -> Callable[[], None]:
        return lambda: ids.append(box.put(request(lever, name)))

    def sold() -> None:
        with OrderJournal(tmp_path / NAME, 1, hand.at) as journal:
            journal.append([an_intent(at=hand.at)])

    story.nights = [
        ask(Lever.FLATTEN),
        ask(Lever.CLEAR, "FLATTEN"),
        ask(Lever.FLATTEN),
        sold,
        ask(Lever.CLEAR, "FLATTEN"),
        lambda: None,
        send(signal.SIGTERM),
    ]
    story.run(settings)
    answers = [box.answered(name) for name in ids]
    assert [bool(answer and answer.refusal) for answer in answers] == [False, False, False, True]
    assert latches(tmp_path, FRIDAY) == {"FLATTEN": "BY_HAND"}


def test_journal_of_the_former_day_is_put_away_and_the_oldest_forgotten(
    story: Story, settings: Settings, tmp_path: Path, hand: Hand
) -> None:
    hand.at = instant(FRIDAY, "11:00")
    with OrderJournal(tmp_path / NAME, 1, instant(FRIDAY, "10:00")) as journal:
        journal.append([LatchSet(at=hand.at, name="FREEZE", reason="BY_HAND")])
    for number in range(300):
        (tmp_path / archive.FOLDER / f"2025-01-01.{number:03}").mkdir(parents=True)
    story.codes = [DAY_DONE, ESCALATED]
    story.nights = [story.put(MONDAY, "08:45")]
    story.run(settings)
    kept = list((tmp_path / archive.FOLDER).iterdir())
    assert len(kept) == settings.journal.keep_days
    assert archive.journal_of(tmp_path, FRIDAY).parent.name == FRIDAY
    assert trading_day(hand.at) == MONDAY
