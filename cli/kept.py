"""What a state directory of the paper exchange holds, and whether its parts belong together."""

from pathlib import Path

from domain.errors import ConfigError
from domain.ledger import Ledger
from domain.units import Day
from journal.orders import NAME as JOURNAL
from journal.orders import verify
from sandbox.truth import Accepted, Refused, Row, decode
from sandbox.truth_file import NAME as TRUTH


def check(folder: Path, day: Day) -> Ledger:
    """Return the day, or refuse a journal that is damaged, or knows orders the exchange forgot.

    Reads, never writes. Raises JournalError or ConfigError.
    """
    ledger = Ledger().fold(verify(folder / JOURNAL, day))
    ours = {order.orderid for order in ledger.orders.values() if order.orderid}
    if not ours:
        return ledger
    path = folder / TRUTH
    try:
        lost = ours - {_orderid(row) for row in truth(path)}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}; name a fresh folder, or restore the file") from error
    if lost:
        raise ConfigError(
            f"--state-dir {folder}: {TRUTH} knows nothing of order {min(lost)} in {JOURNAL}: it was"
            " cut, or is another exchange's; name a fresh folder, or restore the file"
        )
    return ledger


def truth(path: Path) -> tuple[Row, ...]:
    """Return the rows of a ground truth. Raises OSError, or ValueError naming a damaged line."""
    return decode(path.read_bytes().splitlines(keepends=True))


def _orderid(row: Row) -> str:
    match row.payload:
        case Accepted(order=order):
            return order.orderid
        case Refused(orderid=orderid):
            return orderid
        case _:
            return ""
