"""The doctor looks at the second server as at the first, with its own key and for prices alone."""

from collections.abc import Iterator

import pytest

from tests.broker.ws_server import WsServer, streaming
from tests.cli.openalgo import OpenAlgo, an_openalgo, it_is, priced
from tests.cli.test_doctor import failing, lines
from tests.cli.typing_in import RunPy


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAlgo]:
    it_is("10:00")
    with an_openalgo(monkeypatch) as running:
        yield running


@pytest.fixture
def spare(server: OpenAlgo, monkeypatch: pytest.MonkeyPatch) -> Iterator[WsServer]:
    """The stream of a second server, whose REST is that of the first."""
    with streaming(priced) as stream:
        host, _, port = server.rest.url.removeprefix("http://").partition(":")
        monkeypatch.setenv("OPENALGO_BACKUP_HOST", host)
        monkeypatch.setenv("OPENALGO_BACKUP_PORT", port)
        monkeypatch.setenv("OPENALGO_BACKUP_WS_URL", stream.url)
        monkeypatch.setenv("OPENALGO_BACKUP_API_KEY", "spare-key-1234567890")
        yield stream


@pytest.mark.incident("INC-07")
def test_backup_is_asked_with_its_own_key_and_for_no_orders(run_py: RunPy, spare: WsServer) -> None:
    said = run_py("doctor")
    assert said.code == 0
    assert lines(said)["backup"].startswith("PASS connected, 3 of 3 symbols subscribed, first")
    assert spare.peer().heard[0]["api_key"] == "spare-key-1234567890"
    assert "subscribe_orders" not in spare.peer().actions


@pytest.mark.incident("INC-07")
def test_backup_that_is_not_there_is_named(
    run_py: RunPy, spare: WsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENALGO_BACKUP_WS_URL", "ws://127.0.0.1:1")
    found = failing(run_py("doctor"))
    assert set(found) == {"backup"}
    assert found["backup"].endswith("WebSocket server, or correct OPENALGO_BACKUP_WS_URL.")
    monkeypatch.setenv("OPENALGO_BACKUP_PORT", "1")
    found = failing(run_py("doctor"))
    assert found["backup"].startswith("FAIL http://127.0.0.1:1 (no answer")
    assert "OPENALGO_BACKUP_HOST" in found["backup"]
    assert spare.peers == []
