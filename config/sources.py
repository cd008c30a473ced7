"""Where settings come from, the strongest first: command line, environment, .env, YAML files.

Secrets come by config/secrets.py, as variables or credentials.

Each source is a nested mapping that remembers where a value was written, so that a complaint can
name the line's home. Lists of groups are mappings by index inside, so that a stronger source may
change one key of the first strategy.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
)

from config import documents, secrets
from config.secrets import SECRETS
from domain.errors import ConfigError

PREFIX = "SUTRADHAR_"
DELIMITER = "__"
DETECTED_HOST = "openalgo"
CONTAINER_FILE = Path("/.dockerenv")
"""What a container engine leaves in its containers."""

WELL_KNOWN = {
    "OPENALGO_URL": ("openalgo", "url"),
    "OPENALGO_HOST": ("openalgo", "host"),
    "OPENALGO_PORT": ("openalgo", "port"),
    "OPENALGO_WS_URL": ("openalgo", "ws_url"),
    "OPENALGO_CA_FILE": ("openalgo", "ca_file"),
    "OPENALGO_BACKUP_URL": ("openalgo", "backup", "url"),
    "OPENALGO_BACKUP_HOST": ("openalgo", "backup", "host"),
    "OPENALGO_BACKUP_PORT": ("openalgo", "backup", "port"),
    "OPENALGO_BACKUP_WS_URL": ("openalgo", "backup", "ws_url"),
    "OPENALGO_BACKUP_CA_FILE": ("openalgo", "backup", "ca_file"),
    "PAPER_TRADING": ("openalgo", "paper_trading"),
    **{name: path for path, name in SECRETS.items()},
}

Kinds = Mapping[tuple[str, ...], Any]
"""By path, without indices, the default of each key: what kind a text stands for."""


class Layer(PydanticBaseSettingsSource):
    """One source: what it says, and where it says it."""

    def __init__(self, owner: type[BaseSettings], data: dict[str, Any], origin: str) -> None:
        super().__init__(owner)
        self.data = data
        self._origin = origin

    def __call__(self) -> dict[str, Any]:
        return self.data

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Answer for one group; the whole mapping is used instead."""
        del field
        return self.data.get(field_name), field_name, False

    def origin(self, path: tuple[str, ...]) -> str | None:
        """Return where the value at `path` was written, or None if not here."""
        return self._origin if _holds(self.data, path) else None

    def value(self, path: tuple[str, ...]) -> Any:
        """Return the value at `path`, None if not here."""
        found: Any = self.data
        for part in path:
            found = found.get(part) if isinstance(found, dict) else None
        return found


class Variables(Layer):
    """Environment variables, of the process or of a .env file."""

    def __init__(self, owner: type[BaseSettings], names: Mapping[str, str], home: str) -> None:
        super().__init__(owner, {}, home)
        self._names: dict[tuple[str, ...], str] = {}
        for path, name in _paths(names):
            if path in SECRETS and path in self._names:
                other = self._names[path]
                raise ConfigError(f"{other} and {name}: both are set in {home}; leave one out")
            self._names[path] = name

    def fill(self, names: Mapping[str, str], kinds: Kinds) -> "Variables":
        """Read the texts as the kinds of their keys; return this source."""
        for path, name in self._names.items():
            place = self.data
            for part in path[:-1]:
                if not isinstance(place.get(part), dict):
                    place[part] = {}
                place = place[part]
            text = names[name]
            if name in secrets.FILES:
                text = secrets.from_file(f"{name} in {self._origin}", Path(text))
            place[path[-1]] = _from_text(text, kinds.get(_without_indices(path)))
        return self

    def origin(self, path: tuple[str, ...]) -> str | None:
        """Return the variable's name and its home."""
        name = next((n for p, n in self._names.items() if p[: len(path)] == path), None)
        return f"{name} in {self._origin}" if name else None


def flags(owner: type[BaseSettings], values: Mapping[str, Any]) -> Layer:
    """Return what the command line says, given by dotted keys; None means not said."""
    data: dict[str, Any] = {}
    for key, value in values.items():
        if value is not None:
            _put(data, tuple(key.split(".")), _frozen(value))
    return Layer(owner, data, "the command line")


def environment(owner: type[BaseSettings], kinds: Kinds, unused: str = "") -> Layer:
    """Return what the process environment says, but for the group `unused`."""
    names = _present(EnvSettingsSource(owner, case_sensitive=True).env_vars, unused)
    return Variables(owner, names, "the environment").fill(names, kinds)


