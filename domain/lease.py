"""A lease that one of several hosts holds: proved by waiting, not by clocks that agree.

There is one record, read and written as a whole, and no lock. Nobody compares his clock with that
of another: who waits measures, by his own, how long a record has stayed the same; who holds how
long ago his last renewal *began*. Clocks may differ by any amount, and run up to 1 % apart.

Times, each by the clock of whoever acts:

    began                 a renewal is begun: the record is read, then written
      + term/3            not renewed since: no entry any more
      + term - GUARD      not renewed since: nothing is sent any more, also no exit
      + term              what was sent before that has ended
    seen                  another one sees the record for the first time
      + term + margin     and it is still the same: he writes his own, and renews it
      + SETTLE            and his is still there: now he holds it

A record that was given back may be replaced at once; who did so holds after `term`. Who is not
hasty waits for a record given back as for any other, and 2 SETTLE more than who is. A step, reading
and writing together, that takes longer than STEP does not count: what it wrote is an accident that
everybody, its writer included, waits out like a record of somebody else. `margin` is also how long
a broker may still act on what was sent (`orders.unknown_s`).

A clock may stand while its host is suspended, or be set. An `Instant` has two readings; who holds
goes by the one that went further since, who waits by the one that went less far.
"""

from enum import StrEnum

import msgspec

from domain.units import Micros, seconds

GUARD = seconds(30)
"""An order call may last `broker.order_timeout_s`; the lanes have some seconds to end."""

STEP = seconds(5)
SETTLE = seconds(15)
"""More than two steps: who read the old record has written by then, or has given up."""

NOBODY = ""


class Instant(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Now, by the clock that counts since the host began, and by the wall."""

    boot: Micros
    wall: Micros

    def most_since(self, before: "Instant") -> int:
        """Return how long ago an instant is at most."""
        return max(self.boot - before.boot, self.wall - before.wall)

    def least_since(self, before: "Instant") -> int:
        """Return how long ago an instant is at least; less than nothing if a clock was set back."""
        return min(self.boot - before.boot, self.wall - before.wall)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Who has the lease: `beat` counts his renewals, `token` the holders there ever were.

    A record that `is_free` was given back: its holder had sent his last order before.
    """

    holder: str
    token: int = 0
    beat: int = 0
    is_free: bool = False


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What is held: our record as it was written last, and when that renewal began."""

    record: Record
    began: Instant


class Stand(StrEnum):
    """Where one host stands."""

    WAITS = "waits"
    SETTLES = "settles"
    HOLDS = "holds"


class Lease:
    """One host's side. Mutable; one thread steps, any may ask `may_enter` and `may_send`.

    `name` tells this host, and this boot of it, from all others. A step is `read` with what stands
    there, and, if that returns a record, writing it and `wrote`; or `failed`, wherever it did.
    """

    def __init__(self, name: str, term: Micros, margin: Micros, *, is_hasty: bool = True) -> None:
        self.name = name
        self.stand = Stand.WAITS
        self.other = NOBODY
        """Who has it, as far as is known, if it is not us."""
        self.took_from = NOBODY
        """Whose lease we replaced last by our own; '' if nobody's or ours."""
        self.held: Held | None = None
        self._term, self._margin = term, margin
        self._is_hasty = is_hasty
        self._seen: tuple[Record | None, Instant] | None = None
        self._claimed: Held | None = None
        self._claimed_at: Instant | None = None
        self._settles_for = Micros(0)
        self._began: Instant | None = None

    @property
    def is_left(self) -> bool:
        """Whether what stands there was given back."""
        return self._seen is not None and self._seen[0] is not None and self._seen[0].is_free

    def resume(self, held: Held, at: Instant) -> None:
        """Go on where a former process of this boot was, if that is not over yet."""
        if held.record.holder == self.name and self._is_running(held, at):
            self.stand, self.held = Stand.HOLDS, held

    def may_send(self, at: Instant) -> bool:
        """Whether anything may be sent at all, an exit as well. Any thread."""
        held = self.held
        return held is not None and self._is_running(held, at)

    def may_enter(self, at: Instant) -> bool:
        """Whether a new short may be risked. Any thread."""
        held = self.held
        return held is not None and at.most_since(held.began) < self._term // 3

    def read(self, found: Record | None, began: Instant, at: Instant) -> Record | None:
        """Take what was read in a step that `began` before; return what is to be written now."""
        if self._seen is None or self._seen[0] != found:
            self._seen = (found, at)
        self._began = began
        if self.stand is Stand.WAITS:
            return self._claim(found, at)
        mine = self.held or self._claimed
        if mine is None or not self._is_running(mine, at) or not _goes_on(mine.record, found):
            self._lose(found, at)
            return None
        assert found is not None
        return msgspec.structs.replace(found, beat=found.beat + 1)

    def wrote(self, record: Record, at: Instant) -> None:
        """Note that a record was written in the step that was begun."""
        began = self._began
        if began is None or at.most_since(began) > STEP:
            self._lose(record, at)
            return
        self._seen = (record, at)
        mine = Held(record=record, began=began)
        if self.stand is Stand.WAITS:
            self.stand, self._claimed, self._claimed_at = Stand.SETTLES, mine, at
        elif self.stand is Stand.SETTLES and not self._has_settled(began):
            self._claimed = mine
        else:
            self.stand, self.held, self._claimed = Stand.HOLDS, mine, None

    def failed(self, at: Instant) -> None:
        """Note that the storage did not answer, or nobody knows whether it wrote."""
        self._seen = None
        if not self.may_send(at):
            self.stand, self.held, self._claimed = Stand.WAITS, None, None

    def given_back(self, at: Instant) -> Record | None:
        """Stop holding and return what is to be written, once nothing is under way any more."""
        mine = self.held.record if self.held is not None and self.may_send(at) else None
        self.stand, self.held, self._claimed, self._seen = Stand.WAITS, None, None, None
        return None if mine is None else msgspec.structs.replace(mine, is_free=True)

    def _claim(self, found: Record | None, at: Instant) -> Record | None:
        """Return our own record once the one that stands there may be replaced."""
        assert self._seen is not None
        self.other = self._whose(found)
        is_left = found is not None and found.is_free and self._is_hasty
        waits = self._term + self._margin + (0 if self._is_hasty else 2 * SETTLE)
        if not is_left and at.least_since(self._seen[1]) < waits:
            return None
        self.took_from = self.other
        self._settles_for = self._term if is_left else SETTLE
        return Record(holder=self.name, token=1 if found is None else found.token + 1)

    def _has_settled(self, began: Instant) -> bool:
        """Whether our record was still there in a step that began late enough."""
        since = self._claimed_at
        return since is not None and began.least_since(since) >= self._settles_for

    def _is_running(self, mine: Held, at: Instant) -> bool:
        return at.most_since(mine.began) < self._term - GUARD

    def _lose(self, found: Record | None, at: Instant) -> None:
        self.stand, self.held, self._claimed = Stand.WAITS, None, None
        self._seen = (found, at)
        self.other = self._whose(found)

    def _whose(self, found: Record | None) -> str:
        return NOBODY if found is None or found.holder == self.name else found.holder


def _goes_on(mine: Record, found: Record | None) -> bool:
    """Whether what stands there is our record, or a renewal of it nobody told us was written."""
    if found is None or found.is_free:
        return False
    return (found.holder, found.token) == (mine.holder, mine.token) and found.beat >= mine.beat
