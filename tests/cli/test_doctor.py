"""`run.py doctor` beside a server that is well, and beside every kind that is not."""

from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from cli.inquiry import Ear
from domain.units import SECOND, Day
from journal.orders import OrderJournal
from tests.broker.http_server import Reply
from tests.broker.ws_server import Peer, openalgo
from tests.cli.openalgo import (
    BAD_KEY,
    BROKEN,
    KEY,
    Answer,
    OpenAlgo,
    an_openalgo,
    bars,
    it_is,
    ok,
    symbol,
)
from tests.cli.typing_in import RunPy, Said

NAMES = (
    "settings server key mode order_mode clock ntp calendar broker contracts funds history ticks"
    " backup rules page alerts disk log journal latches sessions"
).split()


ITS_OWN = ("settings", "server", "clock", "ntp", "ticks", "disk")
"""What differs from machine to machine."""


@pytest.fixture
def server(run_py: RunPy, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAlgo]:
    it_is("10:00")
    with an_openalgo(monkeypatch) as running:
        yield running


def lines(said: Said) -> dict[str, str]:
    """Return what was found by the name of the check, and that nothing else was printed."""
    found: dict[str, str] = {}
    for line in said.out.splitlines():
        verdict, _, rest = line.partition(" ")
        name, _, text = rest.partition(": ")
        assert name.replace(" ", "_") in NAMES
        found[name] = f"{verdict} {text}"
    return found


def failing(said: Said) -> dict[str, str]:
    assert (said.code, said.err) == (1, "")
    return {name: text for name, text in lines(said).items() if text.startswith("FAIL")}


def skipped(said: Said) -> set[str]:
    return {name for name, text in lines(said).items() if text.startswith("SKIP needs")}


def test_everything_is_well_in_paper_trading(run_py: RunPy, server: OpenAlgo) -> None:
    said = run_py("doctor")
    assert (said.code, said.err) == (0, "")
    found = lines(said)
    assert [name.replace(" ", "_") for name in found] == NAMES
    pair = "NIFTY23NOV2626000CE and NIFTY23NOV2626000PE"
    assert found | dict.fromkeys(ITS_OWN, "") == {
        **dict.fromkeys(ITS_OWN, ""),
        "key": "PASS accepted, broker zerodha",
        "mode": "PASS PAPER_TRADING=true, the server is in analyze mode",
        "order mode": "SKIP analyzer mode does not show it; OpenAlgo's order mode must be auto",
        "calendar": "PASS session 2026-11-20 09:15:00 to 15:40:00, open now",
        "broker": "PASS NIFTY 25974.90",
        "contracts": f"PASS {pair}: expiry 2026-11-23 lot 65 tick 0.05 freeze 1800",
        "funds": "PASS 1000000.00 available, a lot of NIFTY23NOV2626000CE needs 181220.00 by the"
        " broker's margin",
        "history": "PASS 45 minutes of NIFTY on 2026-11-20, the last 09:59",
        "backup": "SKIP no OPENALGO_BACKUP_HOST: if prices stop, REST is polled",
        "rules": "PASS version 3, valid through 2026-12-31, 41 days left; holidays known through"
        " 2026-12-31",
        "page": "PASS 127.0.0.1:0 is free",
        "alerts": "WARN nobody is told of alarms, commands by Telegram off, heartbeat off. Set"
        " SUTRADHAR_ALERT_URLS, best also SUTRADHAR_HEARTBEAT_URL: a host that is down tells"
        " nobody.",
        "log": "SKIP no log.file: the log goes to the terminal alone",
        "journal": "PASS 0 events of 2026-11-20, none damaged",
        "latches": "PASS none is up on 2026-11-20",
        "sessions": "PASS no clean paper session; 5 are asked for before PAPER_TRADING=false",
    }
    assert found["settings"] == f"PASS profile live, {server.rest.url} and {server.stream.url}"
    assert found["server"] == f"PASS {server.rest.url} answers"
    assert found["ticks"].startswith("PASS connected, 3 of 3 symbols subscribed, first price after")
    assert found["disk"].startswith("PASS state can be written, will be made, ")
    assert not Path("state").exists()


def test_nothing_that_orders_is_asked_in_analyzer_mode(run_py: RunPy, server: OpenAlgo) -> None:
    run_py("doctor")
    assert "cancelorder" not in server.rest.routes
    assert [r.body["apikey"] for r in server.rest.requests] == [KEY] * len(server.rest.requests)


