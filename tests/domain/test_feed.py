"""The feed of a day: who has the say, what reaches the bars, and the story told of it."""

import pytest

from domain.calls import Failed, Outcome, Quotes, StreamState
from domain.feed_effects import (
    Connect,
    Deliver,
    Lost,
    Poll,
    Regained,
    Say,
    Subscribe,
)
from domain.market import Source
from domain.units import SECOND, Micros, Symbol
from tests.domain.feeding import INDEX, Stage, a_feed, change, choose
from tests.domain.tape import CALL, NIFTY, OPEN, a_chain, a_tick, an_index_tick, at
from tests.domain.wares import a_quote

PRIMARY, BACKUP, REST = Source


def playing(**feed: int) -> Stage:
    """A feed that ticks, from 09:59 on."""
    return Stage(a_feed("09:59", (PRIMARY,), **feed), "09:59")


def texts(stage: Stage) -> list[str]:
    """The story without the spot line."""
    return [say.text for say in stage.said(Say) if not say.text.startswith("NIFTY:")]


def test_it_connects_from_nine_with_the_index() -> None:
    stage = Stage(a_feed("08:55"), "08:55").play("09:00:05")
    assert stage.said(Connect) == [Connect(PRIMARY, 1, (INDEX,))]
    assert stage.times(Connect) == [at("09:00")]


def test_it_connects_at_once_if_it_is_later_and_not_after_the_close() -> None:
    assert a_feed("09:05").begin(at("09:05")) == (Connect(PRIMARY, 1, (INDEX,)),)
    assert a_feed("15:40").begin(at("15:40")) == ()
    assert a_feed("15:40").pulse(at("15:41"), at("15:41")) == ()


def test_options_are_subscribed_when_they_are_chosen_the_canaries_first() -> None:
    feed = a_feed("09:05")
    feed.begin(at("09:05"))
    (effect,) = choose(feed)
    assert isinstance(effect, Subscribe)
    assert [symbol[-7:] for symbol, _ in effect.pairs[:3]] == ["26000CE", "26000PE", "25900CE"]
    assert len(effect.pairs) == 10
    assert choose(feed) == ()


def test_chain_known_before_the_connection_is_subscribed_by_it() -> None:
    feed = a_feed("09:05")
    assert choose(feed) == ()
    (connect,) = feed.begin(at("09:05"))
    assert isinstance(connect, Connect)
    assert connect.pairs[0] == INDEX
    assert len(connect.pairs) == 11


def test_ticks_are_delivered_by_symbol() -> None:
    feed = a_feed("09:05")
    feed.begin(at("09:05"))
    choose(feed)
    effects = feed.arrived([an_index_tick(), a_tick(cum=65), an_index_tick("10:00:06", seq=1)])
    delivered = {e.symbol: [t.seq for t in e.ticks] for e in effects if isinstance(e, Deliver)}
    assert delivered == {NIFTY: [0, 1], CALL: [0]}


def test_healthy_day_tells_of_the_connection_and_the_spot() -> None:
    stage = playing().play("10:01:30")
    assert [say.text for say in stage.said(Say)] == [
        "Connected: WebSocket symbols=1 epoch=1",
        "NIFTY: 26000.00 [WEBSOCKET]",
        "NIFTY: 26000.00 [WEBSOCKET]",
        "NIFTY: 26000.00 [WEBSOCKET]",
    ]
    assert stage.said(Lost) == []
    assert stage.said(Poll) == []


def test_silence_is_lost_after_five_seconds_and_found_by_the_next_canary() -> None:
    stage = playing()
    stage.ticks = lambda now: not at("10:00:10") < now < at("10:00:20")
    stage.play("10:00:30")
    assert stage.said(Lost) == [Lost(PRIMARY, 1, at("10:00:10"), "no canary ticks for 5 s")]
    assert stage.times(Lost) == [at("10:00:16")]
    assert stage.said(Regained) == [Regained(PRIMARY, 1, at("10:00:10"), at("10:00:20"))]


def test_silence_nobody_looked_at_is_found_by_the_tick_that_ends_it() -> None:
    stage = playing().play("10:00")
    assert [type(e) for e in stage.feed.arrived([an_index_tick("10:00:04")])] == [Deliver]
    effects = stage.feed.arrived([an_index_tick("10:00:09.1")])
    assert effects[:2] == (
        Lost(PRIMARY, 1, at("10:00:04"), "no canary ticks for 5 s"),
        Regained(PRIMARY, 1, at("10:00:04"), at("10:00:09.1")),
    )
    assert stage.feed.arrived([an_index_tick("15:40", seq=1)])[0] == Deliver(
        NIFTY, (an_index_tick("15:40", seq=1),)
    )


