"""Reading YAML the strict way: what looks like text is text, and nothing is written twice.

Plain YAML 1.1 reads `15:15:00` as 54900, `yes` as true, a date as an object and lets a later key
silently replace an earlier one. Here only true and false are booleans, times and dates stay text.
"""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from domain.errors import ConfigError


class _Loader(yaml.SafeLoader):
    """A safe loader with fewer surprises."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping; a key that is written twice is an error."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"{key.value} is written twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(~|null|)\Z"), ["~", "n", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(true|false)\Z"), ["t", "f"])
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"-?(0|[1-9][0-9]*)\Z"), list("-0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z"),
    list("-0123456789"),
)


def parse(text: str, name: str) -> Any:
    """Return what a YAML text says. Raises ConfigError naming `name`, line and column."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader with fewer types
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(f"{name}{where}: {error.problem}; correct the file") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: is not YAML ({error}); correct the file") from error


def read(path: Path) -> Any:
    """Return what a YAML file says; None for an empty one.

    Raises ConfigError if it cannot be read or is not YAML.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text; correct the file") from error
    return parse(text, str(path))
