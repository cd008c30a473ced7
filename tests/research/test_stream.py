"""The stream and the calls of a world in virtual time, with every fault of the script."""

import json
from collections import Counter
from functools import cache
from typing import Any

import pytest

from actors.pump import Pump
from broker.asks import Fault, HttpAnswer, HttpAsk
from config import pack
from domain import clock
from domain.books import Action, OrderPush
from domain.calls import StreamChange, StreamState
from domain.market import Source, Tick
from domain.params import BrokerParams
from domain.pulse import PulsePlan
from domain.rules import RulePack
from domain.session import instant, show
from domain.units import MINUTE, SECOND, Day, Micros, Symbol
from research.stream import VirtualStream
from research.world import World
from sandbox.exchange import Exchange, Setup
from sandbox.faults import read
from sandbox.kinds import OrderIn, PriceKind
from sandbox.params import SandboxParams
from sandbox.truth import Met, Truth
from tests.sandbox.faults.scripts import CONN, MARKET, a_fault

DAY = Day("2026-11-19")
CALL = Symbol("NIFTY23NOV2625950CE")
PUT = Symbol("NIFTY23NOV2625950PE")
INDEX = Symbol("NIFTY")
PAIRS = ((INDEX, "NSE_INDEX"), (CALL, "NFO"), (PUT, "NFO"))
BEGIN = "09:20"


@cache
def rules() -> RulePack:
    return pack.load()


class Heard:
    """What one stream delivered, in order."""

    def __init__(self) -> None:
        self.all: list[Tick] = []
        self.pushes: list[OrderPush] = []
        self.changes: list[StreamChange] = []

    def ticks(self, batch: tuple[Tick, ...]) -> None:
        self.all += batch

    def order(self, push: OrderPush) -> None:
        self.pushes.append(push)

    def changed(self, change: StreamChange) -> None:
        self.changes.append(change)

    def of(self, symbol: Symbol, since: str, until: str) -> list[Tick]:
        begin, end = instant(DAY, since), instant(DAY, until)
        return [t for t in self.all if t.symbol == symbol and begin <= t.recv_at < end]

    def states(self) -> list[tuple[str, StreamState, int]]:
        return [(show(c.at)[:8], c.state, c.code) for c in self.changes]


class Stand:
    """A world without a cast: streams that are listened to, calls that are made by hand."""

    def __init__(self, *faults: Any, seed: int = 1) -> None:
        self.truth = Truth()
        self.exchange = Exchange(Setup(SandboxParams(seed=seed)), rules(), self.truth)
        start = instant(DAY, BEGIN)
        self.world = World(self.exchange, "sandbox", start, Pump(), PulsePlan(1500))
        self.world.suffer(read({"version": 1, "random_seed": 3, "faults": list(faults)}, DAY))
        self.answers: list[HttpAnswer] = []

    def stream(self, source: Source = Source.PRIMARY) -> tuple[VirtualStream, Heard]:
        stream, heard = self.world.stream(50, source), Heard()
        stream.listen(heard)
        stream.connect(1, PAIRS)
        return stream, heard

    def run(self, until: str) -> "Stand":
        self.world.run(lambda: False, instant(DAY, until))
        return self

    def at(self, wall: str, action: Any) -> None:
        self.world.timeline.later(instant(DAY, wall), action)

    def sell(self) -> None:
        """An order that trades at once."""
        now = self.world.timeline.now()
        bid = self.exchange.quote(now, CALL).bid
        self.exchange.place(
            now,
            OrderIn(
                symbol=CALL, exchange="NFO", action=Action.SELL, quantity=self.exchange.lot(CALL),
                kind=PriceKind.LIMIT, price=bid,
            ),
        )  # fmt: skip

    def ask(self, route: str, **fields: Any) -> None:
        ask = HttpAsk(route=route, body=json.dumps(fields).encode(), retry=False)
        self.world._carry(ask, self.answers.append)

    def met(self) -> list[tuple[str, str, str]]:
        rows = [row.payload for row in self.truth.rows if isinstance(row.payload, Met)]
        return [(met.id, met.verb, met.place) for met in rows]


@pytest.fixture(autouse=True)
def own_clock() -> Any:
    yield
    clock.use(clock.WallClock())


def heard_with(*faults: Any, until: str = "09:24") -> tuple[Stand, Heard]:
    stand = Stand(*faults)
    _, heard = stand.stream()
    stand.run(until)
    return stand, heard


@cache
def honest() -> Heard:
    return heard_with()[1]


WINDOW = {"between": ["09:21", "09:22"]}


def essence(ticks: list[Tick]) -> Counter[Any]:
    return Counter((t.symbol, t.exch_at, t.ltp, t.cum_volume) for t in ticks)


