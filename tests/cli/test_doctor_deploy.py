"""`doctor --deploy`: is what runs of this checkout, does it stand, and will it come back."""

import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from cli import deployed
from cli.session import locked
from dashboard.access import Access
from domain.units import Day
from tests.capabilities import needs
from tests.cli.openalgo import it_is
from tests.cli.typing_in import RunPy, Said
from tests.dashboard.serving import READ, Site, served
from tests.domain.test_status import a_status

HASH, OTHER = "a" * 40, "b" * 40
ENABLED = "ActiveState=active\nUnitFileState=enabled\n"
RESTS = "ActiveState=inactive\nUnitFileState=enabled\n"
STATE = Path("state")
ROOM = {"f_bavail": 10**9, "f_frsize": 4096}
SUNDAY = Day("2026-11-22")


@pytest.fixture(autouse=True)
def _at_ten(run_py: RunPy, monkeypatch: pytest.MonkeyPatch) -> None:
    it_is("10:00")
    monkeypatch.setenv("SUTRADHAR_COMMIT", HASH)
    monkeypatch.setenv("SUTRADHAR_PAGE__PORT", "1")


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An agent that runs: it holds the state directory, and its page shows it well."""
    with served() as site, locked(STATE):
        monkeypatch.setenv("SUTRADHAR_PAGE__PORT", str(site.port))
        site.board.show(a_status(commit=HASH))
        yield site


@pytest.fixture
def systemctl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of what systemd shows, a file for each unit; both are well."""
    shown, program = tmp_path / "shown", tmp_path / "bin/systemctl"
    shown.mkdir()
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec /bin/cat "{shown}/$3"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    for name in (deployed.UNIT, deployed.TIMER):
        (shown / name).write_text(ENABLED)
    return shown


def found(said: Said) -> dict[str, str]:
    """What was found, by the name of the check."""
    rows = (line.partition(": ") for line in said.out.splitlines())
    return {head.split()[1]: f"{head.split()[0]} {text}" for head, _, text in rows}


def looked(run_py: RunPy, form: str = "unit") -> dict[str, str]:
    return found(run_py("doctor", "--deploy", form))


def test_agent_of_this_checkout_that_is_ready_is_well_deployed(
    run_py: RunPy, agent: Site, systemctl: Path
) -> None:
    said = run_py("doctor", "--deploy", "unit")
    assert (said.code, said.err) == (0, "")
    rows = found(said)
    assert list(rows) == ["settings", "unit", "ready", "commit", "tls", "disk"]
    assert {name: rows[name] for name in ("unit", "ready", "commit", "tls")} == {
        "unit": "PASS sutradhar.service active, enabled; sutradhar.timer active, enabled",
        "ready": "PASS /readyz: ACTIVE",
        "commit": f"PASS {HASH}",
        "tls": "SKIP no https or wss address is set",
    }


def test_agent_of_another_commit_is_found(run_py: RunPy, agent: Site, systemctl: Path) -> None:
    agent.board.show(a_status(commit=OTHER))
    said = run_py("doctor", "--deploy", "unit")
    told = f"FAIL the agent is {OTHER}, this is {HASH}. Stop it and start it again."
    assert (said.code, found(said)["commit"]) == (1, told)


def test_agent_that_does_not_know_its_commit_is_warned_of(
    run_py: RunPy, agent: Site, systemctl: Path
) -> None:
    agent.board.show(a_status(commit=""))
    assert looked(run_py)["commit"].startswith(f"WARN the agent is unknown, this is {HASH}. Leave")


def test_agent_that_is_not_ready_is_told_with_its_reason(
    run_py: RunPy, agent: Site, systemctl: Path
) -> None:
    agent.board.show(a_status(mode="REDUCE_ONLY", mode_reason="FREEZE"))
    told = "FAIL /readyz: REDUCE_ONLY FREEZE. See docs/TROUBLESHOOTING.md for this line."
    assert looked(run_py)["ready"] == told


def test_page_that_nobody_serves_is_found_during_the_session(
    run_py: RunPy, systemctl: Path
) -> None:
    rows = looked(run_py)
    assert rows["ready"].startswith("FAIL /readyz: 127.0.0.1:1 gives no answer (")
    assert rows["commit"].startswith("WARN the agent is unknown")


@pytest.mark.parametrize(
    ("wall", "day", "text"),
    [
        ("20:00", Day("2026-11-20"), "SKIP no agent runs, none has to at 20:00 IST"),
        ("10:00", SUNDAY, "SKIP no agent runs: weekend"),
    ],
)
def test_nobody_has_to_be_there_outside_the_session(
    run_py: RunPy, systemctl: Path, wall: str, day: Day, text: str
) -> None:
    it_is(wall, day)
    (systemctl / deployed.UNIT).write_text(RESTS)
    rows = looked(run_py)
    assert (rows["ready"], rows["commit"]) == (text, f"{text}; this is {HASH}")
    assert rows["unit"].startswith("PASS sutradhar.service inactive, enabled")


