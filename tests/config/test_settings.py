from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from config import documents
from config.effective import Settings
from config.groups import OpenAlgoParams, StrategyChoice
from config.pack import load as load_pack
from config.settings import CHOICE, GROUPS, HERE, every_leaf, load
from domain import params
from domain.errors import ConfigError
from sandbox.params import Lognormal, SandboxParams
from tests.config.rendering import SANDBOX_HEAD, default_yaml, sandbox_yaml

KEY = "0123456789abcdef"
SANDBOX = {"sandbox": SandboxParams()}
NOWHERE = Path("/nonexistent/.env")


def settings_of(
    text: str = "",
    tmp_path: Path | None = None,
    profile: str = "sandbox",
    **flags: Any,
) -> Settings:
    """Read settings from an operator's file of this text, and flags written as a__b."""
    file = None
    if tmp_path is not None:
        file = tmp_path / "mine.yaml"
        file.write_text(text, "utf-8")
    said = {name.replace("__", "."): value for name, value in flags.items()}
    if profile == "live":
        return load("live", said, file, NOWHERE)
    return load("sandbox", said, file, NOWHERE, SANDBOX)


def problems_of(text: str = "", tmp_path: Path | None = None, **flags: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        settings_of(text, tmp_path, **flags)
    return caught.value.problems


def test_profile_without_anything_else_is_the_defaults_and_its_differences() -> None:
    settings = settings_of()
    stop = params.StopParams(limit_offset_bps=800)
    assert settings == Settings(
        profile="sandbox",
        universe=params.UniverseParams(),
        session=params.SessionParams(),
        limits=params.LimitParams(),
        day=params.DayParams(),
        watchdog=params.WatchdogParams(),
        feed=params.FeedParams(rest_entries="paper"),
        bars=params.BarParams(),
        history=params.HistoryParams(),
        orders=params.OrderParams(),
        reconcile=params.ReconcileParams(),
        gate=params.GateParams(),
        protect=params.ProtectParams(),
        exit=params.ExitParams(),
        broker=params.BrokerParams(name="sandbox"),
        actors=params.ActorParams(),
        shutdown=params.ShutdownParams(),
        openalgo=OpenAlgoParams(),
        strategies=(StrategyChoice(params=params.SwingBreakParams(stop=stop)),),
        rules=load_pack(),
        rooms=(SandboxParams(),),
    )


def test_live_differs_from_the_defaults_in_the_stop_only() -> None:
    settings = settings_of(profile="live", openalgo__api_key=KEY)
    assert settings.strategy.params.stop == params.StopParams(limit_offset_bps=800)
    assert settings.feed.rest_entries == "never"
    assert settings.broker.name == "default"
    assert settings.openalgo.paper_trading
    assert settings.rooms == ()


def test_every_group_of_the_settings_is_read() -> None:
    named = {field.name for field in fields(Settings)}
    assert named - set(GROUPS) == {"profile", "strategies", "rules", "rooms"}
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
    assert settings_of().openalgo == OpenAlgoParams()


def test_flag_that_was_not_given_says_nothing() -> None:
    assert settings_of(sandbox__seed=None, sandbox__speed=30).rooms == (SandboxParams(speed=30),)


def test_empty_group_or_file_is_no_change(tmp_path: Path) -> None:
    assert settings_of("feed:\nsession:\n", tmp_path) == settings_of("", tmp_path) == settings_of()


def test_strategy_s_limits_are_the_global_ones_unless_it_has_its_own(tmp_path: Path) -> None:
    text = "limits: {positions: 9, ce: 7}\nstrategies: [{limits: {ce: 2}}]"
    settings = settings_of(text, tmp_path)
    assert settings.limits == params.LimitParams(positions=9, ce=7)
    assert settings.strategy.limits == params.LimitParams(positions=9, ce=2)


@pytest.mark.incident("INC-121")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("colour: {}", "colour: unknown key; allowed are universe, session, "),
        ("sesion: {}", "sesion: unknown key; did you mean session?"),
        ("feed: {falback_s: 1}", "feed.falback_s: unknown key; did you mean fallback_s?"),
        (
            "strategies: [{params: {entry: {limit_ofset_p: 5}}}]",
            "strategies[0].params.entry.limit_ofset_p: unknown key; did you mean limit_offset_p?",
        ),
        ("strategies: [{from_: '09:16'}]", "strategies[0].from_: unknown key; did you mean from?"),
        (
            "sandbox: {latency: {place_ms: {mean: 5}}}",
            "sandbox.latency.place_ms.mean: unknown key; did you mean median?",
        ),
        ("sandbox: {tape: {colour: 5}}", "sandbox.tape.colour: unknown key; allowed are file, "),
    ],
)
def test_every_key_is_read_and_unknown_ones_refused(
    text: str, problem: str, tmp_path: Path
) -> None:
    (told,) = problems_of(text, tmp_path)
    assert told.startswith(problem)
    assert told.endswith(f"(read from {tmp_path / 'mine.yaml'}; correct it there)")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("session: {close_margin_min: 90}", "90 is not allowed; allowed is a whole number of"),
        (
            "session: {close_margin_min: 4}",
            "4 is not allowed; allowed is a whole number of minutes",
        ),
        ("session: {close_margin_min: 15.0}", "15.0 is not allowed; allowed is a whole number"),
        ("session: {close_margin_min: true}", "True is not allowed; allowed is a whole number"),
        ("session: {close_margin_min: '15'}", "'15' is not allowed; allowed is a whole number"),
        ("session: {close_margin_min: null}", "None is not allowed; allowed is a whole number"),
        ("session: {force_close: 15:15:60}", "'15:15:60' is not allowed; allowed is a time of day"),
        ("session: {force_close: 1515}", "1515 is not allowed; allowed is a time of day"),
        ("session: {trade_special: yes}", "'yes' is not allowed; allowed is true or false"),
        ("session: {trade_special: 1}", "1 is not allowed; allowed is true or false"),
        ("reconcile: {fast_s: '1.5'}", "'1.5' is not allowed; allowed is a number of seconds from"),
        ("reconcile: {fast_s: 0.4}", "0.4 is not allowed; allowed is a number of seconds from 0.5"),
        (
            "feed: {rest_entries: maybe}",
            "allowed is never or paper or always; the default is never",
        ),
        ("openalgo: 5", "5 is not allowed; allowed is a group of the keys host, port, ws_url, pap"),
        ("session: 5", "5 is not allowed; allowed is a group of the keys force_close, "),
        ("strategies: swing_break", "'swing_break' is not allowed; allowed is a group of the keys"),
        ("strategies: [swing_break]", "'swing_break' is not allowed; allowed is a group of"),
        ("strategies: [{use: straddle}]", "'straddle' is not allowed; allowed is swing_break"),
        ("strategies: [{tag: 'a b'}]", "'a b' is not allowed; allowed is 1 to 32 letters, digits"),
        ("strategies: [{days: [mon, monday]}]", "'monday' is not allowed; allowed is a list, each"),
        ("strategies: [{days: mon}]", "'mon' is not allowed; allowed is a list, each mon or tue"),
        (
            "strategies: [{params: {entry: {reject_backoff_s: [5, 0]}}}]",
            "[1]: 0 is not allowed; allowed is a list, each a whole number of seconds from 1 to",
        ),
        ("openalgo: {host: 'http://127.0.0.1:5000'}", "allowed is a host name or address, with"),
        ("openalgo: {ws_url: 'http://127.0.0.1:8765'}", "allowed is an address as ws://host:port"),
        ("sandbox: {speed: 121}", "121 is not allowed; allowed is a whole number from 1 to 120"),
        ("sandbox: {rules: [lot=75]}", "'lot=75' is not allowed; allowed is a list, each a dated"),
        ("sandbox: {faults: null}", "allowed is a path of a file, or nothing; the default is noth"),
    ],
)
def test_impossible_value_is_named_with_what_is_allowed(
    text: str, problem: str, tmp_path: Path
) -> None:
    (told,) = problems_of(text, tmp_path)
    assert problem in told
    assert told.endswith(f"(read from {tmp_path / 'mine.yaml'}; correct it there)")


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("SUTRADHAR_SESSION__TRADE_SPECIAL", "yes", "session.trade_special: 'yes' is not allowed"),
        ("SUTRADHAR_FEED__RETURN_S", "abc", "feed.return_s: 'abc' is not allowed"),
        ("SUTRADHAR_FEED__RETURN_S", "30.5", "feed.return_s: 30.5 is not allowed"),
        ("SUTRADHAR_FEED__RETURN_S", "[30", "feed.return_s: '[30' is not allowed"),
        ("SUTRADHAR_SESION__X", "1", "sesion: unknown key; did you mean session?"),
        ("SUTRADHAR_FEED__RETURN_S__X", "1", "feed.return_s: {'x': '1'} is not allowed"),
        ("SUTRADHAR_FEED__RETURN_S__X__Y", "1", "feed.return_s: {'x': {'y': '1'}} is not"),
        ("OPENALGO_PORT", "70000", "openalgo.port: 70000 is not allowed"),
        ("PAPER_TRADING", "maybe", "openalgo.paper_trading: 'maybe' is not allowed"),
    ],
)
def test_bad_variable_is_named(
    name: str, text: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, text)
    (told,) = problems_of()
    assert told.startswith(problem)
    assert told.endswith(f"(read from {name} in the environment; correct it there)")


