"""One stream: what it must prove, what is asked for again, and what is told to a human."""

from itertools import pairwise

import pytest
from msgspec.structs import replace

from domain.calls import StreamState
from domain.feed import Feed
from domain.feed_effects import Connect, Missed, Resubscribe, Say, Subscribe
from domain.market import Source, Tick
from domain.signs import Sign
from domain.units import SECOND, Micros, Symbol
from tests.domain.feeding import INDEX, Stage, a_feed, change, choose, epoch_of
from tests.domain.tape import CALL, NIFTY, a_chain, a_tick, an_index_tick, at
from tests.domain.wares import a_quote

PRIMARY, BACKUP, REST = Source
PUT = Symbol("NIFTY24NOV2626000PE")
FAR = Symbol("NIFTY24NOV2626100CE")
KEY_PAGE = (
    "FEED_AUTH: the server of the WebSocket does not take the API key; compare it with the one"
    " OpenAlgo shows, it is tried again each 60 s"
)
OPTIONS = [contract.symbol for contract in a_chain().contracts]


class Options(Stage):
    """A stage whose options tick every second, as `ticking` and `bare` say."""

    def __init__(self, feed: Feed, began: str) -> None:
        super().__init__(feed, began)
        self.ticking = set(OPTIONS)
        self.bare: set[Symbol] = set()
        self.hear(choose(feed, began))

    def play(self, until: str) -> "Options":
        while self.now < at(until):
            if self.is_up and self.ticks(self.now):
                epoch = epoch_of(self.feed)
                volume = (self.now - at("09:00")) // SECOND
                ticks = [
                    a_tick(self.now, 1, None if s in self.bare else volume, symbol=s, epoch=epoch)
                    for s in sorted(self.ticking)
                ]
                self.hear(self.feed.arrived(ticks))
            super().play_one()
        return self

    @property
    def again(self) -> list[tuple[Symbol, ...]]:
        """Who was subscribed again, each time."""
        return [tuple(s for s, _ in effect.pairs) for effect in self.said(Resubscribe)]

    def story(self, *words: str) -> list[str]:
        return [say.text for say in self.said(Say) if say.text.startswith(words)]

    def alerts(self) -> list[str]:
        return [say.text for say in self.said(Say) if say.alert]


def backup_tick(stage: Stage, wall: str) -> Tick:
    epoch = epoch_of(stage.feed, BACKUP)
    return a_tick(wall, 1, None, symbol=NIFTY, exchange=INDEX[1], source=BACKUP, epoch=epoch)


def playing() -> Options:
    return Options(a_feed("09:59", fresh_near_s=30), "09:59").play("10:00")


def test_healthy_stream_is_left_alone() -> None:
    stage = playing().play("10:20")
    assert stage.again == []
    assert stage.story("Subscribing", "WebSocket:", "Repaired") == []


@pytest.mark.incident("INC-05")
def test_symbol_downgraded_to_ltp_is_noticed_and_repaired() -> None:
    stage = playing()
    stage.bare = {CALL}
    stage.play("10:00:10")
    assert stage.again == [(CALL,)]
    assert stage.times(Resubscribe)[0] <= at("10:00:02")
    stage.bare = set()
    stage.play("10:02")
    assert stage.again == [(CALL,)]
    assert stage.story("Subscribing", "Repaired") == [
        f"Subscribing again: {CALL} (no volume)",
        f"Repaired: {CALL} delivers again",
    ]


def test_degraded_symbol_is_asked_for_once_a_minute_at_most() -> None:
    stage = playing()
    stage.bare = {CALL}
    stage.play("10:02")
    assert stage.again == [(CALL,)] * 2


def test_strike_near_the_money_that_stays_mute_is_subscribed_again() -> None:
    stage = playing()
    stage.ticking -= {PUT}
    stage.play("10:00:40")
    assert stage.again == [(PUT,)]
    assert stage.times(Resubscribe) == [at("10:00:30")]
    stage.play("10:20")
    assert len(stage.again) <= 5


def test_what_a_mute_strike_traded_meanwhile_is_told_to_its_bars() -> None:
    stage = playing()
    stage.ticking -= {PUT}
    stage.play("10:00:40")
    stage.ticking |= {PUT}
    stage.play("10:00:45")
    (missed,) = stage.said(Missed)
    assert missed.symbol == PUT
    assert missed.since <= at("10:00") < at("10:00:40") <= missed.until <= at("10:00:45")


def test_far_strike_that_is_quiet_is_left_alone_and_one_never_seen_is_not() -> None:
    stage = playing()
    stage.ticking -= {FAR}
    stage.play("10:30")
    assert stage.again == []
    never = Options(a_feed("09:59"), "09:59")
    never.ticking -= {FAR}
    never.play("10:30")
    assert set(never.again) == {(FAR,)}
    assert never.times(Resubscribe)[0] == at("10:04:01")


