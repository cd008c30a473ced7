"""Reaching an exchange that is already open."""

import pytest

from cli import attach
from cli.attach import check_taken
from domain.errors import ConfigError
from domain.params import BrokerParams
from tests.broker.http_server import Reply, Request, serving

KEY = "0123456789abcdef"


def test_key_that_the_exchange_refuses_is_refused_at_once() -> None:
    """Else the agent would wait for a login that never comes."""
    with (
        serving(lambda _: Reply({"status": "error"}, status=403)) as server,
        pytest.raises(
            ConfigError, match="refuses the key, or has no broker session; log in"
        ) as refused,
    ):
        check_taken(server.url, KEY, BrokerParams())
    assert KEY not in str(refused.value)


def test_login_is_waited_for_where_something_is_open(caplog: pytest.LogCaptureFixture) -> None:
    """Shorts need their agent back at once when the session is."""
    with serving(lambda _: Reply({"status": "error"}, status=403)) as server:
        check_taken(server.url, KEY, BrokerParams(), may_wait=True)
    (told,) = caplog.messages
    assert told.startswith(f"--attach {server.url}: refuses the key, or has no broker session")
    assert told.endswith("the journal has something open, so that is waited for")


@pytest.mark.parametrize("reply", [Reply({"status": "success"}), Reply({}, status=500), None])
def test_key_that_is_not_refused_is_taken(reply: Reply | None) -> None:
    def answer(request: Request) -> Reply | None:
        assert (request.route, request.body) == ("ping", {"apikey": KEY})
        return reply

    with serving(answer) as server:
        check_taken(server.url, KEY, BrokerParams())
    assert server.routes == ["ping"]


@pytest.mark.parametrize(
    ("told", "by", "reached"),
    [
        ("ws://127.0.0.1:8765", "openalgo", "ws://openalgo:8765"),
        ("ws://127.0.0.1:8765", "127.0.0.1", "ws://127.0.0.1:8765"),
        ("ws://172.18.0.2:8765", "openalgo", "ws://172.18.0.2:8765"),
    ],
)
def test_stream_is_looked_for_where_the_exchange_was_found(
    told: str, by: str, reached: str
) -> None:
    """One that listens on every address, as in a container, calls itself loopback."""
    assert attach._as_reached(told, f"http://{by}:5000") == reached