def test_page_beyond_the_loopback_is_asked_here_and_with_its_token(
    run_py: RunPy, systemctl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTRADHAR_PAGE__HOST", "0.0.0.0")
    monkeypatch.setenv("SUTRADHAR_PAGE_READ_TOKEN", READ)
    with served(Access(read=READ, is_loopback=False)) as site, locked(STATE):
        monkeypatch.setenv("SUTRADHAR_PAGE__PORT", str(site.port))
        site.board.show(a_status(commit=HASH))
        said = run_py("doctor", "--deploy", "unit")
    assert (found(said)["commit"], READ in said.out) == (f"PASS {HASH}", False)


def test_page_that_is_off_cannot_be_asked(
    run_py: RunPy, systemctl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTRADHAR_PAGE__ON", "false")
    assert looked(run_py)["ready"].startswith("FAIL /readyz: page.on is false, so nobody can be")


@pytest.mark.parametrize(
    ("unit", "timer", "text"),
    [
        ("ActiveState=failed\nUnitFileState=enabled", ENABLED, "Look at journalctl -u sutradhar"),
        (RESTS, RESTS, "systemctl start sutradhar.timer, then look again."),
        ("ActiveState=active\nUnitFileState=", ENABLED, "systemctl enable sutradhar.service: a re"),
        (ENABLED, "ActiveState=active\nUnitFileState=disabled", "systemctl enable sutradhar.timer"),
    ],
)
def test_unit_that_will_not_come_back_is_found(
    run_py: RunPy, agent: Site, systemctl: Path, unit: str, timer: str, text: str
) -> None:
    (systemctl / deployed.UNIT).write_text(unit)
    (systemctl / deployed.TIMER).write_text(timer)
    said = run_py("doctor", "--deploy", "unit")
    assert (said.code, found(said)["unit"].startswith("FAIL ")) == (1, True)
    assert f". {text}" in found(said)["unit"]


def test_machine_without_systemd_has_no_unit(
    run_py: RunPy, agent: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert looked(run_py)["unit"].startswith("FAIL systemctl cannot be asked (")


def test_container_is_asked_within(
    run_py: RunPy, agent: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_ENV", "0")
    outside = looked(run_py, "container")["container"]
    assert outside.startswith("FAIL this is no container. Ask inside it: docker exec sutradhar ")
    monkeypatch.setenv("DOCKER_ENV", "1")
    monkeypatch.setattr(deployed, "PROC_STATUS", STATE / "of")
    monkeypatch.setattr(os, "geteuid", lambda: 10001)
    flags = [os.ST_RDONLY]
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=flags[0], **ROOM))
    (STATE / "of").write_text("Name:\tpython\nCapEff:\t0000000000000000\n")
    own = os.getpid()
    locked_down = f"PASS the agent is pid {own}, read-only root, no capabilities, not root"
    assert looked(run_py, "container")["container"] == locked_down
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    flags[0] = 0
    (STATE / "of").write_text("CapEff:\t000001ffffffffff\n")
    assert looked(run_py, "container")["container"] == (
        f"WARN the agent is pid {own}; it is root, its root can be written, it has capabilities"
        " (000001ffffffffff). See docs/DOCKER.md."
    )


def test_container_without_an_agent_is_found(
    run_py: RunPy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_ENV", "1")
    assert looked(run_py, "container")["container"].startswith("FAIL no agent holds the state")


@contextmanager
def a_proxy(folder: Path, days: int) -> Iterator[tuple[str, Path]]:
    """A TLS server whose own certificate is good for so many days, and that certificate."""
    needs("openssl")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = (
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days {days} -nodes"
        f" -subj /CN=proxy -addext subjectAltName=IP:127.0.0.1 -keyout {key} -out {certificate}"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving_tls(context) as port:
        yield f"https://127.0.0.1:{port}", certificate


@contextmanager
def serving_tls(context: ssl.SSLContext) -> Iterator[int]:
    """Shake hands with whoever comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def work() -> None:
            while True:
                try:
                    plain, _ = listener.accept()
                except OSError:
                    return
                with suppress(OSError), context.wrap_socket(plain, server_side=True) as link:
                    link.recv(1)

        thread = threading.Thread(target=work, daemon=True)  # noqa: TID251 - a server of the test
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.usefixtures("agent", "systemctl")
@pytest.mark.parametrize(("days", "verdict"), [(90, "PASS"), (10, "WARN")])
def test_certificate_is_told_with_the_days_it_has_left(
    run_py: RunPy,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    days: int,
    verdict: str,
) -> None:
    with a_proxy(tmp_path, days) as (url, certificate):
        monkeypatch.setenv("OPENALGO_URL", url)
        monkeypatch.setenv("OPENALGO_CA_FILE", str(certificate))
        text = looked(run_py)["tls"]
    place = url.removeprefix("https://")
    assert text.startswith(f"{verdict} {place} good for {days} days")


@pytest.mark.usefixtures("agent", "systemctl")
def test_certificate_that_nobody_vouches_for_is_found(
    run_py: RunPy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with a_proxy(tmp_path, 90) as (url, _):
        monkeypatch.setenv("OPENALGO_URL", url)
        text = looked(run_py)["tls"]
    monkeypatch.setenv("OPENALGO_URL", "https://127.0.0.1:1")
    assert "self-signed certificate. Renew the certificate at the reverse proxy" in text
    assert "127.0.0.1:1 cannot be looked at (" in looked(run_py)["tls"]