def test_bad_line_of_a_dotenv_file_is_named_with_its_file(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("SUTRADHAR_FEED__RETURN_S=4\n")
    with pytest.raises(ConfigError, match=f"SUTRADHAR_FEED__RETURN_S in {env_file}; correct"):
        load("sandbox", env_file=env_file, rooms=SANDBOX)


def test_dotenv_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_bytes(b"\xff\xfe=1\n")
    with pytest.raises(ConfigError, match=r"\.env: cannot be read"):
        load("sandbox", env_file=env_file, rooms=SANDBOX)


def test_bad_flag_is_named() -> None:
    (told,) = problems_of(sandbox__speed=0)
    assert told.endswith("(read from the command line; correct it there)")


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    text = "feed: {return_s: 0, retrun_s: 1}\nsession: {force_close: noon}\nnonsense: {a: 1}"
    assert len(problems_of(text, tmp_path)) == 4


def test_file_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    (told,) = problems_of("- feed\n", tmp_path)
    assert told.startswith(f"{tmp_path / 'mine.yaml'}: is no mapping of groups")


def test_file_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.yaml: cannot be read \(No such file"):
        load("sandbox", file=tmp_path / "none.yaml", env_file=NOWHERE, rooms=SANDBOX)


def test_second_strategy_is_refused_until_its_time(tmp_path: Path) -> None:
    (told,) = problems_of("strategies: [{tag: a}, {tag: b}]", tmp_path)
    assert told.startswith("strategies: 2 strategies are not allowed; allowed is exactly one: sev")


def test_no_strategy_is_refused_too(tmp_path: Path) -> None:
    (told,) = problems_of("strategies: []", tmp_path)
    assert told.startswith("strategies: 0 strategies are not allowed; allowed is exactly one")


def test_live_knows_no_sandbox(tmp_path: Path) -> None:
    (told,) = problems_of("sandbox: {speed: 2}", tmp_path, profile="live")
    assert told.startswith("sandbox: unknown key")
    with pytest.raises(LookupError, match="SandboxParams was not read"):
        settings_of(profile="live", openalgo__api_key=KEY).room(SandboxParams)


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
        ("protect: {deadline_s: 10}", "protect.deadline_s: 10.0 is not allowed"),
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
        ({"host": "192.168.1.5"}, ("host", "ws_url")),
        ({"host": "algo.example.com"}, ("host", "ws_url")),
        ({"host": "http://algo.example.com"}, ("host", "ws_url")),
        ({"host": "localhost.example.com"}, ("host", "ws_url")),
        ({"ws_url": "ws://algo.example.com:8765"}, ("ws_url",)),
        ({"ws_url": "wss://algo.example.com:8765"}, ()),
        ({"ws_url": "ws://[::1]:8765"}, ()),
    ],
)
def test_key_never_travels_unencrypted_off_this_machine(
    server: dict[str, str], refused: tuple[str, ...]
) -> None:
    flags: dict[str, Any] = {f"openalgo__{name}": value for name, value in server.items()}
    if not refused:
        found = settings_of(**flags).openalgo
        assert {name: getattr(found, name) for name in server} == server
        return
    told = problems_of(**flags)
    assert [line.partition(":")[0] for line in told] == [f"openalgo.{name}" for name in refused]


