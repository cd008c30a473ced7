"""A day that cannot be played, and an exchange that cannot be opened or reached, are refused.

One line says what, its value and what to do; nothing was made and nothing was started.
"""

from pathlib import Path
from typing import Any

import pytest

from cli.outfile import save
from domain.errors import ConfigError
from sandbox.sockets import bound, port_of
from tests.broker.http_server import Reply, serving
from tests.cli.typing_in import RunPy, files_of

HEAD = "ts,symbol,open,high,low,close,volume"
OPTION = "NIFTY17JUN2115700CE"
NOT_HIS = "on the tape, and universe.underlying is what is traded; name a tape that has it"
GOOD_FAULT = 'version: 1\nfaults: [{id: a, at: "ws:conn", do: {silent: {}}}]\n'


def a_tape(*symbols: str, day: str = "2021-06-11", low: str = "149.0") -> str:
    rows = [f"{day} 09:15:00+05:30,{name},150.0,152.0,{low},151.0,750" for name in symbols]
    return "\n".join([HEAD, *rows, ""])


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--speed", "fast"), "--speed fast: allowed is a whole number from 1 to 120, or max"),
        (("--speed", "-5"), "--speed -5: allowed is a whole number from 1 to 120, or max"),
        (("--speed", "1.5"), "--speed 1.5: allowed is a whole number from 1 to 120, or max"),
        (("--speed", "121"), "sandbox.speed: 121 is not allowed; allowed is a whole number from 1"),
        (("--seed", "-1"), "sandbox.seed: -1 is not allowed; allowed is a whole number from 0 to "),
        (("--regime", "panic"), "sandbox.market.regime: 'panic' is not allowed; allowed is calm"),
        (("--date", "soon"), "sandbox.date: 'soon' is not allowed; allowed is a date as YYYY-MM-"),
        (("--date", "2026-02-30"), "sandbox.date: '2026-02-30' is not allowed; allowed is a date"),
        (
            ("--date", "2026-11-21"),
            "--date 2026-11-21: that day has no session (weekend); the next one is 2026-11-23",
        ),
        (("--date", "1999-01-04"), "rules: hours.fno begins 2000-01-01, 1999-01-04 lies before it"),
        (
            ("--date", "2126-01-04"),
            "--date 2126-01-04: that day cannot be played; allowed is a day up to 2098-12-31",
        ),
        (("--from", "25:00"), "sandbox.start_at: '25:00' is not allowed; allowed is a time of day"),
        (("--from", "early"), "sandbox.start_at: 'early' is not allowed; allowed is a time of day"),
        (
            ("--from", "16:00"),
            "--from 16:00: lies outside the session of 2026-11-19; allowed is 09:00:00 to 15:40:00",
        ),
        (
            ("--regime", "expiry", "--date", "2026-11-24"),
            (
                "--date 2026-11-24: NIFTY has no expiry on it, as --regime expiry needs; the next "
                "one is 2026-12-01"
            ),
        ),
        (
            ("--date", "2030-01-04"),
            (
                "--date 2030-01-04: that day lies after valid_through of the dated rules, "
                "2026-12-31: nothing would be entered; name an earlier day or renew config/rules"
            ),
        ),
        (("--api-key", "k"), "--api-key: is for --attach; an exchange of our own has its own key"),
        (("--until", "noon"), "session.force_close: 'noon' is not allowed; allowed is a time of "),
        (
            ("--until", "10:00"),
            (
                "session.force_close: 10:00 is not allowed on 2026-11-19; allowed is 10:15:00 to "
                "15:40:00, an hour after the open to the close"
            ),
        ),
        (
            ("--from", "11:00", "--until", "10:30"),
            (
                "--from 11:00: is not before the force close, 10:30:00 by --until 10:30; name an "
                "earlier start or a later end"
            ),
        ),
        (
            ("--summary", "nowhere/s.json"),
            (
                "--summary nowhere/s.json: its folder cannot be written (No such file or "
                "directory); name another one"
            ),
        ),
        (
            ("--summary", "/proc/s.json"),
            (
                "--summary /proc/s.json: its folder cannot be written (No such file or directory); "
                "name another one"
            ),
        ),
        (("--summary", "."), "--summary .: is a folder; name a file in it"),
    ],
)
def test_day_that_cannot_be_played_is_refused_before_anything_is_made(
    run_py: RunPy, tmp_path: Path, options: tuple[str, ...], line: str
) -> None:
    assert run_py("sandbox", *options).refusal().startswith(line)
    assert files_of(tmp_path) == {}