def test_our_own_strike_is_watched_as_if_it_were_near() -> None:
    stage = playing()
    stage.feed.own("leg 1", FAR, is_live=True)
    stage.ticking -= {FAR}
    stage.play("10:00:40")
    assert stage.again == [(FAR,)]


def test_silence_of_the_whole_stream_is_no_fault_of_its_symbols() -> None:
    stage = playing()
    stage.ticks = lambda now: not at("10:00") < now < at("10:02")
    stage.ticking = set()
    stage.play("10:02:20")
    assert stage.again == []
    stage.play("10:02:40")
    assert len(stage.again) == 1


@pytest.mark.incident("INC-14")
def test_symbols_that_stay_mute_after_a_connection_are_named_once() -> None:
    stage = Options(a_feed("09:59"), "09:59")
    stage.ticking -= {FAR, PUT}
    stage.play("10:10")
    assert stage.story("WebSocket:") == [
        f"WebSocket: 2 of 10 symbols stay mute: {PUT} {FAR}",
    ]


def test_long_lists_of_names_are_cut() -> None:
    stage = Options(a_feed("09:59"), "09:59")
    stage.ticking = set()
    stage.play("10:01")
    (named,) = stage.story("WebSocket:")
    assert named.endswith("and 2 more")


@pytest.mark.incident("INC-14")
def test_refused_symbols_are_tried_again_until_they_tick() -> None:
    stage = playing()
    stage.ticking -= {FAR}
    ready = change(StreamState.READY, "10:00", epoch_of(stage.feed), refused=(FAR, "UNHEARD"))
    stage.hear(stage.feed.moved(ready))
    stage.play("10:00:05")
    assert stage.again == [(FAR,)]
    stage.ticking |= {FAR}
    stage.play("10:02")
    assert stage.again == [(FAR,)]
    assert stage.story("Repaired") == [f"Repaired: {FAR} delivers again"]


def test_contracts_that_join_are_subscribed_alone_and_the_others_stay_what_they_are() -> None:
    stage = Stage(a_feed("09:59", (PRIMARY, BACKUP)), "09:59")
    choose(stage.feed, "09:59", a_chain(-50, 0, 50))
    stage.play("10:00")
    effects = choose(stage.feed, "10:00", a_chain(-50, 0, 50, 100))
    joined = ((Symbol("NIFTY24NOV2626100CE"), "NFO"), (Symbol("NIFTY24NOV2626100PE"), "NFO"))
    assert effects == (Subscribe(PRIMARY, joined), Subscribe(BACKUP, joined))
    assert choose(stage.feed, "10:00:01", a_chain(-50, 0, 50, 100)) == ()
    tick = a_tick("10:00:02", symbol=joined[0][0], epoch=epoch_of(stage.feed))
    assert len(stage.feed.arrived([tick])) == 1
    stage.close(StreamState.CLOSED)
    stage.play("10:00:10")
    assert len(stage.said(Connect)[-1].pairs) == 1 + 8


@pytest.mark.incident("INC-11")
def test_reconnects_without_ticks_end_in_a_login_page() -> None:
    stage = Stage(a_feed("09:59", relogin_after=6), "09:59")
    stage.ticks = lambda _: False
    stage.play("10:20")
    alerts = [say.text for say in stage.said(Say) if say.alert]
    assert alerts == [
        "Log in to OpenAlgo again: 6 connections of the WebSocket brought no tick",
        "WebSocket was reconnected 10 times in a row",
    ]
    assert len(stage.said(Connect)) > 10
    stage.ticks = lambda _: True
    stage.play("10:25")
    stage.log.clear()
    stage.ticks = lambda _: False
    stage.play("10:50")
    assert [say.text for say in stage.said(Say) if say.alert] == []
    stage.feed.reopen("no ticks for 60 s", at("10:50"))
    stage.play("11:20")
    assert len([say for say in stage.said(Say) if say.alert]) == 2


def test_attempts_before_the_open_are_not_held_against_the_login() -> None:
    stage = Stage(a_feed("09:00"), "09:00")
    for _ in range(8):
        stage.close(StreamState.CLOSED, 1006)
        stage.play(f"09:{stage_minute(stage) + 1:02}:30")
    assert stage.feed.upstreams[PRIMARY].connection.fruitless == 0


def stage_minute(stage: Stage) -> int:
    return (stage.now - at("09:00")) // (60 * SECOND)


def test_other_endings_in_between_do_not_add_up_to_a_refused_key() -> None:
    stage = Stage(a_feed("09:59"), "09:59")
    stage.greets = False
    for code in (4401, 4401, 1006, 4401, 4401):
        stage.play("10:00") if stage.is_up else None
        while not stage.is_up:
            stage.play_one()
        stage.is_up = False
        ended = change(StreamState.CLOSED, stage.now, epoch_of(stage.feed), code=code)
        stage.hear(stage.feed.moved(ended))
    assert [say for say in stage.said(Say) if say.alert] == []


