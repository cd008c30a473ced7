"""Machines for the tests of the service; each is furnished with the same morning."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.capabilities import needs
from tests.deploy.service import Service, a_service, sell_in_the_morning

MACHINE = ("nspawn", "mmdebstrap", "gcc", "python3.11")

Furnish = Callable[[str], Service]


@pytest.fixture(scope="session")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory and its truth: a short is open, its stop rests."""
    needs(*MACHINE)
    return sell_in_the_morning(tmp_path_factory.mktemp("morning"))


@pytest.fixture(scope="module")
def furnish(morning: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnish]:
    """Make a machine that is off, its clock at a time of the day."""
    with ExitStack() as stack:
        folder = partial(tmp_path_factory.mktemp, "machine")
        yield lambda at: stack.enter_context(a_service(folder(), morning, at))
