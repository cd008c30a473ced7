from pathlib import Path

import pytest

from config.settings import load
from domain.errors import ConfigError
from sandbox.params import SandboxParams
from tests.config.reading import KEY, NOWHERE, SANDBOX, problems_of, settings_of


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
        ("sandbox: {tape: {hue: 5}}", "sandbox.tape.hue: unknown key; allowed are file, "),
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
        ("openalgo: 5", "5 is not allowed; allowed is a group of the keys url, host, port, ws_url"),
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
    (told,) = problems_of(profile="live", openalgo__api_key=KEY)
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
