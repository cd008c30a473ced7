"""Stories of disturbed mornings: the strategy ends up with the bars of the tape, or with none."""

from collections.abc import Iterator

import pytest

from domain import clock
from domain.clock import WallClock
from domain.market import Source
from domain.session import show
from domain.signs import RestVerdict
from domain.units import SECOND, Micros
from messages.market import FeedHealth
from messages.orders import PositionChanged
from tests.domain.tape import CALL, NIFTY, OPEN, at
from tests.domain.wares import a_leg
from tests.scenarios.market_stand import OPTIONS, Market


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    yield
    clock.use(WallClock())


def morning(began: str = "09:05", chosen: str = "09:16", *, has_backup: bool = False) -> Market:
    """A market on which the day began and the chain was chosen."""
    market = Market(began, has_backup=has_backup)
    market.recover()
    market.play(chosen)
    market.choose()
    return market


CHATTER = (
    *("NIFTY:", "Positions:", "No tick within", "Connected", "feed was", "bar:"),
    *("Subscribing again", "Repaired", "coverage is", "WebSocket: 2 of 4"),
)


def story(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What feed and watchdog said, without what they say again and again."""
    rooms = {"actors.feed", "actors.judge"}
    said = [record.getMessage() for record in caplog.records if record.name in rooms]
    return [line for line in said if not line.startswith(CHATTER)]


def health(market: Market) -> FeedHealth:
    return [m for m in market.ears["monitor"].heard if isinstance(m, FeedHealth)][-1]


def test_quiet_morning_gives_the_bars_of_the_tape_and_never_rebuilds() -> None:
    market = morning().play("10:00")
    assert market.wrong() == {}
    assert market.missing("09:59") == {}
    assert {reader.rebuilds for reader in market.readers.values()} == {0}
    assert market.trust() == [True]
    assert health(market).seen == len(OPTIONS)


@pytest.mark.parametrize("began", ["09:05", "09:15:30", "09:40:17", "10:05:59"])
def test_start_at_any_time_ends_with_the_same_bars(began: str) -> None:
    chosen = max(began, "09:16")
    market = morning(began, chosen).play("10:20")
    assert market.wrong() == {}
    assert market.missing("10:18") == {}


@pytest.mark.incident("INC-01")
def test_mute_socket_is_replaced_by_rest_while_it_stays_connected(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    market = morning().play("10:00")
    caplog.clear()
    market.is_mute = True
    market.play("10:03:30")
    assert health(market).source is Source.REST
    market.is_mute = False
    market.play("10:15")
    assert story(caplog) == [
        "No ticks for 60 s, reconnecting",
        "entries are off: no ticks for 60 s",
        "No ticks for 120 s",
        "WebSocket is not broadcasting, starting REST",
        "Broker verified via REST",
        "REST polling started every=1.5 s",
        "entries stay off: prices are polled and feed.rest_entries is never",
        "Log in to OpenAlgo again: 6 connections of the WebSocket brought no tick",
        "entries stay off: prices are polled and feed.rest_entries is never",
        "entries are on: prices are live",
        "Back to WEBSOCKET: its own ticks for 30 s",
    ]
    assert market.wrong() == {}
    assert market.missing("10:13") == {}
    assert health(market).source is Source.PRIMARY
    assert market.trust() == [True, False, True]


@pytest.mark.incident("INC-06")
def test_silent_primary_is_never_switched_back_to() -> None:
    market = morning().play("10:00")
    market.is_mute = True
    market.play("10:15")
    assert (health(market).source, health(market).switches) == (Source.REST, 1)
    assert market.opened > 8


@pytest.mark.incident("INC-09")
def test_source_switches_give_the_bars_of_the_clean_tape() -> None:
    market = morning().play("09:30")
    for wall in ("09:33:10", "09:35", "09:38:20", "09:40", "09:43:30", "10:00"):
        market.is_mute = not market.is_mute
        market.play(wall)
    # The third return would be the sixth switch of the hour, and the next fall one too many.
    assert (health(market).source, health(market).switches) == (Source.REST, 5)
    assert market.wrong() == {}
    assert market.missing("09:58") == {}


@pytest.mark.incident("INC-09")
def test_switches_among_three_sources_give_the_bars_of_the_clean_tape() -> None:
    market = morning(has_backup=True).play("09:30")
    assert market.spare is not None
    seen: list[Source] = []
    for wall, primary, backup in (
        ("09:33", True, False),
        ("09:37", True, True),
        ("09:41", True, False),
        ("09:50", False, False),
    ):
        market.is_mute, market.spare.is_mute = primary, backup
        market.play(wall)
        seen.append(health(market).source)
    assert seen == [Source.BACKUP, Source.REST, Source.BACKUP, Source.PRIMARY]
    assert market.wrong() == {}
    assert market.missing("09:48") == {}


@pytest.mark.incident("INC-07")
def test_backup_that_never_ticked_is_passed_over() -> None:
    market = morning(has_backup=True).play("09:30")
    assert market.spare is not None
    market.spare.is_mute = True
    market.play("09:40")
    market.is_mute = True
    market.play("09:44")
    assert health(market).source is Source.REST


@pytest.mark.incident("INC-16")
def test_refused_stream_login_starts_on_rest() -> None:
    market = Market("10:00")
    market.is_refusing = True
    market.recover()
    market.choose()
    market.play("10:04")
    assert (health(market).source, health(market).rest) == (Source.REST, RestVerdict.LIVE)
    assert market.trust() == []
    market.is_refusing = False
    market.play("10:20")
    assert health(market).source is Source.PRIMARY
    assert market.trust() == [True]
    assert market.wrong() == {}
    assert market.missing("10:18") == {}


@pytest.mark.incident("INC-12")
def test_frozen_rest_quotes_do_not_count_as_fresh() -> None:
    market = morning().play("10:00")
    market.is_mute = True
    market.is_rest_frozen = True
    market.play("10:05")
    ticks = health(market).ticks
    market.play("10:06")
    assert health(market).ticks == ticks
    assert health(market).rest is RestVerdict.STALE
    assert market.trust() == [True, False, False]
    market.is_mute = False
    market.play("10:20")
    assert market.trust()[3:] == [False, True]
    assert market.wrong() == {}
    assert market.missing("10:18") == {}


@pytest.mark.parametrize("seconds_down", [1, 20, 100])
def test_closed_connection_comes_back_and_the_gap_is_filled(seconds_down: int) -> None:
    market = morning().play("10:00:20")
    market.is_refusing = True
    market.drop()
    market.play(show(Micros(at("10:00:20") + seconds_down * SECOND)))
    market.is_refusing = False
    market.play("10:20")
    assert market.wrong() == {}
    assert market.missing("10:18") == {}
    assert market.opened > 1


@pytest.mark.incident("INC-13")
def test_ten_second_freeze_at_a_fill_switches_nothing() -> None:
    market = morning().play("10:00:55")
    for address in ("feed", "watchdog"):
        market.pump.tell(address, PositionChanged(at=market.hands.at, leg=a_leg()))
    market.is_mute = True
    market.play("10:01:06")
    market.is_mute = False
    market.play("10:10")
    assert market.wrong() == {}
    assert market.missing("10:08") == {}
    assert (health(market).switches, market.opened) == (0, 1)


@pytest.mark.parametrize("address", ["feed", f"bar:{CALL}", "bar:NIFTY"])
def test_poisoned_actor_is_rebuilt_and_its_minutes_come_from_history(address: str) -> None:
    market = morning().play("09:45:20")
    market.pump.tell(address, "poison")
    market.play("10:00")
    assert market.spawned.count(address) == 2
    assert market.wrong() == {}
    assert market.missing("09:58") == {}


def test_all_bar_actors_and_the_feed_dying_together_lose_no_bar() -> None:
    market = morning().play("09:45:20")
    for address in ("feed", "bar:NIFTY", *(f"bar:{symbol}" for symbol in OPTIONS)):
        market.pump.tell(address, "poison")
    market.play("10:00")
    assert market.wrong() == {}
    assert market.missing("09:58") == {}


def test_outage_across_the_open_is_filled_from_history() -> None:
    market = Market("09:05")
    market.is_refusing = True
    market.recover()
    market.play("09:17:30")
    market.is_refusing = False
    market.choose()
    market.play("09:40")
    assert market.wrong() == {}
    assert market.missing("09:38") == {}
    assert market.readers[NIFTY].eaten[0].minute == OPEN