def test_sign_of_a_stream_that_is_subscribed_and_ticks() -> None:
    stage = Stage(a_feed("09:59"), "09:59").play("10:00")
    expected = Sign(
        source=PRIMARY,
        canary_at=at("09:59:59"),
        since=at("09:59"),
        is_ready=True,
        agrees=True,
        is_connected=True,
    )
    primary = stage.feed.upstreams[PRIMARY]
    assert primary.sign(at("10:00")) == expected
    assert not primary.sign(at("10:00:05")).is_ready
    stage.close(StreamState.CLOSED)
    assert primary.sign(at("10:00")) == replace(expected, is_ready=False, is_connected=False)


@pytest.mark.incident("INC-07")
def test_connection_is_not_ready_before_its_canaries_tick() -> None:
    stage = Stage(a_feed("09:59", (PRIMARY, BACKUP)), "09:59")
    backup = stage.feed.upstreams[BACKUP]
    assert (backup.sign(at("09:59")).is_connected, backup.sign(at("09:59")).is_ready) == (
        True,
        False,
    )
    tick = backup_tick(stage, "09:59:01")
    stage.feed.arrived([tick])
    assert backup.sign(at("09:59:01")).is_ready


@pytest.mark.parametrize(
    ("ours", "age_s", "agrees"),
    [(2_600_000, 0, True), (2_602_600, 0, True), (2_602_601, 0, False), (2_700_000, 6, True)],
)
def test_stream_agrees_if_its_index_is_near_the_polled_one(
    ours: int, age_s: int, *, agrees: bool
) -> None:
    feed = a_feed("09:59")
    feed.begin(at("09:59"))
    polled = a_quote("10:00", symbol=NIFTY, exchange=INDEX[1], ltp=2_600_000)
    feed.intake.quoted([polled])
    feed.arrived([an_index_tick("10:00", ours)])
    now = Micros(at("10:00") + age_s * SECOND)
    assert feed.upstreams[PRIMARY].sign(now).agrees is agrees


def test_idle_stream_without_the_say_gets_a_new_socket() -> None:
    stage = Stage(a_feed("09:59", (PRIMARY, BACKUP), stale_warn_s=60), "09:59")
    stage.play("10:00")
    backup = stage.feed.upstreams[BACKUP]
    stage.feed.arrived([backup_tick(stage, "10:00")])
    epoch = backup.connection.epoch
    stage.play("10:00:59")
    assert backup.connection.epoch == epoch
    stage.play("10:01:10")
    assert backup.connection.epoch > epoch


def test_answers_to_an_older_connection_mean_nothing() -> None:
    stage = playing()
    late = change(StreamState.READY, "10:00", 0, refused=(CALL,))
    assert stage.feed.moved(late) == ()
    stage.play("10:00:05")
    assert stage.again == []


def test_endless_attempts_are_told_in_full_a_few_times_only() -> None:
    stage = Options(a_feed("09:59"), "09:59")
    stage.ticks = lambda _: False
    stage.play("10:20")
    said = [say for say in stage.said(Say) if say.text.startswith(("Connected", "No tick"))]
    assert len(said) > 10
    assert [say.again for say in said] == sorted(say.again for say in said)
    assert 2 < sum(not say.again for say in said) <= 9


def test_stream_that_ticks_but_never_answers_gets_a_new_socket_and_one_line() -> None:
    stage = Options(a_feed("09:59"), "09:59")
    stage.feed = a_feed("09:59")
    stage.log.clear()
    stage.greets = False
    stage.hear(stage.feed.begin(stage.now))
    stage.play("10:20")
    opens = [(b - a) // SECOND for a, b in pairwise(stage.times(Connect))]
    assert [span // 60 for span in opens] == [1, 2, 4, 8]
    text = "WebSocket: prices come, answers to subscriptions do not, reconnecting"
    assert [say for say in stage.said(Say) if say.text == text and not say.again] == [
        Say(text, warn=True)
    ]
    stage.greets = True
    stage.play("10:45")
    assert stage.feed.upstreams[PRIMARY].sign(stage.now).is_ready


def test_refused_index_that_ticks_is_left_alone() -> None:
    stage = playing()
    ready = change(StreamState.READY, "10:00", epoch_of(stage.feed), refused=(NIFTY,))
    stage.hear(stage.feed.moved(ready))
    stage.play("10:05")
    assert stage.again == []


def test_refused_index_is_asked_for_again_until_it_ticks() -> None:
    stage = playing()
    ready = change(StreamState.READY, "10:00", epoch_of(stage.feed), refused=(NIFTY,))
    stage.hear(stage.feed.moved(ready))
    stage.hear(stage.feed.pulse(stage.now, stage.now))
    stage.play("10:05")
    assert stage.again == [(NIFTY,)]
    assert stage.story("Repaired") == ["Repaired: NIFTY delivers again"]
