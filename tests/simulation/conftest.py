"""The whole days start first, and play while other tests run."""

from collections.abc import Iterator

import pytest

from tests.simulation.test_whole_days import AGAIN, SEEDS
from tests.simulation.whole_days import Days


@pytest.fixture(scope="session", autouse=True)
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Days]:
    playing = Days(tmp_path_factory.mktemp("days"), (*AGAIN, *SEEDS.values()))
    yield playing
    playing.close()