def test_summary_that_cannot_be_written_after_all_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refusal:
        save({}, tmp_path, "--summary")
    assert str(refusal.value) == (
        f"--summary {tmp_path}: cannot be written (Is a directory); what it would hold is printed"
    )


TAPES: dict[str, tuple[str | bytes, str]] = {
    "missing columns": (
        "ts,symbol,open,high\n2021-06-11 09:15,NIFTY,1,1\n",
        (
            "sandbox.tape.file: day.csv: columns low, close, volume are missing; a tape of one-"
            "minute bars has ts, symbol, open, high, low, close, volume"
        ),
    ),
    "empty": (
        b"",
        "sandbox.tape.file: day.csv: cannot be read: empty CSV; take another copy of it",
    ),
    "only names": (f"{HEAD}\n", "sandbox.tape.file: day.csv: holds no bars; name a recorded day"),
    "bad price": (
        a_tape("NIFTY", low="abc"),
        "sandbox.tape.file: day.csv: row 1: low 'abc' is no price above 0",
    ),
    "unknown symbol": (
        a_tape("NIFTY", "NIFTY17JUN21157OOCE"),
        "sandbox.tape.file: day.csv: NIFTY17JUN21157OOCE: ",
    ),
    "underlying left out": (a_tape(OPTION), f"sandbox.tape.file: day.csv: NIFTY is not {NOT_HIS}"),
    "another underlying": (
        a_tape("BANKNIFTY", "BANKNIFTY24JUN2135000CE"),
        f"sandbox.tape.file: day.csv: NIFTY is not {NOT_HIS}",
    ),
    "no options": (
        a_tape("NIFTY"),
        f"sandbox.tape.file: day.csv: options of NIFTY are not {NOT_HIS}",
    ),
    "options of another underlying": (
        a_tape("NIFTY", "BANKNIFTY", "BANKNIFTY24JUN2135000CE"),
        f"sandbox.tape.file: day.csv: options of NIFTY are not {NOT_HIS}",
    ),
    "a Sunday": (
        a_tape("NIFTY", OPTION, day="2021-06-13"),
        "--tape day.csv: its day 2021-06-13 has no session (weekend); the next one is 2021-06-14",
    ),
    "another century": (
        a_tape("NIFTY", OPTION, day="2126-06-11"),
        "--tape day.csv: its day 2126-06-11 cannot be played; allowed is a day up to 2098-12-31",
    ),
}


@pytest.mark.parametrize(("content", "line"), TAPES.values(), ids=TAPES.keys())
def test_bad_tape_is_named(run_py: RunPy, tmp_path: Path, content: str | bytes, line: str) -> None:
    tape = tmp_path / "day.csv"
    tape.write_bytes(content.encode() if isinstance(content, str) else content)
    said = run_py("sandbox", "--tape", "day.csv", "--speed", "max", "--state-dir", "state")
    assert said.refusal().startswith(line)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (
            a_tape("GOLD", "GOLD17JUN2115700CE"),
            "rules: exchange.GOLD is not in the pack; it knows exchange.NIFTY, ",
        ),
        (
            a_tape(OPTION),
            (
                f"sandbox.tape.file: day.csv: {OPTION} is on the tape, its underlying NIFTY is "
                "not; add the prices of NIFTY"
            ),
        ),
    ],
)
def test_bad_tape_of_an_exchange_alone_is_named(
    run_py: RunPy, tmp_path: Path, content: str, line: str
) -> None:
    (tmp_path / "day.csv").write_text(content)
    words = ("exchange", "--tape", "day.csv", "--port", 0, "--ws-port", 0)
    assert run_py(*words).refusal().startswith(line)


