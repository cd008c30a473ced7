"""Papering on another server's prices: what is refused, what is said, and that the key is not."""

import logging
from pathlib import Path
from typing import Any

import pytest

from cli import exchange as command
from cli.upstream import check_ports
from config.groups import OpenAlgoParams
from domain import clock
from domain.errors import ConfigError
from domain.units import Day
from sandbox.params import SandboxParams
from sandbox.server import Ports, Serving
from sandbox.truth import Started
from sandbox.truth_file import TruthFile
from tests.broker.http_server import Reply, serving
from tests.cli.openalgo import BAD_KEY
from tests.cli.typing_in import REFUSED, RunPy, files_of
from tests.sandbox.pit import DAY, at
from tests.sandbox.relay.test_listing import KEY, OpenAlgo, ok

LIVE = ("--market", "openalgo")
NOW = at("11:37")
FREE = ("--port", "0", "--ws-port", "0")


@pytest.fixture
def openalgo() -> OpenAlgo:
    return OpenAlgo()


@pytest.fixture
def named(openalgo: OpenAlgo, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let a server run and the environment name it."""
    monkeypatch.setattr(clock, "wall", lambda: NOW)
    with serving(openalgo) as server:
        monkeypatch.setenv("OPENALGO_PORT", server.url.rpartition(":")[2])
        monkeypatch.setenv("OPENALGO_API_KEY", KEY)
        yield server


class Served:
    """Stands where the server would."""

    def __init__(self) -> None:
        self.serving: list[Serving] = []

    def __call__(self, serving: Serving, ports: Ports, ready: Any) -> None:
        self.serving.append(serving)
        logging.getLogger("careless").warning("key=%s", KEY)
        ready({"ws_url": "ws://x", "date": serving.exchange.day, "speed": serving.speed})


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Served:
    recorder = Served()
    monkeypatch.setattr(command, "serve", recorder)
    return recorder


@pytest.mark.parametrize("name", ["sandbox", "exchange"])
@pytest.mark.parametrize(
    "option",
    [("--seed", 7), ("--regime", "calm"), ("--date", "2026-11-19"), ("--tape", "day.csv"),
     ("--from", "09:30"), ("--speed", 2)],
)  # fmt: skip
def test_what_openalgo_decides_is_refused_beside_it(
    run_py: RunPy, tmp_path: Path, name: str, option: tuple[str, object]
) -> None:
    said = run_py(name, *LIVE, *option).refusal()
    assert said == (
        f"{option[0]}: with --market openalgo day, clock and prices are those of OpenAlgo; "
        "leave it out"
    )
    assert files_of(tmp_path) == {}


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("sandbox", *LIVE, "--speed", "max", "--seed", 1), "--speed, --seed: "),
        (("exchange", *LIVE, "--start-paused"), "--start-paused: "),
        (("sandbox", *LIVE, "--attach", "127.0.0.1:1"), "--market: with --attach"),
        (("exchange", "--market", "dreams"), "sandbox.market.source: 'dreams'"),
    ],
)
def test_refusal_names_every_option(run_py: RunPy, words: tuple[object, ...], named: str) -> None:
    assert run_py(*words).refusal().startswith(named)


def test_same_is_refused_where_the_settings_say_openalgo(run_py: RunPy, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("sandbox: {market: {source: openalgo}}\n")
    for name in ("sandbox", "exchange"):
        said = run_py(name, "--config", "mine.yaml", "--date", "2026-11-19").refusal()
        assert said.startswith("--date: with --market openalgo")


@pytest.mark.parametrize("name", ["sandbox", "exchange"])
def test_missing_key_is_asked_for(run_py: RunPy, name: str) -> None:
    assert run_py(name, *LIVE).refusal().startswith("openalgo.api_key: is missing; set OPENALGO_AP")


def test_key_is_not_sent_in_the_clear(run_py: RunPy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENALGO_API_KEY", KEY)
    monkeypatch.setenv("OPENALGO_HOST", "example.com")
    said = run_py("exchange", *LIVE)
    assert (said.code, KEY in said.err) == (78, False)
    assert "openalgo.host" in said.err


@pytest.mark.parametrize(
    ("reply", "begin"),
    [(BAD_KEY, "OPENALGO_API_KEY: "), (None, "OPENALGO_HOST: "), (ok(data=1), "OpenAlgo at ")],
)
def test_server_that_cannot_be_played_ends_the_start(
    run_py: RunPy, openalgo: OpenAlgo, named: Any, served: Served, reply: Reply | None, begin: str
) -> None:
    openalgo.table["ping"] = reply
    said = run_py("exchange", *LIVE, *FREE)
    assert said.refusal().startswith(begin)
    assert KEY not in said.err
    assert served.serving == []


def test_exchange_does_not_listen_where_openalgo_is(
    run_py: RunPy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENALGO_API_KEY", KEY)
    said = run_py("exchange", *LIVE).refusal()
    assert said == (
        "port 5000: is where OpenAlgo is; give the paper exchange others, such as "
        "--port 5001 --ws-port 8766"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_stream_port_of_openalgo_is_left_alone_too(host: str) -> None:
    with pytest.raises(ConfigError, match="port 8765"):
        check_ports(SandboxParams(rest_port=0), OpenAlgoParams(host=host))
    check_ports(SandboxParams(rest_port=0, ws_port=0), OpenAlgoParams(host=host))


def test_openalgo_of_another_machine_may_have_the_same_ports() -> None:
    check_ports(SandboxParams(), OpenAlgoParams(host="https://algo.example.com"))


def test_day_is_todays_by_the_wall_clock_at_speed_1(
    run_py: RunPy, openalgo: OpenAlgo, named: Any, served: Served, tmp_path: Path
) -> None:
    said = run_py("exchange", *LIVE, *FREE, "--state-dir", "state")
    assert said.code == 0
    (serving_,) = served.serving
    assert (serving_.exchange.day, serving_.start_at) == (DAY, NOW)
    assert (serving_.speed, serving_.wait_s) == (1, 0)
    assert serving_.relay is not None
    assert serving_.anchor is not None
    begun = TruthFile(tmp_path / "state").rows[0].payload
    assert isinstance(begun, Started)
    assert (begun.source, begun.around, begun.made_up) == ("openalgo", 2_600_000, False)
    assert "key=***" in said.err
    for text in (said.out, said.err, (tmp_path / "state" / "truth.jsonl").read_text()):
        assert KEY not in text


def test_same_folder_lists_the_contracts_of_its_first_life_again(
    run_py: RunPy, openalgo: OpenAlgo, named: Any, served: Served
) -> None:
    again = ("exchange", *LIVE, *FREE, "--state-dir", "state")
    assert run_py(*again).code == 0
    openalgo.atm = 26_600
    assert run_py(*again).code == 0
    first, second = (set(each.exchange._master) for each in served.serving)
    assert first <= second


def test_folder_of_another_market_is_refused(run_py: RunPy, named: Any, served: Served) -> None:
    assert run_py("exchange", *FREE, "--state-dir", "state").code == 0
    said = run_py("exchange", *LIVE, *FREE, "--state-dir", "state")
    assert said.code == REFUSED
    assert "source was synthetic, asked is openalgo" in said.error


def test_day_without_a_session_is_said_when_the_exchange_opens(
    run_py: RunPy, named: Any, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "wall", lambda: at("11:37", Day("2026-11-21")))
    said = run_py("exchange", *LIVE, *FREE)
    assert said.code == 0
    assert "no session on 2026-11-21: prices stand, orders are refused" in said.err
