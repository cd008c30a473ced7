"""Ground truth on disk: one file a day, appended row by row, held by one process."""

import fcntl
import os
from pathlib import Path

from domain.errors import ConfigError
from sandbox.truth import Row, decode

NAME = "truth.jsonl"


class TruthFile:
    """The open `truth.jsonl` of a state directory, with the rows it already held.

    A row that a crash tore is cut off before anything is appended. Raises ConfigError if the
    directory cannot be written, another exchange holds the file, or its rows are damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise ConfigError(
                f"state directory {folder}: {self.path.name} cannot be written "
                f"({error.strerror}); name a folder you may write to"
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.rows = self._read()
        except BlockingIOError:
            os.close(self._file)
            raise ConfigError(
                f"state directory {folder}: another exchange holds {NAME}; "
                "end it or name another folder"
            ) from None
        except ConfigError:
            os.close(self._file)
            raise

    def append(self, line: bytes) -> None:
        """Write one row; it is the system's before this returns."""
        os.write(self._file, line)

    def close(self) -> None:
        """Let the file go."""
        os.close(self._file)

    def _read(self) -> tuple[Row, ...]:
        held = self.path.read_bytes()
        # A row without its line break was torn, however whole it looks.
        lines = held[: held.rfind(b"\n") + 1].splitlines(keepends=True)
        try:
            rows = decode(lines)
        except ValueError as error:
            raise ConfigError(f"{self.path}: {error}; move it away to start anew") from error
        os.ftruncate(self._file, sum(map(len, lines[: len(rows)])))
        return rows
