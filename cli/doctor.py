"""`run.py doctor`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TextIO


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says."""

    ticks: int = 0
    symbol: str | None = None
    state_dir: Path = Path("state")
    config: Path | None = None


def run(options: Options, out: TextIO) -> int:
    """Placeholder."""
    raise NotImplementedError
