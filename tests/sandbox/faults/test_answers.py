"""What REST answers when a fault hits: each verb through the front, as a client reads it."""

import json
from typing import Any

import pytest

from domain.session import instant
from domain.units import MINUTE, SECOND, Micros, Paise, Units
from sandbox.kinds import TimingLine
from tests.sandbox.api.asking import PEER, order
from tests.sandbox.faults.counters import Counter
from tests.sandbox.faults.scripts import a_fault
from tests.sandbox.stage import (
    AT,
    CALL,
    DAY,
    INDEX,
    PUT,
    a_bar,
    a_quote,
    an_index_quote,
)

HISTORY: dict[str, Any] = {
    "symbol": CALL, "exchange": "NFO", "interval": "1m", "start_date": DAY, "end_date": DAY,
}  # fmt: skip
OF_CALL: dict[str, Any] = {"symbol": CALL, "exchange": "NFO"}
OF_INDEX: dict[str, Any] = {"symbol": INDEX, "exchange": "NSE_INDEX"}


def rest(verb: str, settings: Any = None, route: str = "quotes", **when: Any) -> Any:
    return a_fault(f"rest:{route}", verb, settings, when=when)


def test_call_that_nothing_hits_is_answered_as_ever() -> None:
    counter = Counter(rest("status", route="ping"))
    assert counter.ask("quotes", **OF_CALL)["status"] == "success"
    assert counter.exchange.faults_met == []


@pytest.mark.parametrize(
    ("code", "body"),
    [
        (403, {"status": "error", "message": "Invalid openalgo apikey"}),
        (404, {"status": "error", "message": "Not found", "path": "/api/v1/quotes"}),
        (429, {"message": "10 per 1 second"}),
        (500, {"status": "error", "message": "An unexpected error occurred"}),
        (503, {"message": "Service Unavailable"}),
    ],
)
def test_status_answers_in_the_words_of_the_real_one(code: int, body: dict[str, str]) -> None:
    counter = Counter(rest("status", {"code": code, "retry_after_s": 3}))
    _, answer = counter.raw("quotes", **OF_CALL)
    assert (answer.status, json.loads(answer.body), answer.retry_after_s) == (code, body, 3)
    assert counter.exchange.faults_met == [("f", "status", "rest:quotes")]


def test_gateway_answers_a_page() -> None:
    _, answer = Counter(rest("html_502")).raw("quotes", **OF_CALL)
    assert (answer.status, answer.content_type) == (502, "text/html")
    assert b"502 Bad Gateway" in answer.body


def test_write_that_a_status_meets_is_not_executed() -> None:
    counter = Counter(rest("status", {"code": 500}, route="placeorder"))
    _, answer = counter.raw("placeorder", **order())
    assert (answer.status, counter.exchange.taken) == (500, [])
    assert counter.exchange.arrivals == [("placeorder", "fault", PEER)]


def test_write_whose_answer_is_spoiled_was_executed() -> None:
    counter = Counter(rest("truncate_json", route="placeorder"))
    _, answer = counter.raw("placeorder", **order())
    assert answer.status == 200
    assert len(counter.exchange.taken) == 1
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.body)


def test_every_route_leaves_orders_alone() -> None:
    counter = Counter(rest("status", route="*"))
    assert counter.raw("placeorder", **order())[1].status == 200
    assert counter.raw("orderbook")[1].status == 503


def test_delayed_answer_is_ready_later_and_tells_what_is_so_then() -> None:
    counter = Counter(rest("delay", {"seconds": 5}))
    late, _ = counter.raw("quotes", **OF_CALL)
    assert late == 5 * SECOND


def test_drawn_delay_is_capped_and_drawn_for_each_call() -> None:
    counter = Counter(rest("delay", {"lognormal_s": [4, 2], "cap_s": 10}))
    spans = {counter.raw("quotes", AT + n * SECOND, **OF_CALL)[0] for n in range(30)}
    assert len(spans) > 10
    assert max(spans) == 10 * SECOND


