"""Reaching an exchange that is already open."""

import pytest

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
