"""A machine's clock that stands, and a page that is served."""

from collections.abc import Iterator

import pytest

from domain import clock
from domain.units import SECOND, Micros
from tests.dashboard.serving import Site, served


class Stopped:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self._at = Micros(SECOND)

    def now(self) -> Micros:
        return self._at

    def machine(self) -> Micros:
        return self._at

    def pass_s(self, span_s: float) -> None:
        self._at = Micros(self._at + int(span_s * SECOND))


@pytest.fixture
def machine() -> Iterator[Stopped]:
    stopped = Stopped()
    clock.use(stopped)
    yield stopped
    clock.use(clock.WallClock())


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with served() as found:
        yield found
