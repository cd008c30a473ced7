"""The settings in effect, key by key: the value, where it comes from, whether it is the default."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from config.checks import masked
from config.settings import HERE, Reading

Path = tuple[str, ...]

NOWHERE = "not set"


@dataclass(frozen=True, slots=True)
class Row:
    """One key. `value` and `default` are for people and programs: a secret is masked in both."""

    key: str
    value: Any
    origin: str
    default: Any

    @property
    def is_changed(self) -> bool:
        """Whether it is another than the default."""
        return bool(self.value != self.default)

    @property
    def group(self) -> str:
        """The group it belongs to."""
        return self.key.partition(".")[0].partition("[")[0]


def rows(reading: Reading) -> Iterator[Row]:
    """Yield every key there is, in the order of config/default.yaml."""
    settings = reading.settings
    roots: dict[str, Any] = dict(zip(reading.room_names, settings.rooms, strict=True))
    roots["strategies"] = settings.strategy
    for leaf in reading.known:
        first, *rest = leaf.path
        value = roots[first] if first in roots else getattr(settings, first)
        for name in rest:
            value = getattr(value, name) if hasattr(value, name) else getattr(value, f"{name}_")
        yield Row(_key(leaf.path), _shown(value), _origin(reading, leaf.path), _shown(leaf.default))


def _origin(reading: Reading, path: Path) -> str:
    """Return which source the value comes from; a strategy's limits may be the global ones."""
    first, *rest = path
    places = [("strategies", "0", *rest), tuple(rest)] if first == "strategies" else [path]
    for place in places:
        for layer in reading.layers:
            if found := layer.origin(place):
                return found.replace(f"{HERE.parent}/", "")
    return NOWHERE


def _key(path: Path) -> str:
    return ".".join(path).replace("strategies.", "strategies[0].", 1)


def _shown(value: Any) -> Any:
    """Return a value as JSON holds it, a secret masked."""
    if isinstance(value, SecretStr):
        text = value.get_secret_value()
        return masked(text) if text else ""
    return list(value) if isinstance(value, tuple) else value