def test_return_of_prices_is_told_before_the_ticks_that_prove_it() -> None:
    stage = playing()
    stage.ticks = lambda now: now <= at("10:00")
    stage.play("10:00:30")
    effects = stage.feed.arrived([an_index_tick("10:00:30")])
    assert [type(effect) for effect in effects] == [Regained, Deliver]


@pytest.mark.incident("INC-02")
def test_feed_that_never_ticked_is_lost_since_the_open() -> None:
    stage = Stage(a_feed("09:05"), "09:05")
    stage.ticks = lambda _: False
    stage.play("09:15:10")
    assert stage.said(Lost) == [Lost(PRIMARY, 1, OPEN, "no canary ticks for 5 s")]


def test_nothing_is_lost_or_polled_outside_the_session() -> None:
    stage = Stage(a_feed("09:05"), "09:05")
    stage.ticks = lambda _: False
    stage.play("09:15:05")
    stage.now = at("15:40")
    stage.play("15:50")
    assert stage.said(Lost) == []
    assert stage.said(Poll) == []


@pytest.mark.parametrize("state", [StreamState.CLOSED, StreamState.REFUSED])
def test_closed_connection_is_lost_at_once_and_tried_again(state: StreamState) -> None:
    stage = playing().play("10:00:10")
    stage.close(state, 1006, "reset")
    assert stage.said(Lost) == [
        Lost(PRIMARY, 1, at("10:00:09"), f"WebSocket {state} code=1006 reset")
    ]
    stage.play("10:00:20")
    assert [connect.epoch for connect in stage.said(Connect)] == [1, 2]
    assert stage.said(Regained) == [Regained(PRIMARY, 2, at("10:00:09"), at("10:00:12"))]


def test_end_of_a_superseded_connection_and_its_beginning_mean_nothing() -> None:
    feed = a_feed("09:05")
    feed.begin(at("09:05"))
    assert feed.moved(change(StreamState.CLOSED, "10:00", epoch=0)) == ()
    assert feed.moved(change(StreamState.CONNECTING, "10:00")) == ()
    assert len(feed.moved(change(StreamState.READY, "10:00"))) == 1
    assert feed.moved(change(StreamState.READY, "10:00")) == ()


def test_connection_that_closes_before_the_open_loses_nothing() -> None:
    stage = Stage(a_feed("09:05"), "09:05")
    stage.close(StreamState.CLOSED)
    assert stage.said(Lost) == []


def test_refused_symbols_are_named() -> None:
    feed = a_feed("09:05")
    feed.begin(at("09:05"))
    effects = feed.moved(change(StreamState.READY, "09:05:01", refused=("X", "Y")))
    assert effects[1] == Say("Not subscribed: X Y", warn=True)


def test_mute_connection_is_given_up_and_tried_again_for_ever() -> None:
    stage = playing()
    stage.ticks = lambda _: False
    stage.play("10:05")
    epochs = [connect.epoch for connect in stage.said(Connect)]
    assert epochs == list(range(1, len(epochs) + 1))
    gaps = [b - a for a, b in zip(stage.times(Connect), stage.times(Connect)[1:], strict=False)]
    assert min(gaps) >= 16 * SECOND
    assert max(gaps) <= (15 + 61) * SECOND
    assert len(epochs) >= 6
    assert stage.said(Lost) == [Lost(PRIMARY, 1, at("09:59"), "no canary ticks for 5 s")]


@pytest.mark.incident("INC-08")
def test_reconnect_under_way_is_no_failure() -> None:
    stage = playing().play("10:00")
    feed = stage.feed
    assert feed.reopen("no ticks for 60 s", at("10:00")) == (
        Say("No ticks for 60 s, reconnecting", warn=True),
    )
    assert feed.reopen("again", at("10:00")) == (Say("Again, reconnect is under way", warn=True),)
    stage.ticks = lambda now: now >= at("10:00:05")
    stage.play("10:00:10")
    assert [connect.epoch for connect in stage.said(Connect)] == [1, 2]


def test_rest_is_probed_while_the_stream_is_lost_so_that_it_can_be_proved() -> None:
    stage = playing()
    stage.ticks = lambda now: now <= at("10:00")
    stage.play("10:00:12")
    polls = stage.said(Poll)
    assert {poll.pairs for poll in polls} == {(INDEX,)}
    assert stage.times(Poll)[0] == at("10:00:06")
    assert stage.feed.polling.is_moving(at("10:00:11"))
    assert stage.said(Deliver)[-1].ticks[0].recv_at == at("10:00")


