"""A server's `url` or its `host` and `port`: who wins where both are given, and saying so.

The url stands for both of them. Only a host or port of a stronger source puts it aside: who names a
host on the command line does not mean the server of the YAML file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from config.sources import Layer

Path = tuple[str, ...]

SERVERS: tuple[Path, ...] = (("openalgo",), ("openalgo", "backup"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which urls are put aside, and what the operator is told."""

    aside: tuple[Path, ...] = ()
    notes: tuple[str, ...] = field(default=())


def verdict(layers: Sequence[Layer]) -> Verdict:
    """Judge what was given by `layers`, the strongest first; defaults are none of them."""
    aside: list[Path] = []
    notes: list[str] = []
    for server in SERVERS:
        url = next(_given(layers, (*server, "url")), None)
        if url is None:
            continue
        for key in ("host", "port"):
            part = next(_given(layers, (*server, key)), None)
            if part is None:
                continue
            wins, loses = ("url", key) if url[0] <= part[0] else (key, "url")
            named = {"url": url[1], key: part[1]}
            name = ".".join(server)
            notes.append(
                f"{name}.{wins} ({named[wins]}) is used, {name}.{loses} ({named[loses]}) is not"
            )
            if loses == "url" and (*server, "url") not in aside:
                aside.append((*server, "url"))
    return Verdict(tuple(aside), tuple(notes))


def _given(layers: Sequence[Layer], path: Path) -> Iterator[tuple[int, str]]:
    """Yield the rank and the origin of each source that says something at `path`."""
    for rank, layer in enumerate(layers):
        origin = layer.origin(path)
        if origin and layer.value(path) != "":
            yield rank, origin