def test_world_without_faults_delivers_every_symbol() -> None:
    assert {tick.symbol for tick in honest().all} == {INDEX, CALL, PUT}
    assert honest().states() == [
        ("09:20:00", StreamState.CONNECTING, 0), ("09:20:00", StreamState.READY, 0),
    ]  # fmt: skip


def test_silence_is_a_hole_in_the_ticks_and_nothing_else() -> None:
    stand, heard = heard_with(a_fault(CONN, "silent", when=WINDOW))
    assert not [t for t in heard.all if "09:21" <= show(t.recv_at)[:5] < "09:22"]
    rest = [t for t in honest().all if not "09:21" <= show(t.recv_at)[:5] < "09:22"]
    assert essence(heard.all) == essence(rest)
    assert len(heard.changes) == 2
    assert stand.met() == [("f", "silent", "ws:conn:1")]


def test_connection_that_answers_no_ping_is_given_up() -> None:
    stand, heard = heard_with(a_fault(CONN, "silent", {"pong": False}, when=WINDOW))
    closed = heard.changes[-1]
    assert (closed.state, closed.code, closed.text) == (
        StreamState.CLOSED, 1006, "no pong within 10 s",
    )  # fmt: skip
    waited = (closed.at - instant(DAY, "09:21")) / SECOND
    assert 10 <= waited <= 30.5
    assert stand.met() == [("f", "silent", "ws:conn:1")]


def test_half_open_connection_never_speaks_again_and_is_given_up() -> None:
    stand, heard = heard_with(a_fault(CONN, "half_open", when={"at": "09:21"}))
    assert heard.of(INDEX, "09:20:55", "09:21")
    assert not heard.of(INDEX, "09:21:01", "09:24")
    assert [state for _, state, _ in heard.states()][-1] is StreamState.CLOSED
    assert heard.changes[-1].text == "no pong within 10 s"
    assert stand.met() == [("f", "half_open", "ws:conn:1")]


def test_newcomer_in_a_half_open_window_is_never_answered() -> None:
    stand = Stand(a_fault(CONN, "half_open", when={"between": ["09:20", "09:21"]}))
    stream, heard = stand.stream()
    stand.at("09:22", lambda: stream.connect(2, PAIRS))
    stand.run("09:23")
    assert heard.states() == [
        ("09:20:00", StreamState.CONNECTING, 0), ("09:20:02", StreamState.CLOSED, 1006),
        ("09:22:00", StreamState.CONNECTING, 0), ("09:22:00", StreamState.READY, 0),
    ]  # fmt: skip
    assert "timed out" in heard.changes[1].text


@pytest.mark.parametrize(
    ("verb", "settings", "code", "text"),
    [
        ("reset", None, 1006, "Connection reset by peer"),
        ("close", {"code": 1006}, 1006, "closed by the server"),
        ("close", {"code": 1011}, 1011, "closed by the server"),
        ("close", {"code": 4401}, 4401, "closed by the server"),
    ],
)
def test_connection_ends_as_the_script_says(verb: str, settings: Any, code: int, text: str) -> None:
    stand, heard = heard_with(a_fault(CONN, verb, settings, when={"at": "09:21"}))
    closed = heard.changes[-1]
    assert (show(closed.at)[:8], closed.state, closed.code) == (
        "09:21:00", StreamState.CLOSED, code,
    )  # fmt: skip
    assert text in closed.text
    assert stand.met() == [("f", verb, "ws:conn:1")]


def test_loop_of_closes_lets_every_connection_live_its_span() -> None:
    stand = Stand(a_fault(CONN, "close_loop", {"every_s": 12.3, "code": 1011}))
    stream, heard = stand.stream()
    stand.at("09:21", lambda: stream.connect(2, PAIRS))
    stand.run("09:22")
    closed = [(change.at, change.code) for change in heard.changes if change.code]
    spans = [at - opened for (at, _), opened in zip(closed, opens(heard), strict=True)]
    assert spans == [12_300_000] * 2
    assert {code for _, code in closed} == {1011}
    assert stand.met() == [("f", "close_loop", f"ws:conn:{n}") for n in (1, 2)]


def opens(heard: Heard) -> list[Micros]:
    return [change.at for change in heard.changes if change.state is StreamState.READY]


def test_refused_connection_is_told_at_once() -> None:
    stand, heard = heard_with(a_fault(CONN, "refuse_connect", when={"nth": [1]}))
    assert heard.changes[-1].text == "connection refused"
    assert stand.met() == [("f", "refuse_connect", "ws:conn:1")]


