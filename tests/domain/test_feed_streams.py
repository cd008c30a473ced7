"""The feed with a backup, after a jump of the clock, and with doubts about what is polled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calls import Failed, History, Outcome, Quotes, StreamState
from domain.feed_effects import (
    AskHistory,
    Connect,
    Deliver,
    Lost,
    Poll,
    Regained,
    Say,
)
from domain.market import Source
from domain.session import show
from domain.signs import RestVerdict
from domain.units import SECOND, Micros, Symbol
from tests.domain.feeding import INDEX, Stage, a_feed, change, choose, epoch_of
from tests.domain.tape import CALL, NIFTY, OPEN, a_chain, a_row, a_tick, an_index_tick, at
from tests.domain.wares import a_quote

PRIMARY, BACKUP, REST = Source


def playing(**feed: int) -> Stage:
    """A feed that ticks, from 09:59 on."""
    return Stage(a_feed("09:59", (PRIMARY,), **feed), "09:59")


def texts(stage: Stage) -> list[str]:
    """The story without the spot line."""
    return [say.text for say in stage.said(Say) if not say.text.startswith("NIFTY:")]


def on_rest(**feed: int) -> Stage:
    """A feed that lost its stream at 10:00 and was sent to REST at 10:02."""
    stage = playing(**feed)
    stage.ticks = lambda now: now <= at("10:00")
    stage.play("10:02")
    stage.log.clear()
    stage.hear(stage.feed.select(REST, "no ticks for 120 s", at("10:02")))
    return stage


def jumping(wall: str, reason: str = "the clock jumped by 3600 s") -> Stage:
    """A feed that ticked until 10:00 and was then told of a jump to `wall`."""
    stage = playing().play("10:00")
    stage.log.clear()
    stage.now = at(wall)
    stage.hear(stage.feed.jumped(reason, stage.now, at("10:00")))
    return stage


@pytest.mark.parametrize("wall", ["11:00", "09:30"])
def test_jump_of_the_clock_is_a_gap_and_starts_the_silence_anew(wall: str) -> None:
    stage = jumping(wall)
    since = min(at("09:59:59"), at(wall))
    assert stage.said(Lost) == [Lost(PRIMARY, 1, since, "the clock jumped by 3600 s")]
    assert texts(stage) == ["The clock jumped by 3600 s"]
    assert stage.feed.jumped_at == at(wall)
    stage.play(show(Micros(at(wall) + 2 * SECOND)))
    assert stage.said(Regained) == [Regained(PRIMARY, 1, since, at(wall))]


@pytest.mark.parametrize("slept_since", ["10:00:02", "10:00:00"])
def test_sleep_is_a_gap_though_ticks_came_before_its_news(slept_since: str) -> None:
    stage = playing(gap_taint_s=60).play("10:00:01")
    stage.log.clear()
    stage.now = at("10:00:30")
    stage.hear(stage.feed.arrived([an_index_tick("10:00:30.2", epoch=1)]))
    stage.hear(stage.feed.jumped("the process slept", at("10:00:30.3"), at(slept_since)))
    stage.hear(stage.feed.arrived([an_index_tick("10:00:31", epoch=1, seq=1)]))
    assert stage.said(Lost) == [Lost(PRIMARY, 1, at(slept_since), "the process slept")]
    assert stage.said(Regained) == [Regained(PRIMARY, 1, at(slept_since), at("10:00:31"))]


def test_sleep_that_began_before_a_known_loss_is_told_with_its_end() -> None:
    stage = playing().play("10:00:01")
    stage.close(StreamState.CLOSED)
    stage.log.clear()
    stage.hear(stage.feed.jumped("the process slept", at("10:10"), at("09:59:30")))
    stage.hear(stage.feed.arrived([an_index_tick("10:10:01", epoch=1)]))
    assert stage.said(Lost) == []
    assert [gap.since for gap in stage.said(Regained)] == [at("09:59:30")]


def test_sleep_through_the_open_is_a_gap_of_the_session_only() -> None:
    stage = Stage(a_feed("09:05"), "09:05").play("09:10")
    stage.hear(stage.feed.jumped("the process slept", at("09:20"), at("09:10")))
    assert stage.said(Lost) == [Lost(PRIMARY, 1, OPEN, "the process slept")]


def test_silence_before_a_jump_does_not_hedge() -> None:
    stage = jumping("10:30")
    choose(stage.feed, "10:30", a_chain())
    far = Symbol("NIFTY24NOV2626100PE")
    stage.feed.own("leg 1", far, is_live=True)
    stage.ticks = lambda _: False
    stage.play("10:30:09")
    assert stage.said(Poll)
    assert not any(far in {symbol for symbol, _ in poll.pairs} for poll in stage.said(Poll))


def test_jump_outside_the_session_loses_nothing() -> None:
    stage = jumping("16:00")
    assert stage.said(Lost) == []


def test_waits_of_a_connection_do_not_outlast_a_clock_set_back() -> None:
    stage = playing().play("10:00")
    stage.close(StreamState.CLOSED)
    stage.now = at("09:30")
    stage.hear(stage.feed.jumped("the clock jumped by 1800 s", stage.now, stage.now))
    stage.play("09:31:10")
    assert [connect.epoch for connect in stage.said(Connect)] == [1, 2]


def test_dropped_ticks_are_a_gap_for_every_symbol() -> None:
    stage = playing().play("10:00")
    stage.log.clear()
    stage.hear(stage.feed.overflowed(20_001, at("10:00")))
    assert stage.said(Lost) == [Lost(PRIMARY, 1, at("09:59:59"), "the lane of prices was full")]
    assert texts(stage) == ["The lane of prices was full: 20001 ticks were dropped"]


def both() -> Stage:
    """Primary and backup, subscribed at 09:59; the backup ticks by `backup`."""
    return Stage(a_feed("09:59", (PRIMARY, BACKUP)), "09:59")


def test_streams_have_epochs_and_subscriptions_of_their_own() -> None:
    stage = both()
    assert stage.said(Connect) == [Connect(PRIMARY, 1, (INDEX,)), Connect(BACKUP, 2, (INDEX,))]
    assert texts(stage) == [
        "Connected: WebSocket symbols=1 epoch=1",
        "Connected: backup WebSocket symbols=1 epoch=2",
    ]
    assert stage.feed.authority.epoch == 1


def test_end_of_a_stream_without_the_say_loses_nothing() -> None:
    stage = both().play("09:59:10")
    stage.log.clear()
    ended = change(StreamState.CLOSED, "09:59:10", 2, code=1006, source=BACKUP)
    stage.hear(stage.feed.moved(ended))
    assert stage.said(Lost) == []
    assert texts(stage) == ["backup WebSocket closed code=1006"]
    stage.play("09:59:14")
    assert [(c.source, c.epoch) for c in stage.said(Connect)] == [(BACKUP, 3)]
    assert stage.feed.authority.epoch == 1


def test_mute_backup_is_given_up_by_itself() -> None:
    stage = both().play("10:00")
    assert "backup WebSocket: no tick within 15 s of connecting" in texts(stage)
    assert {connect.source for connect in stage.said(Connect)[2:]} == {BACKUP}


def test_backup_takes_over_and_hands_back() -> None:
    stage = both().play("10:00")
    stage.ticks = lambda _: False
    stage.play("10:00:15")
    epoch = epoch_of(stage.feed, BACKUP)
    stage.hear(stage.feed.select(BACKUP, "no ticks for 15 s", at("10:00:15")))
    assert texts(stage)[-1] == "Going over to the backup WebSocket: no ticks for 15 s"
    tick = a_tick("10:00:16", 1, None, symbol=NIFTY, exchange=INDEX[1], source=BACKUP, epoch=epoch)
    stage.log.clear()
    stage.hear(stage.feed.arrived([tick]))
    (regained,) = stage.said(Regained)
    assert (regained.source, regained.since) == (BACKUP, at("09:59:59"))
    (delivered,) = stage.said(Deliver)
    assert delivered.ticks == (tick,)
    late = an_index_tick("10:00:17", epoch=epoch_of(stage.feed))
    assert stage.feed.arrived([late]) == ()
    stage.hear(stage.feed.select(PRIMARY, "its own ticks for 30 s", at("10:00:50")))
    assert texts(stage)[-1] == "Back to WEBSOCKET: its own ticks for 30 s"


def test_source_that_does_not_exist_can_neither_be_chosen_nor_reopened() -> None:
    stage = playing().play("10:00")
    assert stage.feed.select(BACKUP, "why not", at("10:00")) == ()
    assert stage.feed.reopen("why not", at("10:00"), BACKUP) == ()
    assert stage.feed.authority.source is PRIMARY


def test_own_symbols_are_polled_as_a_hedge_after_ten_seconds_of_silence() -> None:
    stage = playing(hedge_s=10)
    choose(stage.feed, "09:59", a_chain())
    far = Symbol("NIFTY24NOV2626100PE")
    stage.feed.own("leg 1", far, is_live=True)
    stage.ticks = lambda now: now <= at("10:00")
    stage.play("10:00:14")
    asked = [
        (now, far in {symbol for symbol, _ in effect.pairs})
        for now, effect in stage.log
        if isinstance(effect, Poll)
    ]
    assert {is_asked for now, is_asked in asked if now < at("10:00:10")} == {False}
    assert {is_asked for now, is_asked in asked if now >= at("10:00:10")} == {True}
    assert stage.said(Deliver)[-1].ticks[0].source is PRIMARY


def test_hedge_shows_whether_the_quotes_of_own_symbols_go_back_in_their_day() -> None:
    stage = playing(hedge_s=10)
    choose(stage.feed, "09:59", a_chain())
    far = Symbol("NIFTY24NOV2626100PE")
    stage.feed.own("leg 1", far, is_live=True)
    stage.ticks = lambda now: now <= at("10:00")
    stage.play("10:00:10")
    verdicts: list[RestVerdict] = []
    for second in range(10, 15):
        now = at(f"10:00:{second}")
        for poll in [e for e in stage.feed.pulse(now, now) if isinstance(e, Poll)]:
            quotes = (
                a_quote(now, symbol=NIFTY, ltp=9_000 + second, volume=0, high=10**12),
                a_quote(now, symbol=far, volume=1000 - len(verdicts)),
            )
            reply = Quotes(quotes=quotes, missing=())
            assert stage.feed.polled(reply, poll.epoch, poll.asked_at) == ()
            verdicts.append(stage.feed.polling.verdict(now))
    assert verdicts == [RestVerdict.LIVE, RestVerdict.LIVE, RestVerdict.STALE]


def test_strikes_polled_on_rest_follow_the_index() -> None:
    stage = on_rest(rest_strikes=1)
    choose(stage.feed, "10:02", a_chain(*range(-1000, 1001, 50)))
    spots = [2_600_000]
    stage.rest = lambda now: spots[-1] + now // SECOND % 2
    polled: list[set[int]] = []
    for wall in ("10:02:05", "10:02:10"):
        stage.play(wall)
        polled.append({int(symbol[12:17]) for symbol, _ in stage.said(Poll)[-1].pairs[1:]})
        spots.append(2_690_000)
    assert polled == [{25950, 26000, 26050}, {26000, 26850, 26900, 26950}]


def test_brokers_bars_of_the_index_are_nothing_once_the_call_at_the_money_was_read() -> None:
    stage = Stage(a_feed("15:10"), "15:10")
    choose(stage.feed, "15:10", a_chain())
    stage.ticks = lambda _: False
    stage.hear(stage.feed.select(REST, "no ticks for 120 s", at("15:10")))
    stage.play("15:15:30")
    stage.feed.read_rows(History(symbol=NIFTY, bars=(a_row("15:13"),), asked_at=at("15:14:30")))
    assert stage.feed.polling.is_moving(at("15:15:30"))
    stage.feed.read_rows(History(symbol=CALL, bars=(a_row("15:00"),), asked_at=at("15:15:30")))
    assert stage.feed.polling.verdict(at("15:15:30")) is RestVerdict.STALE


def test_brokers_bars_are_read_on_rest_and_decide() -> None:
    stage = on_rest()
    stage.play("10:03:30")
    assert [ask.pair for ask in stage.said(AskHistory)] == [INDEX, INDEX]
    assert stage.times(AskHistory) == [at("10:02"), at("10:03")]
    assert stage.feed.polling.is_moving(at("10:03:30"))
    stage.feed.read_rows(Failed(call="history", outcome=Outcome.UNKNOWN, at=at("10:03:30")))
    assert stage.feed.polling.is_moving(at("10:03:30"))
    old = History(symbol=NIFTY, bars=(a_row("09:45"),), asked_at=at("10:03:30"))
    stage.feed.read_rows(old)
    assert not stage.feed.polling.is_moving(at("10:03:30"))


@pytest.mark.parametrize(
    ("spot", "is_near"),
    [
        (2_600_000, False),
        (2_846_999, False),
        (2_847_000, True),
        (2_873_000, True),
        (2_873_261, False),
        (2_340_000, True),
        (2_990_000, True),
        (2_080_000, True),
    ],
)
def test_index_near_a_limit_of_the_market_is_told(spot: int, *, is_near: bool) -> None:
    feed = a_feed("09:59")
    feed.begin(at("09:59"))
    assert not feed.is_near_circuit()
    feed.arrived([an_index_tick("10:00", spot)])
    assert not feed.is_near_circuit()
    quote = a_quote("09:59", symbol=NIFTY, exchange=INDEX[1], ltp=1, prev_close=2_600_000)
    feed.intake.quoted([quote])
    assert feed.is_near_circuit() is is_near


@given(
    st.lists(st.sampled_from(["second", "tick", "close", "refuse", "reopen", "gap"]), max_size=80)
)
def test_one_attempt_at_a_time_and_exactly_what_was_subscribed(events: list[str]) -> None:
    """Whatever happens, a stream is opened again only after it ended, with all of its symbols."""
    stage = Stage(a_feed("09:59"), "09:59")
    stage.greets = False
    choose(stage.feed, "09:59", a_chain())
    wanted = {NIFTY, *(contract.symbol for contract in a_chain().contracts)}
    for event in events:
        before = len(stage.said(Connect))
        connection = stage.feed.upstreams[PRIMARY].connection
        may_open = connection.is_due(stage.now)
        if event == "tick":
            stage.hear(stage.feed.arrived([an_index_tick(stage.now, epoch=connection.epoch)]))
        elif event in {"close", "refuse"}:
            state = StreamState.CLOSED if event == "close" else StreamState.REFUSED
            stage.close(state)
        elif event == "reopen":
            stage.hear(stage.feed.reopen("no ticks", stage.now))
        else:
            stage.hear(stage.feed.pulse(stage.now, stage.now))
            stage.now = Micros(stage.now + (90 if event == "gap" else 1) * SECOND)
        opened = stage.said(Connect)[before:]
        assert len(opened) <= (1 if may_open else 0)
    epochs = [connect.epoch for connect in stage.said(Connect)]
    assert epochs == list(range(1, len(epochs) + 1))
    assert all({s for s, _ in c.pairs} == wanted for c in stage.said(Connect)[1:])


def test_polled_price_that_did_not_change_is_delivered_while_rest_is_live() -> None:
    stage = on_rest()
    stage.rest = lambda now: min(now, at("10:02:10")) // SECOND % 9_999 + 1
    stage.play("10:02:25")
    delivered = [tick.recv_at for effect in stage.said(Deliver) for tick in effect.ticks]
    assert max(delivered) > at("10:02:20")
    assert stage.feed.intake.beats[REST].newest == at("10:02:11")
