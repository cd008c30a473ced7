"""Whoever asks a stream for an epoch that is over was replaced, and does not know it."""

from broker.stream import Link, OpenAlgoStream
from domain.calls import StreamState
from tests.broker.test_stream import PAIRS, WITHIN_S, Desk
from tests.broker.ws_server import streaming
from tests.waiting import until


def test_epoch_that_is_over_opens_nothing() -> None:
    desk = Desk()
    with streaming() as server:
        stream = OpenAlgoStream(Link(url=server.url, api_key="KEY-1"), desk)
        stream.connect(7, PAIRS)
        desk.wait_for(StreamState.READY)
        stream.connect(6, PAIRS)
        assert server.peer().connection.ping().wait(WITHIN_S)
        stream.connect(8, PAIRS)
        until(lambda: desk.changes[-1].epoch == 8, WITHIN_S)
        server.peer(1)
        stream.close()
        assert stream.join(WITHIN_S)
    assert len(server.peers) == 2
    assert 6 not in {change.epoch for change in desk.changes}
