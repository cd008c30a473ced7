"""What the service manager hears, on sockets as it opens them."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.notify import EVERY, Notifier, Service, Terms, is_ready, summary
from domain import clock
from domain.status import Status
from domain.units import Micros, seconds


class Manager:
    """The end of the socket that systemd reads."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self.socket.setblocking(False)
        self.address = address

    def heard(self) -> list[str]:
        """Everything that came since the last look, one string a message."""
        found = []
        while True:
            try:
                found.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return found


class Hands:
    """A computer whose clock is moved by hand."""

    def __init__(self) -> None:
        self.at = seconds(1000)

    def now(self) -> Micros:
        return self.at

    def machine(self) -> Micros:
        return self.at


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.socket.close()


@pytest.fixture
def hands() -> Iterator[Hands]:
    hands = Hands()
    clock.use(hands)
    yield hands
    clock.use(clock.WallClock())


def a_status(mode: str = "ACTIVE", **changes: object) -> Status:
    base: dict[str, object] = {"at": Micros(1), "pid": 1, "day": "2026-11-19", "url": "x"}
    return Status(**{**base, "mode": mode, "feed_trusted": True, **changes})  # type: ignore[arg-type]  # by name


def a_service(manager: Manager, **terms: object) -> Service:
    return Service(Terms(address=manager.address, stop_s=65, **terms))  # type: ignore[arg-type]  # by name


def told(service: Service, manager: Manager, status: Status, *, is_fed: bool = True) -> list[str]:
    service.show(status)
    service.look(is_fed=is_fed)
    return manager.heard()


def test_start_asks_for_time_and_ends_with_ready(manager: Manager, hands: Hands) -> None:
    service = a_service(manager)
    service.look(is_fed=True)
    assert manager.heard() == ["WATCHDOG=1\nEXTEND_TIMEOUT_USEC=60000000"]
    assert told(service, manager, a_status("RECOVERING")) == [
        "STATUS=2026-11-19 RECOVERING shorts=0, entries off: RECOVERING"
    ]
    assert told(service, manager, a_status()) == [
        "STATUS=2026-11-19 ACTIVE shorts=0, entries on",
        "READY=1",
    ]
    assert told(service, manager, a_status()) == []
    hands.at = Micros(hands.at + EVERY)
    assert told(service, manager, a_status()) == ["WATCHDOG=1"]


def test_process_that_does_not_live_is_not_said_to(manager: Manager, hands: Hands) -> None:
    service = a_service(manager)
    told(service, manager, a_status())
    hands.at = Micros(hands.at + EVERY)
    assert told(service, manager, a_status(), is_fed=False) == []
    hands.at = Micros(hands.at + seconds(1))
    assert told(service, manager, a_status()) == ["WATCHDOG=1"]


def test_end_is_told_once_with_the_time_it_may_take(manager: Manager, hands: Hands) -> None:
    service = a_service(manager)
    told(service, manager, a_status())
    service.stopping()
    service.over(0)
    assert manager.heard() == ["STOPPING=1\nEXTEND_TIMEOUT_USEC=65000000"]


@pytest.mark.parametrize(("code", "said"), [(10, ["READY=1"]), (0, ["READY=1"]), (70, [])])
def test_end_before_the_begin_is_no_failure_if_it_is_none(
    manager: Manager, hands: Hands, code: int, said: list[str]
) -> None:
    """A holiday ends a process that never had anything to get ready for."""
    a_service(manager).over(code)
    assert manager.heard() == [*said, "STOPPING=1\nEXTEND_TIMEOUT_USEC=65000000"]


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        (a_status("STARTING"), False),
        (a_status("RECOVERING"), False),
        (a_status("REDUCE_ONLY", uncovered=650), False),
        (a_status("REDUCE_ONLY"), True),
        (a_status("WAIT_LOGIN", uncovered=650), True),
        (a_status("HALTED", uncovered=650), True),
        (a_status("CLOSED"), True),
    ],
)
def test_service_is_ready_when_every_short_is_protected_or_a_human_is_needed(
    status: Status, ready: bool
) -> None:
    assert is_ready(status) is ready


def test_summary_is_one_line_of_ascii() -> None:
    status = a_status("REDUCE_ONLY", mode_reason="a\nb \x1b[1m", positions=2, uncovered=65)
    assert summary(status) == (
        "2026-11-19 REDUCE_ONLY shorts=2, 65 units UNCOVERED, entries off: REDUCE_ONLY a?b ?[1m"
    )
    assert len(summary(a_status("REDUCE_ONLY", mode_reason="x" * 999))) == 200


def test_terms_are_read_from_what_systemd_sets() -> None:
    ours = {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}
    assert Terms.of(ours, 5) == Terms(address="@x", every=seconds(10), stop_s=5)
    assert Terms.of({**ours, "WATCHDOG_USEC": "9000000"}, 5).every == seconds(3)
    assert Terms.of({**ours, "WATCHDOG_PID": "1", "WATCHDOG_USEC": "9"}, 5).every == EVERY
    assert Terms.of({}, 5) == Terms(stop_s=5)


def test_word_of_being_ready_that_was_not_taken_is_told_again(
    manager: Manager, hands: Hands
) -> None:
    service, flood = a_service(manager), Notifier(manager.address)
    while flood.tell("STATUS=x"):
        continue
    service.show(a_status())
    service.look(is_fed=False)
    assert "READY=1" not in manager.heard()
    assert told(service, manager, a_status(), is_fed=False) == ["READY=1"]


def test_abstract_socket_is_reached() -> None:
    manager = Manager(f"@sutradhar-test-{os.getpid()}")
    Notifier(manager.address).tell("READY=1", "STATUS=x")
    assert manager.heard() == ["READY=1\nSTATUS=x"]
    manager.socket.close()


def test_nobody_is_told_where_nobody_asked(hands: Hands) -> None:
    service = Service(Terms())
    service.show(a_status())
    service.look(is_fed=True)
    service.over(0)


def test_manager_that_is_gone_or_does_not_read_is_complained_of_once(
    manager: Manager, hands: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = Notifier(manager.address)
    for _ in range(1000):
        notifier.tell("WATCHDOG=1")
    assert len(caplog.records) == 1
    Notifier("/nowhere/at/all").tell("READY=1")
    assert [record.getMessage().partition(": ")[0] for record in caplog.records] == [
        "the service manager was not told WATCHDOG=1",
        "the service manager was not told READY=1",
    ]
