"""`run.py status`: what the agent last said of itself; works with the agent dead."""

from pathlib import Path
from typing import TextIO

import msgspec

from cli.session import is_held
from domain.errors import ConfigError, SutradharError
from domain.status import Status, recommendations, render

RUNNING, NOT_RUNNING = 0, 3


class NotRunning(SutradharError):
    """No agent ever ran in that folder; exit code 3."""


def status(folder: Path, out: TextIO, *, as_json: bool) -> int:
    """Print the status and return 0 if the agent runs, else 3.

    Raises NotRunning if the folder holds no status, ConfigError if it cannot be read.
    """
    path = folder / "status.json"
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Status)
    except FileNotFoundError:
        raise NotRunning(
            f"--state-dir {folder}: holds no status.json, no agent ran there; start it with "
            "`run.py live`, or name the folder of one that ran"
        ) from None
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(
            f"{path}: cannot be read ({error}); a running agent writes it anew within seconds"
        ) from None
    alive = not found.ended and is_held(folder)
    if as_json:
        said = msgspec.to_builtins(found) | {
            "alive": alive,
            "recommendations": recommendations(found, alive=alive),
        }
        out.write(msgspec.json.encode(said).decode() + "\n")
    else:
        out.write(render(found, alive=alive) + "\n")
    return RUNNING if alive else NOT_RUNNING
