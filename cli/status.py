"""`run.py status`: what the agent last said of itself; works with the agent dead."""

import os
from pathlib import Path
from typing import TextIO

import msgspec

from domain.errors import ConfigError
from domain.status import Status, recommendations, render

RUNNING, NOT_RUNNING = 0, 3


def status(folder: Path, out: TextIO, *, as_json: bool) -> int:
    """Print the status and return 0 if the agent runs, else 3.

    Raises ConfigError if the folder holds no status, or one that cannot be read.
    """
    path = folder / "status.json"
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Status)
    except FileNotFoundError:
        raise ConfigError(
            f"--state-dir {folder}: holds no status.json; name the folder of an agent that ran"
        ) from None
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); start the agent anew") from None
    alive = not found.ended and _is_running(found.pid)
    if as_json:
        said = msgspec.to_builtins(found) | {
            "alive": alive,
            "recommendations": recommendations(found, alive=alive),
        }
        out.write(msgspec.json.encode(said).decode() + "\n")
    else:
        out.write(render(found, alive=alive) + "\n")
    return RUNNING if alive else NOT_RUNNING


def _is_running(pid: int) -> bool:
    """Whether a process of that id exists; one of another user counts."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
