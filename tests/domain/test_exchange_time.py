"""A stamp chooses a minute only after its source has been right twenty times in a row."""

from typing import Literal

import pytest

from domain.exchange_time import PROOF_TICKS, ExchangeTime
from domain.market import Source, Tick
from domain.units import SECOND, Micros
from tests.domain.tape import CALL, NIFTY, a_tick, at


def good_ticks(
    count: int = PROOF_TICKS, *, lag_s: float = 0.5, source: Source = Source.PRIMARY, epoch: int = 1
) -> list[Tick]:
    recv = [Micros(at("10:00") + second * SECOND) for second in range(count)]
    return [
        a_tick(when, source=source, epoch=epoch, exch=Micros(when - round(lag_s * SECOND)))
        for when in recv
    ]


def stamps(times: ExchangeTime, ticks: list[Tick]) -> list[Micros | None]:
    return [times.of(tick) for tick in ticks]


def a_trusted() -> ExchangeTime:
    times = ExchangeTime("auto")
    stamps(times, good_ticks())
    return times


def test_twenty_good_stamps_earn_trust_for_the_next() -> None:
    times = ExchangeTime("auto")
    ticks = good_ticks(PROOF_TICKS + 1)
    assert stamps(times, ticks) == [None] * PROOF_TICKS + [ticks[-1].exch_at]


@pytest.mark.parametrize(("lag_s", "earns"), [(-2, True), (-2.001, False), (5, True), (5.1, False)])
def test_stamp_must_lie_near_our_clock(lag_s: float, earns: bool) -> None:
    times = ExchangeTime("auto")
    ticks = good_ticks(PROOF_TICKS + 1, lag_s=lag_s)
    assert (stamps(times, ticks)[-1] is not None) is earns


def test_one_bad_stamp_starts_the_count_again() -> None:
    times = ExchangeTime("auto")
    bad = a_tick("09:59", exch="09:58")
    ticks = [*good_ticks(PROOF_TICKS - 1), bad, *good_ticks(PROOF_TICKS), a_tick(exch="10:00")]
    assert stamps(times, ticks) == [None] * (2 * PROOF_TICKS) + [at("10:00")]


def test_stamp_that_runs_backwards_proves_nothing() -> None:
    times = ExchangeTime("auto")
    ticks = [*good_ticks(PROOF_TICKS - 1), a_tick("10:00:04", exch="10:00:03"), *good_ticks(5)]
    assert stamps(times, ticks) == [None] * len(ticks)


def test_symbols_are_not_compared_with_each_other() -> None:
    times = ExchangeTime("auto")
    pairs = [
        (a_tick(tick.recv_at, symbol=NIFTY, exch=tick.recv_at), tick) for tick in good_ticks(10)
    ]
    stamps(times, [tick for pair in pairs for tick in pair])
    assert times.of(a_tick("10:01", symbol=CALL, exch="10:00:30")) == at("10:00:30")


def test_trust_outlasts_an_old_stamp_of_the_same_epoch() -> None:
    assert a_trusted().of(a_tick("10:02", exch="10:01:49")) == at("10:01:49")


def test_new_epoch_earns_its_own_trust() -> None:
    assert a_trusted().of(a_tick("10:02", epoch=2, exch="10:02")) is None


def test_each_source_earns_its_own_trust() -> None:
    assert a_trusted().of(a_tick("10:02", source=Source.BACKUP, exch="10:02")) is None


@pytest.mark.parametrize(("policy", "stamp"), [("trust", at("09:00")), ("ignore", None)])
def test_setting_overrides_the_judgement(
    policy: Literal["trust", "ignore"], stamp: Micros | None
) -> None:
    assert ExchangeTime(policy).of(a_tick("10:00", exch="09:00")) == stamp


def test_tick_without_a_stamp_has_none_to_trust() -> None:
    assert ExchangeTime("trust").of(a_tick("10:00")) is None


@pytest.mark.parametrize("policy", ["auto", "trust"])
def test_stamp_from_the_future_is_never_used(policy: Literal["auto", "trust"]) -> None:
    times = ExchangeTime(policy)
    stamps(times, good_ticks())
    ahead = [a_tick("10:01:00", exch="10:01:02"), a_tick("10:01:00", exch="10:01:02.1")]
    assert stamps(times, ahead) == [at("10:01:02"), None]
