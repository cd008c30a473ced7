"""The wire of one client: what each fault does to its prices, in steps of any size."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.units import MINUTE, SECOND, Micros, Paise, Symbol, Units
from sandbox.faults import Connection
from sandbox.faults.force import Force
from sandbox.faults.wire import Session, Wire
from sandbox.frames import Frames
from sandbox.kinds import Change, OrderOut, PriceOut
from sandbox.stream import StreamSession
from tests.draws import at_most
from tests.sandbox.faults.scripts import CONN, MARKET, a_fault, a_force
from tests.sandbox.stage import AT, CALL, KEY, PUT, StagedExchange, a_desk, a_price, an_order

LONG = Micros(AT + 3600 * SECOND)


class Client:
    """A session and its wire, with both options subscribed."""

    def __init__(self, *faults: Any, number: int = 1, source: str = "primary") -> None:
        self.exchange = StagedExchange()
        self.force: Force = a_force(*faults, exchange=self.exchange)
        self.session = StreamSession(a_desk(self.exchange), Frames(), Micros(0))
        known = Connection(number, Micros(AT - SECOND), source)
        self.wire = Wire(Session(self.session.market, self.session.order), self.force, known)
        self.session.subscribed = self.wire.subscribed
        self.say(AT - SECOND, action="authenticate", api_key=KEY)
        self.say(AT - SECOND, action="subscribe_orders")
        for symbol in (CALL, PUT):
            self.subscribe(AT - SECOND, symbol)

    def say(self, at: int, **said: Any) -> None:
        self.session.receive(Micros(at), json.dumps(said))

    def subscribe(self, at: int, symbol: Symbol) -> None:
        self.say(at, action="subscribe", symbol=symbol, exchange="NFO", mode=2)

    def put(self, *outs: PriceOut | OrderOut) -> None:
        self.force.saw(outs)
        for out in outs:
            self.wire.put(out)

    def take(self, until: int = LONG) -> list[tuple[float, Any]]:
        """What arrived: how long after AT in seconds, and the frame."""
        return [((d.due - AT) / SECOND, read(d.frame)) for d in self.wire.take(Micros(until))]

    def prices(self, until: int = LONG) -> list[tuple[float, Symbol, float]]:
        return [
            (at, f["symbol"], f["data"]["ltp"])
            for at, f in self.take(until)
            if f.get("type") == "market_data"
        ]


def read(frame: bytes) -> Any:
    return json.loads(frame)


def price(after_s: float, ltp: int = 15_000, symbol: Symbol = CALL, **changes: Any) -> PriceOut:
    at = Micros(AT + round(after_s * SECOND))
    return a_price(at=at, ltt=at, ltp=Paise(ltp), symbol=symbol, **changes)


def fill(after_s: float, symbol: Symbol = CALL) -> OrderOut:
    order = an_order(symbol=symbol)
    at = Micros(AT + round(after_s * SECOND))
    return OrderOut(at=at, change=Change.FILL, order=order, price=order.price)


def ticks(verb: str, settings: Any = None, **when: Any) -> Any:
    return a_fault(MARKET, verb, settings, when=when)


def test_honest_wire_delivers_everything_when_it_was_made() -> None:
    client = Client()
    client.put(price(0), price(0.5, 15_005, PUT))
    assert client.prices() == [(0, CALL, 150.0), (0.5, PUT, 150.05)]
    assert client.exchange.faults_met == []


def test_nothing_arrives_that_was_not_asked_for() -> None:
    client = Client(ticks("delay"))
    client.put(price(0, symbol=Symbol("NIFTY24NOV2627000CE")))
    assert client.prices() == []


def test_silence_drops_prices_and_order_updates_of_its_window() -> None:
    client = Client(a_fault(CONN, "silent", when={"between": ["10:00:01", "10:00:02"]}))
    client.put(price(0), fill(0), price(1), fill(1), price(2), fill(2))
    assert [at for at, _ in client.take()] == [0, 0, 2, 2]


def test_mute_symbol_is_the_only_one() -> None:
    client = Client(ticks("symbol_mute", {"symbols": [CALL]}, between=["10:00", "10:00:05"]))
    client.put(price(0), price(1, symbol=PUT), price(5))
    assert client.prices() == [(1, PUT, 150.0), (5, CALL, 150.0)]
    assert client.exchange.faults_met == [("f", "symbol_mute", "ws:market_data:1")]


def test_mute_symbol_may_need_a_new_subscription() -> None:
    fault = ticks("symbol_mute", {"symbols": [CALL], "until_subscribed": True}, at="10:00")
    client = Client(fault)
    client.put(price(0), price(60))
    client.subscribe(AT + 61 * SECOND, CALL)
    client.put(price(62))
    assert [at for at, *_ in client.prices()] == [62]


def test_connection_that_came_later_is_not_hit_by_an_instant() -> None:
    client = Client(ticks("symbol_mute", {"symbols": [CALL]}, at="09:59:58"))
    client.put(price(0))
    assert len(client.prices()) == 1


def modes(client: Client) -> list[tuple[float, str, int, bool]]:
    prices = [(at, f) for at, f in client.take() if f["type"] == "market_data"]
    return [(at, f["symbol"], f["mode"], "volume" in f["data"]) for at, f in prices]


def test_degraded_symbol_sends_ltp_frames_until_it_is_subscribed_anew() -> None:
    client = Client(ticks("wrong_mode", {"symbols": [CALL]}, between=["10:00:01", "10:00:02"]))
    client.put(price(0), price(1), price(1.5, symbol=PUT), price(30))
    client.subscribe(AT + 31 * SECOND, CALL)
    client.put(price(32))
    assert modes(client) == [
        (0, CALL, 2, True), (1, CALL, 1, False), (1.5, PUT, 2, True), (30, CALL, 1, False),
        (32, CALL, 2, True),
    ]  # fmt: skip


def test_subscription_made_in_the_window_is_not_degraded() -> None:
    client = Client(ticks("wrong_mode", None, between=["10:00:01", "10:30"]))
    client.subscribe(AT + 2 * SECOND, CALL)
    client.put(price(3))
    assert modes(client) == [(3, CALL, 2, True)]


def test_without_times_the_first_subscription_is_degraded() -> None:
    client = Client(ticks("wrong_mode", {"symbols": ["subscribed:1"]}))
    client.put(price(0), price(1, symbol=PUT))
    client.subscribe(AT + 2 * SECOND, CALL)
    client.put(price(3))
    assert [mode for _, _, mode, _ in modes(client)] == [1, 2, 2]


def test_order_degrades_its_own_symbol_and_a_second_one_another() -> None:
    client = Client(ticks("wrong_mode", {"symbols": ["traded"]}, after="fill"))
    client.put(price(0), fill(1, PUT), fill(2, CALL))
    client.put(price(4), price(4, symbol=PUT))
    told = [(symbol, mode) for _, symbol, mode, _ in modes(client)]
    assert told == [(CALL, 2), (CALL, 1), (PUT, 1)]


def test_acknowledged_subscription_stays_empty_until_it_is_made_again() -> None:
    window = {"between": ["09:59:59", "10:00:02"]}
    client = Client(a_fault(CONN, "subscribe_ok_no_data", {"symbols": [CALL]}, when=window))
    client.put(price(0), price(1, symbol=PUT), price(60))
    client.subscribe(AT + 61 * SECOND, CALL)
    client.put(price(62))
    assert client.prices() == [(1, PUT, 150.0), (62, CALL, 150.0)]
    assert client.exchange.faults_met == [("f", "subscribe_ok_no_data", "ws:conn:1")]


def volumes(client: Client) -> list[int]:
    return [f["data"]["volume"] for _, f in client.take()]


def test_volume_starts_at_0_again_from_the_instant_on() -> None:
    client = Client(ticks("volume_reset", None, between=["10:00:01", "10:00:10"]))
    base = client.exchange.quote(AT, CALL).volume
    told = [(0.0, base), (1.0, base), (2.0, base + 65), (9.9, base + 650), (10.0, base + 715)]
    client.put(*(price(after, volume=Units(volume)) for after, volume in told))
    assert volumes(client) == [base, 0, 65, 650, base + 715]


def test_burst_holds_everything_back_and_keeps_its_stamps() -> None:
    client = Client(a_fault(CONN, "burst", {"hold_s": 10.6}, when={"after": "fill"}))
    client.put(price(0), fill(1), price(1.5), price(11.5), price(11.7))
    early = client.take(AT + 11 * SECOND)
    assert [at for at, _ in early] == [0]
    late = client.take()
    assert [at for at, _ in late] == [11.6, 11.6, 11.6, 11.7]
    stamps = [f["data"]["timestamp"] - AT // 1000 for _, f in late if f["type"] == "market_data"]
    assert stamps == [1500, 11_500, 11_700]


def test_burst_of_prices_lets_order_updates_pass() -> None:
    client = Client(ticks("burst", {"hold_s": 5}, at="10:00"))
    client.put(price(0), fill(1))
    assert [(at, f["type"]) for at, f in client.take()] == [(1, "order_update"), (5, "market_data")]


def test_every_burst_is_written_down() -> None:
    client = Client(a_fault(CONN, "burst", {"hold_s": 2}, when={"after": "fill"}))
    client.put(fill(1), price(1.5), price(1.6), fill(10), price(11))
    assert client.exchange.faults_met == [("f", "burst", "ws:conn:1")] * 2


def test_delayed_ticks_keep_their_order() -> None:
    client = Client(ticks("delay", {"seconds": 2}, between=["10:00", "10:00:01"]))
    client.put(price(0), price(0.5, 15_005), price(1, 15_010), price(3, 15_015))
    assert client.prices() == [
        (2, CALL, 150.0), (2.5, CALL, 150.05), (2.5, CALL, 150.1), (3, CALL, 150.15),
    ]  # fmt: skip


def test_drawn_delays_are_capped() -> None:
    client = Client(ticks("delay", {"lognormal_s": [4, 3], "cap_s": 6}))
    client.put(*(price(100 * n) for n in range(50)))
    delays = [at - 100 * n for n, (at, *_) in enumerate(client.prices())]
    assert max(delays) == 6
    assert 0 < min(delays) < 1


def test_garbage_stands_in_front_of_the_tick_and_loses_nothing() -> None:
    client = Client(ticks("garbage", None, probability=0.5))
    client.put(*(price(n) for n in range(200)))
    frames = [delivery.frame for delivery in client.wire.take(LONG)]
    good = [frame for frame in frames if is_price(frame)]
    assert len(good) == 200
    assert 60 < len(frames) - len(good) < 140


def is_price(frame: bytes) -> bool:
    try:
        body = json.loads(frame)
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and isinstance(body.get("data"), dict) and "ltt" in body["data"]


def test_garbage_instead_of_ticks_loses_them() -> None:
    client = Client(ticks("garbage", {"instead": True, "kind": "shape"}))
    client.put(price(0))
    (delivery,) = client.wire.take(LONG)
    assert not is_price(delivery.frame)


@pytest.mark.parametrize("kind", ["bytes", "text", "shape"])
def test_each_kind_of_garbage_is_unreadable_in_its_own_way(kind: str) -> None:
    client = Client(ticks("garbage", {"instead": True, "kind": kind}))
    client.put(*(price(n) for n in range(60)))
    readable = [is_json(delivery.frame) for delivery in client.wire.take(LONG)]
    assert set(readable) == {kind == "shape"}


def is_json(frame: bytes) -> bool:
    try:
        json.loads(frame)
    except (ValueError, RecursionError):
        return False
    return True


def test_oversized_frame_says_the_same_in_more_than_a_mebibyte() -> None:
    client = Client(ticks("oversize"))
    client.put(price(0))
    large, small = (delivery.frame for delivery in client.wire.take(LONG))
    assert len(large) == (1 << 20) + 1024
    padded = json.loads(large)
    assert padded.pop("padding")
    assert padded == json.loads(small)


def test_source_chooses_which_stream_is_spoiled() -> None:
    fault = ticks("symbol_mute", {"symbols": [CALL]}, source=["backup"])
    primary, backup = Client(fault), Client(fault, number=2, source="backup")
    for client in (primary, backup):
        client.put(price(0))
    assert (len(primary.prices()), len(backup.prices())) == (1, 0)


TAPES = st.lists(st.tuples(st.integers(0, 240_000), st.sampled_from([CALL, PUT])), max_size=60)


def played(client: Client, tape: list[tuple[int, Symbol]], step_ms: int) -> list[tuple[Any, ...]]:
    """Everything that arrives of a tape taken in steps, with the instants of arrival."""
    outs = [
        price(ms / 1000, 15_000 + 5 * n, symbol, volume=Units(2_300_000 + n))
        for n, (ms, symbol) in enumerate(sorted(tape))
    ]
    got: list[tuple[Any, ...]] = []
    for begin in range(0, 600_000, step_ms):
        until = Micros(AT + (begin + step_ms) * 1000)
        now = [out for out in outs if out.at <= until]
        outs = outs[len(now) :]
        client.put(*now)
        got += [(d.due, d.frame) for d in client.wire.take(until)]
    return got


def frames_of(got: list[tuple[Any, ...]]) -> Counter[bytes]:
    return Counter(frame for _, frame in got)


STORM = (
    a_fault(MARKET, "out_of_order", {"within_s": 3, "across_minutes": True}, id="a"),
    a_fault(MARKET, "duplicate_ticks", {"after_s": 1.5}, id="b", when={"probability": 0.3}),
    a_fault(MARKET, "garbage", None, id="c", when={"probability": 0.2}),
    a_fault(MARKET, "delay", {"lognormal_s": [1, 0.9]}, id="d", when={"probability": 0.5}),
    a_fault(CONN, "burst", {"hold_s": 10.6}, id="e", when={"at": "10:01"}),
    a_fault(
        MARKET, "symbol_mute", {"symbols": [PUT]}, id="g", when={"between": ["10:02", "10:03"]}
    ),
)


@given(tape=TAPES)
def test_shuffled_ticks_are_the_same_ticks(tape: list[tuple[int, Symbol]]) -> None:
    within = {"within_s": 3, "across_minutes": True}
    shuffled = played(Client(ticks("out_of_order", within)), tape, 500)
    assert frames_of(shuffled) == frames_of(played(Client(), tape, 500))
    assert all(0 <= due - made(frame) <= 3 * SECOND for due, frame in shuffled)


@given(tape=TAPES)
def test_shuffled_ticks_stay_in_their_minute_unless_asked(tape: list[tuple[int, Symbol]]) -> None:
    for due, frame in played(Client(ticks("out_of_order", {"within_s": 30})), tape, 500):
        assert due // MINUTE == made(frame) // MINUTE


def made(frame: bytes) -> int:
    return int(json.loads(frame)["data"]["timestamp"]) * 1000


def test_shuffling_does_shuffle_and_crosses_minutes_when_asked() -> None:
    tape = [(59_000 + 20 * n, CALL) for n in range(50)]
    kept = played(Client(ticks("out_of_order", {"within_s": 3})), tape, 500)
    stamps = [made(frame) for _, frame in kept]
    assert stamps != sorted(stamps)
    within = {"within_s": 3, "across_minutes": True}
    crossed = played(Client(ticks("out_of_order", within)), tape, 500)
    assert any(due // MINUTE > made(frame) // MINUTE for due, frame in crossed)


@given(tape=TAPES, copies=st.integers(1, 3), after_s=st.sampled_from([0, 0.5, 30]))
def test_duplicates_are_copies_and_nothing_else(
    tape: list[tuple[int, Symbol]], copies: int, after_s: float
) -> None:
    fault = ticks("duplicate_ticks", {"copies": copies, "after_s": after_s})
    honest = frames_of(played(Client(), tape, 500))
    doubled = frames_of(played(Client(fault), tape, 500))
    assert doubled == Counter({frame: n * (1 + copies) for frame, n in honest.items()})


@pytest.mark.slow
@at_most(80)
@given(tape=TAPES, step_ms=st.sampled_from([5, 300, 60_000]))
def test_day_is_the_same_in_steps_of_any_size(tape: list[tuple[int, Symbol]], step_ms: int) -> None:
    assert sorted(played(Client(*STORM), tape, step_ms)) == sorted(
        played(Client(*STORM), tape, 500)
    )


@given(tape=TAPES)
def test_one_more_fault_shifts_no_draw_of_another(tape: list[tuple[int, Symbol]]) -> None:
    fault = a_fault(MARKET, "duplicate_ticks", None, id="b", when={"probability": 0.3})
    other = a_fault(MARKET, "garbage", None, id="c", when={"probability": 0.2})
    alone = [frame for _, frame in played(Client(fault), tape, 500)]
    beside = [frame for _, frame in played(Client(other, fault), tape, 500) if is_price(frame)]
    assert beside == alone


def test_sides_of_a_connection_draw_apart() -> None:
    fault = a_fault(MARKET, "garbage", {"instead": True}, when={"probability": 0.5})
    tape = [(100 * n, CALL) for n in range(200)]
    primary, backup = (played(Client(fault, number=n), tape, 500) for n in (1, 2))
    lost = [[is_price(frame) for _, frame in got] for got in (primary, backup)]
    assert lost[0] != lost[1]
