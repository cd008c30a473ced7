"""How many ticks a second the agent takes in, and what a tick costs, beside a raw-socket loop.

A server in a process of its own sends prices of 82, 500 and 1,000 options over a WebSocket. The
subjects, each in a process of its own (`bench/feed_cast.py`):

  raw   websocket-client receives, msgspec decodes, nothing else; flooded, so this is the ceiling
  cast  stream thread -> FeedActor -> BarActors -> StrategyActor, with the watchdog, in threads

A rate is sustained if the inboxes are no deeper in the second half of the run than in the first,
and empty when the last tick was sent. The rates of RATES are tried in turn, and the last one that
was sustained is shown. CPU per tick is the subject's whole process, all threads.

The last lines are memory: the same cast in virtual time, ten hours of one tick a second and symbol.
What grows are the day's bars, which are kept; their number is shown beside.

No figure is printed, and the exit code is 1, unless every tick that was sent was heard, and the
bars of every symbol end with its last price and hold all of its volume. Nothing is asserted about
time.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.feed_market import FIRST_VOLUME

COUNTS = (82, 500, 1000)
HOSTED = {82: 1, 500: 10, 1000: 20}
"""Symbols a bar actor hosts, by the size of the universe."""

RATES = (1000, 2000, 3000, 4000, 6000, 8000, 10_000, 12_000, 15_000, 20_000)
SECONDS = 6
HOURS = 10
FLAT = 50
"""How many messages more may wait in the second half: those of one batch on its way."""

TOO_LONG_S = 300


class Wrong(Exception):
    """A subject did not hear what was said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one subject did at one rate; `waits` are the medians of both halves and the most."""

    per_s: float
    cpu_us: float
    waits: tuple[float, float, int] = (0, 0, 0)

    @property
    def is_sustained(self) -> bool:
        """Whether the inboxes stayed as deep as they were."""
        return self.waits[1] <= self.waits[0] + FLAT


def raw(symbols: int) -> Taken:
    """Flood the bare loop."""
    with _peer(symbols, 0) as peer:
        heard = _subject("raw", symbols, peer.port)
        said = peer.said()
    if heard["frames"] != said["frames"]:
        raise Wrong(f"raw {symbols}: heard {heard['frames']} of {said['frames']} frames")
    return Taken(per_s=heard["per_s"], cpu_us=heard["cpu_us"])


def cast(symbols: int, rate: int) -> Taken:
    """Send the cast prices at a rate."""
    with _peer(symbols, rate) as peer:
        heard = _subject("cast", symbols, peer.port, HOSTED[symbols])
        said = peer.said()
    compare(f"cast {symbols} at {rate}/s", heard, said)
    early, late = heard["waits"]
    return Taken(
        per_s=rate,
        cpu_us=heard["cpu_us"],
        waits=(median(early or [0]), median(late or [0]), max([*early, *late, 0])),
    )


def most(symbols: int, rates: Sequence[int]) -> tuple[Taken, Taken | None]:
    """Return the last rate that was sustained, and the first that was not."""
    best: Taken | None = None
    for rate in rates:
        taken = cast(symbols, rate)
        if not taken.is_sustained:
            return best or taken, taken
        best = taken
    assert best is not None
    return best, None


def memory(symbols: int, hours: int) -> Iterator[dict[str, int]]:
    """Yield resident kilobytes and bars made after each hour."""
    command = [sys.executable, "-m", "bench.feed_hours", str(symbols), str(hours)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield from map(json.loads, process.stdout)
    if process.returncode:
        raise Wrong(f"hours {symbols}: ended with code {process.returncode}")


def compare(what: str, heard: dict[str, Any], said: dict[str, Any]) -> None:
    """Raise Wrong unless all that was said was heard, and is in the bars."""
    frames = said["frames"] + said["index"]
    if heard["ticks"] != frames:
        raise Wrong(f"{what}: heard {heard['ticks']} of {frames} ticks")
    for symbol, (price, volume) in said["last"].items():
        # The first value of the day is a baseline only: we came after the open.
        expected = [price, volume - FIRST_VOLUME]
        if heard["last"].get(symbol) != expected:
            found = heard["last"].get(symbol)
            raise Wrong(f"{what}: {symbol} ends with {found}, it was sent {expected}")


@dataclass(slots=True)
class _Peer:
    process: "subprocess.Popen[str]"
    port: int

    def said(self) -> dict[str, Any]:
        """Return what it said, when it is through."""
        assert self.process.stdout is not None
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        return said


@contextmanager
def _peer(symbols: int, rate: int) -> Iterator[_Peer]:
    command = [sys.executable, "-m", "bench.feed_peer", str(symbols), str(rate), str(SECONDS)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield _Peer(process, json.loads(process.stdout.readline())["port"])
    finally:
        process.kill()
        process.communicate()


def _subject(kind: str, *given: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.feed_cast", kind, *map(str, given)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TOO_LONG_S, check=False)
    if done.returncode:
        raise Wrong(f"{kind}: ended with code {done.returncode}\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--symbols", type=int, nargs="*", choices=COUNTS, default=COUNTS)
    parser.add_argument("--rates", type=int, nargs="*", default=RATES)
    parser.add_argument("--hours", type=int, default=HOURS)
    given = parser.parse_args()
    head = f"{'symbols':>7}{'hosted':>7}{'raw/s':>9}{'cast/s':>8}{'ratio':>7}{'raw us':>8}"
    lines = [f"{head}{'cast us':>8}{'waiting':>16}  not sustained"]
    try:
        for symbols in given.symbols:
            lines.append(_line(symbols, raw(symbols), *most(symbols, given.rates)))
            print(f"measured {symbols} symbols", file=sys.stderr, flush=True)
        lines += map(_hour, memory(COUNTS[0], given.hours))
    except (Wrong, subprocess.TimeoutExpired) as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    print("\n".join(lines))
    return 0


def _hour(hour: dict[str, int]) -> str:
    megabytes = hour["rss_kb"] / 1024
    return f"after {hour['hour']:>2} h {megabytes:6.1f} MB resident, {hour['bars']} bars more"


def _line(symbols: int, ceiling: Taken, best: Taken, beyond: Taken | None) -> str:
    early, late, top = best.waits
    waiting = f"{early:.0f} {late:.0f} max {top}"
    over = "-" if beyond is None else f"{beyond.per_s:.0f}/s waiting {beyond.waits[1]:.0f}"
    ratio = f"1/{ceiling.per_s / best.per_s:.1f}"
    shown = best if best.is_sustained else Taken(per_s=0, cpu_us=best.cpu_us, waits=best.waits)
    return (
        f"{symbols:>7}{HOSTED[symbols]:>7}{ceiling.per_s:>9.0f}{shown.per_s:>8.0f}{ratio:>7}"
        f"{ceiling.cpu_us:>8.1f}{best.cpu_us:>8.1f}{waiting:>16}  {over}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
