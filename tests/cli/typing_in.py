"""What a person typed at the door of the project, and what the door said."""

from collections.abc import Callable
from dataclasses import dataclass


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


RunPy = Callable[..., Said]
