from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from broker.http import Http
from config import documents
from config.effective import Settings
from config.groups import KeyParams, LogParams, OpenAlgoParams, StrategyChoice
from config.pack import load as load_pack
from config.secrets import SECRETS
from config.settings import CHOICE, GROUPS, HERE, every_leaf, load
from domain import params
from domain.alert_params import AlertParams, HeartbeatParams, TelegramParams
from domain.lease_params import LeaseParams
from domain.page_params import PageParams
from sandbox.params import Lognormal, SandboxParams
from tests.config.reading import KEY, NOWHERE, SANDBOX, settings_of
from tests.config.rendering import SANDBOX_HEAD, default_yaml, sandbox_yaml


def test_profile_without_anything_else_is_the_defaults_and_its_differences() -> None:
    settings = settings_of()
    stop = params.StopParams(limit_offset_bps=800)
    assert settings == Settings(
        profile="sandbox",
        universe=params.UniverseParams(),
        session=params.SessionParams(),
        limits=params.LimitParams(),
        day=params.DayParams(),
        churn=params.ChurnParams(),
        watchdog=params.WatchdogParams(),
        feed=params.FeedParams(rest_entries="paper"),
        bars=params.BarParams(),
        history=params.HistoryParams(),
        orders=params.OrderParams(),
        reconcile=params.ReconcileParams(),
        gate=params.GateParams(),
        guard=params.GuardParams(),
        protect=params.ProtectParams(),
        exit=params.ExitParams(),
        journal=params.JournalParams(),
        recover=params.RecoverParams(),
        broker=params.BrokerParams(name="sandbox"),
        actors=params.ActorParams(),
        shutdown=params.ShutdownParams(),
        lease=LeaseParams(),
        flatten=params.FlattenParams(),
        page=PageParams(port=0),
        alerts=AlertParams(on=False),
        telegram=TelegramParams(on=False),
        heartbeat=HeartbeatParams(on=False),
        openalgo=OpenAlgoParams(),
        keys=KeyParams(),
        log=LogParams(),
        strategies=(StrategyChoice(params=params.SwingBreakParams(stop=stop)),),
        rules=load_pack(),
        rooms=(SandboxParams(),),
    )


def test_live_differs_from_the_defaults_in_the_stop_and_on_polled_prices() -> None:
    settings = settings_of(profile="live", openalgo__api_key=KEY)
    assert settings.strategy.params.stop == params.StopParams(limit_offset_bps=800)
    assert settings.feed.rest_entries == "paper"
    assert settings.broker.name == "default"
    assert settings.openalgo.paper_trading
    assert settings.rooms == ()


def test_every_group_of_the_settings_is_read() -> None:
    named = {field.name for field in fields(Settings)}
    assert named - set(GROUPS) == {"profile", "strategies", "rules", "rooms", "notes", "warnings"}
    assert set(GROUPS) <= named


def test_stronger_source_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, env_file = tmp_path / "mine.yaml", tmp_path / ".env"
    mine.write_text("feed: {stale_warn_s: 41, fallback_s: 131, return_s: 31, gap_taint_s: 11}")
    env_file.write_text(
        "SUTRADHAR_FEED__FALLBACK_S=132\nSUTRADHAR_FEED__RETURN_S=32\nSUTRADHAR_FEED__GAP_TAINT_S=12"
    )
    monkeypatch.setenv("SUTRADHAR_FEED__RETURN_S", "33")
    monkeypatch.setenv("SUTRADHAR_FEED__GAP_TAINT_S", "13")
    feed = load("sandbox", {"feed.gap_taint_s": 14}, mine, env_file, SANDBOX).feed
    assert (feed.stale_warn_s, feed.fallback_s, feed.return_s, feed.gap_taint_s) == (
        41,
        132,
        33,
        14,
    )
    assert feed.rest_entries == "paper"
    assert feed.first_tick_s == 15


def test_well_known_variables_name_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENALGO_HOST", "https://algo.example.com")
    monkeypatch.setenv("OPENALGO_PORT", "443")
    monkeypatch.setenv("OPENALGO_WS_URL", "wss://algo.example.com/ws")
    monkeypatch.setenv("OPENALGO_API_KEY", "1234567890")
    monkeypatch.setenv("PAPER_TRADING", "False")
    server = load("live", env_file=NOWHERE).openalgo
    assert server.rest_url == "https://algo.example.com:443"
    assert server.stream_url == "wss://algo.example.com/ws"
    assert server.api_key.get_secret_value() == "1234567890"
    assert not server.paper_trading


