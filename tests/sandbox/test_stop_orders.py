"""The stop order table: each row is a rule of the exchange and what must come of it.

Sources: `sandbox.md` 4 (SL) and 5; NSE/FAOP/54242 for the band; OpenAlgo 2.0.2.1 where seen.
"""

from dataclasses import dataclass

import pytest

from domain.books import Action
from sandbox.kinds import PriceKind
from tests.sandbox.pit import CALL, Pit


@dataclass(frozen=True)
class Case:
    """A stop, one update of the market (bid, ask, print), and what the book says afterwards."""

    rule: str
    action: Action
    trigger: int
    price: int
    market: tuple[int, int, int | None]
    status: str
    fills: tuple[tuple[int, int], ...] = ()
    reason: str = ""


BUY, SELL = Action.BUY, Action.SELL
PENDING, OPEN, COMPLETE, REJECTED = "trigger pending", "open", "complete", "rejected"
TABLE = (
    Case("BUY rests while LTP < trigger", BUY, 16_000, 16_300, (15_990, 16_000, 15_995), PENDING),
    Case(
        "BUY triggers at LTP = trigger", BUY, 16_000, 16_300, (15_990, 16_010, 16_000), COMPLETE,
        ((16_010, 65),),
    ),
    Case(
        "BUY triggers at LTP > trigger", BUY, 16_000, 16_300, (16_100, 16_150, 16_105), COMPLETE,
        ((16_150, 65),),
    ),
    Case("a quote alone triggers nothing", BUY, 16_000, 16_300, (16_100, 16_150, None), PENDING),
    Case("jumped BUY rests as a LIMIT", BUY, 16_000, 16_300, (16_900, 17_000, 16_950), OPEN),
    Case(
        "BUY beyond the band at trigger", BUY, 16_000, 22_000, (15_990, 16_010, 16_000),
        REJECTED, (), "Order price is beyond LPP limit",
    ),
    Case("SELL rests while LTP > trigger", SELL, 14_000, 13_700, (14_000, 14_010, 14_005), PENDING),
    Case(
        "SELL triggers at LTP = trigger", SELL, 14_000, 13_700, (13_990, 14_010, 14_000), COMPLETE,
        ((13_990, 65),),
    ),
    Case(
        "SELL triggers at LTP < trigger", SELL, 14_000, 13_700, (13_800, 13_850, 13_820), COMPLETE,
        ((13_800, 65),),
    ),
    Case("jumped SELL rests as a LIMIT", SELL, 14_000, 13_700, (13_000, 13_100, 13_050), OPEN),
    Case(
        "SELL beyond the band at trigger", SELL, 14_000, 8_000, (13_990, 14_010, 14_000),
        REJECTED, (), "Order price is beyond LPP limit",
    ),
)  # fmt: skip


@pytest.mark.incident("INC-61")
@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.rule)
def test_sandbox_obeys_the_stop_order_table(case: Case) -> None:
    pit = Pit()
    pit.show([(14_990, 650)], [(15_010, 650)], printed=(15_000, 65))
    stop = pit.orderid(
        action=case.action, kind=PriceKind.SL, trigger=case.trigger, price=case.price
    )
    bid, ask, printed = case.market
    pit.show([(bid, 650)], [(ask, 650)], printed=(printed, 65) if printed else None)
    assert pit.order(stop).status == case.status
    assert tuple(pit.fills(stop)) == case.fills
    assert pit.order(stop).reason == case.reason


def test_band_follows_its_reference_to_the_next_refresh() -> None:
    """Ref 30 -> 50.00: the leap to 60 refuses a cover at 60.05 until the reference follows."""
    pit = Pit()
    pit.lines[CALL].reference_p = 3_000
    cover = {"action": BUY, "price": 6_005}
    assert pit.order(pit.orderid(**cover)).reason == "Order price is beyond LPP limit"
    assert pit.state(pit.orderid(action=BUY, price=5_000)) == ("open", 0)
    pit.lines[CALL].reference_p = 6_000
    assert pit.state(pit.orderid(**cover)) == ("open", 0)


def test_pushes_tell_the_life_of_a_stop() -> None:
    pit = Pit()
    pit.show([(14_990, 650)], [(15_010, 650)], printed=(15_000, 65))
    pit.orderid(action=BUY, kind=PriceKind.SL, trigger=16_000, price=16_300)
    pit.show([(15_990, 650)], [(16_010, 650)], printed=(16_000, 65))
    assert pit.pushed() == [
        ("new", "trigger pending", 16_300),
        ("triggered", "open", 16_300),
        ("fill", "complete", 16_010),
    ]
