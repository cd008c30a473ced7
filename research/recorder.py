"""Keeps what the feed delivers: whoever has ticks leaves them, a thread of its own writes them.

Off the hot path: leaving a batch is one append to a queue. Every `PART_S` real seconds what came
becomes a part (`recording.py`) and goes to the disk, so that a killed process loses at most that
much. Parts are made once: those that the disk does not take wait in memory and are written again.
Beyond `MOST_WAITING` ticks that wait, or if the thread died, new ones are lost, and counted.
"""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from domain import clock
from domain.market import Tick
from domain.units import SECOND, Day, seconds
from research import recording
from research.recording import Contents, RecordingFailed

log = logging.getLogger(__name__)

PART_S = 5.0
"""Real seconds from one part to the next: the most that a killed process loses."""

MOST_WAITING = 2_000_000
"""So many ticks may wait for a disk that takes nothing: half a gigabyte if it hangs, less if it
refuses, as parts are smaller.
"""

DIED = "the thread that writes died, see the log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What came of a day: its file, and what did not get into it."""

    path: Path
    ticks: int
    symbols: int
    size: int
    lost: int

    def __str__(self) -> str:
        each = self.size / self.ticks if self.ticks else 0.0
        return (
            f"{self.path} ticks={self.ticks} symbols={self.symbols} bytes={self.size} "
            f"bytes_per_tick={each:.1f} lost={self.lost}"
        )


class Recorder:
    """One day's recording. `take` from the feed's thread, `tell` from any, the rest from one.

    `write` writes one part; it raises OSError.
    """

    def __init__(
        self,
        folder: Path,
        day: Day,
        part_s: float = PART_S,
        write: Callable[[Path, bytes], None] = recording.keep,
    ) -> None:
        self._folder = folder
        self._day = day
        self._part_s = part_s
        self._write = write
        self._queue: queue.SimpleQueue[Sequence[Tick] | None] = queue.SimpleQueue()
        self._waiting: list[Tick] = []
        self._parts: deque[tuple[int, bytes]] = deque()
        """Parts that are not on the disk yet, each with its number of ticks."""
        self._facts: dict[str, str] = {"day": day}
        self._number = 0
        self._refused = 0
        self._taken = 0
        """Both of the feed's thread; the next two of the recorder's."""
        self._kept = 0
        self._spoilt = 0
        self.fault = ""
        """Why nothing can be written at the moment; '' if all is well."""
        self._thread = threading.Thread(  # noqa: TID251 - writing waits for the disk
            target=self._live, name="recorder", daemon=True
        )

    def start(self) -> Contents:
        """Put together what a crash left of this and other days, then begin.

        Returns what the day's file holds already. Raises RecordingFailed if the folder cannot be
        written, or what is there not read.
        """
        for day in recording.left_over(self._folder):
            found = recording.merge(self._folder, day)
            path = recording.file_of(self._folder, day)
            log.info("recording of %s was left in parts: %s ticks=%d", day, path, found.rows.height)
        path = recording.file_of(self._folder, self._day)
        begun = recording.load(path) if path.exists() else Contents()
        self._number = begun.last_part
        parts = recording.parts_of(self._folder, self._day)
        try:
            parts.mkdir(parents=True, exist_ok=True)
            recording.settle(self._folder)
        except OSError as error:
            raise RecordingFailed(
                f"{parts}: cannot be written ({error.strerror}); name a folder you may write to"
            ) from error
        self._thread.start()
        return begun

    def take(self, ticks: Sequence[Tick]) -> None:
        """Leave ticks to be kept. Never blocks; those there is no room for are lost."""
        waiting = self._taken - self._kept - self._spoilt
        room = max(0, MOST_WAITING - waiting) if self._thread.is_alive() else 0
        self._refused += max(0, len(ticks) - room)
        if room:
            fitting = ticks if len(ticks) <= room else ticks[:room]
            self._taken += len(fitting)
            self._queue.put(fitting)

    def tell(self, **facts: str) -> None:
        """Note what every later part says of itself, such as the day's contracts."""
        self._facts = {**self._facts, **facts}

    @property
    def is_writing(self) -> bool:
        """Whether the thread that writes lives."""
        return self._thread.is_alive()

    def close(self) -> Recorded:
        """Write what is left and put the day together. Raises RecordingFailed; parts stay then."""
        self._queue.put(None)
        self._thread.join()
        lost = self._refused + self._taken - self._kept
        if lost:
            log.error("ticks were lost n=%d: %s", lost, self.fault or "they came too fast")
        whole = recording.merge(self._folder, self._day)
        path = recording.file_of(self._folder, self._day)
        return Recorded(
            path=path,
            ticks=whole.rows.height,
            symbols=whole.rows["symbol"].n_unique(),
            size=path.stat().st_size if path.exists() else 0,
            lost=lost,
        )

    def _live(self) -> None:
        """Write until told to end. In the recorder's thread."""
        is_ended = False
        try:
            self._keep_on()
            is_ended = True
        finally:
            if not is_ended:
                self.fault = DIED
                log.error("recording is over: %s", DIED)

    def _keep_on(self) -> None:
        """Take what comes and write a part whenever one is due."""
        due = clock.steady() + seconds(self._part_s)
        while True:
            try:
                ticks = self._queue.get(timeout=max(0.0, (due - clock.steady()) / SECOND))
            except queue.Empty:
                self._flush()
                due = clock.steady() + seconds(self._part_s)
                continue
            if ticks is None:
                self._flush()
                return
            self._waiting += ticks
            if clock.steady() >= due:
                self._flush()
                due = clock.steady() + seconds(self._part_s)

    def _flush(self) -> None:
        """Make what waits the next part, and write all that are not written."""
        if self._waiting:
            self._pack()
        while self._parts:
            path = recording.part(self._folder, self._day, self._number + 1)
            count, content = self._parts[0]
            try:
                self._write(path, content)
            except OSError as error:
                self._fail("recording stands still: %s: %s; make room", path, error.strerror)
                return
            self._number += 1
            self._kept += count
            self._parts.popleft()
            if self.fault:
                log.info("recording goes on: %s", path)
            self.fault = ""

    def _pack(self) -> None:
        ticks, self._waiting = self._waiting, []
        try:
            content = recording.encoded(recording.frame(ticks), self._facts)
        except RecordingFailed as error:
            self._spoilt += len(ticks)
            self._fail("ticks cannot be recorded n=%d: %s", len(ticks), error)
            return
        self._parts.append((len(ticks), content))

    def _fail(self, said: str, *values: object) -> None:
        """Tell once that something is wrong, and keep it until something is written."""
        if not self.fault:
            log.error(said, *values)
        self.fault = said % values
