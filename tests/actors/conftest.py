"""What the tests of the strategy actor share."""

from collections.abc import Iterator

import pytest

from domain import clock
from domain.clock import WallClock
from tests.actors.strategy_stand import Hands


@pytest.fixture
def hands() -> Iterator[Hands]:
    """A clock moved by hand."""
    source = Hands()
    clock.use(source)
    yield source
    clock.use(WallClock())


@pytest.fixture(autouse=True)
def _no_clock_stays() -> Iterator[None]:
    """What a stand sets ends with its test."""
    yield
    clock.use(WallClock())
