"""The whole days start with the first test that wants one, and play while others run."""

from collections.abc import Iterator

import pytest

from tests.simulation.test_whole_days import AGAIN, SEEDS
from tests.simulation.whole_days import Days


@pytest.fixture(scope="session")
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Days]:
    playing = Days(tmp_path_factory.mktemp("days"), (*AGAIN, *SEEDS.values()))
    yield playing
    playing.close()
