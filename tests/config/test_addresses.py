"""Where the server is: five sources by strength, urls beside hosts, proxies, containers."""

from itertools import pairwise
from pathlib import Path

import pytest

from config import sources
from config.settings import Settings, load, read
from tests.config.reading import KEY, problems_of, settings_of

SOURCES = ("flag", "environment", "dotenv", "yaml", "detection")


class Sources:
    """Writes a host into each source by name, and reads the settings from them all."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._patch = monkeypatch
        self.flags: dict[str, object] = {"openalgo.api_key": KEY}
        self.dotenv: dict[str, str] = {}
        self.yaml: dict[str, str] = {}

    def say(self, source: str, host: str) -> None:
        match source:
            case "flag":
                self.flags["openalgo.host"] = host
            case "environment":
                self._patch.setenv("OPENALGO_HOST", host)
            case "dotenv":
                self.dotenv["OPENALGO_HOST"] = host
            case "yaml":
                self.yaml["host"] = host
            case _:
                self._patch.setenv("DOCKER_ENV", "1")

    def load(self) -> Settings:
        file, env_file = self._folder / "own.yaml", self._folder / ".env"
        keys = "".join(f"  {key}: {value}\n" for key, value in self.yaml.items())
        file.write_text(f"openalgo:\n{keys}" if keys else "")
        env_file.write_text("".join(f"{name}={text}\n" for name, text in self.dotenv.items()))
        return load("live", self.flags, file, env_file)


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sources:
    return Sources(tmp_path, monkeypatch)


@pytest.mark.parametrize("said", range(1, 2 ** len(SOURCES)))
def test_strongest_source_names_the_host(said: int, given: Sources) -> None:
    """Every set of sources: flag > environment > .env > YAML > detection."""
    speaking = [name for n, name in enumerate(SOURCES) if said >> n & 1]
    for name in speaking:
        given.say(name, f"https://{name}.example.org")
    strongest = speaking[0]
    host = "openalgo" if strongest == "detection" else f"https://{strongest}.example.org"
    assert given.load().openalgo.host == host


def test_nobody_said_is_loopback(given: Sources) -> None:
    openalgo = given.load().openalgo
    assert (openalgo.rest_url, openalgo.stream_url) == (
        "http://127.0.0.1:5000",
        "ws://127.0.0.1:8765",
    )


@pytest.mark.parametrize("shown", ["file", "1", "true", "docker"])
def test_container_meets_the_server_of_its_network(
    shown: str, given: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shown == "file":
        monkeypatch.setattr(sources, "CONTAINER_FILE", tmp_path)
    else:
        monkeypatch.setenv("DOCKER_ENV", shown)
    openalgo = given.load().openalgo
    assert (openalgo.rest_url, openalgo.stream_url) == (
        "http://openalgo:5000",
        "ws://openalgo:8765",
    )


@pytest.mark.parametrize("denied", ["0", "false", "No"])
def test_container_can_be_denied(
    denied: str, given: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "CONTAINER_FILE", tmp_path)
    monkeypatch.setenv("DOCKER_ENV", denied)
    assert given.load().openalgo.host == "127.0.0.1"


def test_paper_exchange_is_where_it_is_in_a_container_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_ENV", "1")
    assert settings_of().openalgo.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("url", "ws_url", "rest", "stream"),
    [
        ("https://a.example.org", "", "https://a.example.org", "wss://a.example.org/ws"),
        (
            "https://a.example.org/openalgo/",
            "",
            "https://a.example.org/openalgo",
            "wss://a.example.org/openalgo/ws",
        ),
        (
            "https://a.example.org:8443/openalgo",
            "wss://b.example.org/stream",
            "https://a.example.org:8443/openalgo",
            "wss://b.example.org/stream",
        ),
        ("http://127.0.0.1:5001", "", "http://127.0.0.1:5001", "ws://127.0.0.1:8765"),
        ("http://[::1]/algo", "", "http://[::1]/algo", "ws://[::1]:8765"),
    ],
)
def test_url_stands_for_host_and_port(
    url: str, ws_url: str, rest: str, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENALGO_URL", url)
    monkeypatch.setenv("OPENALGO_WS_URL", ws_url)
    monkeypatch.setenv("OPENALGO_BACKUP_URL", url)
    monkeypatch.setenv("OPENALGO_BACKUP_WS_URL", ws_url)
    monkeypatch.setenv("OPENALGO_BACKUP_API_KEY", KEY)
    openalgo = settings_of(profile="live", openalgo__api_key=KEY).openalgo
    assert (openalgo.rest_url, openalgo.stream_url) == (rest, stream)
    assert openalgo.backup.is_set
    assert (openalgo.backup.rest_url, openalgo.backup.stream_url) == (rest, stream)


def test_url_beside_host_and_port_wins_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENALGO_URL", "https://a.example.org/algo")
    monkeypatch.setenv("OPENALGO_HOST", "https://b.example.org")
    monkeypatch.setenv("OPENALGO_PORT", "443")
    found = settings_of(profile="live", openalgo__api_key=KEY)
    assert found.openalgo.rest_url == "https://a.example.org/algo"
    assert found.notes == tuple(
        "openalgo.url (OPENALGO_URL in the environment) is used,"
        f" openalgo.{key} (OPENALGO_{key.upper()} in the environment) is not"
        for key in ("host", "port")
    )


@pytest.mark.parametrize(("stronger", "weaker"), list(pairwise(SOURCES[:-1])))
def test_host_of_a_stronger_source_puts_a_weaker_url_aside(
    stronger: str, weaker: str, given: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    given.say(stronger, "127.0.0.9")
    url = "https://a.example.org"
    match weaker:
        case "environment":
            monkeypatch.setenv("OPENALGO_URL", url)
        case "dotenv":
            given.dotenv["OPENALGO_URL"] = url
        case _:
            given.yaml["url"] = url
    found = given.load()
    assert found.openalgo.rest_url == "http://127.0.0.9:5000"
    assert len(found.notes) == 1
    assert found.notes[0].startswith("openalgo.host (")
    assert ") is used, openalgo.url (" in found.notes[0]


def test_both_of_a_stronger_source_put_one_url_aside(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("openalgo: {url: 'https://a.example.org'}")
    flags = {"openalgo.api_key": KEY, "openalgo.host": "127.0.0.9", "openalgo.port": 5001}
    reading = read("live", flags, file, tmp_path / "none")
    assert reading.settings.openalgo.rest_url == "http://127.0.0.9:5001"
    assert len(reading.settings.notes) == 2


def test_url_alone_is_worth_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENALGO_URL", "https://a.example.org")
    assert settings_of(profile="live", openalgo__api_key=KEY).notes == ()


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("OPENALGO_URL", "https://desk:sesame@a.example.org", "'https://***@a.example.org'"),
        ("OPENALGO_WS_URL", "wss://desk:sesame@a.example.org/ws", "'wss://***@a.example.org/ws'"),
        ("OPENALGO_HOST", "https://desk:sesame@a.example.org", "'https://***@a.example.org'"),
        ("OPENALGO_URL", "wss://a.example.org", "'wss://a.example.org'"),
        ("OPENALGO_URL", "a.example.org", "'a.example.org'"),
        ("OPENALGO_URL", "https://a.example.org/api/v1/", "'https://a.example.org/api/v1/'"),
        ("OPENALGO_URL", "https://a.example.org?x=sesame", "'https://a.example.org?***'"),
        ("OPENALGO_URL", "https://a.example.org/b#sesame", "'https://a.example.org/b#***'"),
        ("OPENALGO_URL", "https://a.example.org:99999", "'https://a.example.org:99999'"),
        ("OPENALGO_URL", "https://a.example.org:0/b", "'https://a.example.org:0/b'"),
        ("OPENALGO_WS_URL", "wss://a.example.org:65536", "'wss://a.example.org:65536'"),
        ("OPENALGO_WS_URL", "https://a.example.org/ws", "'https://a.example.org/ws'"),
        ("OPENALGO_BACKUP_URL", "https://d:sesame@a.example.org", "'https://***@a.example.org'"),
    ],
)
def test_address_that_is_none_is_refused_without_its_password(
    name: str, text: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, text)
    (told,) = problems_of(profile="live", openalgo__api_key=KEY)
    assert f": {shown} is not allowed; allowed is a" in told
    assert "sesame" not in told


@pytest.mark.parametrize(
    ("urls", "key"),
    [
        (("http://93.184.216.34/algo", "wss://a.example.org/ws"), "openalgo.url"),
        (("http://algo.example.org", "wss://a.example.org/ws"), "openalgo.url"),
        (("https://a.example.org", "ws://a.example.org/ws"), "openalgo.ws_url"),
    ],
)
def test_key_does_not_travel_in_the_clear(urls: tuple[str, str], key: str) -> None:
    url, ws_url = urls
    (told,) = problems_of(
        profile="live", openalgo__api_key=KEY, openalgo__url=url, openalgo__ws_url=ws_url
    )
    assert told.startswith(f"{key}: ")
    assert "the key would travel unencrypted" in told