def on_rest(**feed: int) -> Stage:
    """A feed that lost its stream at 10:00 and was sent to REST at 10:02."""
    stage = playing(**feed)
    stage.ticks = lambda now: now <= at("10:00")
    stage.play("10:02")
    stage.log.clear()
    stage.hear(stage.feed.select(REST, "no ticks for 120 s", at("10:02")))
    return stage


def test_fallback_tells_its_story_in_order() -> None:
    stage = on_rest()
    stage.play("10:02:30")
    story = [text for text in texts(stage) if not text.startswith(("No tick within", "Connected"))]
    assert story == [
        "No ticks for 120 s",
        "WebSocket is not broadcasting, starting REST",
        "Broker verified via REST",
        "REST polling started every=1.5 s",
    ]
    spots = [say.text for say in stage.said(Say) if say.text.startswith("NIFTY:")]
    assert len(spots) == 3
    assert all(spot.endswith("[REST_POLLING]") for spot in spots)


def test_polled_prices_feed_bars_once_they_move() -> None:
    stage = on_rest()
    stage.play("10:02:10")
    (regained,) = stage.said(Regained)
    assert (regained.source, regained.since) == (REST, at("10:00"))
    ticks = [tick for effect in stage.said(Deliver) for tick in effect.ticks]
    assert {(tick.source, tick.epoch) for tick in ticks} == {(REST, regained.epoch)}
    assert len(ticks) >= 5


def test_stream_is_tried_again_on_rest_without_losing_anything() -> None:
    stage = on_rest()
    stage.play("10:02:10")
    stage.log.clear()
    stage.close(StreamState.CLOSED, 1011)
    stage.play("10:02:20")
    (connect,) = stage.said(Connect)
    assert connect.epoch > stage.feed.authority.epoch
    assert stage.said(Lost) == []
    assert stage.said(Say)[0] == Say("WebSocket closed code=1011", warn=True)


def test_frozen_rest_feeds_nothing() -> None:
    stage = playing()
    stage.rest = lambda _: 2_600_000
    stage.ticks = lambda now: now <= at("10:00")
    stage.play("10:02")
    stage.log.clear()
    stage.hear(stage.feed.select(REST, "no ticks for 120 s", at("10:02")))
    stage.play("10:03")
    assert stage.said(Deliver) == []
    assert stage.said(Regained) == []
    assert "Broker verified via REST" not in texts(stage)


def test_rest_that_stops_moving_is_lost_too() -> None:
    stage = on_rest()
    stage.rest = lambda now: now // SECOND if now < at("10:02:20") else None
    stage.play("10:03")
    (lost,) = stage.said(Lost)
    assert (lost.source, lost.reason) == (REST, "no canary ticks for 20 s")
    assert not stage.feed.polling.is_moving(at("10:03"))


def test_own_symbols_and_the_money_are_polled_on_rest() -> None:
    stage = on_rest(rest_strikes=0)
    choose(stage.feed, "10:02", a_chain())
    far, other = Symbol("NIFTY24NOV2626100PE"), Symbol("NIFTY24NOV2625900PE")
    stage.feed.own("leg 1", far, is_live=True)
    stage.feed.own("2", other, is_live=True)
    stage.feed.own("2", other, is_live=False)
    stage.play("10:02:03")
    symbols = [symbol for symbol, _ in stage.said(Poll)[-1].pairs]
    assert symbols == [NIFTY, far, CALL, "NIFTY24NOV2626000PE"]


def test_answer_of_the_probe_does_not_feed_bars_of_the_next_epoch() -> None:
    stage = playing()
    stage.ticks = lambda now: now <= at("10:00")
    stage.play("10:00:07")
    effects = stage.feed.pulse(at("10:00:08"), Micros(0))
    (poll,) = [effect for effect in effects if isinstance(effect, Poll)]
    stage.feed.select(REST, "no ticks for 20 s while exposed", at("10:00:08"))
    quote = a_quote("10:00:08", symbol=NIFTY, exchange="NSE_INDEX", ltp=1, high=10**12)
    reply = Quotes(quotes=(quote,), missing=())
    assert stage.feed.polled(reply, poll.epoch, poll.asked_at) == ()
    assert stage.feed.polling.is_moving(at("10:00:08"))
    assert stage.feed.polled(reply, poll.epoch, poll.asked_at) == ()


