"""What a restart does not mend: it ends, it rests, and people are told once."""

import pytest

from tests.deploy.conftest import Furnish
from tests.deploy.service import FAILED, LONG_S, UNIT, Service
from tests.waiting import until

pytestmark = [pytest.mark.deploy, pytest.mark.slow]

DROP_IN = f"etc/systemd/system/{UNIT}.d/test.conf"
CRASHES = (
    "[Service]\nType=exec\nRestartSec=100ms\nExecStart=\nExecStart=/bin/sh -c 'kill -9 $$$$'\n"
)
TOLD = "Sutradhar: sutradhar.service has failed"


@pytest.fixture(scope="module")
def service(furnish: Furnish) -> Service:
    made = furnish("10:04:00")
    made.machine.boot()
    made.wait_until_ready()
    return made


def assert_told(service: Service, count: int) -> None:
    """So many messages were sent, and nobody is still at it."""
    until(lambda: len(service.failures) >= count, LONG_S)
    until(lambda: service.show("ActiveState", FAILED) == "inactive", LONG_S)
    assert service.failures == [TOLD] * count


@pytest.mark.incident("INC-96")
def test_permanent_failure_is_one_alert_and_slow_restarts(service: Service) -> None:
    service.machine.systemctl("stop", UNIT)
    service.set_environment("OPENALGO_PORT=no-port\n")
    for _ in range(2):
        service.machine.systemctl("start", UNIT)
        assert service.wait_until_it_rests() == "failed exit-code 78"
        assert service.show("NRestarts") == "0"
        assert_told(service, 1)
    service.set_environment("")
    service.machine.systemctl("start", UNIT)
    service.wait_until_ready()
    service.assert_protected()


def test_ten_crashes_in_a_row_are_its_end_and_one_notification(service: Service) -> None:
    before = len(service.failures)
    service.machine.systemctl("stop", UNIT)
    service.machine.write(DROP_IN, CRASHES)
    service.machine.systemctl("daemon-reload")
    service.machine.systemctl("reset-failed", UNIT)
    service.machine.systemctl("--no-block", "start", UNIT)
    service.wait_until_it_rests()
    assert "Start request repeated too quickly." in service.log
    assert service.log.count("Main process exited, code=killed, status=9/KILL") == 10
    assert_told(service, before + 1)
    service.assert_protected()

    (service.machine.root / DROP_IN).unlink()
    service.machine.systemctl("daemon-reload")
    service.machine.systemctl("reset-failed", UNIT)
    service.machine.systemctl("start", UNIT)
    service.wait_until_ready()
    service.assert_protected()
