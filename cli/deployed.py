"""The checks of `run.py doctor --deploy`: is what was just deployed what runs, and does it stand.

By the page of the agent that runs, by the certificates on the way, and by whoever starts it:
systemd, or the container this process is in.
"""

import json
import os
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from enum import StrEnum
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from socket import create_connection
from typing import Any
from urllib.parse import urlsplit

from cli.findings import Check, Finding, failed, passed, skipped, warned
from cli.local_checks import disk, settings
from cli.session import is_held, signer
from cli.version import UNKNOWN, commit
from cli.visit import Visit
from config import pack, sources
from domain import clock
from domain.hours import hours
from domain.session import show
from domain.units import SECOND

PAGE_S = 5.0
TLS_S = 10.0
WARN_DAYS = 14
UNIT, TIMER = "sutradhar.service", "sutradhar.timer"
SYSTEMCTL_S = 20
PROC_STATUS = Path("/proc/self/status")
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where nobody can be called at
LOOK = f"Look at journalctl -u {UNIT}"


class Form(StrEnum):
    """What was deployed."""

    UNIT = "unit"
    CONTAINER = "container"


def ready(visit: Visit) -> Finding:
    """Whether the agent says that it may enter, or does not for a reason that is meant to be."""
    resting = _resting(visit)
    if resting:
        return skipped(resting)
    status, said = _asked(visit, "/readyz")
    reason = said.get("reason") or f"HTTP {status}"
    if status != 200:
        return failed(f"/readyz: {reason}", "See docs/TROUBLESHOOTING.md for this line")
    return passed(f"/readyz: {said.get('mode', 'ready')}")


def runs(visit: Visit) -> Finding:
    """Whether the agent that runs is of this checkout."""
    own = commit()
    resting = _resting(visit)
    if resting:
        return skipped(f"{resting}; this is {own}")
    _, said = _asked(visit, "/state")
    found = said.get("commit") or UNKNOWN
    if UNKNOWN in {own, found}:
        text = f"the agent is {found}, this is {own}"
        return warned(text, "Leave a file COMMIT beside run.py, or set SUTRADHAR_COMMIT")
    if found != own:
        return failed(f"the agent is {found}, this is {own}", "Stop it and start it again")
    return passed(own)


def tls(visit: Visit) -> Finding:
    """How long the certificates on the way to OpenAlgo are good for. Raises ConfigError."""
    found = [_certificate(*place) for place in _encrypted(visit)]
    if not found:
        return skipped("no https or wss address is set")
    worst = min(found, key=lambda each: each[0])
    text = "; ".join(told for _, told in found)
    if worst[0] < 0:
        return failed(text, "Renew the certificate at the reverse proxy, or mend the address")
    if worst[0] < WARN_DAYS:
        return warned(text, f"Renew the certificate: less than {WARN_DAYS} days are left")
    return passed(text)


def unit(visit: Visit) -> Finding:
    """Whether systemd runs it now, at boot, and each morning."""
    del visit
    try:
        service, timer = _shown(UNIT), _shown(TIMER)
    except (OSError, subprocess.SubprocessError) as error:
        return failed(f"systemctl cannot be asked ({error})", "Ask where the unit is installed")
    states = f"{UNIT} {_words(service)}; {TIMER} {_words(timer)}"
    active = {service.get("ActiveState"), timer.get("ActiveState")}
    wrong = (
        ("failed" in active, f"{LOOK}, mend it, systemctl reset-failed {UNIT}, start it"),
        (not active & {"active", "activating"}, f"systemctl start {TIMER}, then look again"),
        (not _is_enabled(service), f"systemctl enable {UNIT}: a reboot leaves a short alone else"),
        (not _is_enabled(timer), f"systemctl enable {TIMER}: no morning starts it else"),
    )
    remedy = next((told for is_wrong, told in wrong if is_wrong), "")
    return failed(states, remedy) if remedy else passed(states)


def container(visit: Visit) -> Finding:
    """Whether this is the agent's container, and it may do next to nothing."""
    if not sources.container():
        inside = "docker exec sutradhar /app/.venv/bin/python /app/run.py doctor --deploy container"
        return failed("this is no container", f"Ask inside it: {inside}")
    loose = list(_loose())
    pid = signer(visit.folder) if is_held(visit.folder) else None
    if pid is None:
        return failed("no agent holds the state directory", "Look at docker logs sutradhar")
    if loose:
        return warned(f"the agent is pid {pid}; {', '.join(loose)}", "See docs/DOCKER.md")
    return passed(f"the agent is pid {pid}, read-only root, no capabilities, not root")


