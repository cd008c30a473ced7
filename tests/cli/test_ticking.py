"""`run.py doctor --ticks N SYMBOL`: prices, and where each came from."""

from collections.abc import Iterator
from typing import Any

import pytest

from cli.inquiry import Ear
from tests.broker.http_server import Reply, Request
from tests.broker.ws_server import openalgo
from tests.cli.openalgo import BAD_KEY, BROKEN, OpenAlgo, an_openalgo, it_is, quotes
from tests.cli.typing_in import RunPy
from tests.waiting import until

CALL = "NIFTY23NOV2626000CE"


def waiting(monkeypatch: pytest.MonkeyPatch, *spans_s: float) -> None:
    """Wait so long for the first price, the second, and so on."""
    patient, spans = Ear.price, iter(spans_s)
    monkeypatch.setattr(Ear, "price", lambda ear, within_s: patient(ear, next(spans)))


@pytest.fixture
def server(run_py: RunPy, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAlgo]:
    it_is("10:35")
    with an_openalgo(monkeypatch) as running:
        yield running


def rows(out: str) -> list[list[str]]:
    """Return the printed lines without their time, which must be of this minute."""
    split = [line.split() for line in out.splitlines()]
    assert {(row[0][:5], row[1]) for row in split} == {("10:35", "IST")}
    return [row[2:] for row in split]


def test_prices_come_by_websocket_with_their_volume(run_py: RunPy, server: OpenAlgo) -> None:
    said = run_py("doctor", "--ticks", 2, CALL)
    assert (said.code, said.err) == (0, "")
    assert rows(said.out) == [
        ["WEBSOCKET", CALL, "145.55", "volume=65"],
        ["WEBSOCKET", CALL, "145.55", "volume=130"],
    ]


def test_no_more_than_asked_for_is_printed(run_py: RunPy, server: OpenAlgo) -> None:
    assert len(rows(run_py("doctor", "--ticks", 1, CALL).out)) == 1


