"""Reads settings in a test: from a text, from flags, never from the machine's own files."""

from pathlib import Path
from typing import Any

import pytest

from config.effective import Settings
from config.settings import load
from domain.errors import ConfigError
from sandbox.params import SandboxParams

KEY = "0123456789abcdef"
SANDBOX = {"sandbox": SandboxParams()}
NOWHERE = Path("/nonexistent/.env")


def settings_of(
    text: str = "",
    tmp_path: Path | None = None,
    profile: str = "sandbox",
    **flags: Any,
) -> Settings:
    """Read settings from an operator's file of this text, and flags written as a__b."""
    file = None
    if tmp_path is not None:
        file = tmp_path / "mine.yaml"
        file.write_text(text, "utf-8")
    said = {name.replace("__", "."): value for name, value in flags.items()}
    if profile == "live":
        return load("live", said, file, NOWHERE)
    return load("sandbox", said, file, NOWHERE, SANDBOX)


def problems_of(text: str = "", tmp_path: Path | None = None, **flags: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        settings_of(text, tmp_path, **flags)
    return caught.value.problems
