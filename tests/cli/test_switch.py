"""What the main loop sees of the state directory, and tells the order actor."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.dropbox import KILL, NAME, STALE, Answer, Dropbox, Request, kill_text, request
from cli.switch import EVERY, Switch
from domain import clock
from domain.clock import WallClock
from domain.levers import Lever
from domain.units import SECOND, Micros
from messages.orders import LeverPulled, PullLever
from tests.actors.fakes import RecordingPost, To

AT = Micros(1_795_149_000_000_000)


class Hand:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.steady = Micros(0)

    def now(self) -> Micros:
        return AT

    def machine(self) -> Micros:
        return self.steady


@pytest.fixture
def hand() -> Iterator[Hand]:
    source = Hand()
    clock.use(source)
    yield source
    clock.use(WallClock())


class Loop:
    """A main loop of which only the switch is there."""

    def __init__(self, folder: Path, hand: Hand) -> None:
        self.post = RecordingPost()
        self.switch = Switch(folder, self.post)
        self._hand = hand

    def look(self, after: int = EVERY) -> list[PullLever]:
        self._hand.steady = Micros(self._hand.steady + after)
        self.switch.look()
        return [message for address, message in self.post.take() if isinstance(message, PullLever)]


@pytest.fixture
def loop(tmp_path: Path, hand: Hand) -> Loop:
    return Loop(tmp_path, hand)


def a_lever(lever: Lever, reason: str, **more: str) -> PullLever:
    return PullLever(at=AT, lever=lever, reason=reason, **more)


def test_nothing_there_is_nothing_told(loop: Loop) -> None:
    assert loop.look(0) == []


@pytest.mark.parametrize(
    ("text", "lever"), [("", Lever.FREEZE), ("FLATTEN\n", Lever.FLATTEN), ("stop", Lever.FREEZE)]
)
def test_file_is_seen_at_the_start_and_told_as_long_as_it_is_there(
    loop: Loop, tmp_path: Path, text: str, lever: Lever
) -> None:
    (tmp_path / KILL).write_text(text)
    expected = [a_lever(lever, "KILL_FILE")]
    assert loop.look(0) == expected
    assert loop.look(EVERY - 1) == [], "not before half a second"
    assert loop.look(1) == expected
    (tmp_path / KILL).unlink()
    assert loop.look() == []


def test_file_is_told_anew_when_it_says_more(
    loop: Loop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / KILL).touch()
    loop.look(0)
    loop.look()
    (tmp_path / KILL).write_text("FLATTEN")
    assert [pulled.lever for pulled in loop.look()] == [Lever.FLATTEN]
    (tmp_path / KILL).unlink()
    loop.look()
    told = [line.rpartition("/")[2] for line in caplog.messages]
    assert told == ["KILL is there: freeze", "KILL is there: flatten", "KILL is gone"]


def test_file_that_cannot_be_read_freezes(loop: Loop, tmp_path: Path) -> None:
    (tmp_path / KILL).mkdir()
    assert kill_text(tmp_path) == ""
    assert [pulled.lever for pulled in loop.look(0)] == [Lever.FREEZE]


def test_bytes_that_are_no_text_freeze(loop: Loop, tmp_path: Path) -> None:
    (tmp_path / KILL).write_bytes(b"\xff\xfe\0")
    assert [pulled.lever for pulled in loop.look(0)] == [Lever.FREEZE]


def test_request_is_told_until_it_is_answered(loop: Loop, tmp_path: Path) -> None:
    box = Dropbox(tmp_path)
    name = box.put(request(Lever.CLEAR, "HALT"))
    wish = a_lever(Lever.CLEAR, "BY_HAND", name="HALT", request=name)
    assert (loop.look(0), loop.look()) == ([wish], [wish])
    said = LeverPulled(at=AT, request=name, refusal="", mode="ACTIVE", latches=())
    loop.switch.answered(said)
    assert loop.look() == []
    assert box.answered(name) == Answer(refusal="", mode="ACTIVE", latches=())
    box.forget(name)
    assert list((tmp_path / NAME).iterdir()) == []


def test_answer_to_what_nobody_asks_any_more_leaves_nothing(loop: Loop, tmp_path: Path) -> None:
    name = Dropbox(tmp_path).put(request(Lever.FREEZE))
    Dropbox(tmp_path).forget(name)
    loop.switch.answered(LeverPulled(at=AT, request=name, refusal="", mode="", latches=()))
    assert list((tmp_path / NAME).iterdir()) == []


def test_request_that_came_too_late_is_not_obeyed(loop: Loop, tmp_path: Path) -> None:
    box = Dropbox(tmp_path)
    for at in (clock.wall() - STALE - SECOND, clock.wall() + STALE + SECOND):
        box.put(Request(at=Micros(at), lever=Lever.FLATTEN))
        assert loop.look() == []
    assert list((tmp_path / NAME).iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b'{"lever":"sell"}', b'{"at":1,"lever":"fly"}'])
def test_request_that_makes_no_sense_is_thrown_away(
    loop: Loop, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "x.json").write_bytes(content)
    assert loop.look() == []
    assert list((tmp_path / NAME).iterdir()) == []


def test_half_a_request_is_not_seen(loop: Loop, tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "x.json.new").write_bytes(b"{")
    assert loop.look() == []


def test_requests_are_for_their_owner_alone(tmp_path: Path) -> None:
    name = Dropbox(tmp_path).put(request(Lever.FREEZE))
    paths = (tmp_path / NAME, tmp_path / NAME / f"{name}.json")
    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o700, 0o600]


def test_signal_freezes_and_a_second_one_flattens(loop: Loop, hand: Hand) -> None:
    loop.switch.tap()
    hand.steady = Micros(hand.steady + 9 * SECOND)
    loop.switch.tap()
    told = [a_lever(Lever.FREEZE, "SIGUSR1"), a_lever(Lever.FLATTEN, "SIGUSR1")]
    assert loop.post.take() == [To("order", wish) for wish in told]


def test_file_that_cannot_be_read_is_told_once(
    loop: Loop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / KILL).mkdir()
    loop.look(0)
    loop.look()
    (tmp_path / KILL).rmdir()
    loop.look()
    there, told, gone = [line.rpartition("/")[2] for line in caplog.messages]
    assert (there, gone) == ("KILL is there: freeze", "KILL is gone")
    assert told.startswith("KILL cannot be read (Is a directory): it freezes whatever it holds")
