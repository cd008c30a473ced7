"""Every message can be written into a journal and read back, equal."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages import control, market, orders
from tests.structs import instances, structs_in

MESSAGES = structs_in(control, market, orders)


def test_there_are_messages_of_every_room() -> None:
    assert {message.__module__ for message in MESSAGES} == {
        "messages.control",
        "messages.market",
        "messages.orders",
    }
    assert len({message.__name__ for message in MESSAGES}) == len(MESSAGES) > 40


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_message_is_read_back_equal_and_hashes_alike(
    kind: type[msgspec.Struct], data: st.DataObject
) -> None:
    message = data.draw(instances(kind))
    again = msgspec.json.decode(msgspec.json.encode(message), type=kind)
    assert again == message
    assert hash(again) == hash(message)


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
def test_message_names_itself_on_the_wire(kind: type[msgspec.Struct]) -> None:
    assert kind.__struct_config__.tag == kind.__name__
