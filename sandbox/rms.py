"""The broker's risk desk: at its square-off time it ends what is intraday.

`sandbox.md` 5, row MIS square-off: live MIS orders are cancelled first, so a stop is gone *before*
the exit is sent; then each position is closed by a protected order of origin `rms`, spread over
`rms_spread_s`. At the close of the session the exchange cancels what is left of the day's orders.
"""

from dataclasses import dataclass

import msgspec

from domain.books import Action
from domain.units import SECOND, Micros, Paise, Symbol, Units
from sandbox import accept
from sandbox.account import Account
from sandbox.kinds import Change, OrderLine, Origin, PriceKind, Status

STRATEGY = "AUTO_SQUARE_OFF"
"""What OpenAlgo writes into the strategy of such orders (seen)."""
SQUARED_OFF = "Cancelled by intraday square-off"
DAY_OVER = "Day order expired at the close"
INTRADAY = "MIS"


@dataclass(frozen=True, slots=True)
class Closing:
    """One position the desk will close at an instant."""

    at: Micros
    symbol: Symbol


def cancel_intraday(account: Account, at: Micros) -> None:
    """Cancel every live MIS order."""
    for order in account.book.all_live():
        if order.product == INTRADAY:
            _cancel(account, at, order, SQUARED_OFF)


def cancel_all(account: Account, at: Micros) -> None:
    """Cancel every live order: day orders end with the day."""
    for order in account.book.all_live():
        _cancel(account, at, order, DAY_OVER)


def closings(account: Account, at: Micros, spread_s: int) -> list[Closing]:
    """Return when each open MIS position is closed, evenly spread, in order of opening."""
    held = [p for p in account.book.positions.values() if p.net and p.product == INTRADAY]
    step = spread_s * SECOND // max(1, len(held))
    return [Closing(Micros(at + n * step), p.symbol) for n, p in enumerate(held)]


def closing_order(
    account: Account, closing: Closing, orderid: str, ltp: Paise, reach: tuple[Paise, int]
) -> OrderLine | None:
    """Return the protected order that closes a position, or None if it is closed by now.

    `reach`: the tick, and how far from `ltp` the order may trade, in basis points.
    """
    held = account.book.positions[(closing.symbol, INTRADAY)]
    if not held.net:
        return None
    order = OrderLine(
        orderid=orderid,
        symbol=held.symbol,
        exchange=held.exchange,
        action=Action.SELL if held.net > 0 else Action.BUY,
        quantity=Units(abs(held.net)),
        price=Paise(0),
        trigger=Paise(0),
        kind=PriceKind.MARKET,
        product=INTRADAY,
        strategy=STRATEGY,
        origin=Origin.RMS,
        status=Status.OPEN,
        placed_at=closing.at,
    )
    return accept.protected(order, ltp, *reach)


def _cancel(account: Account, at: Micros, order: OrderLine, reason: str) -> None:
    ended = msgspec.structs.replace(order, status=Status.CANCELLED, reason=reason)
    account.change(at, ended, Change.CANCELLED, Origin.RMS)
