"""`run.py config`: the settings a start would have, each with where it comes from."""

import json
from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import groupby
from pathlib import Path
from typing import Any, TextIO

from config.effective import Profile, Settings
from config.origins import Row, rows
from config.settings import survey
from domain.errors import ConfigError
from sandbox.params import SandboxParams


class Whose(Enum):
    """The profiles there are."""

    LIVE = "live"
    SANDBOX = "sandbox"


PROFILES: dict[Whose, Profile] = {Whose.LIVE: "live", Whose.SANDBOX: "sandbox"}
ROOMS: dict[Whose, dict[str, Any]] = {Whose.LIVE: {}, Whose.SANDBOX: {"sandbox": SandboxParams()}}


def show(whose: Whose, file: Path | None, out: TextIO, *, as_json: bool, changed: bool) -> int:
    """Print the settings of a start with `file` as its own. Raises ConfigError as that would.

    What is wrong with them all does not keep them from being shown first.
    """
    reading, wrong = survey(PROFILES[whose], file=file, rooms=ROOMS[whose])
    chosen = [row for row in rows(reading) if row.is_changed or not changed]
    if as_json:
        print(json.dumps(_document(reading.settings, chosen), indent=2), file=out)
    else:
        for line in _lines(reading.settings, chosen):
            print(line, file=out)
    if wrong:
        raise ConfigError(*wrong)
    return 0


def _document(settings: Settings, chosen: Iterable[Row]) -> dict[str, Any]:
    return {
        "profile": settings.profile,
        "addresses": _addresses(settings),
        "notes": settings.notes,
        "warnings": settings.warnings,
        "settings": {
            row.key: {"value": row.value, "origin": row.origin, "default": row.default}
            for row in chosen
        },
    }


def _lines(settings: Settings, chosen: list[Row]) -> Iterator[str]:
    yield f"profile {settings.profile}"
    yield from (f"{name} {url}" for name, url in _addresses(settings).items())
    yield from settings.notes
    yield from (f"WARN {warning}" for warning in settings.warnings)
    width = max((len(row.key) for row in chosen), default=0)
    for _, group in groupby(chosen, key=lambda row: row.group):
        yield ""
        for row in group:
            yield f"{row.key:{width}}  {_written(row.value):20}  {row.origin}"


def _addresses(settings: Settings) -> dict[str, str]:
    """Return where calls would go; the paper exchange tells its own addresses when it opens."""
    if settings.profile == "sandbox":
        return {}
    openalgo = settings.openalgo
    found = {"REST": openalgo.rest_url, "stream": openalgo.stream_url}
    if openalgo.backup.is_set:
        found["backup stream"] = openalgo.backup.stream_url
    return found


def _written(value: Any) -> str:
    """Write a value as YAML has it."""
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value != "" else '""'