@pytest.mark.parametrize("command", [("exchange", "--port", 0, "--ws-port", 0), ("sandbox",)])
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--market", "tape"), "sandbox.tape.file: is missing; name it with --tape FILE"),
        (
            ("--market", "synthetic", "--tape", "day.csv"),
            "--tape day.csv: is not played with --market synthetic; leave one of them out",
        ),
        (
            ("--market", "nse", "--tape", "day.csv"),
            "--tape day.csv: is not played with --market nse; leave one of them out",
        ),
    ],
)
def test_market_and_tape_that_do_not_go_together_are_refused(
    run_py: RunPy, tmp_path: Path, command: tuple[object, ...], words: tuple[str, ...], line: str
) -> None:
    (tmp_path / "day.csv").write_text(a_tape("NIFTY", OPTION))
    assert run_py(*command, *words).refusal() == line
    assert list(files_of(tmp_path)) == ["day.csv"]


@pytest.mark.parametrize("content", [b"PAR1 but nothing more", b"PAR1" + b"\xff" * 400 + b"PAR1"])
@pytest.mark.parametrize("command", [("exchange", "--port", 0, "--ws-port", 0), ("sandbox",)])
def test_corrupt_tape_is_named_by_every_command(
    run_py: RunPy, tmp_path: Path, command: tuple[object, ...], content: bytes
) -> None:
    (tmp_path / "day.parquet").write_bytes(content)
    line = run_py(*command, "--tape", "day.parquet").refusal()
    assert line.startswith("sandbox.tape.file: day.parquet: cannot be read: ")
    assert line.endswith("; take another copy of it")
    assert list(files_of(tmp_path)) == ["day.parquet"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("nowhere.csv", "sandbox.tape.file: nowhere.csv: no such file; check the path"),
        ("day.txt", "sandbox.tape.file: day.txt: is neither .parquet nor .csv, and has to be"),
    ],
)
def test_tape_that_is_none_is_named(run_py: RunPy, tmp_path: Path, name: str, line: str) -> None:
    (tmp_path / "day.txt").touch()
    assert run_py("sandbox", "--tape", name).refusal() == line


def test_tape_of_another_day_than_asked_for_is_refused_in_virtual_time_too(
    run_py: RunPy, tmp_path: Path
) -> None:
    (tmp_path / "day.csv").write_text(a_tape("NIFTY", OPTION))
    said = run_py("sandbox", "--tape", "day.csv", "--date", "2021-06-14", "--speed", "max")
    assert said.refusal().startswith("--date 2021-06-14 is not the day of the tape, 2021-06-11")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            GOOD_FAULT.replace("silent", "explode"),
            (
                "own.yaml: faults: a: do: verb 'explode' is not allowed; allowed is silent, "
                "half_open, reset, close, close_loop, refuse_connect, subscribe_ok_no_data, "
                "burst (at ws:conn)"
            ),
        ),
        (
            GOOD_FAULT.replace("ws:conn", "http"),
            "own.yaml: faults: a: at: 'http' is not allowed; allowed is ws:conn",
        ),
        ("", "own.yaml: faults: faults: None is not allowed; allowed is a mapping of version, "),
        ("{", "own.yaml line 1, column 2: "),
        (None, "own.yaml: cannot be read (No such file or directory); check the path"),
    ],
)
@pytest.mark.parametrize("command", [("exchange", "--port", 0, "--ws-port", 0), ("sandbox",)])
def test_bad_fault_script_is_named_with_its_file(
    run_py: RunPy, tmp_path: Path, command: tuple[object, ...], text: str | None, line: str
) -> None:
    if text is not None:
        (tmp_path / "own.yaml").write_text(text)
    before = files_of(tmp_path)
    assert run_py(*command, "--faults", "own.yaml").refusal().startswith(line)
    assert files_of(tmp_path) == before


