"""WatchdogActor ends the process when a short stays uncovered by our own fault."""

import logging

import pytest

from domain import clock
from domain.positions import Phase
from domain.units import Micros, Symbol, Units, seconds
from messages.control import ClockJumped, Ended, Pulse
from messages.orders import CoverageMeasured, PositionChanged
from tests.actors.watchdog_stand import Stand
from tests.domain.tape import CALL, at
from tests.trading import a_leg

START = at("10:00")


class Machine:
    """A computer whose clock is moved by hand; market time goes along."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> Micros:
        return self.at

    def machine(self) -> Micros:
        return self.at


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(clock, "machine", machine.machine)
    return machine


def later(second: float) -> Micros:
    return Micros(START + seconds(second))


def with_a_short() -> Stand:
    stand = Stand()
    stand.hear(PositionChanged(at=START, leg=a_leg(CALL)))
    return stand


def figure(second: float, *, bare: bool = True, read: float | None = None) -> CoverageMeasured:
    short: tuple[tuple[Symbol, Units, Micros], ...] = ((CALL, Units(650), START),)
    read_at = later(second if read is None else read)
    return CoverageMeasured(at=later(second), read_at=read_at, bare=short if bare else (), boots=1)


def play(stand: Stand, machine: Machine, until: int, **kind: object) -> list[Ended]:
    ended: list[Ended] = []
    for second in range(until):
        machine.at = later(second)
        told = stand.hear(figure(second, **kind), Pulse(at=later(second)))  # type: ignore[arg-type]
        ended += [to.message for to in told if isinstance(to.message, Ended)]
    return ended


def test_process_ends_once_after_20_s_without_cover(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    (ended,) = play(with_a_short(), machine, 40)
    assert (ended.at, ended.code) == (later(20), 70)
    (page,) = [r.getMessage() for r in caplog.records if r.levelno == logging.CRITICAL]
    assert page.startswith(f"UNCOVERED {CALL} short 650 uncovered;")


def test_process_stays_while_the_broker_is_out_of_reach_and_tells_each_minute(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    assert play(with_a_short(), machine, 150, read=0) == []
    assert len([r for r in caplog.records if r.levelno == logging.CRITICAL]) == 3


def test_covered_short_ends_nothing(machine: Machine) -> None:
    assert play(with_a_short(), machine, 60, bare=False) == []


def silent(stand: Stand, machine: Machine, since: int, until: int) -> list[Micros]:
    ended = []
    for second in range(since, until):
        machine.at = later(second)
        told = stand.hear(Pulse(at=later(second)))
        ended += [to.message.at for to in told if isinstance(to.message, Ended)]
    return ended


def test_process_ends_when_nobody_measures_for_15_s_beside_a_short(machine: Machine) -> None:
    assert silent(with_a_short(), machine, 0, 30) == [later(15)]


def test_silence_after_the_last_short_ended_is_none(machine: Machine) -> None:
    stand = with_a_short()
    stand.hear(PositionChanged(at=START, leg=a_leg(CALL, phase=Phase.DONE)))
    assert silent(stand, machine, 0, 60) == []


def test_sleep_of_the_process_is_no_silence(machine: Machine) -> None:
    stand = with_a_short()
    assert silent(stand, machine, 0, 10) == []
    machine.at = later(100)
    jumped = ClockJumped(at=machine.at, since=later(10), reason="slept")
    told = stand.hear(jumped, Pulse(at=machine.at))
    assert [to for to in told if isinstance(to.message, Ended)] == []
    assert silent(stand, machine, 100, 114) == []
