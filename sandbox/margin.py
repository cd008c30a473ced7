"""What an order or a position blocks, in paise. Pure integers.

`sandbox.md` 5, row Margin (judgement; replaces the analyzer's premium-only block, OpenAlgo #1097).
A short option: `q x max(intrinsic(F x (1 +- 9.3 %)) - ltp, 3 % x F) + q x 2 % x F`, on expiry day
another `q x 2 % x F` (SEBI 2024-11-20). F is the underlying's last price. A long: the premium.
"""

from domain.books import Action
from domain.units import Paise, Units, divide_half_up
from sandbox.kinds import InstrumentLine, MarginLine
from sandbox.params import MarginParams

_BP = 10_000


def opening(
    params: MarginParams, contract: InstrumentLine, action: Action, prices: tuple[Paise, Paise]
) -> tuple[int, int]:
    """Return span and exposure of one unit in paise times 10,000, without the expiry-day part.

    `prices` are those of the contract and of its underlying.
    """
    price, underlying = prices
    if action is Action.BUY and contract.kind != "FUT":
        return price * _BP, 0
    least = params.minimum_bp * underlying
    scan = params.scan_bp * underlying
    if contract.kind == "CE":
        span = max(underlying * _BP + scan - contract.strike * _BP, 0) - price * _BP
    elif contract.kind == "PE":
        span = max(contract.strike * _BP - underlying * _BP + scan, 0) - price * _BP
    else:
        span = scan
    return max(span, least), params.exposure_bp * underlying


def required(
    params: MarginParams,
    contract: InstrumentLine,
    ticket: tuple[Action, int],
    prices: tuple[Paise, Paise],
    *,
    expires_today: bool,
) -> MarginLine:
    """Return what opening `ticket` (side and units) blocks, rounded half up to the paisa."""
    action, units = ticket
    span, exposure = opening(params, contract, action, prices)
    if expires_today and exposure:
        exposure += params.expiry_day_bp * prices[1]
    whole = divide_half_up(Units(units) * span, _BP), divide_half_up(units * exposure, _BP)
    return MarginLine(total=sum(whole), span=whole[0], exposure=whole[1])