def test_live_server_in_auto_order_mode_is_well(
    run_py: RunPy, server: OpenAlgo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAPER_TRADING", "false")
    server.table["analyzer"] = ok({"mode": "live"})
    said = run_py("doctor")
    assert (said.code, lines(said)["order mode"]) == (0, "PASS auto")


def test_live_server_that_waits_for_a_human_is_not(
    run_py: RunPy, server: OpenAlgo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAPER_TRADING", "false")
    server.table["analyzer"] = ok({"mode": "live"})
    blocked = {"status": "error", "message": "Operation not allowed in Semi-Auto mode"}
    server.table["cancelorder"] = Reply(blocked, 403)
    assert failing(run_py("doctor")) == {
        "order mode": "FAIL orders wait for a human (semi-auto). Set OpenAlgo's order mode to auto."
    }


def test_server_that_is_not_there_skips_what_depends_on_it(
    run_py: RunPy, monkeypatch: pytest.MonkeyPatch
) -> None:
    it_is("10:00")
    monkeypatch.setenv("OPENALGO_PORT", "1")
    monkeypatch.setenv("SUTRADHAR_PAGE__PORT", "0")
    monkeypatch.setenv("OPENALGO_API_KEY", KEY)
    said = run_py("doctor")
    assert failing(said) == {
        "server": "FAIL http://127.0.0.1:1 does not answer (connect). Start OpenAlgo there, or"
        " correct OPENALGO_HOST and OPENALGO_PORT."
    }
    alone = {"settings", "server", "backup", "rules", "disk", "journal", "latches"}
    alone |= {"ntp", "page", "alerts", "log", "sessions"}
    assert skipped(said) == set(lines(said)) - alone
    assert lines(said)["key"] == "SKIP needs server"


@pytest.mark.parametrize(
    ("changes", "name", "text"),
    [
        (
            {"ping": BAD_KEY},
            "key",
            "OPENALGO_API_KEY was refused (403 Invalid openalgo apikey). Copy the key",
        ),
        ({"ping": Reply(b"<html>")}, "server", "does not answer as OpenAlgo does (200 "),
        ({"ping": Reply({}, 502)}, "server", "does not answer as OpenAlgo does (502"),
        (
            {"analyzer": ok({"mode": "live"})},
            "mode",
            "PAPER_TRADING=true expects analyze mode, the server is in live mode. Correct",
        ),
        ({"market/timings": ok([])}, "calendar", "pack=open timings=closed. Find out who is right"),
        ({"market/timings": BROKEN}, "calendar", "gave nothing usable (500 the broker is away)"),
        ({"multiquotes": BROKEN}, "broker", "no quote of NIFTY (500 the broker is away). Log in"),
        ({"expiry": BROKEN}, "contracts", "NIFTY 26000.00 cannot be looked up (500"),
        ({"funds": BROKEN}, "funds", "funds gave nothing usable (500 the broker is away). Log in"),
        ({"funds": ok({"availablecash": "200000"})}, "funds", "leaves 90 %. Add cash"),
        ({"history": BROKEN}, "history", "no minutes of NIFTY on 2026-11-20 (500 the broker"),
        ({"history": bars(0)}, "history", "no minutes of NIFTY on 2026-11-20 (an empty answer)"),
    ],
)
def test_each_trouble_of_the_server_has_its_line(
    run_py: RunPy, server: OpenAlgo, changes: dict[str, Answer], name: str, text: str
) -> None:
    server.table |= changes
    found = failing(run_py("doctor"))
    assert text in found[name]
    assert found[name].endswith(".")


def test_broker_without_a_price_of_the_index_is_not_connected(
    run_py: RunPy, server: OpenAlgo
) -> None:
    def nothing(request: Any) -> Reply:
        rows = [dict(pair, data={"ltp": 0}) for pair in request.body["symbols"]]
        return Reply({"status": "success", "results": rows})

    server.table["multiquotes"] = nothing
    said = run_py("doctor")
    assert failing(said)["broker"].startswith("FAIL NIFTY is quoted at 0.00. Log in")
    assert skipped(said) == {"contracts", "funds", "history", "ticks"}


def test_index_nobody_knows_is_named(run_py: RunPy, server: OpenAlgo) -> None:
    bad = {"symbol": "NIFTY", "exchange": "NSE_INDEX", "error": "not in the master"}
    body = {"status": "error", "message": "bad", "invalid_symbols": [bad]}
    server.table["multiquotes"] = Reply(body, 400)
    assert "no quote of NIFTY (not in the master)" in failing(run_py("doctor"))["broker"]


@pytest.mark.parametrize(
    ("fact", "value", "text"),
    [
        ("lotsize", 75, "FAIL rules_mismatch: lot NIFTY pack=65 master=75. Verify it"),
        ("tick_size", 0.1, "FAIL rules_mismatch: tick NIFTY pack=0.05 master=0.10. Verify it"),
        ("freeze_qty", 900, "PASS NIFTY23NOV2626000CE and "),
    ],
)
def test_contract_facts_are_held_against_the_dated_rules(
    run_py: RunPy, server: OpenAlgo, fact: str, value: float, text: str
) -> None:
    def changed(request: Any) -> Reply:
        row = symbol(request).body["data"]
        return ok(row | {fact: value})

    server.table["symbol"] = changed
    found = lines(run_py("doctor"))["contracts"]
    assert found.startswith(text)
    assert ("rules_mismatch: freeze" in found) == (fact == "freeze_qty")


def test_strike_with_one_side_only_is_no_pair(run_py: RunPy, server: OpenAlgo) -> None:
    def calls_only(request: Any) -> Reply:
        if request.body["symbol"].endswith("PE"):
            return Reply({"status": "error", "message": "Symbol not found"}, 404)
        return symbol(request)

    server.table["symbol"] = calls_only
    found = failing(run_py("doctor"))["contracts"]
    assert found.startswith("FAIL NFO has not both sides of NIFTY 26000.00 2026-11-23.")


@pytest.mark.parametrize("margin", [BROKEN, Reply({"status": "error"}, 501)])
def test_broker_without_a_margin_route_is_judged_by_the_setting(
    run_py: RunPy, server: OpenAlgo, margin: Reply
) -> None:
    server.table["margin"] = margin
    assert lines(run_py("doctor"))["funds"] == (
        "PASS 1000000.00 available, a lot of NIFTY23NOV2626000CE needs 200000.00 by"
        " gate.margin_per_lot_p"
    )


@pytest.mark.parametrize(("away_s", "word"), [(-30, "behind"), (30, "ahead")])
def test_clocks_that_differ_are_refused(
    run_py: RunPy, server: OpenAlgo, away_s: int, word: str
) -> None:
    date = formatdate(it_is("10:00") / SECOND + away_s, usegmt=True)
    pong = {"status": "success", "data": {"message": "pong", "broker": "zerodha"}}
    server.table["ping"] = Reply(pong, headers=(("Date", date),))
    found = failing(run_py("doctor"))["clock"]
    assert f" s {word}, at most 10 s are allowed. Let both machines use NTP." in found


def test_closed_market_is_asked_for_the_day_before_and_no_price_is_expected(
    run_py: RunPy, server: OpenAlgo
) -> None:
    it_is("12:00", Day("2026-11-22"))
    server.table["market/timings"] = ok([])
    server.table["history"] = bars(375)
    said = run_py("doctor")
    assert said.code == 0
    found = lines(said)
    assert found["calendar"] == ("PASS no session on 2026-11-22 (weekend), the next is 2026-11-23")
    assert found["history"] == "PASS 375 minutes of NIFTY on 2026-11-20, the last 15:29"
    assert found["ticks"] == (
        "PASS connected, 3 of 3 symbols subscribed; the market is closed, so no price is waited for"
    )
    (asked,) = (r.body for r in server.rest.requests if r.route == "history")
    assert (asked["start_date"], asked["end_date"]) == ("2026-11-20", "2026-11-20")


@pytest.mark.parametrize("wall", ["09:00", "09:16"])
def test_morning_without_a_full_minute_is_asked_for_the_day_before(
    run_py: RunPy, server: OpenAlgo, wall: str
) -> None:
    it_is(wall)
    run_py("doctor")
    (asked,) = (r.body for r in server.rest.requests if r.route == "history")
    assert asked["start_date"] == "2026-11-19"


def deaf(peer: Peer, frame: Any) -> None:
    """Answer everything and send no price."""
    openalgo(peer, frame)


def without_master(peer: Peer, frame: Any) -> None:
    """Refuse every option."""
    if frame["action"] != "subscribe":
        openalgo(peer, frame)
        return
    rows = [
        dict(pair, status="success" if pair["symbol"] == "NIFTY" else "error", message="unknown")
        for pair in frame["symbols"]
    ]
    peer.send({"type": "subscribe", "status": "partial", "subscriptions": rows})


def keyless(peer: Peer, frame: Any) -> None:
    """Refuse the key."""
    peer.send({"status": "error", "code": "AUTHENTICATION_ERROR", "message": "Invalid API key"})


@pytest.mark.parametrize(
    ("feed", "text"),
    [
        (deaf, "connected, 3 of 3 symbols subscribed, but no price came within 15 s. Log in"),
        (without_master, "1 of 3 symbols subscribed, refused NIFTY23NOV2626000CE NIFTY23NOV26"),
        (without_master, "(unknown). Let OpenAlgo download its master contracts again."),
        (keyless, "gives no prices (refused AUTHENTICATION_ERROR: Invalid API key). Start"),
    ],
)
def test_each_trouble_of_the_stream_has_its_line(
    run_py: RunPy, monkeypatch: pytest.MonkeyPatch, feed: Any, text: str
) -> None:
    it_is("10:00")
    patient = Ear.price
    monkeypatch.setattr(Ear, "price", lambda ear, within_s: patient(ear, within_s / 50))
    with an_openalgo(monkeypatch, feed):
        assert text in failing(run_py("doctor"))["ticks"]


def test_stream_that_is_not_there_is_named(
    run_py: RunPy, server: OpenAlgo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENALGO_WS_URL", "ws://127.0.0.1:1")
    found = failing(run_py("doctor"))["ticks"]
    assert found.startswith("FAIL ws://127.0.0.1:1 gives no prices (closed ConnectionRefusedError")
    assert found.endswith("Start OpenAlgo's WebSocket server, or correct OPENALGO_WS_URL.")


def test_state_directory_below_a_file_cannot_be_written(
    run_py: RunPy, server: OpenAlgo, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    said = run_py("doctor", "--state-dir", "file/state")
    assert failing(said) == {
        "disk": "FAIL file/state cannot be written (Not a directory). Name a folder you may write"
        " to with --state-dir."
    }
    assert lines(said)["journal"] == "SKIP needs disk"


def test_disk_with_less_room_than_the_agent_wants_is_found(
    run_py: RunPy, server: OpenAlgo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTRADHAR_JOURNAL__MIN_FREE_MB", "1000000")
    found = failing(run_py("doctor"))["disk"]
    assert found.startswith("FAIL state: ")
    assert found.endswith(
        " MB free, journal.min_free_mb is 1000000. Free disk space in the state directory; entries"
        " come back by themselves."
    )


def test_damaged_journal_is_found_and_left_alone(run_py: RunPy, server: OpenAlgo) -> None:
    path = Path("state/orders.db")
    path.parent.mkdir()
    path.write_bytes(b"\0" * 8192)
    found = failing(run_py("doctor"))["journal"]
    assert found.startswith("FAIL the order journal state/orders.db cannot be used: ")
    assert path.read_bytes() == b"\0" * 8192


def test_journal_of_a_running_agent_is_read(run_py: RunPy, server: OpenAlgo) -> None:
    Path("state").mkdir()
    with OrderJournal(Path("state/orders.db"), 1, it_is("10:00")):
        said = run_py("doctor")
    assert (said.code, lines(said)["journal"]) == (0, "PASS 0 events of 2026-11-20, none damaged")


def test_bad_settings_are_told_problem_by_problem(
    run_py: RunPy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENALGO_PORT", "five thousand")
    monkeypatch.setenv("PAPER_TRADING", "maybe")
    said = run_py("doctor")
    told = [line for line in said.out.splitlines() if line.startswith("FAIL")]
    assert said.code == 1
    assert len(told) == 2
    assert "openalgo.port: 'five thousand' is not allowed" in told[0]
    assert "openalgo.paper_trading: 'maybe' is not allowed" in told[1]
    assert lines(said)["server"] == "SKIP needs settings"
    assert lines(said)["disk"].startswith("PASS")


def test_key_is_never_shown(run_py: RunPy, server: OpenAlgo) -> None:
    server.table["analyzer"] = ok({"mode": f"odd {KEY}"})
    said = run_py("doctor")
    assert said.code == 1
    assert KEY not in said.out + said.err
