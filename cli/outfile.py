"""A JSON file that an option names: refused before the work, written after it."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from domain.errors import ConfigError


def check(path: Path | None, option: str) -> None:
    """Refuse now what could not be written later. Raises ConfigError."""
    if path is None:
        return
    if path.is_dir():
        raise ConfigError(f"{option} {path}: is a folder; name a file in it")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise ConfigError(
            f"{option} {path}: its folder cannot be written ({error.strerror}); name another one"
        ) from error


def save(document: Mapping[str, Any], path: Path, option: str) -> None:
    """Write a document as JSON. Raises ConfigError if the file cannot be written."""
    try:
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="ascii")
    except OSError as error:
        raise ConfigError(
            f"{option} {path}: cannot be written ({error.strerror}); what it would hold is printed"
        ) from error
