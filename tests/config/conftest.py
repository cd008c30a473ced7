"""Settings tests see no environment but their own."""

import os
from pathlib import Path

import pytest

from config import sources
from config.secrets import FILES
from config.sources import DELIMITER, PREFIX, WELL_KNOWN

OURS = {*WELL_KNOWN, *FILES, "CREDENTIALS_DIRECTORY", "DOCKER_ENV"}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name in OURS or (name.startswith(PREFIX) and DELIMITER in name):
            monkeypatch.delenv(name)
    monkeypatch.setattr(sources, "CONTAINER_FILE", Path("/nonexistent/.dockerenv"))
