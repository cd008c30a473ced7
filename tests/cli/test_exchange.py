"""`run.py exchange`: what the command line asks for, and what it is refused."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli import exchange as command
from cli.exchange import DEFAULT_KEY, Options, run
from domain.errors import ConfigError
from domain.session import instant
from domain.units import Day
from sandbox.params import SandboxParams
from sandbox.server import Ports, Serving
from sandbox.sockets import bound, port_of
from sandbox.truth import Started, Truth
from sandbox.truth_file import TruthFile

DAY = Day("2026-11-19")


class Served:
    """Stands where the server would, and keeps what it was asked to serve."""

    def __init__(self) -> None:
        self.serving: list[Serving] = []
        self.rows: list[int] = []
        self.had_control = False

    def __call__(self, serving: Serving, ports: Ports, ready: Any) -> None:
        self.serving.append(serving)
        self.rows.append(len(serving.truth.rows))
        self.had_control = ports.control is not None
        ready({"ws_url": "ws://x", "date": serving.exchange.day, "speed": serving.speed})
        for listener in (ports.rest, ports.stream, ports.control):
            if listener is not None:
                listener.close()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Served]:
    monkeypatch.chdir(tmp_path)
    recorder = Served()
    monkeypatch.setattr(command, "serve", recorder)
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    yield recorder
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)


def options(**changes: Any) -> Options:
    return Options(**{"port": 0, "ws_port": 0, **changes})


def test_exchange_alone_is_open_for_business_at_half_past_nine(served: Served) -> None:
    assert run(options()) == 0
    (serving,) = served.serving
    assert serving.start_at == instant(DAY, "09:30")
    assert (serving.speed, serving.wait_s, serving.api_key) == (1, 0, DEFAULT_KEY)
    assert not served.had_control


def test_ports_are_those_of_openalgo_unless_others_are_named() -> None:
    assert "sandbox.rest_port" not in Options().flags()
    flags = options(port=5001, tape=Path("t.csv"), faults=Path("f.yaml"), seed=7).flags()
    assert flags == {
        "sandbox.rest_port": 5001,
        "sandbox.ws_port": 0,
        "sandbox.seed": 7,
        "sandbox.speed": 1,
        "sandbox.market.source": "tape",
        "sandbox.tape.file": "t.csv",
        "sandbox.faults": "f.yaml",
    }


def test_child_waits_for_its_agent_before_the_open(served: Served) -> None:
    run(options(wait=True, speed=60, control_port=0, control_token="T", ends_with_day=True))
    (serving,) = served.serving
    assert serving.start_at == instant(DAY, "09:10")
    assert (serving.wait_s, serving.speed, serving.control_token) == (60, 60, "T")
    assert serving.ends_with_day
    assert served.had_control


def test_ready_line_names_the_bound_ports(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    run(options(begin="10:00", date="2026-11-18", api_key="secret-key"))
    out, log = capsys.readouterr()
    (line,) = out.splitlines()
    ready = json.loads(line)
    assert ready["port"] != ready["ws_port"]
    assert ready["url"] == f"http://127.0.0.1:{ready['port']}"
    assert (ready["control_port"], ready["date"]) == (None, "2026-11-18")
    assert "paper exchange open" in log
    assert "at=10:00:00" in log
    assert "secret-key" not in log + out


def test_person_reads_no_line_for_programs(
    served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    run(options())
    out, log = capsys.readouterr()
    assert out == ""
    assert "paper exchange open" in log


def test_known_key_of_a_plain_sandbox_is_told(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    run(options())
    assert "api_key=sandbox" in capsys.readouterr().err


def test_day_goes_on_where_its_truth_ended(served: Served, tmp_path: Path) -> None:
    file = TruthFile(tmp_path / "state")
    row = Started(
        day=DAY, source="synthetic", random_seed=SandboxParams().seed, regime="trend", made_up=False
    )
    Truth(file.append).add(instant(DAY, "11:22:33"), row)
    file.close()
    run(options(state_dir=tmp_path / "state"))
    assert served.serving[0].start_at == instant(DAY, "11:22:33")
    assert served.rows == [1]
    run(options(state_dir=tmp_path / "fresh"))
    assert served.serving[1].start_at == instant(DAY, "09:30")
    assert (tmp_path / "fresh" / "truth.jsonl").read_bytes().count(b"\n") == served.rows[1] == 1


@pytest.mark.parametrize("date", [None, "2026-11-23"])
def test_expiry_is_played_on_the_next_day_that_has_one(served: Served, date: str | None) -> None:
    """2026-11-24 is a Tuesday and a holiday, so the contracts of the week end the day before."""
    run(options(regime="expiry", date=date))
    assert served.serving[0].exchange.day == "2026-11-23"
    assert served.serving[0].start_at == instant(Day("2026-11-23"), "09:30")


def test_answers_are_dressed_as_the_profile_says(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(options())
    monkeypatch.setenv("SUTRADHAR_SANDBOX__PROFILE", "live_quirks")
    run(options())
    assert [serving.is_live for serving in served.serving] == [False, True]


def test_fault_script_is_read(served: Served, tmp_path: Path) -> None:
    script = tmp_path / "faults.yaml"
    script.write_text(
        'version: 1\nfaults:\n- {id: mute, at: "ws:conn", when: {between: ["11:00", "11:03"]}, '
        "do: {silent: {pong: true}}}\n"
    )
    run(options(faults=script))
    (fault,) = served.serving[0].faults.faults
    assert (fault.id, fault.verb) == ("mute", "silent")


TAPE = """ts,symbol,open,high,low,close,volume
2021-06-11 09:15:00+05:30,NIFTY,15700.0,15710.0,15690.0,15705.0,0
2021-06-11 09:15:00+05:30,NIFTY17JUN2115700CE,150.0,152.0,149.0,151.0,750
"""


def test_prices_of_a_tape_lie_on_the_tick_of_the_exchange(served: Served, tmp_path: Path) -> None:
    tape, own = tmp_path / "day.csv", tmp_path / "own.yaml"
    rows = [f"2021-06-11T10:00:00,{name},150.05,75" for name in ("NIFTY", "NIFTY17JUN2115700CE")]
    tape.write_text("\n".join(["ts,symbol,ltp,cum_volume", *rows, ""]))
    run(options(tape=tape))
    own.write_text("sandbox: {rules: [tick.index_options=10]}")
    with pytest.raises(ConfigError, match=r"row 2: ltp 150\.05 is not a multiple of .* 0\.1"):
        run(options(tape=tape, config=own))


def test_exchange_alone_plays_any_underlying(served: Served, tmp_path: Path) -> None:
    """Who will trade on it is not known; its own settings say NIFTY."""
    tape = tmp_path / "day.csv"
    bank = TAPE.replace("2021-06-11", "2026-11-19").replace("17JUN21", "24NOV26")
    tape.write_text(bank.replace("NIFTY", "BANKNIFTY"))
    run(options(tape=tape, market="tape"))
    assert served.serving[0].exchange.day == "2026-11-19"


def test_tape_brings_its_own_day(served: Served, tmp_path: Path) -> None:
    tape = tmp_path / "day.csv"
    tape.write_text(TAPE)
    run(options(tape=tape))
    assert served.serving[0].exchange.day == "2021-06-11"
    run(options(tape=tape, date="2021-06-11"))
    with pytest.raises(ConfigError, match="2026-11-19 is not the day of the tape, 2021-06-11"):
        run(options(tape=tape, date="2026-11-19"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"begin": "25:00"}, "--from 25:00: is no time of day"),
        ({"speed": 121}, "--speed 121: "),
        ({"api_key": ""}, "--api-key"),
        ({"api_key": "x" * 257}, "--api-key"),
        ({"regime": "expiry", "date": "2026-11-20"}, "--date 2026-11-20: NIFTY has no expiry"),
        ({"regime": "panic"}, "sandbox.market.regime"),
        ({"date": "19-11-2026"}, "sandbox.date"),
        ({"port": 70_000}, "sandbox.rest_port"),
        ({"tape": Path("nowhere.csv")}, "nowhere.csv"),
        ({"faults": Path("nowhere.yaml")}, "nowhere.yaml"),
    ],
)
def test_bad_option_is_named_and_nothing_is_served(
    served: Served, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        run(options(**changes))
    assert said in str(refused.value)
    assert served.serving == []


def test_taken_port_is_named(served: Served) -> None:
    with bound("127.0.0.1", 0, "REST") as taken:
        port = port_of(taken)
        with pytest.raises(ConfigError, match=f"WebSocket port {port} on 127.0.0.1"):
            run(options(ws_port=port))
    assert served.serving == []
