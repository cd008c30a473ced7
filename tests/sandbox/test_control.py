"""The control app: loopback only, a token for whoever changes something, 422 with the field."""

from typing import Any

import pytest

from domain.session import instant
from domain.units import Micros
from sandbox.truth import Outage, Started, Truth
from tests.sandbox.api.asking import order as an_order
from tests.sandbox.serving import PATIENCE_S, TOKEN, Open, opened
from tests.sandbox.stage import AT, CALL, DAY, StagedExchange, a_price
from tests.waiting import until

MUTE = {"id": "mute_feed", "at": "ws:conn", "do": {"silent": {"pong": True}}}


def a_truth(rows: int = 3) -> Truth:
    truth = Truth()
    for n in range(rows):
        day = Started(day=DAY, source="synthetic", random_seed=n, regime="calm", made_up=False)
        truth.add(AT, day)
    return truth


def refused(served: Open, path: str, body: Any) -> tuple[int, Any]:
    answer = served.order(path, body)
    return answer.status_code, answer.json()["errors"]


def test_truth_is_read_from_a_row_on() -> None:
    with opened(truth=a_truth()) as served:
        assert [row["seq"] for row in served.get("/truth").json()["rows"]] == [1, 2, 3]
        assert [row["seq"] for row in served.get("/truth?since=2").json()["rows"]] == [3]
        answer = served.get("/truth?since=x")
        assert (answer.status_code, answer.json()["errors"]) == (
            422,
            {"since": ["Not a valid integer."]},
        )


def test_summary_says_what_the_day_came_to() -> None:
    with opened(truth=a_truth()) as served:
        summary = served.get("/truth/summary").json()
        assert (summary["flat"], summary["orders_sent"], summary["faults"]) == (True, 0, {})
        assert "invariants_broken" not in summary, "that needs the agent's journal"


def test_clock_is_shown_sped_up_paused_and_let_go() -> None:
    with opened(StagedExchange(), speed=1) as served:
        shown = served.get("/clock").json()
        assert (shown["anchor"]["v0"], shown["anchor"]["speed"]) == (AT, 1)
        assert shown["wall"].startswith("10:00:")
        fast = served.order("/clock", {"speed": 60}).json()["anchor"]
        assert (fast["speed"], fast["paused"]) == (60, False)
        stopped = served.order("/clock", {"pause": True}).json()
        assert stopped["anchor"]["paused"]
        assert served.get("/clock").json()["now"] == stopped["now"]
        gone_on = served.order("/clock", {"pause": False}).json()
        assert gone_on["now"] >= stopped["now"]
        until(lambda: served.get("/clock").json()["now"] > stopped["now"], PATIENCE_S)


def test_run_to_answers_when_the_instant_is_reached() -> None:
    exchange = StagedExchange()
    with opened(exchange, speed=120) as served:
        target = instant(DAY, "10:00:30")
        assert served.order("/clock", {"run_to": "10:00:30"}).json()["now"] >= target
        assert exchange.now >= target


def test_run_to_with_pause_stops_at_exactly_that_instant() -> None:
    exchange = StagedExchange()
    with opened(exchange, speed=60, wait_s=60) as served:
        target = instant(DAY, "10:00:20")
        shown = served.order("/clock", {"run_to": "10:00:20", "pause": True, "speed": 120}).json()
        assert (shown["now"], shown["anchor"]["paused"]) == (target, True)
        assert exchange.now == target
        past = served.order("/clock", {"run_to": "09:00"}).json()
        assert past["now"] >= target, "an instant that is past is reached"


def test_standing_clock_waits_no_longer_once_it_was_told() -> None:
    with opened(speed=60, wait_s=60) as served:
        served.order("/clock", {"pause": True})
        with served.client() as client:
            client.authenticate().subscribe(CALL)
            assert served.get("/clock").json()["anchor"]["paused"]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (
            {"speed": 121},
            {"speed": ["Must be greater than or equal to 1 and less than or equal to 120."]},
        ),
        ({"speed": "fast"}, {"speed": ["Not a valid integer."]}),
        ({"pause": "maybe"}, {"pause": ["Not a valid boolean."]}),
        ({"run_to": "25:00"}, {"run_to": ["Not a time of day, HH:MM or HH:MM:SS."]}),
        ({"run_to": 5}, {"run_to": ["Not a valid string."]}),
        ({"jump": 5}, {"jump": ["Unknown field."]}),
        ([], {"body": ["Not an object."]}),
    ],
)
def test_bad_clock_order_names_its_field(body: Any, errors: dict[str, Any]) -> None:
    with opened() as served:
        assert refused(served, "/clock", body) == (422, errors)


