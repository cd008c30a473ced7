"""`run.py config`: every setting in effect, with the source it came from and no secret."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.configuration import Whose
from config.settings import every_leaf
from sandbox.params import SandboxParams
from tests.cli.typing_in import REFUSED, RunPy

KEY = "CANARY-KEY-0123456789"


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch, run_py: RunPy) -> None:
    monkeypatch.setenv("OPENALGO_API_KEY", KEY)


def rows_of(run_py: RunPy, *words: object) -> dict[str, Any]:
    said = run_py("config", "--json", *words)
    assert (said.code, said.err) == (0, "")
    rows: dict[str, Any] = json.loads(said.out)["settings"]
    return rows


@pytest.mark.parametrize("whose", list(Whose))
def test_every_key_is_shown_with_its_source(whose: Whose, run_py: RunPy) -> None:
    rooms = {"sandbox": SandboxParams()} if whose is Whose.SANDBOX else {}
    keys = {
        ".".join(leaf.path).replace("strategies", "strategies[0]") for leaf in every_leaf(rooms)
    }
    rows = rows_of(run_py, "--profile", whose.value)
    assert set(rows) == keys
    unset = {key for key, row in rows.items() if row["origin"] == "not set"}
    assert unset == {key for key, row in rows.items() if row["value"] == "" and _is_secret(key)}
    assert rows["strategies[0].params.stop.limit_offset_bps"] == {
        "value": 800,
        "origin": f"config/{whose.value}.yaml",
        "default": 0,
    }
    assert rows["strategies[0].limits.positions"]["origin"] == "config/default.yaml"


def _is_secret(key: str) -> bool:
    return key.endswith(("api_key", "basic_auth")) or key.startswith("keys.")


def test_value_is_told_from_where_it_was_written(
    run_py: RunPy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.yaml").write_text(
        "feed: {return_s: 31}\nstrategies: [{from: '09:30', limits: {positions: 3}}]"
    )
    (tmp_path / ".env").write_text("SUTRADHAR_BROKER__NAME=zerodha\n")
    monkeypatch.setenv("SUTRADHAR_BROKER__PLAIN_HTTP_HOSTS", "openalgo, gateway")
    rows = rows_of(run_py, "--config", "own.yaml", "--changed")
    assert {key: (row["value"], row["origin"]) for key, row in rows.items()} == {
        "feed.rest_entries": ("paper", "config/live.yaml"),
        "feed.return_s": (31, "own.yaml"),
        "broker.name": ("zerodha", "SUTRADHAR_BROKER__NAME in .env"),
        "broker.plain_http_hosts": (
            ["openalgo", "gateway"],
            "SUTRADHAR_BROKER__PLAIN_HTTP_HOSTS in the environment",
        ),
        "openalgo.api_key": ("*** (21 characters)", "OPENALGO_API_KEY in the environment"),
        "strategies[0].from": ("09:30", "own.yaml"),
        "strategies[0].limits.positions": (3, "own.yaml"),
        "strategies[0].params.stop.limit_offset_bps": (800, "config/live.yaml"),
    }


def test_container_is_a_source_of_its_own(run_py: RunPy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_ENV", "yes")
    said = run_py("config", "--changed")
    assert said.out.startswith(
        "profile live\nREST http://openalgo:5000\nstream ws://openalgo:8765\n"
    )
    (line,) = [line for line in said.out.splitlines() if line.startswith("openalgo.host")]
    assert line.split("  ")[-1] == "detection: DOCKER_ENV=yes"


def test_person_reads_addresses_what_disagrees_and_groups(
    run_py: RunPy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENALGO_URL", "https://a.example.org/algo")
    monkeypatch.setenv("OPENALGO_PORT", "44")
    monkeypatch.setenv("OPENALGO_BACKUP_URL", "https://b.example.org")
    monkeypatch.setenv("OPENALGO_BACKUP_API_KEY", KEY)
    head, *groups = run_py("config").out.split("\n\n")
    assert head.splitlines() == [
        "profile live",
        "REST https://a.example.org/algo",
        "stream wss://a.example.org/algo/ws",
        "backup stream wss://b.example.org/ws",
        (
            "openalgo.url (OPENALGO_URL in the environment) is used,"
            " openalgo.port (OPENALGO_PORT in the environment) is not"
        ),
    ]
    assert groups[0].startswith("universe.underlying ")
    assert groups[-1].startswith("strategies[0].use ")
    assert any('""' in group for group in groups)
    assert any("true" in group for group in groups)


def test_secret_is_not_shown(run_py: RunPy) -> None:
    for words in ((), ("--json",), ("--changed",)):
        said = run_py("config", *words)
        assert "***" in said.out
        assert "CANARY" not in said.out + said.err


def test_settings_that_refuse_a_start_are_refused_here(
    run_py: RunPy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENALGO_API_KEY")
    said = run_py("config")
    assert said.code == REFUSED
    assert said.error.startswith("openalgo.api_key: is missing; set OPENALGO_API_")
    assert "openalgo.api_key " in said.out
    monkeypatch.setenv("SUTRADHAR_FEED__RETURN_S", "4")
    assert run_py("config").refusal().startswith("feed.return_s: 4 is not allowed")
    monkeypatch.delenv("SUTRADHAR_FEED__RETURN_S")
    assert run_py("config", "--profile", "sandbox").code == 0
    assert run_py("config", "--profile", "paper").code == 2


def test_broker_that_the_rules_do_not_know_is_told(
    run_py: RunPy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTRADHAR_BROKER__NAME", "zerodhaa")
    said = run_py("config", "--changed")
    assert (said.code, said.err) == (0, "")
    text = "WARN broker.name: the dated rules know no square-off of zerodhaa, the earliest is"
    assert f"{text} assumed; did you mean zerodha? Known are default, " in said.out
    monkeypatch.setenv("SUTRADHAR_BROKER__NAME", "fyers")
    assert "of fyers, the earliest is assumed; known are default, " in run_py("config").out
    monkeypatch.setenv("SUTRADHAR_BROKER__NAME", "zerodha")
    assert "WARN" not in run_py("config").out
