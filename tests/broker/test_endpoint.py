import pytest

from broker.endpoint import checked
from domain.errors import ConfigError

HTTP = ("http", "https")
WS = ("ws", "wss")


@pytest.mark.parametrize(
    ("url", "schemes"),
    [
        ("http://127.0.0.1:5000", HTTP),
        ("http://127.1.2.3:5000", HTTP),
        ("http://localhost:5000", HTTP),
        ("http://LOCALHOST:5000", HTTP),
        ("http://[::1]:5000", HTTP),
        ("http://openalgo:5000", HTTP),
        ("https://algo.example.org", HTTP),
        ("https://8.8.8.8:5000/base", HTTP),
        ("ws://127.0.0.1:8765", WS),
        ("ws://openalgo:8765/ws", WS),
        ("wss://algo.example.org/ws", WS),
        ("http://10.0.0.7:5000", HTTP),
    ],
)
def test_key_may_travel_to_ourselves_to_named_private_hosts_and_over_tls(
    url: str, schemes: tuple[str, str]
) -> None:
    assert checked(f"{url}/", schemes, ("openalgo", "10.0.0.7"), "K") == url


@pytest.mark.parametrize(
    ("url", "schemes"),
    [
        ("http://10.0.0.8:5000", HTTP),
        ("http://algo.example.org", HTTP),
        ("http://8.8.8.8:5000", HTTP),
        ("ws://algo.example.org:8765", WS),
        ("ws://0.0.0.0:8765", WS),
    ],
)
def test_key_never_travels_in_the_clear_to_anybody_else(url: str, schemes: tuple[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"^OPENALGO_X: .*broker\.plain_http_hosts"):
        checked(url, schemes, ("openalgo", "8.8.8.8"), "OPENALGO_X")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:5000",
        "ftp://127.0.0.1",
        "ws://127.0.0.1:8765",
        "http://",
        "http://:5000",
        "http://127.0.0.1:0",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:port",
        "http://[::1",
        "http://user:secret@127.0.0.1:5000",
        "http://127.0.0.1:5000/?x=1",
        "http://127.0.0.1:5000/#x",
    ],
)
def test_what_is_no_url_of_a_server_is_refused_without_showing_a_password(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^OPENALGO_HOST: .*write http://HOST:PORT") as caught:
        checked(url, HTTP, (), "OPENALGO_HOST")
    assert "secret" not in str(caught.value)