def test_backup_server_has_variables_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENALGO_API_KEY", KEY)
    assert not load("live", env_file=NOWHERE).openalgo.backup.is_set
    monkeypatch.setenv("OPENALGO_BACKUP_HOST", "https://spare.example.com")
    monkeypatch.setenv("OPENALGO_BACKUP_PORT", "444")
    monkeypatch.setenv("OPENALGO_BACKUP_API_KEY", "0987654321")
    found = load("live", env_file=NOWHERE)
    backup = found.openalgo.backup
    assert backup.is_set
    assert backup.rest_url == "https://spare.example.com:444"
    assert backup.stream_url == "wss://spare.example.com:8765"
    assert found.secrets() == (KEY, "0987654321")
    monkeypatch.setenv("OPENALGO_BACKUP_WS_URL", "wss://spare.example.com/ws")
    monkeypatch.delenv("OPENALGO_BACKUP_HOST")
    backup = load("live", env_file=NOWHERE).openalgo.backup
    assert (backup.is_set, backup.stream_url) == (True, "wss://spare.example.com/ws")


@pytest.mark.parametrize(
    ("host", "rest", "stream"),
    [
        ("127.0.0.1", "http://127.0.0.1:5000", "ws://127.0.0.1:8765"),
        ("localhost", "http://localhost:5000", "ws://localhost:8765"),
        (
            "https://algo.example.com",
            "https://algo.example.com:5000",
            "wss://algo.example.com:8765",
        ),
        ("[::1]", "http://[::1]:5000", "ws://[::1]:8765"),
    ],
)
def test_addresses_follow_from_the_host(host: str, rest: str, stream: str) -> None:
    server = settings_of(openalgo__host=host).openalgo
    assert (server.rest_url, server.stream_url) == (rest, stream)


def test_variables_are_read_as_the_kind_of_their_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "SESSION__FORCE_CLOSE": "15:10",
        "SESSION__TRADE_SPECIAL": "true",
        "RECONCILE__FAST_S": "2.5",
        "RECONCILE__SLOW_S": "90",
        "DAY__STOP_R": "-4",
        "BROKER__PLAIN_HTTP_HOSTS": "openalgo, gateway",
        "STRATEGIES__0__PARAMS__ENTRY__REJECT_BACKOFF_S": "[1, 2]",
        "STRATEGIES__0__PARAMS__SIZING__MAX_LOTS": "2",
        "STRATEGIES__0__FROM": "09:30",
        "SANDBOX__RULES": "lot.NIFTY=75",
        "SANDBOX__LATENCY__CANCEL_MS__SIGMA": "1",
    }.items():
        monkeypatch.setenv(f"SUTRADHAR_{name}", text)
    settings = settings_of()
    sandbox, strategy = settings.room(SandboxParams), settings.strategy
    assert settings.session == params.SessionParams(force_close="15:10", trade_special=True)
    assert settings.reconcile == params.ReconcileParams(fast_s=2.5, slow_s=90)
    assert settings.day.stop_r == -4
    assert settings.broker.plain_http_hosts == ("openalgo", "gateway")
    assert strategy.params.entry.reject_backoff_s == (1, 2)
    assert (strategy.params.sizing.max_lots, strategy.from_) == (2, "09:30")
    assert strategy.params.stop.limit_offset_bps == 800
    assert sandbox.rules == ("lot.NIFTY=75",)
    assert sandbox.latency.cancel_ms == Lognormal(median=60, sigma=1, cap=3000)


def test_other_variables_are_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUTRADHAR_CI", "1")
    monkeypatch.setenv("OPENALGO_UNHEARD", "x")
    monkeypatch.setenv("OPENALGO_PORT", "")
    server = settings_of(profile="live", openalgo__api_key=KEY).openalgo
    assert (server.host, server.port) == ("127.0.0.1", 5000)


def test_flag_that_was_not_given_says_nothing() -> None:
    assert settings_of(sandbox__seed=None, sandbox__speed=30).rooms == (SandboxParams(speed=30),)


def test_empty_group_or_file_is_no_change(tmp_path: Path) -> None:
    assert settings_of("feed:\nsession:\n", tmp_path) == settings_of("", tmp_path) == settings_of()


