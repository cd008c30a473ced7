"""Whatever a test started ends with it, also when it fails."""

from collections.abc import Iterator

import pykka
import pytest

from domain import clock


@pytest.fixture(autouse=True)
def nobody_stays() -> Iterator[None]:
    yield
    pykka.ActorRegistry.stop_all(timeout=10)
    clock.use(clock.WallClock())