def test_silent_stream_is_helped_out_by_polling(
    run_py: RunPy, server: OpenAlgo, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(monkeypatch, 15, 15, 0.01, 0.01)
    said = run_py("doctor", "--ticks", 4, CALL)
    assert said.code == 0
    assert [row[0] for row in rows(said.out)] == ["WEBSOCKET"] * 2 + ["REST_POLLING"] * 2
    assert rows(said.out)[3] == ["REST_POLLING", CALL, "145.50", "volume=130"]


def test_stream_that_wakes_up_is_listened_to_again(
    run_py: RunPy, server: OpenAlgo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second poll makes the stream speak: what comes next is the stream's."""
    waiting(monkeypatch, 0.2, 0.01, 15)
    asked: list[Request] = []

    def waking(request: Request) -> Reply:
        asked.append(request)
        if len(asked) == 3:
            peer = server.stream.peer()
            until(lambda: "subscribe" in peer.actions, 10)
            pair = {"symbol": CALL, "exchange": "NFO"}
            data = {"ltp": 150, "volume": 195, "ltt": None, "timestamp": None}
            peer.send({"type": "market_data", "mode": 2, "broker": "x", **pair, "data": data})
        return quotes(request)

    server.stream.answering = openalgo
    server.table["multiquotes"] = waking
    said = run_py("doctor", "--ticks", 3, CALL)
    assert [row[0] for row in rows(said.out)] == ["REST_POLLING", "REST_POLLING", "WEBSOCKET"]


def test_stream_that_is_not_there_is_helped_out_by_polling(
    run_py: RunPy, server: OpenAlgo, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(monkeypatch, 15, 0.01)
    monkeypatch.setenv("OPENALGO_WS_URL", "ws://127.0.0.1:1")
    said = run_py("doctor", "--ticks", 2, "NIFTY")
    assert said.code == 0
    assert rows(said.out) == [["REST_POLLING", "NIFTY", "25974.90", "volume=-"]] * 2


@pytest.mark.parametrize(
    ("typed", "symbol", "exchange"),
    [
        ("NIFTY", "NIFTY", "NSE_INDEX"),
        ("SENSEX", "SENSEX", "BSE_INDEX"),
        ("INDIAVIX", "INDIAVIX", "NSE_INDEX"),
        (CALL, CALL, "NFO"),
        ("SENSEX26NOV2684000PE", "SENSEX26NOV2684000PE", "BFO"),
        ("M&M24NOV263000CE", "M&M24NOV263000CE", "NFO"),
        ("NIFTY24NOV26FUT", "NIFTY24NOV26FUT", "NFO"),
        ("NSE:SBIN", "SBIN", "NSE"),
    ],
)
def test_symbol_is_asked_at_its_exchange(
    run_py: RunPy, server: OpenAlgo, typed: str, symbol: str, exchange: str
) -> None:
    assert run_py("doctor", "--ticks", 1, typed).code == 0
    pair = {"symbol": symbol, "exchange": exchange}
    (asked,) = (r.body["symbols"] for r in server.rest.requests if r.route == "multiquotes")
    assert asked == [pair]
    (frame,) = (f for f in server.stream.peer().heard if f["action"] == "subscribe")
    assert frame["symbols"] == [pair]


def test_symbol_nobody_knows_is_named_with_how_to_spell_one(
    run_py: RunPy, server: OpenAlgo
) -> None:
    said = run_py("doctor", "--ticks", 3, "NIFTYX")
    assert (said.code, said.out) == (78, "")
    assert said.error == (
        "--ticks NIFTYX: Symbol 'NIFTYX' not found; name a symbol as OpenAlgo spells it, such as"
        " NIFTY or NIFTY24NOV2626000CE, or as EXCHANGE:SYMBOL"
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--ticks", 0, "NIFTY"], "--ticks 0 NIFTY: needs a number from 1 on and a symbol"),
        (["--ticks", -2, "NIFTY"], "--ticks -2 NIFTY: needs a number from 1 on and a symbol"),
        (["--ticks", 5], "--ticks 5: needs a number from 1 on and a symbol"),
        (["NIFTY"], "NIFTY: a symbol is for --ticks; write --ticks N SYMBOL"),
    ],
)
def test_half_a_wish_is_refused_before_anything_is_asked(
    run_py: RunPy, server: OpenAlgo, words: list[Any], text: str
) -> None:
    said = run_py("doctor", *words)
    assert said.code == 78
    assert said.error.startswith(text)
    assert server.rest.requests == []


def test_server_that_refuses_the_key_ends_it_with_the_one_line_that_matters(
    run_py: RunPy, server: OpenAlgo
) -> None:
    server.table["ping"] = BAD_KEY
    said = run_py("doctor", "--ticks", 3, "NIFTY")
    assert (said.code, said.err) == (1, "")
    assert "FAIL key: OPENALGO_API_KEY was refused" in said.out


def test_broker_that_is_away_ends_it(run_py: RunPy, server: OpenAlgo) -> None:
    server.table["multiquotes"] = BROKEN
    said = run_py("doctor", "--ticks", 3, "NIFTY")
    assert (said.code, said.err) == (1, "")
    assert said.out.startswith("FAIL broker: no quote of NIFTY (500 the broker is away). Log in")


def test_broker_that_goes_away_between_two_prices_ends_it(
    run_py: RunPy, server: OpenAlgo, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(monkeypatch, 0.01, 0.01)
    asked: list[Request] = []

    def leaving(request: Request) -> Reply:
        asked.append(request)
        return quotes(request) if len(asked) < 3 else BROKEN

    server.stream.answering = openalgo
    server.table["multiquotes"] = leaving
    said = run_py("doctor", "--ticks", 9, "NIFTY")
    first, second = said.out.splitlines()
    assert (said.code, "REST_POLLING NIFTY" in first) == (1, True)
    assert second.startswith("FAIL broker: no quote of NIFTY")
