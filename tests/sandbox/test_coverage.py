"""A position is a symbol and a product: nothing of one covers the other."""

import msgspec

from sandbox.truth import Accepted
from tests.sandbox.day import BUY, SELL, Day

NRML = "NRML"
NAME = "NIFTY23NOV2626000CE"


def bought_in(day: Day, product: str, at_s: float) -> None:
    """650 bought in a product, at once."""
    day.intend("buy", BUY, 650, at_s, price=15_503)
    line = msgspec.structs.replace(day.line("buy", BUY, 650, at_s, price=15_503), product=product)
    day.add(at_s, Accepted(order=line, reserve=0))
    day.trade("buy", BUY, 650, at_s, price=15_503, product=product)


def test_short_bought_back_in_another_product_is_two_positions() -> None:
    day = Day()
    day.short()
    day.stop("stop", 650, 1.0)
    day.cancel("stop", 303.0, units=650)
    bought_in(day, NRML, 305.0)
    day.prove_flat(309.0)
    report = day.judge(force_close=Day.instant(300), until=Day.instant(900))
    assert not report.flat
    texts = report.invariants_broken
    assert f"I2 {NAME} NRML: truth 6: 650 units long after a BUY" in texts
    assert f"L3 not flat at 10:15:00: held {{'{NAME}': -650, '{NAME} NRML': 650}}, working []" in (
        texts
    )


def test_same_purchase_in_the_same_product_is_flat() -> None:
    day = Day()
    day.short()
    bought_in(day, "MIS", 5.0)
    day.prove_flat(309.0)
    report = day.judge(force_close=Day.instant(300), until=Day.instant(900))
    assert (report.flat, report.invariants_broken) == (True, [])


def test_stop_of_another_product_covers_nothing_and_is_surplus() -> None:
    day = Day()
    day.order("entry", SELL, 650, 0)
    day.trade("entry", SELL, 650, 0)
    line = msgspec.structs.replace(
        day.line("stop", BUY, 650, 1.0, price=16_500, trigger=16_000), product=NRML
    )
    day.add(1.0, Accepted(order=line, reserve=0))
    broken = day.judge(until=Day.instant(60)).invariants_broken
    assert [text.partition(": ")[0] for text in broken[1:]] == [f"I3 {NAME}", f"I4 {NAME} NRML"]
