from pathlib import Path
from typing import Any

import pytest

from config.groups import OpenAlgoParams
from config.settings import load
from tests.config.reading import KEY, SANDBOX, problems_of, settings_of


@pytest.mark.incident("INC-120")
def test_missing_setting_names_itself_and_exits_78() -> None:
    (told,) = problems_of(profile="live")
    assert told.startswith("openalgo.api_key: is missing; set OPENALGO_API_KEY in the environment")
    assert told.endswith("to the key that OpenAlgo shows under API Key")
    assert settings_of().secrets() == ()


@pytest.mark.incident("INC-109")
@pytest.mark.parametrize("key", ["spaced key 123456", "key\u20ac1234567890", "x" * 257, 1234567890])
def test_malformed_key_is_refused_and_not_shown(key: object) -> None:
    (told,) = problems_of(profile="live", openalgo__api_key=key)
    assert str(key) not in told
    assert told.startswith(f"openalgo.api_key: *** ({len(str(key))} characters) is not allowed;")


@pytest.mark.incident("INC-109")
def test_key_in_a_yaml_file_is_refused_and_not_shown(tmp_path: Path) -> None:
    (told,) = problems_of(f"openalgo: {{api_key: {KEY}}}", tmp_path)
    assert KEY not in told
    assert told.startswith(f"openalgo.api_key: may not stand in {tmp_path / 'mine.yaml'}")


@pytest.mark.incident("INC-109")
def test_key_of_the_backup_in_a_yaml_file_is_refused_too(tmp_path: Path) -> None:
    (told,) = problems_of(f"openalgo: {{backup: {{api_key: {KEY}}}}}", tmp_path)
    assert KEY not in told
    assert told.startswith("openalgo.backup.api_key: may not stand in")
    assert "OPENALGO_BACKUP_API_KEY" in told


def test_backup_needs_a_key_of_its_own_and_a_way_that_hides_it() -> None:
    live: dict[str, Any] = {"profile": "live", "openalgo__api_key": KEY}
    (told,) = problems_of(openalgo__backup__host="127.0.0.2", **live)
    assert told.startswith("openalgo.backup.api_key: is missing; set OPENALGO_BACKUP_API_KEY in")
    live["openalgo__backup__api_key"] = KEY
    (told,) = problems_of(openalgo__backup__host="spare.example.com", **live)
    assert told.startswith("openalgo.backup.host: http://spare.example.com:5000 is not allowed")
    (told,) = problems_of(openalgo__backup__ws_url="ws://spare.example.com:8765", **live)
    assert told.startswith("openalgo.backup.ws_url: ws://spare.example.com:8765 is not allowed")
    assert settings_of(openalgo__backup__host="127.0.0.2", **live).openalgo.backup.is_set


@pytest.mark.incident("INC-109")
def test_key_is_in_no_text_of_the_settings() -> None:
    settings = settings_of(openalgo__api_key=KEY)
    assert KEY not in repr(settings)
    assert settings.secrets() == (KEY,)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "strategies: [{params: {filter: {price_min_p: 30000}}}]",
            "strategies[0].params.filter.price_max_p: 30000 is not allowed; allowed is more than p",
        ),
        (
            "strategies: [{params: {filter: {stop_max_bps: 200}}}]",
            "strategies[0].params.filter.stop_max_bps: 200 is not allowed",
        ),
        ("feed: {fallback_s: 60}", "feed.fallback_s: 60 is not allowed; allowed is more than"),
        ("feed: {fresh_near_s: 5}", "feed.fresh_near_s: 5 is not allowed"),
        ("feed: {fresh_far_s: 30}", "feed.fresh_far_s: 30 is not allowed"),
        ("broker: {order_rate_per_s: 5}", "broker.order_rate_per_s: 5 is not allowed"),
        ("strategies: [{to: '09:16:00'}]", "strategies[0].to: 09:16:00 is not allowed"),
        ("universe: {underlying: RELIANCE}", "universe.underlying: RELIANCE is not allowed; the"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    text: str, problem: str, tmp_path: Path
) -> None:
    (told,) = problems_of(text, tmp_path)
    assert told.startswith(problem)
    assert "(read from " in told


@pytest.mark.parametrize(
    ("server", "refused"),
    [
        ({"host": "127.0.0.1"}, ()),
        ({"host": "127.9.9.9"}, ()),
        ({"host": "localhost"}, ()),
        ({"host": "[::1]"}, ()),
        ({"host": "openalgo"}, ()),
        ({"host": "https://203.0.113.9"}, ()),
        ({"host": "192.168.1.5"}, ("host",)),
        ({"host": "algo.example.com"}, ("host",)),
        ({"host": "http://algo.example.com"}, ("host",)),
        ({"host": "localhost.example.com"}, ("host",)),
        ({"ws_url": "ws://algo.example.com:8765"}, ("ws_url",)),
        ({"ws_url": "wss://algo.example.com:8765"}, ()),
        ({"ws_url": "ws://[::1]:8765"}, ()),
    ],
)
def test_key_never_travels_unencrypted_off_this_machine(
    server: dict[str, str], refused: tuple[str, ...]
) -> None:
    flags: dict[str, Any] = {f"openalgo__{name}": value for name, value in server.items()}
    flags |= {"profile": "live", "openalgo__api_key": KEY}
    if not refused:
        found = settings_of(**flags).openalgo
        assert {name: getattr(found, name) for name in server} == server
        return
    told = problems_of(**flags)
    assert [line.partition(":")[0] for line in told] == [f"openalgo.{name}" for name in refused]


def test_listed_private_host_may_be_plain_but_a_public_address_never() -> None:
    listed = ("192.168.1.5", "8.8.8.8")
    flags: dict[str, Any] = {"profile": "live", "openalgo__api_key": KEY}
    flags |= {"broker__plain_http_hosts": listed}
    private = settings_of(openalgo__host="192.168.1.5", **flags)
    assert private.openalgo.rest_url == "http://192.168.1.5:5000"
    assert problems_of(openalgo__host="8.8.8.8", **flags)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("OPENALGO_HOST", "http://192.168.1.7"),
        ("OPENALGO_HOST", "http://algo.example.com:5000"),
        ("OPENALGO_PORT", "none"),
        ("OPENALGO_WS_URL", "ws://algo.example.com:8765"),
        ("OPENALGO_API_KEY", "a key with spaces"),
        ("PAPER_TRADING", "perhaps"),
        ("SUTRADHAR_OPENALGO__HOST", "algo.example.com"),
    ],
)
def test_sandbox_does_not_care_for_the_server_of_a_live_agent(
    name: str, text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert settings_of("openalgo: {host: algo.example.com}", tmp_path).profile == "sandbox"
    monkeypatch.setenv(name, text)
    assert settings_of().openalgo == OpenAlgoParams()
    monkeypatch.delenv(name)
    (tmp_path / ".env").write_text(f"{name}={text}\n")
    found = load("sandbox", env_file=tmp_path / ".env", rooms=SANDBOX)
    assert found.openalgo == OpenAlgoParams()
