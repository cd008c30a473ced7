"""Span-like margin in whole paise; the worked figures are those of `sandbox.md` 5."""

from domain.books import Action
from domain.units import Paise, Symbol
from sandbox.kinds import InstrumentLine, MarginLine
from sandbox.margin import required
from sandbox.market.master import synthetic
from sandbox.params import MarginParams, MarketParams
from tests.sandbox.pit import CALL, DAY, PUT, rules

F = Paise(2_600_000)


def a_contract(symbol: Symbol = CALL) -> InstrumentLine:
    return synthetic(MarketParams(), rules(), DAY)[symbol]


def block(
    symbol: Symbol = CALL, action: Action = Action.SELL, *, units: int = 65, price: int = 15_000,
    expires_today: bool = False,
) -> MarginLine:  # fmt: skip
    return required(
        MarginParams(),
        a_contract(symbol),
        (action, units),
        (Paise(price), F),
        expires_today=expires_today,
    )


def test_short_call_at_the_money() -> None:
    assert block() == MarginLine(total=18_122_000, span=14_742_000, exposure=3_380_000)


def test_short_call_on_its_expiry_day() -> None:
    assert block(expires_today=True).total == 21_502_000


def test_short_put_mirrors_the_call() -> None:
    assert block(PUT) == block(CALL)


def test_far_strike_needs_the_minimum() -> None:
    """Intrinsic after 9.3 % stays below 3 % of the underlying."""
    far = Symbol("NIFTY23NOV2627500CE")
    assert block(far, price=100).span == 65 * (2_600_000 * 1_093 // 1000 - 2_750_000 - 100)
    assert block(far, price=60_000).span == 65 * 78_000


def test_long_blocks_its_premium_also_on_expiry_day() -> None:
    line = MarginLine(total=975_000, span=975_000, exposure=0)
    assert block(action=Action.BUY) == line
    assert block(action=Action.BUY, expires_today=True) == line


def test_future_blocks_scan_and_exposure_on_either_side() -> None:
    future = Symbol("NIFTY23NOV26FUT")
    for action in Action:
        assert block(future, action, price=2_600_000) == MarginLine(
            total=65 * (241_800 + 52_000), span=65 * 241_800, exposure=65 * 52_000
        )