def test_truncated_answer_keeps_its_share() -> None:
    whole = Counter().raw("quotes", **OF_CALL)[1].body
    _, answer = Counter(rest("truncate_json", {"keep_pct": 30})).raw("quotes", **OF_CALL)
    assert answer.body == whole[: len(whole) * 30 // 100]


def test_wrong_schema_swaps_lists_and_objects() -> None:
    body = Counter(rest("wrong_schema")).ask("quotes", **OF_CALL)
    assert body["status"] == "success"
    assert isinstance(body["data"], list)
    several = Counter(rest("wrong_schema", route="multiquotes"))
    assert list(several.ask("multiquotes", symbols=[OF_CALL])["results"]) == ["0"]
    placed = Counter(rest("wrong_schema", route="placeorder")).ask("placeorder", **order())
    assert placed["orderid"] == {"value": "26112155486483"}


def test_null_data_is_success_without_data() -> None:
    body = Counter(rest("null_data")).ask("quotes", **OF_CALL)
    assert body == {"data": None, "status": "success"}


FROZEN = {"between": ["10:00:05", "10:01"]}


@pytest.mark.parametrize("route", ["quotes", "multiquotes", "depth"])
def test_frozen_quotes_are_those_of_the_windows_beginning(route: str) -> None:
    counter = Counter(rest("freeze_quotes", route=route, **FROZEN))
    asked: dict[str, Any] = {"symbols": [OF_CALL]} if route == "multiquotes" else OF_CALL

    def ltp(after_s: int, truth: int) -> float:
        counter.exchange.quotes[CALL] = a_quote(truth)
        body = counter.ask(route, AT + after_s * SECOND, **asked)
        row = body["results"][0]["data"] if route == "multiquotes" else body["data"]
        return float(row["ltp"])

    told = [ltp(0, 15_000), ltp(5, 15_100), ltp(30, 15_200), ltp(60, 15_300)]
    assert told == [150.0, 151.0, 151.0, 153.0]
    assert counter.exchange.quote(AT, CALL).ltp == 15_300
    assert counter.exchange.faults_met == [("f", "freeze_quotes", f"rest:{route}")]


def test_frozen_symbol_may_be_one_of_many() -> None:
    counter = Counter(rest("freeze_quotes", {"symbols": ["calls"]}, "multiquotes"))
    several: dict[str, Any] = {"symbols": [OF_CALL, {"symbol": PUT, "exchange": "NFO"}]}
    counter.ask("multiquotes", **several)
    counter.exchange.quotes |= {CALL: a_quote(20_000), PUT: a_quote(20_000)}
    rows = counter.ask("multiquotes", AT + SECOND, **several)["results"]
    assert [row["data"]["ltp"] for row in rows] == [155.95, 200.0]


def test_quotes_of_every_route_are_not_met_where_nothing_is_quoted() -> None:
    counter = Counter(rest("freeze_quotes", route="*"))
    for route in ("ping", "orderbook"):
        assert counter.ask(route)["status"] == "success"
    assert counter.exchange.faults_met == []
    counter.ask("quotes", **OF_CALL)
    assert counter.exchange.faults_met == [("f", "freeze_quotes", "rest:quotes")]


def test_yesterdays_quotes_may_lie_outside_their_own_range() -> None:
    counter = Counter(rest("yesterdays_quotes"))
    counter.exchange.quotes[CALL] = a_quote(15_000, prev_close=Paise(15_850))
    row = counter.ask("quotes", **OF_CALL)["data"]
    assert (row["ltp"], row["bid"], row["ask"]) == (158.5, 158.45, 158.55)
    assert row["ltp"] > row["high"]
    volume = row["volume"]
    counter.exchange.quotes[CALL] = a_quote(15_100, high=Paise(15_800), volume=Units(9_999_999))
    later = counter.ask("quotes", AT + SECOND, **OF_CALL)["data"]
    assert (later["ltp"], later["high"], later["volume"]) == (158.5, 158.0, volume)


def test_yesterdays_quotes_may_be_coherent() -> None:
    counter = Counter(rest("yesterdays_quotes", {"coherent": True}))
    counter.exchange.quotes[INDEX] = an_index_quote()
    row = counter.ask("quotes", **OF_INDEX)["data"]
    assert {row[name] for name in ("ltp", "open", "high", "low")} == {158.5}
    assert (row["bid"], row["ask"]) == (0, 0)


def minutes(counter: Counter, at: int) -> list[str]:
    rows = counter.ask("history", at, **HISTORY)["data"]
    return [f"{(row['timestamp'] * SECOND - AT) // MINUTE:+d}" for row in rows]


def a_history(*faults: Any) -> Counter:
    counter = Counter(*faults)
    counter.exchange.bars = tuple(a_bar(f"{9 + n // 60:02d}:{n % 60:02d}") for n in range(15, 66))
    opens = instant(DAY, "09:15")
    counter.exchange.hours = (the_hours(opens),)
    return counter


def the_hours(opens: Micros) -> Any:
    return TimingLine(exchange="NFO", start=opens, end=instant(DAY, "15:30"))


def test_lagging_history_lacks_its_last_minutes() -> None:
    whole, lagging = a_history(), a_history(rest("history_lag", {"minutes": 3}, "history"))
    at = AT + 5 * MINUTE + 30 * SECOND
    assert minutes(whole, at)[-1] == "+5"
    assert minutes(lagging, at)[-1] == "+1"
    assert minutes(lagging, at)[0] == "-45"


def test_history_may_lack_its_first_minutes() -> None:
    counter = a_history(rest("missing_rows", {"first_minutes": 15}, "history"))
    told = minutes(counter, AT + 5 * MINUTE)
    assert (told[0], told[-1]) == ("-30", "+5")


def test_history_may_lack_a_stretch() -> None:
    counter = a_history(rest("missing_rows", {"stretch": ["09:58", "10:02"]}, "history"))
    told = minutes(counter, AT + 5 * MINUTE)
    assert told[42:44] == ["-3", "+2"]
    assert told[0] == "-45"


def test_history_of_longer_bars_lacks_the_same_minutes() -> None:
    counter = a_history(rest("history_lag", {"minutes": 3}, "history"))
    asked = HISTORY | {"interval": "5m"}
    rows = counter.ask("history", AT + 5 * MINUTE, **asked)["data"]
    assert rows[-1]["volume"] == 2 * 650


def test_faults_of_one_call_add_up() -> None:
    counter = Counter(
        rest("delay", {"seconds": 2}) | {"id": "a"},
        rest("freeze_quotes") | {"id": "b"},
        rest("truncate_json", {"keep_pct": 10}) | {"id": "c"},
    )
    late, answer = counter.raw("quotes", **OF_CALL)
    assert late == 2 * SECOND
    assert len(answer.body) < 40
    assert [row[0] for row in counter.exchange.faults_met] == ["a", "b", "c"]


@pytest.mark.parametrize("verb", ["wrong_schema", "null_data"])
def test_torn_answer_stays_torn_whatever_else_hits_it(verb: str) -> None:
    torn = rest("truncate_json", {"keep_pct": 10}) | {"id": "a"}
    _, answer = Counter(torn, rest(verb) | {"id": "b"}).raw("quotes", **OF_CALL)
    assert answer.body == Counter(torn).raw("quotes", **OF_CALL)[1].body


def test_refusal_is_spoiled_like_any_answer() -> None:
    body = Counter(rest("null_data")).ask("quotes", symbol="NOPE", exchange="NFO")
    assert body == {"status": "error", "message": None}
