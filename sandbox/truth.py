"""Ground truth: what really happened at the exchange, one row after the other, never changed.

`sandbox.md` 9. A row is seq, virtual instant, kind and payload, in paise and units. The account is
a fold of these rows (`book.Book`), so a restart reads them again; the checker judges the agent by
them. Quirks are applied between book and answer, never here: the API may lie, truth may not.
Same settings and same random seed give the same bytes.
"""

from collections.abc import Callable, Iterable

import msgspec

from domain.books import Action
from domain.units import Micros, Paise, Symbol, Units
from sandbox.kinds import Change, OrderLine, Origin, Status


class Started(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A day begins: where its prices come from. `made_up` quotes are not on the tape.

    `around` is the strike in the middle of a relayed chain, 0 for any other.
    """

    day: str
    source: str
    random_seed: int
    regime: str
    made_up: bool
    around: Paise = Paise(0)


class Arrived(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The server received a write; `answer` is the class of what became of it."""

    route: str
    digest: str
    peer: str
    answer: str


class Accepted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order entered the book, with the money it reserves for its whole quantity."""

    order: OrderLine
    reserve: int


class State(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order changed without a trade: triggered, modified, cancelled, rejected."""

    orderid: str
    status: Status
    change: Change | None
    quantity: Units
    price: Paise
    trigger: Paise
    triggered: bool
    modifies: int
    reserve: int
    reason: str
    origin: Origin


class Traded(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One trade, with the charges it added and the money its opening part blocks."""

    tradeid: str
    orderid: str
    symbol: Symbol
    exchange: str
    product: str
    action: Action
    quantity: Units
    price: Paise
    origin: Origin
    charges: int
    blocked: int


class Refused(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A write was refused. `order` is the rejected row it left in the book, if it left one."""

    route: str
    orderid: str
    text: str
    order: OrderLine | None = None


class Band(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A price was held against the price band and lay beyond it."""

    orderid: str
    symbol: Symbol
    price: Paise
    reference: Paise
    low: Paise
    high: Paise


class Met(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A fault of the script hit something. A fault nobody met proves nothing."""

    id: str
    verb: str
    place: str


class Outage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """From here on no call of a kind gets through (`on`), or it does again; `id` is the fault's.

    `what`: `calls` is every REST call, `reads` those that write no order, `writes` the three that
    do, `market` that nothing trades; else the one route, such as `placeorder`. Two faults may
    overlap: what holds is what some id began and has not ended.
    """

    id: str
    on: bool
    what: str


class Mode(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The server's mode from here on, `analyze` or `live`.

    In the other mode writes go to another world: they `arrived` with the answer `elsewhere`.
    """

    mode: str


class TimePassed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The market got as far as this instant: each minute, and when the exchange leaves (`left`).

    So that a day taken up again goes on where it stopped, and not where it last traded.
    """

    left: bool = False


Payload = (
    Started | Arrived | Accepted | State | Traded | Refused | Band | Met | Outage | Mode
    | TimePassed
)  # fmt: skip
KINDS: dict[str, type[Payload]] = {
    "started": Started,
    "arrived": Arrived,
    "accepted": Accepted,
    "state": State,
    "traded": Traded,
    "refused": Refused,
    "band": Band,
    "fault": Met,
    "outage": Outage,
    "mode": Mode,
    "time": TimePassed,
}
_NAMES = {payload: kind for kind, payload in KINDS.items()}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of ground truth."""

    seq: int
    at: Micros
    kind: str
    payload: Payload


class _Line(msgspec.Struct):
    seq: int
    at: Micros
    kind: str
    payload: msgspec.Raw


_encode = msgspec.json.Encoder().encode
_line = msgspec.json.Decoder(_Line)


class Truth:
    """The growing list of rows; each new one is handed to `sink` as a JSON line with its newline.

    `rows` are those of an earlier life of the same day.
    """

    def __init__(
        self, sink: Callable[[bytes], object] | None = None, rows: Iterable[Row] = ()
    ) -> None:
        self.rows = list(rows)
        self._sink = sink

    def add(self, at: Micros, payload: Payload) -> Row:
        """Append what happened at `at`."""
        row = Row(seq=len(self.rows) + 1, at=at, kind=_NAMES[type(payload)], payload=payload)
        self.rows.append(row)
        if self._sink is not None:
            self._sink(encode(row))
        return row

    def since(self, seq: int) -> list[Row]:
        """Return the rows after `seq`."""
        return self.rows[max(seq, 0) :]


def encode(row: Row) -> bytes:
    """Return a row as one JSON line, newline included."""
    return _encode(row) + b"\n"


def decode(lines: Iterable[bytes | str]) -> tuple[Row, ...]:
    """Read JSON lines back. A last line torn by a crash is left out; ValueError for any other."""
    rows: list[Row] = []
    torn = ""
    for number, line in enumerate(lines, 1):
        if torn:
            raise ValueError(torn)
        try:
            row = _row(line)
        except (msgspec.DecodeError, KeyError) as error:
            torn = f"line {number} of ground truth is no row: {error}"
            continue
        if row.seq != len(rows) + 1:
            raise ValueError(f"line {number} of ground truth has seq {row.seq}")
        rows.append(row)
    return tuple(rows)


def _row(line: bytes | str) -> Row:
    read = _line.decode(line)
    payload = msgspec.json.decode(read.payload, type=KINDS[read.kind])
    return Row(seq=read.seq, at=read.at, kind=read.kind, payload=payload)
