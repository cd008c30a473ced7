"""The exchange as a whole: the same day however it is looked at, and a life after a restart."""

import hashlib
import os
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.books import Action
from domain.errors import ConfigError
from domain.units import SECOND, Day, Micros, Paise, Symbol, seconds
from sandbox.exchange import Exchange, Setup
from sandbox.kinds import Done, MarginLine, ModifyIn, OrderOut, PriceKind, PriceOut
from sandbox.params import SandboxParams
from sandbox.truth import Arrived, Met, TimePassed, Traded, Truth, decode, encode
from tests.draws import at_most
from tests.sandbox.pit import CALL, DAY, PUT, an_order, at, rules
from tests.shared import ROOT

NIFTY = Symbol("NIFTY")
OPTIONS = [Symbol(f"NIFTY23NOV26{strike}{side}") for strike in range(25_900, 26_150, 50)
           for side in ("CE", "PE")]  # fmt: skip


def an_exchange(truth: Truth | None = None, **changes: Any) -> Exchange:
    params = SandboxParams(**changes)
    return Exchange(Setup(params), rules(), truth or Truth())


def trade_a_morning(
    exchange: Exchange, step_s: float = 1.0, watched: tuple[Symbol, ...] = ()
) -> None:
    """Sell three options, protect one, move and cancel things, until 09:40."""
    exchange.watch(watched)
    walk(exchange, at("09:16"), step_s)
    for symbol in (CALL, PUT, OPTIONS[0]):
        bid = exchange.quote(exchange.now, symbol).bid
        exchange.place(at("09:16"), an_order(symbol=symbol, price=bid, quantity=650))
    walk(exchange, at("09:20"), step_s)
    ask = exchange.quote(at("09:20"), CALL).ask
    stop = {"kind": PriceKind.SL, "trigger": Paise(ask + 200), "price": Paise(ask + 1_200)}
    exchange.place(at("09:20"), an_order(action=Action.BUY, quantity=650, **stop))
    waiting = Paise(exchange.quote(at("09:20"), OPTIONS[2]).ask + 600)
    exchange.place(at("09:20"), an_order(symbol=OPTIONS[2], price=waiting, quantity=650))
    resting = exchange.place(at("09:20"), an_order(symbol=PUT, quantity=650, price=Paise(29_000)))
    walk(exchange, at("09:30"), step_s)
    answer = resting.result()
    assert isinstance(answer, Done)
    change = ModifyIn(orderid=answer.orderid, quantity=an_order().quantity, price=Paise(28_000))
    exchange.modify(at("09:30"), change)
    exchange.cancel(at("09:35"), answer.orderid)
    walk(exchange, at("09:40"), step_s)


def walk(exchange: Exchange, until: Micros, step_s: float) -> None:
    while exchange.now < until:
        exchange.advance(Micros(min(until, max(exchange.now, at("09:14")) + seconds(step_s))))


def lines(truth: Truth) -> bytes:
    return b"".join(map(encode, truth.rows))


def test_same_settings_and_seed_give_the_same_truth_byte_for_byte() -> None:
    first, second, other = Truth(), Truth(), Truth()
    trade_a_morning(an_exchange(first))
    trade_a_morning(an_exchange(second))
    trade_a_morning(an_exchange(other, seed=2))
    assert lines(first) == lines(second)
    assert lines(first) != lines(other)
    assert any(isinstance(row.payload, Traded) for row in first.rows)


@pytest.mark.parametrize("watched", [(), (CALL, PUT, NIFTY), tuple(OPTIONS)])
def test_watching_changes_nothing_but_what_is_reported(watched: tuple[Symbol, ...]) -> None:
    blind, seeing = Truth(), Truth()
    trade_a_morning(an_exchange(blind))
    trade_a_morning(an_exchange(seeing), watched=watched)
    assert lines(blind) == lines(seeing)


@at_most(6)
@example(150.0)
@given(st.floats(0.05, 90))
def test_how_fine_the_steps_are_makes_no_difference(step_s: float) -> None:
    fine, coarse = Truth(), Truth()
    trade_a_morning(an_exchange(fine))
    trade_a_morning(an_exchange(coarse), step_s=step_s, watched=(CALL, NIFTY))
    assert lines(fine) == lines(coarse)