@pytest.mark.parametrize(
    ("option", "what"),
    [("--port", "REST"), ("--ws-port", "WebSocket"), ("--control-port", "control")],
)
def test_port_in_use_is_named(run_py: RunPy, option: str, what: str) -> None:
    free = {"--port": 0, "--ws-port": 0}
    with bound("127.0.0.1", 0, "taken") as taken:
        port = port_of(taken)
        words = [word for pair in (free | {option: port}).items() for word in pair]
        assert run_py("exchange", *words).refusal() == (
            f"{what} port {port} on 127.0.0.1 cannot be used (Address already in use); end what "
            "listens there or choose another port, 0 for any free one"
        )


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--port", "65536"), "sandbox.rest_port: 65536 is not allowed; allowed is a whole number"),
        (("--from", "24:01"), "--from 24:01: is no time of day; allowed is HH:MM[:SS]"),
        (
            ("--speed", "500"),
            "--speed 500: allowed is a whole number from 1 to 120; the default is 1",
        ),
        (("--regime", "expiry", "--date", "2026-11-20"), "--date 2026-11-20: NIFTY has no expiry"),
        (
            ("--api-key", ""),
            (
                "--api-key: 0 characters are not allowed; allowed is 1 to 256 visible ASCII "
                "characters, such as the default, sandbox"
            ),
        ),
        (("--api-key", "a key"), "--api-key: 5 characters are not allowed; allowed is 1 to 256"),
        (("--date", "2126-01-04"), "--date 2126-01-04: that day cannot be played; allowed is a "),
    ],
)
def test_exchange_that_cannot_be_opened_says_why(
    run_py: RunPy, options: tuple[str, ...], line: str
) -> None:
    said = run_py("exchange", "--port", 0, "--ws-port", 0, *options)
    assert said.refusal().startswith(line)


@pytest.mark.parametrize("address", ["nonsense", "http://127.0.0.1:5000", ":::", "", "host:"])
def test_attach_to_no_address_is_refused(run_py: RunPy, address: str) -> None:
    assert run_py("sandbox", "--attach", address, "--state-dir", "state").refusal() == (
        f"--attach {address}: is no address; allowed is HOST:PORT as `run.py exchange` prints it, "
        "such as 127.0.0.1:5000"
    )


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--speed", "max"), "--speed max: there is no exchange to attach to; leave --attach out"),
        ((), "--attach: needs --state-dir, the folder the exchange was given"),
        *(
            (
                (option, value, "--state-dir", "state"),
                (
                    f"{option}: with --attach the exchange is what it was started as; leave it out "
                    "or give it to `run.py exchange`"
                ),
            )
            for option, value in {
                "--speed": "60",
                "--seed": "1",
                "--regime": "calm",
                "--tape": "day.csv",
                "--date": "2026-11-19",
                "--from": "10:00",
                "--faults": "f.yaml",
            }.items()
        ),
        (("--api-key", ""), "--api-key: 0 characters are not allowed; allowed is 1 to 256 visible"),
        (
            ("--state-dir", "fresh"),
            (
                "--state-dir fresh: holds no truth.jsonl; name the folder that the exchange was "
                "given with --state-dir"
            ),
        ),
        (
            ("--state-dir", "state"),
            (
                "--attach http://127.0.0.1:1: nobody answers (ConnectionError); start `run.py "
                "exchange`, or name the address it printed as HOST:PORT"
            ),
        ),
    ],
)
def test_attach_without_an_exchange_is_refused(
    run_py: RunPy, tmp_path: Path, no_page: None, options: tuple[str, ...], line: str
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "truth.jsonl").touch()
    assert run_py("sandbox", "--attach", "127.0.0.1:1", *options).refusal().startswith(line)


@pytest.mark.parametrize("body", [b"<html>", {"broker": "zerodha"}, {}])
def test_attach_to_something_else_is_refused(
    run_py: RunPy, tmp_path: Path, no_page: None, body: Any
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "truth.jsonl").touch()
    with serving(lambda _: Reply(body)) as server:
        address = server.url.removeprefix("http://")
        said = run_py("sandbox", "--attach", address, "--state-dir", "state")
    assert said.refusal() == (
        f"--attach {server.url}: is no paper exchange; live servers are for `run.py live`"
    )
