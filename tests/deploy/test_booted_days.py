"""The timer and the exit codes: a day begins by itself, ends flat, and rests until the next."""

import pytest

from domain.books import Action
from domain.session import instant
from domain.units import Day
from tests.deploy.conftest import Furnish
from tests.deploy.service import UNIT, Service
from tests.tapes import CALL, UNITS

pytestmark = [pytest.mark.deploy, pytest.mark.slow]

FRIDAY, SATURDAY = Day("2026-11-20"), Day("2026-11-21")
RESTS = "inactive success 10"


def move_to(service: Service, day: Day, wall: str) -> None:
    """Move the clock; systemd sets its timers anew when it reads its units again."""
    service.machine.set_clock(instant(day, wall))
    service.machine.systemctl("daemon-reload")


@pytest.mark.incident("INC-107")
def test_timer_starts_the_day_and_day_done_ends_it(furnish: Furnish) -> None:
    service = furnish("15:14:56")
    service.machine.boot()
    assert service.wait_until_it_rests() == RESTS
    assert service.truth.net(CALL) == 0
    assert sum(order.filled for order in service.truth.orders(Action.BUY)) == UNITS
    assert len(service.truth.orders(Action.SELL)) == 1
    service.assert_sound()
    assert service.show("NRestarts") == "0"

    service.machine.systemctl("stop", "openalgo")
    done = service.life()
    move_to(service, FRIDAY, "08:44:59")
    service.wait_until_begun_after(done)
    service.wait_until_ready()
    assert f"trading {FRIDAY}" in service.log
    # Nothing is open and nobody answers: parking would only take its time.
    service.machine.systemctl("kill", "-s", "KILL", UNIT)
    service.machine.systemctl("stop", UNIT)

    friday = service.life()
    move_to(service, SATURDAY, "08:44:59")
    service.wait_until_begun_after(friday)
    assert service.wait_until_it_rests() == RESTS
    assert f"no session on {SATURDAY}" in service.log
    assert service.failures == []
