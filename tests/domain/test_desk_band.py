"""What the exchange does not take is asked again with patience, or nearer to the market."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from domain import events as ev
from domain.books import Status
from domain.calls import ModifyOrder, Outcome, PlaceOrder
from tests.orders import Bench, a_reply, rows_of_short, sold, t
from tests.shorts import a_chase, a_climb, brief, cover_row, read_climb, sent


def asked_again(bench: Bench, until: float, fate: Callable[[Bench, float], object]) -> list[float]:
    """When writes left, second by tenth of a second; each is answered by `fate` at once."""
    times = []
    for tenth in range(round(10 * bench_time(bench)) + 1, round(10 * until) + 1):
        when = tenth / 10
        bench.quote(when, 14_990, 15_000)
        while bench.writes:
            times.append(when)
            fate(bench, when)
    return times


def bench_time(bench: Bench) -> float:
    return (bench.now - t(0)) / 1_000_000


def refused(code: str) -> Callable[[Bench, float], object]:
    """The exchange says no, and the book shows the order as it was."""

    def fate(bench: Bench, when: float) -> None:
        is_modify = isinstance(bench.writes[0], ModifyOrder)
        bench.reply(when, Outcome.REJECTED, code=code)
        if is_modify:
            read_climb(bench, when + 0.01)

    return fate


def unsent(bench: Bench, when: float) -> None:
    bench.reply(when, Outcome.NOT_SENT)


@pytest.mark.parametrize(
    ("fate", "times"),
    [
        (unsent, [25.0, 26.0, 28.0, 33.0, 43.0, 53.0]),
        (refused("SESSION"), [25.0, 26.1, 28.2, 33.3, 43.4, 53.5]),
    ],
)
def test_modify_that_never_got_there_is_asked_again_after_1_2_5_and_then_10_seconds(
    fate: Callable[[Bench, float], object], times: list[float]
) -> None:
    bench = a_climb()
    assert asked_again(bench, 60, fate) == times
    plans = [e for e in bench.events if isinstance(e, ev.ModifyPlanned) and e.at >= t(25)]
    assert {plan.ticket.price for plan in plans} == {16_500}, "the same modify, no rung passed"


def test_modify_of_unknown_fate_is_asked_again_once_the_book_lacks_it() -> None:
    bench = a_climb()
    assert brief(bench.quote(25, 14_990, 15_000).writes) == [("modify", "C1", 650, 16_500)]
    bench.reply(25.2, Outcome.UNKNOWN)
    read_climb(bench, 26)
    assert brief(bench.settle(26.9).writes) == []
    assert brief(bench.quote(27, 14_990, 15_000).writes) == [("modify", "C1", 650, 16_500)]


@pytest.mark.parametrize("code", ["SESSION", "FUNDS", ""])
def test_refused_cover_is_tried_again_with_patience_and_not_in_a_storm(code: str) -> None:
    bench = a_chase((14_990, 15_000))
    bench.reply(23.0, Outcome.REJECTED, code=code)
    asked = asked_again(bench, 60, refused(code))
    assert asked == [24.0, 26.0, 31.0, 41.0, 51.0]


def test_patience_begins_anew_once_the_exchange_takes_something() -> None:
    bench = a_chase((14_990, 15_000)).reply(23.0, Outcome.REJECTED, code="SESSION")
    bench.settle(24).reply(24.0, Outcome.REJECTED, code="SESSION")
    bench.settle(26).reply(26.2, orderid="C1")
    read_climb(bench, 26.5)
    assert asked_again(bench, 38, refused("SESSION")) == [28.0, 29.1, 31.2, 36.3]


def band_refusals(bench: Bench, until: float) -> list[int]:
    """The prices asked for while the exchange refuses each for its band."""
    prices: list[int] = []

    def note(b: Bench, when: float) -> None:
        write = b.writes[0]
        assert isinstance(write, PlaceOrder | ModifyOrder)
        prices.append(write.ticket.price)
        refused("BAND")(b, when)

    asked_again(bench, until, note)
    return prices


def test_cover_refused_for_the_band_comes_nearer_to_the_lowest_mean_each_time() -> None:
    # Means of 14990: 14990 + 5996 x 0.9 = 20386; half of it 17688, 16339, 15664; 15750 is refused.
    bench = a_chase((14_990, 15_000)).reply(23.0, Outcome.REJECTED, code="BAND")
    assert band_refusals(bench, 30) == [15_660, 15_325, 15_155]


def test_lowest_mean_of_the_last_minute_is_what_a_refused_cover_goes_by() -> None:
    bench = a_chase((10_000, 10_000), (30_000, 30_000))  # a mean of 20000: 27200 is the band's end
    assert sent(bench) == [("place", "LIMIT", 650, 27_200)]
    bench.desk.replied(bench.order().intent, "place", a_reply(Outcome.REJECTED, code="BAND"), t(23))
    assert sent(bench.settle(25)) == [("place", "LIMIT", 650, 13_600)]  # 10000 + 3600


def test_climbing_order_rests_at_the_band_and_every_rung_looks_anew() -> None:
    bench = a_climb()
    prices = band_refusals(bench, 32)
    # 16500, half of the distance is no lower, a quarter is 16338; an eighth lies below 15750.
    assert prices == [16_500, 16_335, 16_500]
    assert bench.order().ticket.price == 15_750
    assert [page.code for page in bench.desk.pages(t(32))] == ["BAND_REST"]


def test_cover_the_broker_took_and_the_exchange_refused_comes_nearer() -> None:
    bench = a_chase((14_990, 15_000)).reply(23.2, orderid="C1")
    reason = "Order price is beyond LPP limit"
    row = replace(cover_row(bench, Status.REJECTED), reason=reason)
    rows = [*rows_of_short(Status.CANCELLED), row]
    bench.push(23.3, "C1", Status.REJECTED, reason).read(23.5, rows, [sold()])
    assert sent(bench.quote(25, 14_990, 15_000)) == [("place", "LIMIT", 650, 15_660)]
