"""What is wrong with a setting, as one line a person can act on."""

import re
from collections.abc import Sequence
from difflib import get_close_matches

from pydantic_core import ErrorDetails

from config.checks import masked
from config.models import Leaf
from config.secrets import SECRETS
from config.sources import Layer

Path = tuple[str, ...]


class Complaints:
    """Words faults of one reading: it knows the sources and every key."""

    def __init__(self, layers: Sequence[Layer], known: Sequence[Leaf]) -> None:
        self._layers = layers
        self._known = {leaf.path: leaf for leaf in known}

    def of_value(self, details: ErrorDetails) -> str:
        """Word what the validator found: an unknown key, or a value it does not take."""
        path = tuple(str(part) for part in details["loc"])
        if details["type"] == "extra_forbidden":
            return self.of_key(path, f"unknown key; {self._meant(path)}")
        if details["type"] == "several":
            return self.of_key(path, details["msg"])
        value = self._shown(path, details["input"])
        return self.of_key(path, f"{value} is not allowed; allowed is {self._allowed(path)}")

    def of_key(self, path: Path, text: str) -> str:
        """Word a complaint about the value of `path`, naming where it was written."""
        origin = self._origin(path)
        home = f" (read from {origin}; correct it there)" if origin else ""
        return f"{_dotted(path)}: {text}{home}"

    def _origin(self, path: Path) -> str | None:
        while path[-1].isdecimal():  # an item of a list comes from where the list comes from
            path = path[:-1]
        origins = (layer.origin(path) for layer in self._layers)
        return next((origin for origin in origins if origin), None)

    def _shown(self, path: Path, value: object) -> str:
        if path in SECRETS:
            return masked(str(value))
        text = re.sub(r"://[^\s'/]*@", "://***@", repr(value))
        return re.sub(r"(://[^\s'?#]*[?#])[^\s']+", r"\1***", text)

    def _allowed(self, path: Path) -> str:
        plain = _without_indices(path)
        leaf = self._known.get(plain)
        if leaf:
            return f"{leaf.allowed}; the default is {_written(leaf.default)}"
        inside = dict.fromkeys(key[len(plain)] for key in self._below(plain))
        return f"a group of the keys {', '.join(inside)}"

    def _below(self, path: Path) -> list[Path]:
        return [key for key in self._known if key[: len(path)] == path and len(key) > len(path)]

    def _meant(self, path: Path) -> str:
        plain = _without_indices(path)
        beside = dict.fromkeys(key[len(plain) - 1] for key in self._below(plain[:-1]))
        close = get_close_matches(plain[-1], list(beside), n=1)
        return f"did you mean {close[0]}?" if close else f"allowed are {', '.join(beside)}"


def _written(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_written(item) for item in value)}]"
    return {"True": "true", "False": "false"}.get(str(value), str(value) or "nothing")


def _without_indices(path: Path) -> Path:
    return tuple(part for part in path if not part.isdecimal())


def _dotted(path: Path) -> str:
    """Write a path as YAML users say it: strategies[0].params.swing.version."""
    return "".join(f"[{p}]" if p.isdecimal() else f".{p}" for p in path).removeprefix(".")