def test_strategy_s_limits_are_the_global_ones_unless_it_has_its_own(tmp_path: Path) -> None:
    text = "limits: {positions: 9, ce: 7}\nstrategies: [{limits: {ce: 2}}]"
    settings = settings_of(text, tmp_path)
    assert settings.limits == params.LimitParams(positions=9, ce=7)
    assert settings.strategy.limits == params.LimitParams(positions=9, ce=2)


@pytest.mark.parametrize("speed", [2, 5, 10, 60])
def test_fast_market_shrinks_time_outs_once(speed: int) -> None:
    """The client shrinks them: shrunk in the settings too, speed 5 would wait 1 s instead of 4."""
    settings = settings_of()
    fast = Http("http://localhost:5000", KEY, settings.at_speed(speed).broker, speed)
    connect_s, order_s = fast.timeouts("placeorder")
    assert connect_s == max(1, settings.broker.connect_timeout_s / speed)
    assert order_s == max(1, settings.broker.order_timeout_s / speed)
    assert fast.timeouts("orderbook")[1] == max(1, settings.broker.read_timeout_s / speed)


@pytest.mark.parametrize(("speed", "half_s"), [(2, 1), (60, 30), (120, 60)])
def test_fast_market_leaves_half_a_real_second_to_protect_and_to_be_seen(
    speed: int, half_s: int
) -> None:
    fast = settings_of().at_speed(speed)
    assert fast.protect.emergency_s == max(10, half_s)
    assert (fast.feed.gap_taint_s, fast.feed.fast_fallback_s) == (max(5, half_s), max(20, half_s))
    assert fast.feed.backup_after_s == max(15, half_s)
    assert (fast.feed.first_tick_s, fast.feed.fresh_canary_s) == (max(15, half_s), max(5, half_s))
    assert (fast.orders.baseline_max_age_s, fast.reconcile.window_s) == (max(5, half_s),) * 2
    assert fast.exit.quote_max_age_s == max(3, half_s)
    assert fast.bars.close_grace_ms == max(1500, 100 * speed)


def test_market_of_life_s_speed_changes_no_setting() -> None:
    settings = settings_of()
    assert settings.at_speed(1) == settings


@pytest.mark.incident("INC-121")
def test_every_default_is_documented_where_operators_look() -> None:
    """Rewrite both files with `python -m tests.config.rendering`."""
    assert (HERE / "default.yaml").read_text("utf-8") == default_yaml()
    assert (HERE / "sandbox.yaml").read_text("utf-8") == sandbox_yaml()


def test_documented_defaults_are_those_of_the_classes(tmp_path: Path) -> None:
    said = documents.read(HERE / "default.yaml")
    assert list(said) == [*GROUPS, "strategies"]
    for leaf in every_leaf({}):
        if leaf.path in SECRETS or leaf.path[:2] == ("strategies", "limits"):
            continue
        value = said
        for part in leaf.path:
            value = value[0][part] if isinstance(value, list) else value[part]
        assert (tuple(value) if isinstance(value, list) else value) == leaf.default, leaf.path
    assert documents.parse(SANDBOX_HEAD, "") == {
        "broker": {"name": "sandbox"},
        "feed": {"rest_entries": "paper"},
        "page": {"port": 0},
        "alerts": {"on": False},
        "telegram": {"on": False},
        "heartbeat": {"on": False},
        "strategies": [{"params": {"stop": {"limit_offset_bps": 800}}}],
    }
    assert documents.read(HERE / "live.yaml") == {
        "feed": {"rest_entries": "paper"},
        "strategies": [{"params": {"stop": {"limit_offset_bps": 800}}}],
    }


def test_every_default_lies_within_its_own_range() -> None:
    rooms: dict[str, Any] = {"sandbox": SandboxParams()}
    said = {
        ".".join(leaf.path).replace("strategies.", "strategies.0."): leaf.default
        for leaf in every_leaf(rooms)
        if leaf.path not in SECRETS
    }
    settings = load("sandbox", said, None, NOWHERE, rooms)
    assert len(said) > 150
    assert (settings.strategy, settings.rooms) == (CHOICE, (SandboxParams(),))


def test_settings_cannot_be_changed() -> None:
    settings = settings_of()
    with pytest.raises(AttributeError):
        settings.session = params.SessionParams()  # type: ignore[misc]
    with pytest.raises(AttributeError):
        settings.session.force_close = "15:20"  # type: ignore[misc]
    assert settings.strategy == replace(CHOICE, params=settings.strategy.params)
