"""The pager: sends in threads of its own, tries again, drops the oldest, keeps what was told."""

import logging
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cli.pager import NAME, Apprised, Pager
from domain.alarms import Severity
from domain.alerting import Memory, Notice, Told
from domain.errors import ConfigError
from domain.units import Micros
from tests import waiting
from tests.cli.listener import SECRET, Listener

PATIENCE_S = 10.0


def until(condition: Callable[[], bool]) -> None:
    waiting.until(condition, PATIENCE_S)


def a_notice(n: int = 1, body: str = "it happened") -> Notice:
    return Notice(at=Micros(0), severity=Severity.CRITICAL, title=f"alarm {n}", body=body)


class FakeTarget:
    """An address that fails as often as it is told to, and can be held."""

    def __init__(self, *, fails: int = 0, name: str = "a fake") -> None:
        self.name = name
        self.fails = fails
        self.tried = 0
        self.got: list[tuple[str, str]] = []
        self.arrived = threading.Event()
        self.free = threading.Event()
        self.free.set()

    def deliver(self, title: str, body: str, severity: Severity) -> bool:
        self.arrived.set()
        self.free.wait()
        self.tried += 1
        if self.tried <= self.fails:
            return False
        self.got.append((title, body))
        return True

    def saw(self, count: int) -> None:
        until(lambda: len(self.got) == count)

    @property
    def titles(self) -> list[str]:
        return [title for title, _ in self.got]


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    yield found
    found.close()


def a_pager(folder: Path, *targets: Any, most: int = 5) -> Pager:
    pager = Pager(folder, targets, most, waits_s=(0.001,))
    pager.start()
    return pager


@pytest.mark.incident("INC-114")
def test_failed_send_is_retried_and_blocks_nobody(tmp_path: Path) -> None:
    """The address hangs, then fails three times; who tells goes on, the other address gets it."""
    slow, other = FakeTarget(fails=3, name="slow"), FakeTarget(name="other")
    slow.free.clear()
    pager = a_pager(tmp_path, slow, other)
    pager.send(a_notice(1, "<b>1 < 2"))
    assert slow.arrived.wait(5)
    pager.send(a_notice(2))  # comes back although nothing is delivered
    slow.free.set()
    until(lambda: len(slow.got) == 2)
    assert slow.got == [("alarm 1", "<b>1 < 2"), ("alarm 2", "it happened")]
    assert slow.tried == 5
    assert pager.close() == 0
    assert other.titles == ["alarm 1", "alarm 2"]


def test_oldest_makes_room_and_is_counted(tmp_path: Path) -> None:
    target = FakeTarget()
    target.free.clear()
    pager = a_pager(tmp_path, target, most=3)
    pager.send(a_notice(0))
    assert target.arrived.wait(5)
    for n in range(1, 6):
        pager.send(a_notice(n))
    target.free.set()
    assert pager.close() == 0
    assert target.titles == ["alarm 0", "alarm 3", "alarm 4", "alarm 5"]
    assert target.got[1][1] == "it happened\n(3 older messages were dropped)"
    assert target.got[2][1] == "it happened"


def test_address_that_is_down_holds_up_no_other(tmp_path: Path) -> None:
    down, up = FakeTarget(fails=10**9), FakeTarget()
    pager = a_pager(tmp_path, down, up)
    for n in range(3):
        pager.send(a_notice(n))
    until(lambda: len(up.got) == 3)
    assert pager.close() == 3


def test_address_that_hangs_delays_no_other_also_at_the_end(tmp_path: Path) -> None:
    """It hangs in its first message; the other one gets what comes later, and the last words."""
    hung, other = FakeTarget(name="hung"), FakeTarget(name="other")
    hung.free.clear()
    pager = a_pager(tmp_path, hung, other)
    pager.send(a_notice(1))
    assert hung.arrived.wait(5)
    pager.send(a_notice(2))
    other.saw(2)
    pager.keep(Memory(life="last"))
    pager.send(a_notice(3))
    with ThreadPoolExecutor(1) as pool:
        closing = pool.submit(pager.close, PATIENCE_S)
        try:
            other.saw(3)
            assert Pager(tmp_path, (), 1).recall() == Memory(life="last")
        finally:
            hung.free.set()
        assert closing.result() == 0
    assert hung.titles == other.titles == ["alarm 1", "alarm 2", "alarm 3"]


