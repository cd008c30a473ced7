"""`run.py failed UNIT`: tell people that systemd has given up on a unit.

It reads no settings but where alerts go, since bad settings are one of the things it tells. The
same end of the same unit is told once an hour. What systemd knows of the end comes by MONITOR_...
variables, as `systemd.exec` describes them.
"""

import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from config import log as logs
from config import secrets
from domain import clock
from domain.units import MINUTE, Micros

log = logging.getLogger(__name__)

ALERTS = ("keys", "alert_urls")
NAME = secrets.SECRETS[ALERTS]
QUIET_FOR = Micros(60 * MINUTE)
TRIES = 4
APART_S = 15.0
TOLD = "told.json"

BY_STATUS = {
    "2": "its command line is wrong",
    "75": "another agent holds its state directory",
    "78": "its settings, its key or the server do not allow a start",
}
BY_RESULT = {
    "watchdog": "stood still",
    "oom-kill": "took too much memory",
    "timeout": "did not come up or go down in time",
}
TOO_OFTEN = "it ended again and again, at last because it"
"""systemd keeps the last result when it gives up, so the rest is known by what it restarts."""


class Notify(Protocol):
    """Sends one message to everybody, and says whether that worked."""

    def __call__(self, urls: str, title: str, body: str) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says."""

    unit: str
    state_dir: Path


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What was told last, and when."""

    cause: str
    at: Micros


def run(options: Options) -> int:
    """Tell it and return 0; 1 if nobody could be reached. Raises ConfigError for a bad secret."""
    urls = addresses(os.environ)
    logs.setup(logs.Redactor(*secrets.spellings(ALERTS, urls)), color=False)
    return tell(options, os.environ, urls)


def addresses(names: Mapping[str, str]) -> str:
    """Return where alerts go, as apprise spells it; '' if nowhere. Raises ConfigError."""
    if text := names.get(NAME, ""):
        return text
    if file := names.get(f"{NAME}_FILE", ""):
        return secrets.from_file(f"{NAME}_FILE", Path(file))
    if folder := names.get("CREDENTIALS_DIRECTORY", ""):
        return secrets.credentials(Path(folder)).get(ALERTS, "")
    return ""


def tell(
    options: Options,
    names: Mapping[str, str],
    urls: str,
    notify: Notify | None = None,
    pause: Callable[[], object] | None = None,
) -> int:
    """Tell what `names` say of the end, unless that was told within the hour."""
    cause = cause_of(names)
    log.error("[FAILED] %s: %s", options.unit, cause)
    file = options.state_dir / f"{options.unit}.{TOLD}"
    last = _last(file)
    if last is not None and last.cause == cause and 0 <= clock.now() - last.at < QUIET_FOR:
        ago_min = (clock.now() - last.at) // MINUTE
        log.info("the same was told %d min ago: nothing is sent", ago_min)
        return 0
    if not urls:
        log.warning("nobody is told: %s is not set", NAME)
        return 0
    for left in reversed(range(TRIES)):
        if (notify or _notify)(urls, f"Sutradhar: {options.unit} has failed", body(options, cause)):
            _remember(file, Told(cause=cause, at=clock.now()))
            log.info("told")
            return 0
        if left:
            (pause or _breathe)()
    log.error("nobody could be reached")
    return 1


def cause_of(names: Mapping[str, str]) -> str:
    """Say why the unit ended, by what systemd hands to who is told of it."""
    result, status = names.get("MONITOR_SERVICE_RESULT", ""), names.get("MONITOR_EXIT_STATUS", "")
    raw = f"{result or 'unknown result'}, status {status or 'unknown'}"
    if status in BY_STATUS and result == "exit-code":
        return f"{BY_STATUS[status]} ({raw})"
    return f"{TOO_OFTEN} {BY_RESULT.get(result, 'crashed')} ({raw})"


def body(options: Options, cause: str) -> str:
    """Return the message: what happened, what that means, what to do."""
    return (
        f"{cause}. It is not started again by itself. Protective stops rest at the broker; nobody"
        f" moves them, and nobody closes at 15:15. Look at the broker's book, then"
        f" `journalctl -u {options.unit} -n 50`, mend it, `systemctl start {options.unit}`."
    )


def _notify(urls: str, title: str, body: str) -> bool:
    import apprise  # slow, and no other command needs it

    sender = apprise.Apprise()
    return sender.add(urls) and bool(sender.notify(title=title, body=body))


def _last(file: Path) -> Told | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Told)
    except (OSError, msgspec.DecodeError):
        return None


def _remember(file: Path, told: Told) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(msgspec.json.encode(told))
    except OSError as error:
        log.warning("%s cannot be written (%s): this may be told again", file, error.strerror)


def _breathe() -> None:
    threading.Event().wait(APART_S)
