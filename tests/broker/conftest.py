"""A clock moved by hand, lanes that run on it, and the wall clock back afterwards."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from domain import clock
from tests.broker.hand import Hand
from tests.broker.office import WITHIN_S, Office, Wire


@pytest.fixture
def hand() -> Iterator[Hand]:
    hand = Hand()
    clock.use(hand)
    yield hand
    clock.use(clock.WallClock())


@pytest.fixture
def opened(hand: Hand) -> Iterator[Callable[..., Office]]:
    offices: list[Office] = []

    def start(wire: Any = None, **params: Any) -> Office:
        office = Office(wire or Wire(), **params)
        office.lanes.start()
        offices.append(office)
        return office

    yield start
    for office in offices:
        assert office.lanes.close(WITHIN_S)