def dotenv(owner: type[BaseSettings], path: Path, kinds: Kinds, unused: str = "") -> Layer:
    """Return what a .env file says, but for `unused`; one that does not exist says nothing."""
    try:
        said = DotEnvSettingsSource(owner, path, "utf-8", case_sensitive=True).env_vars
        names = _present(said, unused)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); correct the file") from error
    return Variables(owner, names, str(path)).fill(names, kinds)


def credentials(owner: type[BaseSettings], unused: str = "") -> Layer:
    """Return the secrets systemd hands to a service, but for the group `unused`."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    data: dict[str, Any] = {}
    for path, text in secrets.credentials(Path(folder)).items() if folder else ():
        if path[0] != unused:
            _put(data, path, text)
    return Layer(owner, data, f"the credentials in {folder}")


def yaml_file(owner: type[BaseSettings], path: Path) -> Layer:
    """Return what a YAML file says. Raises ConfigError; also if it holds the API key."""
    said = documents.read(path)
    if said is None:
        said = {}
    if not isinstance(said, dict):
        raise ConfigError(f"{path}: is no mapping of groups; write it as config/default.yaml is")
    data = {str(group): _by_index(value) for group, value in said.items() if value is not None}
    for secret, name in SECRETS.items():
        if _holds(data, secret):
            raise ConfigError(
                f"{'.'.join(secret)}: may not stand in {path}, a file others read; put it into the"
                f" environment or .env as {name}, or into a file as {name}_FILE, and make a new one"
            )
    return Layer(owner, data, str(path))


def container() -> str:
    """Return what shows that this runs in a container, "" if nothing does."""
    said = os.environ.get("DOCKER_ENV", "")
    if said:
        return "" if said.lower() in {"0", "false", "no"} else f"DOCKER_ENV={said}"
    return f"{CONTAINER_FILE} exists" if CONTAINER_FILE.exists() else ""


def detection(owner: type[BaseSettings]) -> Layer:
    """Return what the surroundings show: in a container the server is the service `openalgo`."""
    shown = container()
    data = {"openalgo": {"host": DETECTED_HOST}} if shown else {}
    return Layer(owner, data, f"detection: {shown}")


def aside(owner: type[BaseSettings], paths: Iterable[tuple[str, ...]]) -> Layer:
    """Return what empties these keys, whatever weaker sources say."""
    data: dict[str, Any] = {}
    for path in paths:
        _put(data, path, "")
    return Layer(owner, data, "put aside for a stronger one")


def _put(data: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    place = data
    for group in path[:-1]:
        place = place.setdefault(group, {})
    place[path[-1]] = value


def _present(names: Mapping[str, str | None], unused: str) -> dict[str, str]:
    """Leave empty variables out, which compose files write for what is not set, and `unused`."""
    present = {name: text for name, text in names.items() if text}
    idle = {name for path, name in _paths(present) if path[0] == unused}
    return {name: text for name, text in present.items() if name not in idle}


def _paths(names: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], str]]:
    for name in names:
        known = WELL_KNOWN.get(name) or secrets.FILES.get(name)
        if known:
            yield known, name
        elif name.startswith(PREFIX) and DELIMITER in name:
            yield tuple(name.removeprefix(PREFIX).lower().split(DELIMITER)), name


def _from_text(text: str, default: Any) -> Any:
    """Read a variable as the kind of its default; what does not fit stays text and is refused."""
    if isinstance(default, bool):
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    if isinstance(default, tuple):
        items = [item.strip() for item in text.strip(" []").split(",")]
        example = default[0] if default else ""
        return tuple(_from_text(item, example) for item in items if item)
    if isinstance(default, int | float):
        return _number(text)
    return text


def _number(text: str) -> Any:
    if re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?[0-9]{1,18}\.[0-9]{1,18}", text) else text


def _by_index(value: Any) -> Any:
    """Turn a list of mappings into a mapping by index, and any other list into a tuple."""
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return {str(n): _by_index(item) for n, item in enumerate(value)}
    if isinstance(value, dict):
        return {str(key): _by_index(item) for key, item in value.items()}
    return _frozen(value)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value


def _without_indices(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part for part in path if not part.isdecimal())


def _holds(data: Any, path: tuple[str, ...]) -> bool:
    for part in path:
        if not isinstance(data, dict) or part not in data:
            return False
        data = data[part]
    return True