def test_freeze_after_a_fill_ends_in_a_burst_with_old_stamps() -> None:
    stand = Stand(a_fault(CONN, "burst", {"hold_s": 10.6}, when={"after": "fill"}))
    _, heard = stand.stream()
    stand.at("09:21", stand.sell)
    stand.run("09:22")
    (row,) = [row for row in stand.truth.rows if row.kind == "traded"]
    released = Micros(row.at + 10_600_000)
    assert [push.got_at for push in heard.pushes if push.filled] == [released]
    assert not [t for t in heard.all if row.at <= t.recv_at < released]
    backlog = [t for t in heard.all if t.recv_at == released and t.symbol == INDEX]
    assert len(backlog) == 10
    assert all(t.exch_at and row.at <= t.exch_at < released for t in backlog)
    assert stand.met() == [("f", "burst", "ws:conn:1")]


def test_acknowledged_subscription_without_data() -> None:
    stand, heard = heard_with(a_fault(CONN, "subscribe_ok_no_data"))
    assert heard.changes[-1].state is StreamState.READY
    assert heard.changes[-1].subscribed == 3
    assert heard.all == []
    assert stand.met() == [("f", "subscribe_ok_no_data", "ws:conn:1")]


def test_symbol_at_the_money_falls_mute_alone() -> None:
    stand, heard = heard_with(a_fault(MARKET, "symbol_mute", when=WINDOW))
    assert not heard.of(CALL, "09:21", "09:22")
    assert heard.of(PUT, "09:21", "09:22") == relabelled(heard, PUT)
    assert stand.met() == [("f", "symbol_mute", "ws:market_data:1")]


def relabelled(heard: Heard, symbol: Symbol) -> list[Tick]:
    """The honest ticks of the window; numbers of arrival shift where others are missing."""
    told = heard.of(symbol, "09:21", "09:22")
    true = honest().of(symbol, "09:21", "09:22")
    assert essence(told) == essence(true)
    return told


def test_degraded_symbol_has_no_volume_until_it_is_subscribed_anew() -> None:
    fault = a_fault(MARKET, "wrong_mode", {"symbols": ["atm_ce"]}, when=WINDOW)
    stand = Stand(fault)
    stream, heard = stand.stream()
    stand.at("09:22:30", lambda: stream.subscribe(((CALL, "NFO"),)))
    stand.run("09:24")
    assert all(t.cum_volume is None for t in heard.of(CALL, "09:21", "09:22:30"))
    assert heard.of(CALL, "09:21", "09:22:30")
    assert all(t.cum_volume for t in heard.of(CALL, "09:22:30", "09:24"))
    assert all(t.cum_volume for t in heard.of(PUT, "09:21", "09:24"))


def test_volume_that_starts_again_counts_from_the_windows_beginning() -> None:
    _, heard = heard_with(a_fault(MARKET, "volume_reset", {"symbols": ["calls"]}, when=WINDOW))
    before = heard.of(CALL, "09:20", "09:21")[-1].cum_volume
    told = [t.cum_volume for t in heard.of(CALL, "09:21", "09:22")]
    true = [t.cum_volume for t in honest().of(CALL, "09:21", "09:22")]
    assert before is not None
    assert told == [volume - before for volume in true if volume is not None]
    assert heard.of(PUT, "09:21", "09:22")[0].cum_volume == (
        honest().of(PUT, "09:21", "09:22")[0].cum_volume
    )


def test_duplicates_and_shuffles_deliver_the_same_ticks() -> None:
    within = {"within_s": 3, "across_minutes": True}
    _, shuffled = heard_with(a_fault(MARKET, "out_of_order", within, when=WINDOW))
    assert essence(shuffled.all) == essence(honest().all)
    assert [t.exch_at for t in shuffled.all] != [t.exch_at for t in honest().all]
    _, doubled = heard_with(a_fault(MARKET, "duplicate_ticks", when=WINDOW))
    window = [t for t in honest().all if "09:21" <= show(t.recv_at)[:5] < "09:22"]
    assert essence(doubled.all) == essence(honest().all) + essence(window)


def test_garbage_is_counted_and_loses_no_tick() -> None:
    stand = Stand(
        a_fault(MARKET, "garbage", None, id="g", when={"probability": 0.5}),
        a_fault(MARKET, "oversize", None, id="o", when={"probability": 0.02}),
    )
    stream, heard = stand.stream()
    stand.run("09:22")
    assert stream._dialogue is not None
    assert stream._dialogue.bad > 50
    true = essence([t for t in honest().all if t.recv_at <= instant(DAY, "09:22")])
    assert set(essence(heard.all)) == set(true)
    assert stand.met() == [
        ("g", "garbage", "ws:market_data:1"), ("o", "oversize", "ws:market_data:1"),
    ]  # fmt: skip


