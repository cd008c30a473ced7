"""Every source feeds health; only the authoritative one feeds bars."""

from msgspec.structs import replace

from domain.intake import Hole, Intake, Spot
from domain.market import Source, Tick
from domain.params import FeedParams
from domain.repairs import Fault
from domain.units import Micros, Paise, Symbol, seconds
from domain.volume import Refusal
from tests.domain.tape import CALL, NIFTY, a_chain, a_plan, a_tick, an_index_tick, at
from tests.domain.wares import a_quote

INDEX = (NIFTY, "NSE_INDEX")
FAR = Symbol("NIFTY24NOV2626100CE")


def an_intake(**feed: int) -> Intake:
    intake = Intake(a_plan(), INDEX, FeedParams(**feed), at("09:00"))  # type: ignore[arg-type]  # by name
    intake.ledger.connected(Source.PRIMARY, 1, at("09:00"))
    limits = {contract.symbol: seconds(300) for contract in a_chain().contracts}
    intake.choose(a_chain(), limits, at("09:00"))
    return intake


def test_ticks_come_out_by_symbol_in_order_with_their_increments() -> None:
    ticks = [
        a_tick("10:00:01", cum=100),
        an_index_tick("10:00:02"),
        a_tick("10:00:03", cum=165, seq=1),
    ]
    batches = an_intake().take(ticks, Source.PRIMARY)
    assert {
        symbol: [(t.recv_at, t.volume) for t in batch] for symbol, batch in batches.items()
    } == {
        CALL: [(at("10:00:01"), 100), (at("10:00:03"), 65)],
        NIFTY: [(at("10:00:02"), 0)],
    }


def test_ticks_of_another_source_feed_health_but_neither_bars_nor_the_baseline() -> None:
    intake = an_intake()
    intake.ledger.connected(Source.BACKUP, 2, at("09:00"))
    assert intake.take([a_tick(cum=100, source=Source.BACKUP, epoch=2)], Source.PRIMARY) == {}
    assert intake.beats[Source.BACKUP].newest == at("10:00:05")
    assert intake.beats[Source.PRIMARY].newest is None
    batches = intake.take([a_tick("10:00:06", cum=165)], Source.PRIMARY)
    assert [tick.volume for tick in batches[CALL]] == [165]


def test_refused_ticks_feed_nothing() -> None:
    intake = an_intake()
    refused = [a_tick(ltp=0), a_tick(epoch=9), a_tick(source=Source.BACKUP)]
    assert intake.take(refused, Source.PRIMARY) == {}
    assert (intake.ticks, intake.sightings[Source.PRIMARY].seen, intake.last_tick_at) == (
        0,
        0,
        None,
    )
    assert intake.ledger.refused == {Refusal.PRICE: 1, Refusal.EPOCH: 2}


def test_only_canaries_prove_that_a_source_lives() -> None:
    intake = an_intake()
    intake.take([a_tick("10:00:01", symbol=FAR)], Source.PRIMARY)
    assert intake.beats[Source.PRIMARY].newest is None
    intake.take([an_index_tick("10:00:02")], Source.PRIMARY)
    assert intake.beats[Source.PRIMARY].newest == at("10:00:02")


def test_options_are_sighted_with_their_limits_and_canaries_with_their_own() -> None:
    intake = an_intake(fresh_canary_s=5)
    ticks = [a_tick("10:00:00", symbol=s) for s in (CALL, FAR)]
    intake.take([*ticks, an_index_tick("10:00:00")], Source.PRIMARY)
    seen = intake.sightings[Source.PRIMARY]
    assert (seen.seen, seen.subscribed) == (2, 10)
    assert [seen.stale(at(w)) for w in ("10:00:05", "10:00:06")] == [8, 9]


def test_spot_and_the_newest_tick_are_remembered() -> None:
    intake = an_intake()
    intake.take([an_index_tick("10:00:02", 2_604_990), a_tick("10:00:03")], Source.PRIMARY)
    assert intake.spots == {Source.PRIMARY: Spot(Paise(2_604_990), at("10:00:02"))}
    assert (intake.last_tick_at, intake.ticks) == (at("10:00:03"), 2)


def test_indexs_quote_is_remembered_with_the_previous_close_whoever_has_the_say() -> None:
    intake = an_intake()
    index = a_quote("10:00", symbol=NIFTY, exchange="NSE_INDEX", ltp=2_604_990, prev_close=26_000)
    intake.quoted([a_quote("10:00"), index])
    intake.quoted([replace(index, prev_close=Paise(0), got_at=at("10:00:02"))])
    assert intake.spots == {Source.REST: Spot(Paise(2_604_990), at("10:00:02"))}
    assert intake.prev_close == 26_000


