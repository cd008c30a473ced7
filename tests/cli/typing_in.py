"""What a person typed at the door of the project, and what the door said."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

REFUSED = 78


@dataclass(frozen=True)
class Said:
    """An exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        """What stands behind `error: `, line by line."""
        lines = self.err.splitlines()
        return [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]

    @property
    def error(self) -> str:
        """The one error. There is neither a second one nor a traceback."""
        assert "Traceback" not in self.err + self.out
        (line,) = self.errors
        return line

    def refusal(self, code: int = REFUSED) -> str:
        """The one line of a refusal with this exit code; nothing else was said."""
        assert (self.code, self.out) == (code, "")
        assert self.err == f"error: {self.error}\n"
        assert self.err.isascii()
        return self.error


def files_of(folder: Path) -> dict[str, bytes]:
    """Return everything below a folder, by path; folders are empty."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
    }


RunPy = Callable[..., Said]
