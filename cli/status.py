"""`run.py status`: what the agent last said of itself; works with the agent dead."""

from pathlib import Path
from typing import TextIO

import msgspec

from cli.again import recall
from cli.session import is_held, signer
from domain import clock
from domain.errors import ConfigError, JournalError, SutradharError
from domain.ledger import Ledger
from domain.status import Hold, Status, entries_off, recommendations, render
from domain.units import SECOND, Day
from journal.orders import NAME as JOURNAL
from journal.orders import JournalReader

RUNNING, NOT_RUNNING = 0, 3
NAME = "status.json"


class NotRunning(SutradharError):
    """No agent ever ran in that folder; exit code 3."""


def status(folder: Path, out: TextIO, *, as_json: bool) -> int:
    """Print the status and return 0 if the agent runs, else 3.

    Raises NotRunning if the folder holds no status, ConfigError if it cannot be read.
    """
    path = folder / NAME
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Status)
        age_s = max(0, int(clock.wall() / SECOND - path.stat().st_mtime))
    except (FileNotFoundError, NotADirectoryError):
        raise NotRunning(
            f"--state-dir {folder}: holds no {NAME}, no agent ran there; name the folder of one "
            "that ran, or start one with `run.py live` or `run.py sandbox`"
        ) from None
    except PermissionError:
        raise ConfigError(
            f"{path}: may not be read; ask as root, or as the user the agent runs as"
        ) from None
    except (OSError, msgspec.DecodeError) as error:
        running = "look again: the running agent writes it anew within seconds"
        remedy = running if is_held(folder) else "no agent runs there, the next one writes it anew"
        raise ConfigError(f"{path}: cannot be read ({_reason(error)}); {remedy}") from None
    # What an agent that died said is not the word of the one that holds the folder by now.
    alive = not found.ended and is_held(folder) and signer(folder) == found.pid
    if not alive:
        found = _with_latches(folder, found)
    again = _again(folder, found)
    if as_json:
        said = msgspec.to_builtins(found) | {
            "alive": alive,
            "age_s": age_s,
            "entries_off": entries_off(found, alive=alive, age_s=age_s),
            "recommendations": recommendations(found, alive=alive, again=again, age_s=age_s),
        }
        out.write(msgspec.json.encode(said).decode() + "\n")
    else:
        out.write(render(found, alive=alive, again=again, age_s=age_s) + "\n")
    return RUNNING if alive else NOT_RUNNING


def _with_latches(folder: Path, found: Status) -> Status:
    """Return what a dead agent said, with the latches that its journal holds by now."""
    try:
        events, _ = JournalReader(folder / JOURNAL).after(0, Day(found.day))
    except JournalError:
        return found
    latches = Ledger().fold(events).latches.items()
    held = tuple(Hold(code=name, text=text) for name, text in latches)
    return msgspec.structs.replace(found, latches=held)


def _again(folder: Path, found: Status) -> str:
    """Say how a dead agent is started again; what killed it may have left its exchange open."""
    again = recall(folder)
    if again.rejoin and not found.ended:
        return f"go on with `{again.rejoin}`, or, if its exchange is gone too, `{again.restart}`"
    return f"start it again with `{again.restart}`, then look again"


def _reason(error: Exception) -> str:
    """Return why a file cannot be read, without its path, which is said before."""
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
