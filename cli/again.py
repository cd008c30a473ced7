"""How the agent of a state directory is started again: kept by who starts it, told by who looks."""

import contextlib
import logging
import shlex
from collections.abc import Iterable
from pathlib import Path

import msgspec

from sandbox.truth_file import NAME as TRUTH

log = logging.getLogger(__name__)

NAME = "again.json"


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """The command that starts this agent again.

    `rejoin` is the one to go on with while the exchange that it had started is still open.
    """

    restart: str
    rejoin: str = ""


def command(name: str, folder: Path, words: Iterable[object] = ()) -> str:
    """Return a command line of run.py, ready to be typed."""
    return shlex.join(["run.py", name, *map(str, words), "--state-dir", str(folder)])


def keep(folder: Path, again: Again) -> None:
    """Leave it in the state directory; a disk that takes nothing is only said: trading goes on."""
    path = folder / NAME
    new = path.with_suffix(".new")
    try:
        new.write_bytes(msgspec.json.encode(again))
        new.replace(path)
    except OSError as error:
        log.warning("%s cannot be written: %s; start again with: %s", path, error, again.restart)
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)


def recall(folder: Path) -> Again:
    """Return what was kept; else what can be told from the other files. Never raises."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=Again)
    except (OSError, msgspec.DecodeError):
        return Again(restart=command("sandbox" if (folder / TRUTH).exists() else "live", folder))