def test_what_was_told_is_on_disk_before_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, disk, asked = FakeTarget(), threading.Event(), threading.Event()
    pager = Pager(tmp_path, [target], 5)
    write = pager._write

    def slow(memory: Memory) -> None:
        asked.set()
        disk.wait()
        write(memory)

    monkeypatch.setattr(pager, "_write", slow)
    pager.keep(Memory(life="told"))
    pager.send(a_notice())
    pager.start()
    assert asked.wait(5)
    assert not target.arrived.is_set()
    disk.set()
    assert pager.close() == 0
    assert target.titles == ["alarm 1"]


def test_what_fails_is_said_once_and_that_it_works_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    target = FakeTarget(fails=4)
    pager = a_pager(tmp_path, target)
    pager.send(a_notice())
    until(lambda: bool(target.got))
    pager.close()
    assert caplog.messages == [
        "a fake takes no message; it is tried again",
        "a fake takes messages again, after 4 tries",
    ]


class Poisoned(FakeTarget):
    def deliver(self, title: str, body: str, severity: Severity) -> bool:
        self.tried += 1
        if self.tried == 1:
            message = f"https://example.org/{SECRET}"
            raise ValueError(message)
        return super().deliver(title, body, severity)


def test_plug_in_that_raises_ends_nothing_and_its_words_are_not_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    target = Poisoned()
    pager = a_pager(tmp_path, target)
    pager.send(a_notice())
    until(lambda: bool(target.got))
    pager.close()
    assert "a fake failed: ValueError" in caplog.text
    assert SECRET not in caplog.text


def test_last_messages_leave_before_it_closes_and_what_cannot_is_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = FakeTarget(), FakeTarget(fails=10**9)
    pager = Pager(tmp_path, (good, bad), 5)
    pager.send(a_notice(1))
    pager.send(a_notice(2))
    pager.start()
    assert pager.close() == 2
    assert good.titles == ["alarm 1", "alarm 2"]
    assert "2 messages to people could not be sent and are lost" in caplog.text


def test_memory_survives_for_the_owner_alone(tmp_path: Path) -> None:
    memory = Memory(told=(Told(kind="GAP", subject="CE", since=Micros(5)),), life="it gave up")
    pager = a_pager(tmp_path)
    assert pager.recall() == Memory()
    pager.keep(memory)
    assert pager.recall() == memory
    pager.close()
    assert Pager(tmp_path, (), 1).recall() == memory
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"{", b'{"told": 5}', b"\xff\xfe"])
def test_damaged_memory_is_begun_anew(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / NAME).write_bytes(content)
    assert Pager(tmp_path, (), 1).recall() == Memory()
    assert "cannot be read and is begun anew" in caplog.text


def test_disk_that_takes_nothing_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "gone"
    target = FakeTarget()
    pager = a_pager(folder, target)
    for n in range(3):
        pager.keep(Memory(life=str(n)))
        pager.send(a_notice(n))
        target.saw(n + 1)
    assert len(caplog.messages) == 1
    folder.mkdir()
    pager.keep(Memory(life="last"))
    pager.close()
    assert Pager(folder, (), 1).recall() == Memory(life="last")


def test_message_arrives_through_apprise_as_it_was_written(listener: Listener) -> None:
    target = Apprised(listener.url, 2)
    assert target.name == "alert address 2 (json)"
    assert target.deliver("a < b & c", "<b>1 < 2</b>\n_x_ *y*", Severity.CRITICAL)
    (got,) = listener.got
    assert (got["title"], got["message"]) == ("a < b & c", "<b>1 < 2</b>\n_x_ *y*")
    assert got["type"] == "failure"


def test_text_is_told_to_be_text_so_that_html_services_escape_it(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Apprised(listener.url, 1)
    asked: list[dict[str, Any]] = []

    def notify(**words: Any) -> bool:
        asked.append(words)
        return True

    monkeypatch.setattr(target._service, "notify", notify)
    target.deliver("t", "1 < 2", Severity.INFO)
    assert [(words["body"], words["body_format"]) for words in asked] == [("1 < 2", "text")]


def test_refused_message_is_sent_again_and_no_address_is_logged(
    tmp_path: Path, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    listener.refuses = 2
    pager = a_pager(tmp_path, Apprised(listener.url, 1))
    pager.send(a_notice())
    until(lambda: bool(listener.got))
    pager.close()
    assert listener.got[0]["title"] == "alarm 1"
    own = [record for record in caplog.records if not record.name.startswith("urllib3")]
    assert SECRET not in "\n".join(record.getMessage() for record in own)


def test_address_nobody_knows_is_refused_without_being_told() -> None:
    with pytest.raises(ConfigError) as caught:
        Apprised(f"nosuch://{SECRET}", 3)
    assert "alert address 3 (nosuch) is none" in str(caught.value)
    assert SECRET not in str(caught.value)