HASHED = """
import hashlib
from tests.sandbox.test_exchange import Truth, an_exchange, lines, trade_a_morning
truth = Truth()
trade_a_morning(an_exchange(truth))
print(hashlib.sha256(lines(truth)).hexdigest())
"""


@pytest.mark.parametrize("hashseed", ["0", "1"])
def test_truth_does_not_depend_on_the_hash_seed(hashseed: str) -> None:
    truth = Truth()
    trade_a_morning(an_exchange(truth))
    environment = {**os.environ, "PYTHONHASHSEED": hashseed}
    run = subprocess.run(
        [sys.executable, "-c", HASHED], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    assert run.stdout.decode().strip() == hashlib.sha256(lines(truth)).hexdigest()


def test_advance_returns_prices_of_watched_symbols_and_order_changes_in_order_of_time() -> None:
    exchange = an_exchange()
    exchange.watch([CALL, NIFTY, Symbol("NOPE")])
    exchange.advance(at("09:16"))
    exchange.watch([CALL])
    bid = exchange.quote(at("09:16"), PUT).bid
    exchange.place(at("09:16"), an_order(symbol=PUT, price=bid))
    outs = exchange.advance(at("09:17"))
    assert [out.at for out in outs] == sorted(out.at for out in outs)
    assert {out.symbol for out in outs if isinstance(out, PriceOut)} == {CALL}
    changes = [str(out.change) for out in outs if isinstance(out, OrderOut)]
    assert changes == ["new", "fill"]
    assert exchange.advance(at("09:17")) == ()


def test_order_takes_effect_after_its_latency_and_the_frame_is_not_later_than_the_answer() -> None:
    exchange = an_exchange()
    exchange.advance(at("09:30"))
    deferred = exchange.place(at("09:30"), an_order(price=Paise(29_000)))
    assert exchange.orders() == ()
    assert exchange._timeline.next_at() == deferred.ready_at > at("09:30")
    (new,) = exchange.advance(deferred.ready_at)
    assert isinstance(new, OrderOut)
    assert new.at == deferred.ready_at
    assert deferred.result() == Done(orderid=new.order.orderid)


def test_time_never_runs_backwards() -> None:
    exchange = an_exchange()
    exchange.advance(at("10:00"))
    before = exchange.quote(at("10:00"), CALL)
    assert exchange.quote(at("09:30"), CALL) == before
    assert exchange.now == at("10:00")


def test_reads_show_the_market_of_that_instant() -> None:
    exchange = an_exchange()
    quote = exchange.quote(at("10:00"), CALL)
    depth = exchange.depth(at("10:00"), CALL)
    assert depth.quote == quote
    assert (depth.bids[0].price, depth.asks[0].price) == (quote.bid, quote.ask)
    assert (depth.bids[0].quantity, depth.asks[0].quantity) == (
        quote.bid_quantity, quote.ask_quantity,
    )  # fmt: skip
    bars = exchange.history(at("10:00"), CALL, DAY, DAY)
    assert (bars[0].minute, bars[-1].close) == (at("09:15"), quote.ltp)
    assert sum(bar.volume for bar in bars) == quote.volume
    assert exchange.history(at("10:00"), CALL, Day("2026-11-01"), Day("2026-11-18")) == ()
    index = exchange.quote(at("10:00"), NIFTY)
    assert (index.bid, index.ask, index.bid_quantity, index.volume) == (0, 0, 0, 0)
    with pytest.raises(KeyError):
        exchange.quote(at("10:00"), Symbol("NOPE"))


def test_master_is_read_by_symbol_and_exchange() -> None:
    exchange = an_exchange()
    found = exchange.instrument(CALL, "NFO")
    assert found is not None
    assert found in exchange.instruments()
    assert exchange.instrument(CALL, "NSE") is None
    assert exchange.instrument("NOPE", "NFO") is None
    assert exchange.lot(CALL) == 65
    assert exchange.expiries("NIFTY", "NFO", "options") == ("2026-11-23", "2026-12-01")
    assert exchange.expiries("NIFTY", "NFO", "futures") == ("2026-11-23",)
    assert exchange.expiries("NOPE", "NFO", "options") == ()
    assert [line.symbol for line in exchange.instruments()[:3]] == [
        "NIFTY", "INDIAVIX", "NIFTY23NOV26FUT",
    ]  # fmt: skip


def test_margin_is_asked_for_at_a_price_or_at_the_last_one() -> None:
    exchange = an_exchange()
    long = an_order(action=Action.BUY, price=Paise(15_000))
    assert exchange.margin(at("10:00"), long) == MarginLine(total=975_000, span=975_000, exposure=0)
    last = exchange.quote(at("10:00"), CALL).ltp
    unpriced = an_order(action=Action.BUY, price=Paise(0))
    assert exchange.margin(at("10:00"), unpriced).total == 65 * last


def test_broker_squares_off_at_1525_and_the_day_ends_at_1540() -> None:
    truth = Truth()
    exchange = an_exchange(truth)
    bid = exchange.quote(at("15:00"), CALL).bid
    exchange.place(at("15:00"), an_order(price=bid))
    low = {"action": Action.BUY, "price": Paise(5)}
    exchange.place(at("15:00"), an_order(product="NRML", **low))
    exchange.advance(at("15:24:59"))
    assert [line.net for line in exchange.positions(at("15:24:59"))] == [-65]
    exchange.advance(at("15:26"))
    assert [line.net for line in exchange.positions(at("15:26"))] == [0]
    statuses = sorted(str(order.status) for order in exchange.orders())
    assert statuses == ["complete", "complete", "open"]
    exchange.advance(at("15:40"))
    assert min(str(order.status) for order in exchange.orders()) == "cancelled"
    money = exchange.funds(at("15:40"))
    assert (money.used, money.reserved, money.unrealised) == (0, 0, 0)
    assert money.available == money.capital + money.realised - money.charges


def test_restart_goes_on_with_the_same_account_and_the_same_market() -> None:
    lived, died = Truth(), Truth()
    whole = an_exchange(lived)
    trade_a_morning(whole)
    trade_a_morning(an_exchange(died))
    again = an_exchange(Truth(rows=decode([encode(row) for row in died.rows])))
    assert again.now == died.rows[-1].at
    assert again.orders() == whole.orders()
    assert again.trades() == whole.trades()
    assert again.quote(at("09:45"), CALL) == whole.quote(at("09:45"), CALL)
    assert again.funds(at("09:45")) == whole.funds(at("09:45"))


def test_restart_after_the_square_off_closes_what_is_still_open() -> None:
    truth = Truth()
    exchange = an_exchange(truth)
    bid = exchange.quote(at("15:24:50"), CALL).bid
    deferred = exchange.place(at("15:24:50"), an_order(price=bid))
    exchange.advance(deferred.ready_at)
    exchange.arrived(at("15:24:59.9"), "placeorder", "d", "passed")
    again = an_exchange(Truth(rows=truth.rows))
    again.advance(at("15:26"))
    assert [line.net for line in again.positions(at("15:26"))] == [0]


def test_resting_order_of_an_earlier_life_stands_at_the_back_of_the_queue() -> None:
    truth = Truth()
    exchange = an_exchange(truth)
    exchange.watch([CALL])
    ask = exchange.quote(at("10:00"), CALL).ask
    deferred = exchange.place(at("10:00"), an_order(price=ask))
    exchange.advance(deferred.ready_at)
    again = an_exchange(Truth(rows=truth.rows))
    answer = deferred.result()
    assert isinstance(answer, Done)
    order = again.order(answer.orderid)
    assert order == exchange.order(answer.orderid)
    assert order is not None
    again.advance(at("10:10"))
    exchange.advance(at("10:10"))
    assert again.trades() == exchange.trades()


def test_restart_after_the_close_has_nothing_left_to_do() -> None:
    truth = Truth()
    exchange = an_exchange(truth)
    exchange.arrived(at("15:41"), "placeorder", "d", "passed")
    assert an_exchange(Truth(rows=truth.rows))._timeline.next_at() is None


@pytest.mark.parametrize("step_s", [0.7, 60, 3600])
def test_each_minute_of_the_session_leaves_a_row_in_truth(step_s: float) -> None:
    """So that after a kill -9 at most a minute of the market is played again."""
    truth = Truth()
    exchange = an_exchange(truth)
    walk(exchange, at("09:17:30"), step_s)
    passed = [row.at for row in truth.rows if row.payload == TimePassed()]
    assert passed == [at("09:16") - 1, at("09:17") - 1]
    assert an_exchange(Truth(rows=truth.rows)).now == at("09:17") - 1
    exchange.advance(at("23:00"))
    assert (truth.rows[-1].at, truth.rows[-1].kind) == (at("15:40") - 1, "time")
    assert sum(row.kind == "time" for row in truth.rows) == 385


def test_exchange_that_leaves_goes_on_where_it_left() -> None:
    truth = Truth()
    exchange = an_exchange(truth)
    exchange.leave(at("10:23:04.5"))
    assert truth.rows[-1].payload == TimePassed(left=True)
    again = an_exchange(Truth(rows=decode([encode(row) for row in truth.rows])))
    assert again.now == at("10:23:04.5")
    again.advance(at("10:24"))
    exchange.advance(at("10:24"))
    assert again.quote(at("10:24"), CALL) == exchange.quote(at("10:24"), CALL)


def test_restart_with_other_settings_is_refused() -> None:
    truth = Truth()
    an_exchange(truth)
    with pytest.raises(ConfigError) as refused:
        an_exchange(Truth(rows=truth.rows), seed=2)
    assert str(refused.value) == (
        "--state-dir: its ground truth began otherwise (random_seed was 16, asked is 2); give the"
        " same settings or a fresh directory"
    )


def test_truth_without_a_beginning_is_refused() -> None:
    truth = Truth()
    an_exchange(truth).met(at("10:01"), "mute", "silent", "ws:conn")
    with pytest.raises(ConfigError, match=r"began otherwise \(with fault\)"):
        an_exchange(Truth(rows=truth.rows[-1:]))


def test_shell_leaves_arrivals_and_faults_in_truth() -> None:
    truth = Truth()
    exchange = an_exchange(truth)
    exchange.arrived(at("10:00"), "placeorder", "d", "rate", peer="127.0.0.1")
    exchange.met(at("10:01"), "mute", "silent", "ws:conn")
    rows = [row for row in truth.rows[1:] if row.kind != "time"]
    assert [(row.at, row.kind, row.payload) for row in rows] == [
        (
            at("10:00"),
            "arrived",
            Arrived(route="placeorder", digest="d", peer="127.0.0.1", answer="rate"),
        ),
        (at("10:01"), "fault", Met(id="mute", verb="silent", place="ws:conn")),
    ]


def test_exchange_may_disagree_with_the_dated_rules() -> None:
    exchange = an_exchange(rules=("lot.NIFTY=75",))
    assert exchange.lot(CALL) == 75


def test_holiday_is_quiet_and_takes_no_orders() -> None:
    exchange = an_exchange(date="2026-11-24")
    exchange.watch([NIFTY])
    day = Day("2026-11-24")
    assert exchange.advance(at("12:00", day)) == ()
    assert exchange.quote(at("12:00", day), NIFTY).ltp == 2_600_000
    assert [line.exchange for line in exchange.timings(day)] == ["CRYPTO"]
    symbol = next(line.symbol for line in exchange.instruments() if line.kind == "CE")
    refused = exchange.place(at("12:00", day), an_order(symbol=symbol))
    assert refused.ready_at == at("12:00", day)
    assert str(refused.result()).count("Market is closed") == 1
    assert "2026-11-24" in [line.day for line in exchange.holidays(2026)]


def test_index_line_of_a_short_day_ends_with_it() -> None:
    exchange = an_exchange(date="2026-11-08")
    day = Day("2026-11-08")
    exchange.watch([NIFTY])
    outs = exchange.advance(at("23:00", day))
    assert outs[0].at == at("18:00", day)
    assert outs[-1].at == Micros(at("19:15", day) - SECOND)
