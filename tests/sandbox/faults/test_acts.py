"""What faults do to the account, the market and the clock, on a real exchange."""

import json
from typing import Any

import pytest

from domain.books import Action
from domain.units import SECOND, Micros
from sandbox.kinds import Origin, Status
from sandbox.truth import Accepted, Arrived, Met, Mode, Outage, Refused, State, Traded
from tests.sandbox.faults.counters import Trading
from tests.sandbox.faults.scripts import a_fault
from tests.sandbox.pit import CALL, at

SOON, LATER = "09:20:10", "09:20:30"
WINDOW = {"between": [SOON, LATER]}


def the(place: str, verb: str, settings: Any = None, /, **when: Any) -> Any:
    return a_fault(place, verb, settings, when=when or WINDOW)


def outages(trading: Trading) -> list[tuple[int, bool, str]]:
    """The rows of outages: seconds after 09:20, on, what."""
    return [
        ((row.at - at("09:20")) // SECOND, row.payload.on, row.payload.what)
        for row in trading.truth.rows
        if isinstance(row.payload, Outage)
    ]


def by_origin(trading: Trading) -> list[tuple[str, str, int]]:
    return [(t.origin, t.action, t.quantity) for t in trading.rows(Traded)]


def test_owner_buys_what_the_account_is_short_of() -> None:
    trading = Trading(the("account", "human_trade", {"lots": 2}, at=SOON))
    trading.sell(2)
    trading.go(at(LATER))
    assert sum(t.quantity for t in trading.rows(Traded) if t.origin is Origin.HUMAN) == 130
    assert {(t.origin, t.action) for t in trading.rows(Traded)} == {
        (Origin.AGENT, Action.SELL), (Origin.HUMAN, Action.BUY),
    }  # fmt: skip
    assert trading.rows(Met) == [Met(id="f", verb="human_trade", place="account")]


def test_owner_without_anything_to_trade_does_nothing() -> None:
    trading = Trading(the("account", "human_trade", at=SOON))
    trading.go(at(LATER))
    assert (trading.rows(Met), trading.rows(Accepted)) == ([], [])


def test_owner_trades_once_after_each_fill_of_the_agent_and_not_after_his_own() -> None:
    trading = Trading(the("account", "human_trade", {"action": "SELL"}, after="fill", nth=[1, 2]))
    for _ in range(3):
        trading.sell()
        trading.go(Micros(trading.exchange.now + 5 * SECOND))
    origins = [origin for origin, _, _ in by_origin(trading)]
    assert origins == ["agent", "human", "agent", "human", "agent"]


def test_owner_may_name_a_symbol() -> None:
    trading = Trading()
    fault = the("account", "human_trade", {"symbol": "atm_pe", "action": "SELL"}, at=SOON)
    trading = Trading(fault)
    trading.go(at(LATER))
    (traded,) = trading.rows(Traded)
    assert (traded.symbol.endswith("PE"), traded.origin) == (True, Origin.HUMAN)


def test_risk_desk_squares_off_ahead_of_its_time() -> None:
    trading = Trading(the("account", "rms_square_off", at=SOON))
    trading.sell()
    stop = trading.rest_stop()
    trading.go(at("09:21"))
    line = trading.exchange.order(stop)
    assert line is not None
    assert line.status is Status.CANCELLED
    assert by_origin(trading)[-1] == ("rms", "BUY", 65)
    assert trading.rows(State)[-1].origin is Origin.RMS


def test_session_that_is_gone_refuses_everything_and_says_when() -> None:
    trading = Trading(the("account", "revoke_session"))
    assert trading.raw("funds").status == 200
    trading.go(at(SOON))
    for route in ("funds", "orderbook", "ping", "cancelorder"):
        answer = trading.raw(route)
        assert (answer.status, json.loads(answer.body)["message"]) == (
            403, "Invalid openalgo apikey",
        )  # fmt: skip
    assert trading.sell()["status"] == "error"
    trading.go(at(LATER))
    assert trading.raw("funds").status == 200
    assert outages(trading) == [(10, True, "calls"), (30, False, "calls")]
    assert trading.rows(Accepted) == []


def test_address_that_is_not_registered_may_only_read() -> None:
    trading = Trading(the("account", "static_ip_denied"))
    trading.go(at(SOON))
    assert trading.sell()["message"] == "Orders from an unregistered IP address are not allowed"
    assert trading.raw("orderbook").status == 200
    trading.go(at(LATER))
    assert outages(trading) == [(10, True, "writes"), (30, False, "writes")]


@pytest.mark.parametrize(("live", "status"), [(True, 403), (False, 404)])
def test_semi_auto_queues_placements(live: bool, status: int) -> None:
    trading = Trading(the("account", "semi_auto", {"live": live}))
    trading.go(at(SOON))
    assert trading.sell() == {
        "message": "Order queued for approval in Action Center", "mode": "semi_auto",
        "pending_order_id": 1, "status": "success",
    }  # fmt: skip
    cancelled = trading.raw("cancelorder", strategy="t", orderid="0")
    assert cancelled.status == status
    assert ("Semi-Auto" in cancelled.body.decode()) is live
    assert trading.rows(Accepted) == []


def test_flipped_server_takes_orders_into_another_world() -> None:
    trading = Trading(the("account", "mode_flip"))
    trading.sell()
    assert trading.ask("positionbook")["mode"] == "analyze"
    trading.go(at(SOON))
    placed = trading.sell()
    assert "mode" not in placed
    assert trading.ask("analyzer")["data"]["mode"] == "live"
    assert [row["orderid"] for row in trading.ask("orderbook")["data"]["orders"]] == [
        placed["orderid"]
    ]
    assert trading.ask("positionbook")["data"] == trading.ask("tradebook")["data"] == []
    assert trading.ask("funds")["data"]["availablecash"] == "10000000.00"
    assert trading.raw("cancelorder", strategy="t", orderid="1").status == 404
    cancelled = trading.ask("cancelorder", strategy="t", orderid=placed["orderid"])
    assert cancelled["orderid"] == placed["orderid"]
    assert trading.raw("cancelorder", strategy="t", orderid=placed["orderid"]).status == 400
    trading.go(at(LATER))
    assert len(trading.ask("orderbook")["data"]["orders"]) == 1
    assert len(trading.rows(Accepted)) == 1
    assert trading.rows(Mode) == [Mode(mode="live"), Mode(mode="analyze")]
    assert [row.answer for row in trading.rows(Arrived)] == ["passed", *["elsewhere"] * 4]


def test_shrunk_margin_refuses_what_it_no_longer_carries() -> None:
    trading = Trading(the("account", "margin_shrink", {"to_pct": 1}))
    before = trading.ask("funds")["data"]["availablecash"]
    trading.go(at(SOON))
    assert trading.ask("funds")["data"]["availablecash"] == before / 100
    trading.sell()
    (refused,) = trading.rows(Refused)
    assert refused.text.startswith("Insufficient funds")
    trading.go(at(LATER))
    assert trading.ask("funds")["data"]["availablecash"] == before


def prices(trading: Trading) -> tuple[int, int, int]:
    quote = trading.exchange.quote(trading.exchange.now, trading.call)
    return quote.bid, quote.ask, quote.ltp


def test_gap_jumps_over_the_limit_of_a_stop_and_comes_back() -> None:
    trading = Trading(the("market", "gap", {"points": 60}))
    trading.sell()
    stop = trading.rest_stop(above=20)
    trading.go(at(SOON))
    bid, ask, _ = prices(trading)
    trading.go(Micros(at(LATER) - 1))
    jumped = trading.exchange.order(stop)
    assert jumped is not None
    assert (jumped.status, jumped.triggered, jumped.filled) == (Status.OPEN, True, 0)
    high_bid, high_ask, _ = prices(trading)
    assert 5000 < high_bid - bid < 7000
    assert high_ask > high_bid
    quote = trading.exchange.quote(trading.exchange.now, trading.call)
    assert quote.low <= quote.ltp <= quote.high
    trading.go(at("09:21"))
    assert abs(prices(trading)[1] - ask) < 2500
    assert trading.exchange.quote(trading.exchange.now, trading.call).high == quote.high
    assert trading.rows(Met)[0].place == "market"


def test_gap_may_be_a_share_of_the_price() -> None:
    trading = Trading(the("market", "gap", {"pct": -50, "symbols": [CALL]}))
    trading.go(at(SOON))
    before = prices(trading)[0]
    trading.go(at("09:20:20"))
    assert 0.4 < prices(trading)[0] / before < 0.6


def test_gap_is_in_the_bars_and_does_not_depend_on_who_looks() -> None:
    def a_day(step_s: int) -> Any:
        trading = Trading(the("market", "gap", {"points": 60, "symbols": [CALL]}))
        trading.exchange.watch([trading.call] if step_s == 1 else [])
        while trading.exchange.now < at("09:23"):
            trading.go(trading.exchange.now + step_s * SECOND)
        return trading.exchange.history(
            trading.exchange.now, trading.call, trading.exchange.day, trading.exchange.day
        )

    first, second = a_day(1), a_day(5)
    assert first == second
    bar = next(bar for bar in first if bar.minute == at("09:20"))
    assert bar.high - bar.low > 5000


def test_side_is_empty_for_a_while() -> None:
    trading = Trading(the("market", "empty_side", {"side": "ask", "symbols": ["calls"]}))
    trading.go(at("09:20:25"))
    bid, ask, _ = prices(trading)
    assert (bool(bid), ask) == (True, 0)
    trading.go(at("09:21"))
    assert prices(trading)[1] > 0


def test_halt_stops_prices_and_refuses_orders() -> None:
    trading = Trading(the("market", "halt"))
    trading.exchange.watch([trading.call])
    trading.go(at(SOON))
    still = prices(trading)
    trading.go(at("09:20:29"))
    assert prices(trading) == still
    assert trading.sell()["message"] == "Trading is halted"
    trading.go(at("09:21"))
    assert prices(trading) != still
    assert trading.sell()["status"] == "success"
    assert outages(trading) == [(10, True, "market"), (30, False, "market")]


def test_price_band_keeps_its_reference() -> None:
    trading = Trading(the("market", "lpp_freeze", between=[SOON, "09:25"]))
    market, call = trading.exchange.market, trading.call
    trading.go(at(SOON))
    then = market.reference(call, at(SOON))
    trading.go(at("09:24"))
    assert market.reference(call, at("09:24")) == then
    trading.go(at("09:26"))
    assert market.reference(call, at("09:26")) != then


def test_stamps_are_skewed_and_truth_is_not() -> None:
    trading = Trading(the("clock", "clock_skew_s", {"by": -90}))
    orderid = trading.sell()["orderid"]
    trading.go(at(SOON))
    (row,) = trading.ask("orderbook")["data"]["orders"]
    assert row["timestamp"] == "2026-11-19 09:18:30"
    line = trading.exchange.order(orderid)
    assert line is not None
    assert line.placed_at == at("09:20")
    trading.go(at(LATER))
    (row,) = trading.ask("orderbook")["data"]["orders"]
    assert row["timestamp"] == "2026-11-19 09:20:00"


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        (the("rest:placeorder", "status", {"code": 500}), "placeorder"),
        (the("rest:*", "html_502"), "reads"),
        (the("rest:cancelorder", "drop_before_accept"), "cancelorder"),
        (the("rest:cancelorder", "drop_after_accept"), None),
        (the("rest:placeorder", "status", **WINDOW, nth=[1]), None),
        (the("rest:placeorder", "status", **WINDOW, probability=0.5), None),
        (the("rest:placeorder", "status", **WINDOW, action="BUY"), None),
        (the("rest:funds", "delay"), None),
    ],
)
def test_outage_is_what_lets_nothing_through(fault: Any, what: str | None) -> None:
    trading = Trading(fault)
    trading.go(at("09:21"))
    assert outages(trading) == ([(10, True, what), (30, False, what)] if what else [])


def test_fault_that_is_taken_out_of_force_ends() -> None:
    trading = Trading(the("account", "revoke_session", at=SOON))
    trading.go(at("09:20:15"))
    trading.interference.remove(["f"])
    trading.go(at("09:20:20"))
    assert trading.raw("funds").status == 200
    assert [(on, what) for _, on, what in outages(trading)] == [(True, "calls"), (False, "calls")]


def test_chance_is_drawn_for_each_beginning() -> None:
    def began(seed: int) -> int:
        fault = the("account", "revoke_session", at=SOON, for_s=5, probability=0.5)
        trading = Trading(fault | {"id": f"f{seed}"})
        trading.go(at(LATER))
        return len(outages(trading))

    assert {began(seed) for seed in range(8)} == {0, 2}