@pytest.mark.parametrize(
    "reply",
    [
        Failed(call="multiquotes", outcome=Outcome.UNKNOWN, at=at("10:00")),
        Quotes(quotes=(), missing=((NIFTY, "no data"),)),
    ],
)
def test_poll_that_brought_nothing_is_a_failure(reply: Failed | Quotes) -> None:
    stage = on_rest()
    stage.play("10:02:10")
    assert stage.feed.polling.is_moving(at("10:02:10"))
    polls = 0
    for second in range(10, 16):
        now = at(f"10:02:{second}")
        for poll in [e for e in stage.feed.pulse(now, now) if isinstance(e, Poll)]:
            polls += 1
            assert stage.feed.polled(reply, poll.epoch, poll.asked_at) == ()
        assert stage.feed.polling.is_moving(now) is (polls < 3)
    assert polls >= 3


def test_choosing_the_source_that_has_the_say_is_no_switch() -> None:
    stage = on_rest()
    assert stage.feed.select(REST, "it was chosen", at("10:02:01")) == ()
    assert stage.feed.authority.switches == 1


@pytest.mark.incident("INC-06")
def test_ticks_of_a_source_without_the_say_never_reach_bars() -> None:
    stage = on_rest()
    stage.play("10:02:20")
    stage.log.clear()
    stage.ticks = lambda _: True
    stage.rest = lambda _: None
    stage.play("10:02:25")
    assert stage.said(Deliver) == []
    assert stage.feed.intake.beats[PRIMARY].newest == at("10:02:24")


def test_way_back_is_told_to_the_bars_even_if_nothing_was_lost() -> None:
    stage = on_rest()
    stage.ticks = lambda now: now >= at("10:04")
    stage.play("10:04:40")
    stage.log.clear()
    stage.hear(stage.feed.select(PRIMARY, "its own ticks for 30 s", at("10:04:40")))
    epoch = stage.feed.authority.epoch
    assert stage.said(Regained) == [Regained(PRIMARY, epoch, at("10:04:40"), at("10:04:40"))]
    assert texts(stage) == ["Back to WEBSOCKET: its own ticks for 30 s"]
    stage.play("10:04:45")
    assert {t.source for e in stage.said(Deliver) for t in e.ticks} == {PRIMARY}
    assert stage.said(Poll) == []


def test_switch_while_nothing_is_lost_is_told_too() -> None:
    stage = playing().play("10:00")
    effects = stage.feed.select(REST, "a human said so", at("10:00"))
    assert effects[-1] == Regained(REST, 2, at("10:00"), at("10:00"))


def test_restarted_feed_tells_the_bars_what_was_missed() -> None:
    feed = a_feed("10:00")
    effects = feed.begin(at("10:00"), lost_since=at("09:59:50"))
    assert effects[0] == Lost(PRIMARY, 0, at("09:59:50"), "the feed was restarted")
    early = a_feed("09:10")
    assert early.begin(at("09:10"), lost_since=at("09:09")) == (Connect(PRIMARY, 1, (INDEX,)),)


def test_restarted_feed_takes_nothing_of_the_connection_of_its_predecessor() -> None:
    feed = a_feed("10:00")
    effects = feed.begin(at("10:00"), lost_since=at("09:59:50"), epoch=13)
    (connect,) = [effect for effect in effects if isinstance(effect, Connect)]
    assert (connect.epoch, feed.newest_epoch) == (14, 14)
    for epoch in range(1, 14):
        assert feed.arrived([a_tick(symbol=NIFTY, epoch=epoch)]) == ()
        assert feed.moved(change(StreamState.CLOSED, "10:00", epoch=epoch)) == ()
    assert feed.authority.is_lost


def test_refused_ticks_are_told_once_a_minute() -> None:
    stage = playing().play("10:00")
    stage.feed.arrived([a_tick(ltp=0, symbol=NIFTY), a_tick(symbol=Symbol("X"))])
    stage.play("10:05")
    assert [text for text in texts(stage) if "refused" in text] == [
        "Ticks were refused: price not positive=1 unknown symbol=1"
    ]


def test_spot_is_not_told_while_it_is_lost() -> None:
    stage = playing(spot_log_s=10)
    stage.ticks = lambda now: now <= at("10:00")
    stage.play("10:01")
    spots = [now for now, e in stage.log if isinstance(e, Say) and e.text.startswith("NIFTY:")]
    assert max(spots) <= at("10:00:05")
