"""Names in the environment and in .env that nobody reads: a misspelt one would silently do nothing.

What begins with SUTRADHAR_ is ours, in a .env file also what begins with OPENALGO_ or comes near a
name of ours: what of that is no name refuses the start. Other tools of OpenAlgo may set variables
of their own in the environment, and others share a .env: those are only told. An empty one counts
as not set.
"""

import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from config.models import Leaf
from config.secrets import FILES, SECRETS
from config.sources import DELIMITER, PREFIX, WELL_KNOWN
from domain.errors import ConfigError

SERVERS = "OPENALGO_"
ELSEWHERE = frozenset(
    {
        *(f"{PREFIX}{name}" for name in ("COMMIT", "CONTROL_TOKEN")),  # read by commands
        *(f"{PREFIX}{name}" for name in ("CI", "DATA", "FIXTURES", "VENV_LOCK")),  # by the tests
        *(f"{PREFIX}{name}" for name in ("IMAGE", "MEMORY", "PAGE_URL", "TRIES")),  # by deploying
        *(f"{SERVERS}{name}" for name in ("IMAGE", "ENV", "BACKUP_ENV")),  # by docker-compose.yml
    }
)
"""Names that are no setting and that somebody of the project reads."""

_SECRET_NAMES = frozenset(SECRETS.values())

NEAR, VERY_NEAR = 0.8, 0.9
"""How alike two names are when one is taken for the other misspelt."""


@dataclass(frozen=True, slots=True)
class Strange:
    """What was found: lines that refuse the start, and lines that people are told."""

    refusals: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Names:
    """Every name there is."""

    def __init__(self, known: Iterable[Leaf]) -> None:
        self._fixed = [*WELL_KNOWN, *FILES]
        self._all = [*self._fixed, *ELSEWHERE, *(_variable(leaf.path) for leaf in known)]

    def has(self, name: str) -> bool:
        """Whether somebody reads `name`; a setting's name is looked at when it is read."""
        if name.startswith(PREFIX) and DELIMITER in name:
            return True
        return name in self._fixed or name in ELSEWHERE

    def near(self, name: str) -> str:
        """Return the name that `name` may be a misspelling of, or ''.

        What begins alike is alike for that alone: of such names the rest is compared.
        """
        for prefix in (PREFIX, SERVERS):
            if name.startswith(prefix):
                rests = [n.removeprefix(prefix) for n in self._all if n.startswith(prefix)]
                rest = _closest(name.removeprefix(prefix), rests, NEAR)
                return f"{prefix}{rest}" if rest else ""
        return _closest(name, self._all, NEAR)

    def very_near(self, name: str) -> str:
        """Return the same among names that are written out; cheap enough for any variable."""
        return _closest(name, self._fixed, VERY_NEAR)


def judge(environment: Mapping[str, str], env_file: Path, known: Iterable[Leaf]) -> Strange:
    """Judge the names of both. Raises ConfigError for a file that cannot be read."""
    names = Names(known)
    in_file = [*_in_file(env_file, names), *_open_to_others(env_file)]
    found = [*_in_environment(environment, names), *in_file]
    return Strange(
        tuple(text for is_fatal, text in found if is_fatal),
        tuple(text for is_fatal, text in found if not is_fatal),
    )


def _in_environment(environment: Mapping[str, str], names: Names) -> Iterator[tuple[bool, str]]:
    for name, value in environment.items():
        if not value or names.has(name):
            continue
        if name.startswith((PREFIX, SERVERS)):
            yield name.startswith(PREFIX), _said(name, "the environment", names.near(name))
        elif near := names.very_near(name):
            yield False, _said(name, "the environment", near)


def _in_file(path: Path, names: Names) -> Iterator[tuple[bool, str]]:
    for binding in _lines(path):
        home = f"line {_number(binding)} of {path}"
        if binding.error:
            yield True, f"{home}: cannot be read; write it as NAME=VALUE"
            continue
        name = binding.key
        if name is None or (names.has(name) and binding.value is not None) or binding.value == "":
            continue
        near = name if names.has(name) else names.near(name)
        if binding.value is None:
            yield bool(near), f"{name}: has no = in {home}; write it as NAME=VALUE"
        else:
            is_ours = name.startswith((PREFIX, SERVERS))
            yield is_ours or bool(near), _said(name, home, near)


def _open_to_others(path: Path) -> Iterator[tuple[bool, str]]:
    """Tell of a secret that others may read; a file that only names secrets' files may be open."""
    held = sorted({b.key for b in _lines(path) if b.key and b.value} & _SECRET_NAMES)
    mode = path.stat().st_mode if held else 0
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        text = f"others may read {path}, mode {stat.S_IMODE(mode):04o}, and it holds {held[0]}"
        yield False, f"{text}; chmod 600 {path}"


def _lines(path: Path) -> list[Binding]:
    """Return what a .env file says, line by line as its reader takes it; [] if there is none."""
    try:
        with path.open(encoding="utf-8") as file:
            return list(parse_stream(file))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); correct the file") from error


def _number(binding: Binding) -> int:
    """Return the line a binding is on: blank lines before it count to it."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")


def _said(name: str, home: str, near: str) -> str:
    remedy = f"did you mean {near}?" if near else "take it away, or correct it"
    return f"{name}: nobody reads a variable of this name, in {home}; {remedy}"


def _closest(name: str, names: Iterable[str], cutoff: float) -> str:
    return next(iter(get_close_matches(name.upper(), list(names), 1, cutoff)), "")


def _variable(path: tuple[str, ...]) -> str:
    first, *rest = path
    parts = (first, "0", *rest) if first == "strategies" else path
    return PREFIX + DELIMITER.join(parts).upper()
