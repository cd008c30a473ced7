"""The shipped unit under a real systemd, with an open short: whatever ends it, the stop rests.

The tests go on with one machine, so they also show that one thing after another doubles nothing.
"""

import pytest

from domain.session import instant
from tests.deploy.conftest import Furnish
from tests.deploy.machine import HOME
from tests.deploy.service import LONG_S, UNIT, Service, figure
from tests.tapes import DAY
from tests.waiting import until

pytestmark = [pytest.mark.deploy, pytest.mark.slow]

STARVES_S = 6
DROP_IN = f"etc/systemd/system/{UNIT}.d/test.conf"


@pytest.fixture(scope="module")
def service(furnish: Furnish) -> Service:
    made = furnish("10:04:00")
    made.machine.write(DROP_IN, f"[Service]\nWatchdogSec={STARVES_S}\n")
    made.machine.boot()
    return made


def test_boot_is_ready_once_the_short_is_protected(service: Service) -> None:
    took_s = service.wait_until_ready()
    service.assert_protected()
    assert service.show("Type") == "notify"
    assert "ACTIVE shorts=1" in until(lambda: service.show("StatusText"), LONG_S)
    figure(f"booted: READY, the short protected, {took_s:.1f} s after systemd")


def test_process_may_do_nothing_but_its_business(service: Service) -> None:
    service.wait_until_ready()
    process = f"/proc/{service.life().pid}"
    status = service.machine.inside("cat", f"{process}/status").stdout
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {fields[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")
    uids = set(fields["Uid"].split())
    assert "0" not in uids
    assert len(uids) == 1
    state = service.machine.inside(
        "find", "/var/lib/private/sutradhar", "-perm", "/077", "-not", "-type", "l"
    )
    assert (state.stdout, state.stderr) == ("", "")
    environment = service.machine.inside("cat", f"{process}/environ").stdout
    command = service.machine.inside("cat", f"{process}/cmdline").stdout
    assert "k" * 32 not in environment + command


def test_kill_9_is_active_again_and_doubles_nothing(service: Service) -> None:
    service.wait_until_ready()
    before, restarts = service.life(), int(service.show("NRestarts"))
    service.machine.systemctl("kill", "-s", "KILL", UNIT)
    took_s = service.wait_until_ready(before)
    assert int(service.show("NRestarts")) == restarts + 1
    service.assert_protected()
    figure(f"kill -9: active again after {took_s:.1f} s")


def test_starved_watchdog_is_a_restart(service: Service) -> None:
    """Shipped are 30 s, here 6: the process is stopped as a whole, as a dead disk would do it."""
    service.wait_until_ready()
    before, restarts = service.life(), int(service.show("NRestarts"))
    service.machine.systemctl("kill", "-s", "STOP", UNIT)
    took_s = service.wait_until_ready(before)
    assert f"Watchdog timeout (limit {STARVES_S}s)!" in service.log
    assert int(service.show("NRestarts")) == restarts + 1
    service.assert_protected()
    figure(f"watchdog starved of {STARVES_S} s: active again after {took_s:.1f} s")


def test_sigterm_parks_and_the_stop_still_rests(service: Service) -> None:
    service.wait_until_ready()
    service.machine.systemctl("stop", UNIT)
    assert service.wait_until_it_rests() == "inactive success 0"
    assert "PARKED: stops verified 1/1" in service.log
    service.assert_protected()
    service.machine.systemctl("start", UNIT)
    service.wait_until_ready()
    service.assert_protected()


def test_reboot_at_eleven_with_an_open_short_brings_it_back(service: Service) -> None:
    service.wait_until_ready()
    service.machine.cut_power()
    service.assert_protected()
    service.machine.set_clock(instant(DAY, "11:00:00"))
    service.machine.boot()
    took_s = service.wait_until_ready()
    assert "11:00:" in service.log.rpartition("books read")[0].rpartition("\n")[2]
    service.assert_protected()
    figure(f"power cut, boot at 11:00: active again {took_s:.1f} s after the boot")
    assert service.failures == []


def test_scripts_act_as_the_service_and_take_it_away(service: Service) -> None:
    service.wait_until_ready()
    machine, scripts = service.machine, f"/{HOME}/systemd"
    frozen = machine.inside(f"{scripts}/run.sh", "freeze")
    assert frozen.returncode == 0, frozen.stdout + frozen.stderr
    looked = machine.inside(f"{scripts}/run.sh", "doctor", "--deploy", "unit")
    unit = "PASS unit: sutradhar.service active, enabled"
    assert unit in looked.stdout, looked.stdout + looked.stderr
    mine = machine.inside("find", "/var/lib/private/sutradhar", "-uid", "0").stdout
    assert mine == ""

    again = machine.inside(f"{scripts}/install.sh")
    assert (again.returncode, again.stdout.splitlines()) == (
        0,
        ["enabled at boot and by sutradhar.timer"],
    )
    refused = machine.inside(f"{scripts}/uninstall.sh", "--purge")
    assert refused.returncode == 1
    assert "the agent runs" in refused.stderr + refused.stdout
    assert machine.systemctl("is-enabled", UNIT) == "enabled"
    gone = machine.inside(f"{scripts}/uninstall.sh")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert machine.systemctl("is-enabled", UNIT) == ""
    assert (machine.root / "etc/sutradhar/credentials/openalgo/api_key").exists()
    assert "FREEZE" in (machine.state / "status.json").read_text("ascii")
    service.assert_protected()
    machine.inside(f"{scripts}/uninstall.sh", "--purge")
    assert not (machine.root / "etc/sutradhar").exists()
    assert not machine.state.exists()