def test_rest_is_expected_to_show_what_it_is_asked_for_alone() -> None:
    intake = an_intake()
    intake.poll([INDEX, (CALL, "NFO"), (Symbol("UNHEARD"), "NFO")], at("10:00"))
    polled = intake.sightings[Source.REST]
    assert (polled.subscribed, polled.mute) == (1, (CALL,))


def test_each_stream_has_sightings_of_its_own() -> None:
    intake = an_intake()
    intake.ledger.connected(Source.BACKUP, 2, at("09:00"))
    intake.take([a_tick(source=Source.BACKUP, epoch=2)], Source.PRIMARY)
    seen = {source: intake.sightings[source].seen for source in Source}
    assert seen == {Source.PRIMARY: 0, Source.BACKUP: 1, Source.REST: 0}


def test_first_tick_with_volume_after_a_repair_is_told_once() -> None:
    intake = an_intake()
    intake.take([a_tick("10:00", cum=None)], Source.PRIMARY)
    assert intake.repairs[Source.PRIMARY].due(at("10:00:01")) == {Fault.NO_VOLUME: (CALL,)}
    assert intake.repairs[Source.BACKUP].due(at("10:00:01")) == {}
    intake.take([a_tick("10:00:02", cum=65), a_tick("10:00:03", cum=130)], Source.PRIMARY)
    assert (intake.repaired(), intake.repaired()) == ((CALL,), ())


def test_quotes_become_ticks_without_exchange_time_and_in_order() -> None:
    intake = an_intake()
    intake.ledger.connected(Source.REST, 3, at("10:00"))
    quotes = [a_quote("10:00:02", volume=500), a_quote("10:00:03", volume=565, ltp=9_900)]
    ticks = intake.polled(quotes, 3)
    assert ticks == (
        a_tick("10:00:02", 10_000, 500, source=Source.REST, epoch=3, seq=1),
        a_tick("10:00:03", 9_900, 565, source=Source.REST, epoch=3, seq=2),
    )
    assert [tick.seq for tick in intake.polled(quotes, 3)] == [3, 4]


def test_polled_prices_do_not_beat_by_being_read() -> None:
    intake = an_intake()
    intake.ledger.connected(Source.REST, 3, at("10:00"))
    intake.poll([(CALL, "NFO")], at("10:00"))
    intake.take(intake.polled([a_quote()], 3), Source.REST)
    assert intake.beats[Source.REST].newest is None
    assert intake.sightings[Source.REST].seen == 1


def test_exchange_time_reaches_the_bars_only_when_it_is_trusted() -> None:
    def stamped(policy: str) -> Micros | None:
        intake = an_intake(exchange_time=policy)  # type: ignore[arg-type]  # one of three words
        tick: Tick = a_tick("10:00:05", exch="10:00:04")
        return intake.take([tick], Source.PRIMARY)[CALL][0].exch_at

    assert [stamped(policy) for policy in ("auto", "trust", "ignore")] == [
        None,
        at("10:00:04"),
        None,
    ]


def test_quote_of_a_symbol_that_was_not_asked_for_is_not_counted_as_seen() -> None:
    intake = an_intake()
    intake.ledger.connected(Source.REST, 3, at("10:00"))
    intake.take(intake.polled([a_quote()], 3), Source.REST)
    assert intake.sightings[Source.REST].seen == 0
    assert intake.spots == {}


def test_what_a_mute_symbol_traded_meanwhile_is_a_hole_told_once() -> None:
    intake = an_intake()
    intake.take([a_tick("10:00", cum=65)], Source.PRIMARY)
    intake.repairs[Source.PRIMARY].note((CALL,), Fault.MUTE)
    intake.take([a_tick("10:00:40", cum=130), a_tick("10:00:41", cum=195)], Source.PRIMARY)
    assert (intake.holes(), intake.holes()) == ((Hole(CALL, at("10:00"), at("10:00:40")),), ())


def test_strike_that_was_only_quiet_leaves_no_hole() -> None:
    intake = an_intake()
    intake.take([a_tick("10:00", cum=65)], Source.PRIMARY)
    intake.repairs[Source.PRIMARY].note((CALL,), Fault.MUTE)
    intake.take([a_tick("10:00:40", cum=65)], Source.PRIMARY)
    intake.take([a_tick("10:00:41", cum=130)], Source.PRIMARY)
    assert intake.holes() == ()
