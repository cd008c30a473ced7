"""Settings tests see no environment but their own."""

import os

import pytest

from config.secrets import FILES
from config.sources import DELIMITER, PREFIX, WELL_KNOWN

OURS = {*WELL_KNOWN, *FILES, "CREDENTIALS_DIRECTORY"}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name in OURS or (name.startswith(PREFIX) and DELIMITER in name):
            monkeypatch.delenv(name)