def test_delayed_ticks_arrive_late_with_their_own_stamps() -> None:
    _, heard = heard_with(a_fault(MARKET, "delay", {"seconds": 2}, when=WINDOW))
    for tick in heard.of(INDEX, "09:21:03", "09:22"):
        assert tick.exch_at is not None
        assert tick.recv_at - tick.exch_at == pytest.approx(2 * SECOND, abs=1000)
    assert essence(heard.all) == essence(honest().all)


def test_source_chooses_which_of_two_streams_is_spoiled() -> None:
    stand = Stand(a_fault(CONN, "silent", when={"source": ["backup"]}))
    _, primary = stand.stream()
    _, backup = stand.stream(Source.BACKUP)
    stand.run("09:21")
    assert {t.source for t in primary.all} == {Source.PRIMARY}
    assert backup.all == []
    assert {change.source for change in backup.changes} == {Source.BACKUP}
    assert stand.met() == [("f", "silent", "ws:conn:2")]


def test_rest_answers_are_frozen_at_the_windows_beginning() -> None:
    stand = Stand(a_fault("rest:quotes", "freeze_quotes", when={"between": ["09:21", "09:23"]}))
    for wall in ("09:20:59", "09:21:40", "09:22:50", "09:23:05"):
        stand.at(wall, lambda: stand.ask("quotes", symbol=INDEX, exchange="NSE_INDEX"))
    stand.run("09:24")
    ltps = [json.loads(answer.body)["data"]["ltp"] for answer in stand.answers]
    frozen = Stand()
    frozen.run("09:21")
    begun = frozen.exchange.quote(instant(DAY, "09:21"), INDEX).ltp / 100
    assert ltps[1:3] == [begun, begun]
    assert len(set(ltps)) == 3
    assert stand.met() == [("f", "freeze_quotes", "rest:quotes")]


def test_answer_that_comes_too_late_is_a_time_out_and_its_order_real() -> None:
    stand = Stand(
        a_fault("rest:placeorder", "delay", {"seconds": 60}),
        a_fault("rest:history", "history_lag", {"minutes": 3}, id="lag"),
        a_fault("rest:quotes", "status", {"code": 429, "retry_after_s": 4}, id="full"),
    )
    stand.world.lanes(BrokerParams(order_timeout_s=5), "analyze", None)  # type: ignore[arg-type]  # draws nothing here
    order = {
        "strategy": "t", "symbol": CALL, "exchange": "NFO", "action": "SELL", "quantity": 65,
        "pricetype": "LIMIT", "product": "MIS", "price": 5000,
    }  # fmt: skip
    history = {"interval": "1m", "start_date": DAY, "end_date": DAY}
    stand.at("09:21", lambda: stand.ask("placeorder", **order))
    stand.at("09:22", lambda: stand.ask("history", symbol=CALL, exchange="NFO", **history))
    stand.at("09:23", lambda: stand.ask("quotes", symbol=CALL, exchange="NFO"))
    stand.run("09:24")
    late, rows, full = stand.answers
    assert (late.status, late.fault) == (None, Fault.TIMEOUT)
    assert len(stand.exchange.orders()) == 1
    newest = json.loads(rows.body)["data"][-1]["timestamp"] * SECOND
    assert newest == instant(DAY, "09:22") - 4 * MINUTE
    assert (full.status, full.retry_after_s) == (429, 4)


def test_day_with_faults_is_the_same_twice() -> None:
    storm = (
        a_fault(MARKET, "out_of_order", None, id="a"),
        a_fault(MARKET, "garbage", None, id="b", when={"probability": 0.3}),
        a_fault(CONN, "close_loop", {"every_s": 25}, id="c"),
        a_fault(MARKET, "symbol_mute", None, id="d", when=WINDOW),
    )
    (first, one), (second, two) = heard_with(*storm), heard_with(*storm)
    assert one.all == two.all
    assert one.changes == two.changes
    assert first.truth.rows == second.truth.rows


def test_answer_that_is_lost_is_given_up_after_ten_seconds() -> None:
    stand = Stand()
    stream, heard = stand.stream()
    stand.at("09:21:02", lambda: stream.deafen(deaf=True))
    stand.at("09:21:03", lambda: stream.resubscribe(PAIRS[1:]))
    stand.at("09:21:06", lambda: stream.deafen(deaf=False))
    stand.run("09:21:12")
    assert stream.symbols == {INDEX}
    stand.run("09:22")
    assert stream.symbols == {INDEX, CALL, PUT}
    _, second = opens(heard)
    assert show(second)[:8] == "09:21:13"
    assert heard.of(CALL, "09:21:14", "09:22")
