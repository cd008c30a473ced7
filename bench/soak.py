"""Whether a long life costs more each day: many sessions in one process, looked at from outside.

`run.py sandbox --days N` plays; nothing in it knows that it is watched. Its memory (VmRSS), file
descriptors and threads are read from /proc, some times a second; the depth of the fullest inbox
from its status. What it holds is taken at rest, the least after the last actor of a day has gone
and before the first of the next one comes; `peak` is the most of a day, `inbox` the middle. What a
day left on disk, and how long a write was away by its journal (WriteSent to WriteReplied, in real
time), are read from the day's own folder.

A straight line is laid through each figure (Theil and Sen's), without the first day, in which
everything is loaded. Flat is a line that rises, in one session, by no more than the tolerance that
is printed beside it.
The exit code is 1 if one of them is not flat, or a day was not played to its end, flat and clean.
A write's time has a wide tolerance: the machine may be busy.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import combinations
from pathlib import Path
from statistics import mean, median
from time import perf_counter

import msgspec

from cli.season import SUMMARY
from cli.status import NAME as STATUS
from domain import events as ev
from domain.status import Status
from domain.units import Day
from journal import archive
from journal.orders import verify

ROOT = Path(__file__).resolve().parent.parent
LOOK_S = 0.1
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Rest:
    """What the process held in one moment between two days. Memory in bytes."""

    rss: int
    fds: int
    threads: int


@dataclass(slots=True)
class Watched:
    """What was seen of the process on one of its days."""

    rests: list[Rest] = field(default_factory=list)
    peak: int = 0
    inboxes: list[int] = field(default_factory=list)
    ended: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One day: what the process held after it, what it left, how long writes were away.

    Sizes in MiB, times in real milliseconds; `real_s` is from the former day's end. -1 stands for
    what is not known: the time of a write on a day without one, the rest after the last day.
    """

    day: str
    rss: float
    fds: float
    threads: float
    peak: float
    inbox: float
    journal: float
    events: int
    writes: int
    p50: float
    p99: float
    real_s: float
    clean: bool


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What a figure may grow by in one session: a share of its mean, and never less than this."""

    share: float
    least: float

    def of(self, values: Sequence[float]) -> float:
        """Return it for these values."""
        return max(self.least, self.share * mean(values))


TOLERATED: Mapping[str, Tolerance] = {
    "rss": Tolerance(0.01, 0.5),
    "fds": Tolerance(0, 0.2),
    "threads": Tolerance(0, 0.2),
    "peak": Tolerance(0.01, 0.5),
    "inbox": Tolerance(0, 50),
    "journal": Tolerance(0.1, 0.1),
    "p50": Tolerance(0.1, 5),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A figure's line: its mean, what it grows by in a session, what was tolerated."""

    name: str
    mean: float
    growth: float
    tolerated: float

    @property
    def is_flat(self) -> bool:
        """Whether it does not grow; to shrink is no fault."""
        return self.growth <= self.tolerated


def slope(values: Sequence[float]) -> float:
    """Return the middle one of the slopes of all pairs of values, one apart; 0 for less than two.

    Of a straight line it is the rise; a few days on which the machine was busy do not move it.
    """
    pairs = combinations(enumerate(values), 2)
    return median([(b - a) / (n - m) for (m, a), (n, b) in pairs] or [0.0])


def judge(sessions: Sequence[Session]) -> list[Verdict]:
    """Return the line of each figure that is to be flat, the first session left out."""
    found = []
    for name, tolerance in TOLERATED.items():
        values = [float(getattr(each, name)) for each in sessions[1:]]
        values = [value for value in values if value >= 0]
        if values:
            found.append(
                Verdict(
                    name=name,
                    mean=mean(values),
                    growth=slope(values),
                    tolerated=tolerance.of(values),
                )
            )
    return found


class Watcher:
    """Looks at a process and at the state directory it plays in."""

    def __init__(self, pid: int, folder: Path) -> None:
        self._proc = Path(f"/proc/{pid}")
        self._folder = folder
        self.days: dict[str, Watched] = {}

    def look(self) -> None:
        """Look once; a process that begins, or is gone, shows nothing."""
        try:
            status = msgspec.json.decode((self._folder / STATUS).read_bytes(), type=Status)
            told = (self._proc / "status").read_text("ascii").splitlines()
            fds = len(list((self._proc / "fd").iterdir()))
        except (OSError, msgspec.DecodeError):
            return
        named = dict(line.split(":", 1) for line in told)
        if "VmRSS" not in named:
            return
        seen = self.days.setdefault(status.day, Watched())
        rss = int(named["VmRSS"].split()[0]) << 10
        seen.peak = max(seen.peak, rss)
        seen.inboxes.append(max((box.count for box in status.inboxes), default=0))
        seen.ended = perf_counter()
        if status.ended:
            seen.rests.append(Rest(rss, fds, int(named["Threads"])))