DEPLOYED: dict[Form, tuple[Check[Visit], ...]] = {
    form: (
        Check("settings", settings),
        Check(form.value, look),
        Check("ready", ready, ("settings",)),
        Check("commit", runs, ("settings",)),
        Check("tls", tls, ("settings",)),
        Check("disk", disk),
    )
    for form, look in ((Form.UNIT, unit), (Form.CONTAINER, container))
}


def _resting(visit: Visit) -> str:
    """Return why no agent has to run now, '' if one does or one has to."""
    if is_held(visit.folder):
        return ""
    now = clock.now()
    found = hours(visit.day, pack.load())
    if found.quiet_from is None or found.quiet_until is None:
        return f"no agent runs: {found.reason}"
    if found.quiet_from <= now < found.quiet_until:
        return ""
    return f"no agent runs, none has to at {show(now)[:5]} IST"


def _asked(visit: Visit, path: str) -> tuple[int, dict[str, Any]]:
    """Return what the page answers; status 0 and the reason if it does not."""
    params, keys = visit.settings.page, visit.settings.keys
    token = keys.read_token.get_secret_value() or keys.control_token.get_secret_value()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    host = EVERYWHERE.get(params.host, params.host)
    if not params.on:
        return 0, {"reason": "page.on is false, so nobody can be asked"}
    try:
        with closing(HTTPConnection(host, params.port, timeout=PAGE_S)) as link:
            link.request("GET", path, headers=headers)
            answer = link.getresponse()
            said = json.loads(answer.read())
    except (OSError, HTTPException, ValueError) as error:
        return 0, {"reason": f"{host}:{params.port} gives no answer ({error})"}
    return answer.status, said if isinstance(said, dict) else {}


def _encrypted(visit: Visit) -> Iterator[tuple[str, int, str]]:
    """Yield host, port and trusted file of each address that is encrypted, once each."""
    openalgo = visit.settings.openalgo
    pairs = [(openalgo.rest_url, openalgo.ca_file), (openalgo.stream_url, openalgo.ca_file)]
    backup = openalgo.backup
    if backup.is_set:
        pairs += [(backup.rest_url, backup.ca_file), (backup.stream_url, backup.ca_file)]
    seen = set()
    for url, ca_file in pairs:
        parts = urlsplit(url)
        place = (parts.hostname or "", parts.port or 443, ca_file)
        if parts.scheme in {"https", "wss"} and place not in seen:
            seen.add(place)
            yield place


def _certificate(host: str, port: int, ca_file: str) -> tuple[float, str]:
    """Return for how many days a certificate is good, and that in words; -1 if it is not."""
    context = ssl.create_default_context(cafile=ca_file or None)
    try:
        with (
            create_connection((host, port), TLS_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as link,
        ):
            until = ssl.cert_time_to_seconds(str((link.getpeercert() or {})["notAfter"]))
    except ssl.SSLCertVerificationError as error:
        return -1, f"{host}:{port} {error.verify_message}"
    except (OSError, KeyError) as error:
        return -1, f"{host}:{port} cannot be looked at ({error})"
    days = (until - clock.wall() / SECOND) / timedelta(days=1).total_seconds()
    return days, f"{host}:{port} good for {days:.0f} days"


def _words(shown: dict[str, str]) -> str:
    return f"{shown.get('ActiveState', '?')}, {shown.get('UnitFileState') or 'not installed'}"


def _is_enabled(shown: dict[str, str]) -> bool:
    return shown.get("UnitFileState", "").startswith("enabled")


def _shown(name: str) -> dict[str, str]:
    """Return what systemd says of a unit."""
    wanted = "ActiveState,UnitFileState"
    command = ["systemctl", "show", f"--property={wanted}", name]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, timeout=SYSTEMCTL_S)
    return dict(line.partition("=")[::2] for line in ran.stdout.splitlines())


def _loose() -> Iterator[str]:
    """Say what a container may do and need not."""
    if not os.geteuid():
        yield "it is root"
    if not os.statvfs("/").f_flag & os.ST_RDONLY:
        yield "its root can be written"
    status = PROC_STATUS.read_text("ascii", "replace")
    held = next((line.split()[1] for line in status.splitlines() if "CapEff:" in line), "0")
    if int(held, 16):
        yield f"it has capabilities ({held})"
