"""What a fault can do to order writes, to the books and to order updates, as values.

The fields are the settings of the script, in its units, as in `verbs.py`.
"""

from dataclasses import dataclass

HOWS = ("timeout", "reset", "http_500", "html_502", "http_400")
"""How a caller does not learn what became of a write."""


@dataclass(frozen=True, slots=True)
class DropBeforeAccept:
    """Lose a write before anything is done."""

    how: str = "timeout"


@dataclass(frozen=True, slots=True)
class DropAfterAccept:
    """Do what a write asks for, `late_s` later than usual, and lose the answer."""

    how: str = "timeout"
    late_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PlacedBut400:
    """Do what a write asks for, and answer 400 with a broker's own error."""


@dataclass(frozen=True, slots=True)
class AckWithoutOrderid:
    """Do what a write asks for, and answer success without an order id."""


@dataclass(frozen=True, slots=True)
class PartialThenReject:
    """Fill at most so many lots and never all; reject the rest `after_s` after the acceptance.

    An order nothing of which has traded by then is rejected once some has; one of a single lot
    never trades at all.
    """

    lots: int = 1
    after_s: float = 2.0


@dataclass(frozen=True, slots=True)
class DelayEffect:
    """Acknowledge a change or a cancel at once, and do it later; fills in between are real."""

    seconds: float = 1.0
    lognormal_s: tuple[float, float] | None = None
    cap_s: float = 3.0


@dataclass(frozen=True, slots=True)
class SuccessEmpty:
    """Answer success without rows; with `alternate` every other time."""

    alternate: bool = False


@dataclass(frozen=True, slots=True)
class LateVisible:
    """Show an order, a trade or what it made of a position only so long after it happened."""

    seconds: float = 10.0
    lognormal_s: tuple[float, float] | None = None
    cap_s: float = 130.0


@dataclass(frozen=True, slots=True)
class StaleVersions:
    """Answer with the book of `k` reads ago."""

    k: int = 1


@dataclass(frozen=True, slots=True)
class MissingIds:
    """Leave rows out, each with a probability, drawn anew for each read."""

    probability: float = 0.5


@dataclass(frozen=True, slots=True)
class ReorderRows:
    """Answer with the rows shuffled."""


@dataclass(frozen=True, slots=True)
class StatusLeak:
    """Show the status of the row before, each row with a probability, drawn for each read."""

    probability: float = 0.5


@dataclass(frozen=True, slots=True)
class DuplicatePush:
    """Deliver an order update again, at once or some time later."""

    copies: int = 1
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ReorderPush:
    """Deliver order updates shuffled within so many seconds."""

    within_s: float = 3.0


@dataclass(frozen=True, slots=True)
class LatePush:
    """Deliver order updates late, in order."""

    seconds: float = 2.0
    lognormal_s: tuple[float, float] | None = None
    cap_s: float = 130.0


@dataclass(frozen=True, slots=True)
class DropPush:
    """Never deliver an order update."""


OrderVerb = (
    DropBeforeAccept | DropAfterAccept | PlacedBut400 | AckWithoutOrderid | PartialThenReject
    | DelayEffect
    | SuccessEmpty | LateVisible | StaleVersions | MissingIds | ReorderRows | StatusLeak
    | DuplicatePush | ReorderPush | LatePush | DropPush
)  # fmt: skip

ORDER_NAMES: dict[type[object], str] = {
    DropBeforeAccept: "drop_before_accept",
    DropAfterAccept: "drop_after_accept",
    PlacedBut400: "placed_but_400",
    AckWithoutOrderid: "ack_without_orderid",
    PartialThenReject: "partial_then_reject",
    DelayEffect: "delay_effect",
    SuccessEmpty: "success_empty",
    LateVisible: "late_visible",
    StaleVersions: "stale_versions",
    MissingIds: "missing_ids",
    ReorderRows: "reorder",
    StatusLeak: "status_leak",
    DuplicatePush: "duplicate",
    ReorderPush: "reorder",
    LatePush: "late",
    DropPush: "drop",
}
"""The word of the script for each."""