def left(folder: Path, day: Day, seen: Watched, real_s: float, speed: int) -> Session:
    """Return a day from what was seen of it and from what it left in its folder."""
    path = archive.journal_of(folder, day)
    events = verify(path, day)
    away = sorted(times(events, speed))
    kept = path.with_name(SUMMARY)
    summary = json.loads(kept.read_text("ascii")) if kept.exists() else {}
    return Session(
        day=day,
        rss=min((rest.rss / MIB for rest in seen.rests), default=-1),
        fds=min((rest.fds for rest in seen.rests), default=-1),
        threads=min((rest.threads for rest in seen.rests), default=-1),
        peak=seen.peak / MIB,
        inbox=median(seen.inboxes),
        journal=path.stat().st_size / MIB,
        events=len(events),
        writes=len(away),
        p50=away[len(away) // 2] if away else -1,
        p99=away[min(len(away) - 1, len(away) * 99 // 100)] if away else -1,
        real_s=real_s,
        clean=bool(summary.get("flat")) and not summary.get("invariants_broken"),
    )


def times(events: Sequence[ev.Event], speed: int) -> Iterator[float]:
    """Yield for how many real milliseconds each write was away."""
    sent: dict[tuple[str, str], int] = {}
    for event in events:
        match event:
            case ev.WriteSent(intent=intent, op=op, at=at):
                sent[intent, op] = at
            case ev.WriteReplied(intent=intent, op=op, at=at) if (intent, op) in sent:
                yield (at - sent.pop((intent, op))) / speed / 1000
            case _:
                pass


def soak(folder: Path, words: Sequence[str], speed: int) -> tuple[int, list[Session]]:
    """Play in a process of its own and return its exit code and its days, oldest first."""
    said_by_last = ("--summary", str(folder / SUMMARY))
    own = ("--state-dir", str(folder), *said_by_last, "--no-color")
    command = [sys.executable, str(ROOT / "run.py"), "sandbox", *own, *words]
    folder.mkdir(parents=True, exist_ok=True)
    begun = perf_counter()
    with (folder / "said.txt").open("wb") as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            watcher = Watcher(process.pid, folder)
            while (code := _code(process)) is None:
                watcher.look()
        finally:
            process.kill()
            process.wait()
    sessions = []
    days = sorted(watcher.days.items())
    for day, seen in days:
        if day == days[-1][0]:
            seen.rests = []  # what ends lets go of more than what goes on
        sessions.append(left(folder, Day(day), seen, seen.ended - begun, speed))
        begun = seen.ended
    return code, sessions


def _code(process: "subprocess.Popen[bytes]") -> int | None:
    """Return the exit code, None after a while if it runs on."""
    try:
        return process.wait(LOOK_S)
    except subprocess.TimeoutExpired:
        return None


def table(sessions: Sequence[Session]) -> str:
    """Return the days as a table."""
    names = [field.name for field in fields(Session)]
    rows = [names, *([_shown(getattr(each, name)) for name in names] for each in sessions)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(names))]
    return "\n".join(
        "  ".join(f"{c:>{w}}" for c, w in zip(row, widths, strict=True)) for row in rows
    )


def told(verdicts: Sequence[Verdict]) -> str:
    """Return the lines as text."""
    return "\n".join(
        f"{each.name:<8} mean {each.mean:8.2f}  per session {each.growth:+8.3f}  "
        f"tolerated {each.tolerated:7.3f}  {'flat' if each.is_flat else 'GROWS'}"
        for each in verdicts
    )


def main(arguments: Sequence[str]) -> int:
    """Play, print the days and the verdict; 1 if something grows or a day went wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak")
    parser.add_argument("--days", type=int, default=10, help="sessions in one process life")
    parser.add_argument("--speed", type=int, default=60, help="market seconds in one of yours")
    parser.add_argument("--seed", type=int, default=16, help="random seed of the first day")
    parser.add_argument("--from", dest="begin", default="09:10", help="wall time a day begins")
    parser.add_argument("--until", help="wall time of the force close")
    parser.add_argument("--config", type=Path, help="your own settings, YAML")
    parser.add_argument("--folder", type=Path, help="state directory; else one that is thrown away")
    parser.add_argument("--json", type=Path, help="write the days there")
    asked = parser.parse_args(arguments)
    given = {
        "--days": asked.days,
        "--speed": asked.speed,
        "--seed": asked.seed,
        "--from": asked.begin,
        "--until": asked.until,
        "--config": asked.config,
    }
    words = [t for name, value in given.items() if value is not None for t in (name, str(value))]
    with tempfile.TemporaryDirectory() as thrown_away:
        folder = asked.folder or Path(thrown_away)
        code, sessions = soak(folder, words, asked.speed)
        if len(sessions) < asked.days:
            print((folder / "said.txt").read_text("ascii", "replace")[-2000:], file=sys.stderr)
    verdicts = judge(sessions)
    print(table(sessions))
    print(told(verdicts))
    if asked.json is not None:
        asked.json.write_text(json.dumps([vars_of(each) for each in sessions], indent=1) + "\n")
    is_well = code == 0 and len(sessions) == asked.days and all(v.is_flat for v in verdicts)
    print(f"{len(sessions)} sessions, exit code {code}: {'flat' if is_well else 'NOT flat'}")
    return 0 if is_well else 1


def vars_of(session: Session) -> dict[str, object]:
    """Return a day as JSON takes it."""
    return {field.name: getattr(session, field.name) for field in fields(Session)}


def _shown(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