def test_listed_private_host_may_be_plain_but_a_public_address_never() -> None:
    listed = ("192.168.1.5", "8.8.8.8")
    private = settings_of(openalgo__host="192.168.1.5", broker__plain_http_hosts=listed)
    assert private.openalgo.rest_url == "http://192.168.1.5:5000"
    assert problems_of(openalgo__host="8.8.8.8", broker__plain_http_hosts=listed)


@pytest.mark.parametrize(
    ("speed", "emergency_s", "deadline_s", "connect_s", "order_s", "read_s"),
    [(1, 10, 20, 2, 20, 10), (2, 10, 20, 1, 10, 5), (60, 30, 40, 1, 1, 1), (120, 60, 70, 1, 1, 1)],
)
def test_fast_market_leaves_half_a_real_second_to_protect(
    speed: int,
    emergency_s: float,
    deadline_s: float,
    connect_s: float,
    order_s: float,
    read_s: float,
) -> None:
    settings = settings_of()
    protect = params.ProtectParams(emergency_s=emergency_s, deadline_s=deadline_s)
    broker = replace(
        settings.broker,
        connect_timeout_s=connect_s,
        order_timeout_s=order_s,
        read_timeout_s=read_s,
    )
    assert settings.at_speed(speed) == replace(settings, protect=protect, broker=broker)


