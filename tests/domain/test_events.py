"""Every kind of event can be written down and read back, equal."""

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import events as ev
from tests.structs import instances

KINDS = get_args(ev.Event)


def test_every_event_of_the_module_is_one_that_can_be_decoded() -> None:
    defined = {k for k in vars(ev).values() if isinstance(k, type) and k.__module__ == ev.__name__}
    assert set(KINDS) == defined


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_event_is_read_back_as_it_was_written(
    kind: type[msgspec.Struct], data: st.DataObject
) -> None:
    event = data.draw(instances(kind))
    assert msgspec.json.decode(msgspec.json.encode(event), type=ev.Event) == event


def test_events_name_their_kind() -> None:
    cleared = ev.LatchCleared(at=1, name="FREEZE", reason="human")  # type: ignore[arg-type]
    assert msgspec.json.decode(msgspec.json.encode(cleared))["type"] == "LatchCleared"