def test_faults_are_added_counted_and_removed() -> None:
    exchange = StagedExchange()
    with opened(exchange) as served, served.client() as client:
        client.authenticate()
        assert served.get("/faults").json() == {"faults": []}
        (fault,) = served.order("/faults", {"add": [MUTE]}).json()["faults"]
        assert (fault["id"], fault["verb"], fault["pong"]) == ("mute_feed", "silent", True)
        until(lambda: served.get("/faults").json()["faults"][0]["met"] == 1, PATIENCE_S)
        assert exchange.faults_met == [("mute_feed", "silent", "ws:conn:1")]
        client.subscribe(CALL)
        exchange.outs += [a_price(ltp=15_000)]
        until(lambda: not exchange.outs, PATIENCE_S)
        assert served.order("/faults", {"remove": ["mute_feed"]}).json() == {"faults": []}
        exchange.outs += [a_price()]
        assert client.next()["data"]["ltp"] == 138.0, "the first price was never sent"
        served.order("/faults", {"add": [MUTE | {"when": {"nth": [9]}}]})
        replaced = served.order("/faults", {"clear": True, "add": [MUTE | {"id": "other"}]}).json()
        assert [fault["id"] for fault in replaced["faults"]] == ["other"]
        assert served.get("/truth/summary").json()["faults"]["mute_feed"] == 1


def test_bad_fault_order_names_its_field() -> None:
    with opened() as served:
        assert refused(served, "/faults", {"remove": ["x"]}) == (
            422,
            {"remove": ["No fault has the id x."]},
        )
        status, errors = refused(served, "/faults", {"add": [MUTE | {"at": "book:holdings"}]})
        assert status == 422
        assert "mute_feed: at" in errors["add"][0]
        served.order("/faults", {"add": [MUTE]})
        assert refused(served, "/faults", {"add": [MUTE]}) == (
            422,
            {"add": ["A fault has the id mute_feed."]},
        )
        assert refused(served, "/faults", {"add": "x", "remove": [5]}) == (
            422,
            {"add": ["Not a valid list."], "remove": ["Not a valid string."]},
        )


def test_state_shows_sockets_and_what_waits_for_them() -> None:
    with opened(truth=a_truth()) as served, served.client() as client:
        client.authenticate().subscribe(CALL)
        state = served.get("/state").json()
        socket = {"authenticated": True, "symbols": 1, "queued": 0, "conflated": 0}
        assert (state["sockets"], state["rows"]) == ([socket], 3)


def test_only_the_token_changes_anything() -> None:
    with opened() as served:
        for token in ("", "wrong"):
            answer = served.order("/clock", {"pause": True}, **{"X-Control-Token": token})
            assert answer.status_code == 401
        assert not served.get("/clock").json()["anchor"]["paused"]
        malformed = served.session.post(
            f"{served.control}/clock",
            data="{",
            headers={"X-Control-Token": TOKEN},
            timeout=PATIENCE_S,
        )
        assert malformed.json()["errors"] == {"body": ["Not JSON."]}


def test_nothing_can_be_changed_where_there_is_no_token() -> None:
    with opened(control_token="") as served:
        answer = served.order("/clock", {"pause": True}, **{"X-Control-Token": ""})
        assert answer.status_code == 401


def test_foreign_host_names_are_refused() -> None:
    with opened() as served:
        for host in ("evil.example:80", "evil.example", "192.168.0.1:80", ""):
            answer = served.session.get(
                f"{served.control}/clock", headers={"Host": host}, timeout=PATIENCE_S
            )
            assert answer.status_code == 403, host
        by_name = served.control.replace("127.0.0.1", "localhost")
        assert served.session.get(f"{by_name}/clock", timeout=PATIENCE_S).status_code == 200


def test_forwarded_peers_are_not_believed() -> None:
    with opened() as served:
        answer = served.session.get(
            f"{served.control}/clock",
            headers={"X-Forwarded-For": "10.0.0.1"},
            timeout=PATIENCE_S,
        )
        assert answer.status_code == 200
        assert Micros(answer.json()["now"]) >= AT


def test_owner_trades_by_hand() -> None:
    exchange = StagedExchange()
    with opened(exchange) as served:
        order = {"symbol": CALL, "action": "BUY", "lots": 2}
        assert served.order("/human", order).json() == {"taken": True}
        assert exchange.by_hand == [(CALL, "BUY", 2)]
        assert refused(served, "/human", order | {"symbol": "NOPE"}) == (
            422,
            {"symbol": ["No contract has this symbol."]},
        )
        assert refused(served, "/human", order | {"action": "HOLD"})[0] == 422


def test_session_is_lost_and_won_again() -> None:
    exchange = StagedExchange()
    with opened(exchange) as served:
        told = served.order("/session", {"logged_in": False}).json()
        assert told == {"logged_in": False, "semi_auto": False, "flipped": False}
        assert served.post("funds").status_code == 403
        assert served.order("/session", {"logged_in": False}).json() == told
        assert served.order("/session", {"logged_in": True, "semi_auto": True}).json() == {
            "logged_in": True,
            "semi_auto": True,
            "flipped": False,
        }
        assert served.post("funds").status_code == 200
        assert served.post("placeorder", **an_order()).json()["mode"] == "semi_auto"
        assert refused(served, "/session", {"mode": "live"})[0] == 422
    told = [(note.what, note.on) for note in exchange.noted if isinstance(note, Outage)]
    assert told == [("calls", True), ("calls", False), ("writes", True)]