@pytest.mark.incident("INC-121")
def test_every_default_is_documented_where_operators_look() -> None:
    """Rewrite both files with `python -m tests.config.rendering`."""
    assert (HERE / "default.yaml").read_text("utf-8") == default_yaml()
    assert (HERE / "sandbox.yaml").read_text("utf-8") == sandbox_yaml()


def test_documented_defaults_are_those_of_the_classes(tmp_path: Path) -> None:
    said = documents.read(HERE / "default.yaml")
    assert list(said) == [*GROUPS, "strategies"]
    for leaf in every_leaf({}):
        if leaf.path[:2] in {("openalgo", "api_key"), ("strategies", "limits")}:
            continue
        value = said
        for part in leaf.path:
            value = value[0][part] if isinstance(value, list) else value[part]
        assert (tuple(value) if isinstance(value, list) else value) == leaf.default, leaf.path
    assert documents.parse(SANDBOX_HEAD, "") == {
        "broker": {"name": "sandbox"},
        "feed": {"rest_entries": "paper"},
        "strategies": [{"params": {"stop": {"limit_offset_bps": 800}}}],
    }
    assert documents.read(HERE / "live.yaml") == {
        "strategies": [{"params": {"stop": {"limit_offset_bps": 800}}}]
    }


def test_every_default_lies_within_its_own_range() -> None:
    rooms: dict[str, Any] = {"sandbox": SandboxParams()}
    said = {
        ".".join(leaf.path).replace("strategies.", "strategies.0."): leaf.default
        for leaf in every_leaf(rooms)
        if leaf.path != ("openalgo", "api_key")
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
