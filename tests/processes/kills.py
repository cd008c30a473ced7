"""Kill the agent at every boundary and at random instants, and print what became of the orders.

    python -m tests.processes.kills [--times 100] [--seed 1]

Real processes over real sockets: the paper exchange lives on, the agent is ended by SIGKILL and
started again on its state directory. Exit code 1 if anything was doubled, lost or left open, if a
rule of the exchange's checker was broken, or if a boundary was never come to.
"""

import argparse
import random
import sys
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from tests.processes.failpoint import Boundary
from tests.processes.kill_session import Kill, Killed, kill_session
from tests.processes.kill_verdict import Verdict, percentile, verdict

CLOSE = "10:50"
SESSIONS = 12
"""How many sessions may be needed before a boundary counts as never come to."""

RECOVERING = (
    Boundary.LOCK,
    Boundary.FOLDED,
    Boundary.PREFLIGHT,
    Boundary.SNAPSHOT,
    Boundary.ADOPTED,
    Boundary.RECOVERED,
)
CLOSING = (
    (Boundary.CHASE_BEGUN, Boundary.COVER_PLANNED, Boundary.COVER_ANSWERED),
    (Boundary.COVER_SENT,),
    (Boundary.FLAT_PROVED,),
)
"""What is met in the close of one session, each in the life of a process of its own."""

TRADING = tuple(b for b in Boundary if b not in {*RECOVERING, *chain(*CLOSING)})
BEFOREHAND = (Boundary.FILL_SEEN, Boundary.STOP_SENT, Boundary.ENTRY_SENT, Boundary.STOP_PLANNED)
"""Where a process dies so that the next one, which dies recovering, has something to recover."""

LONGEST_LIFE_S = 3.0
LONGEST_RECOVERY_S = 0.8
LONGEST_ABSENCE_S = 20
IN_RECOVERY = 10
"""Every so many of the random kills come while the process still recovers."""


def random_kills(
    times: int, chance: random.Random, longest_s: float = LONGEST_LIFE_S
) -> Iterator[Kill]:
    """Draw kills; every second time the market goes on for a while without an agent."""
    for number in range(1, times + 1):
        in_recovery = number % IN_RECOVERY == 0
        longest = LONGEST_RECOVERY_S if in_recovery else longest_s
        yield Kill(
            after_s=chance.uniform(0, longest),
            dead_s=chance.choice([0, chance.randint(1, LONGEST_ABSENCE_S)]),
            in_recovery=in_recovery,
        )


def planned_kills(chance: random.Random) -> Iterator[Kill]:
    """Yield one kill at each boundary of trading and of recovery."""
    for point in TRADING:
        yield Kill(point=point, dead_s=chance.choice([0, 5]))
    for number, point in enumerate(RECOVERING):
        yield Kill(point=BEFOREHAND[number % len(BEFOREHAND)])
        yield Kill(point=point)


Session = tuple[list[Killed], Verdict, list[int]]


def play(
    kills: Sequence[Kill], folder: Path, chains: Sequence[tuple[Boundary, ...]] = CLOSING
) -> Iterator[Session]:
    """Play sessions until every kill was met, or enough were played."""
    left, ends = deque(kills), deque(chains)
    for number in range(1, SESSIONS + 1):
        if not left and not ends:
            return
        wanted = ends.popleft() if ends else ()
        home = folder / f"session-{number}"
        with kill_session(home, CLOSE) as session:
            session.play(left, [Kill(point=point) for point in wanted])
        met = {each.kill.point for each in session.killed if each.was_met}
        if missed := tuple(point for point in wanted if point not in met):
            ends.append(missed)
        yield session.killed, verdict(home, session.killed), session.codes


def table(sessions: Sequence[Session]) -> str:
    """Return what was met, and what became of it, by kind of kill."""
    head = f"{'killed at':<20}{'kills':>6}{'met orders':>11}{'naked s':>9}{'recovered s':>12}"
    lines = [head]
    rows: dict[str, list[tuple[Killed, int]]] = {}
    for killed, judged, _ in sessions:
        for each, naked_s in zip(killed, judged.naked_s, strict=True):
            if each.was_met:
                rows.setdefault(each.kill.name, []).append((each, naked_s))
    for name in [*Boundary, "random", "random, in recovery"]:
        met = rows.get(name, [])
        spans = [each.recovered_s for each, _ in met if each.recovered_s is not None]
        slowest = f"{max(spans):.2f}" if spans else "-"
        orders = sum(each.met_orders for each, _ in met)
        naked = max((naked_s for _, naked_s in met), default=0)
        lines.append(f"{name:<20}{len(met):>6}{orders:>11}{naked:>9}{slowest:>12}")
    return "\n".join(lines)


def figures(sessions: Sequence[Session]) -> str:
    """Return the totals: what was doubled, lost or left open, and how long recovery took."""
    killed = [each for some, _, _ in sessions for each in some]
    judged = [one for _, one, _ in sessions]
    recovered = [each.recovered_s for each in killed if each.recovered_s is not None]
    stops = [span for each in killed for span in each.stop_s]
    counts = {
        "sessions": len(sessions),
        "kills": len(killed),
        "orders at the exchange": sum(one.report.orders_sent for one in judged),
        "duplicates": sum(len(one.duplicates) for one in judged),
        "lost": sum(len(one.lost) for one in judged),
        "not flat at the end": sum(not one.report.flat for one in judged),
        "rules broken": sum(len(one.report.invariants_broken) for one in judged),
    }
    lines = [
        ", ".join(f"{name} {count}" for name, count in counts.items()),
        _spans("process start to recovered", recovered),
        _spans("process start to a bare short's stop", stops),
    ]
    return "\n".join(lines)


def _spans(what: str, values: Sequence[float]) -> str:
    if not values:
        return f"{what}: n=0"
    p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
    return f"{what}: n={len(values)} p50={p50:.2f} s p99={p99:.2f} s max={max(values):.2f} s"


def wrong(sessions: Sequence[Session], wanted: Iterable[str]) -> list[str]:
    """Return everything that is not as it should be; `wanted` are names of kills."""
    texts = [text for _, judged, _ in sessions for text in judged.broken]
    texts += [f"the last agent ended with {codes}" for *_, codes in sessions if codes != [0]]
    met = {each.kill.name for killed, *_ in sessions for each in killed if each.was_met}
    never = sorted({*wanted} - met)
    return texts + [f"never come to: {name}" for name in never]


def main() -> int:
    """Kill as often as asked and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=100, help="kills at random instants")
    parser.add_argument("--seed", type=int, default=1, help="of the instants that are drawn")
    parser.add_argument("--keep", type=Path, help="folder to keep the sessions in")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    kills = [*planned_kills(chance), *random_kills(options.times, chance)]
    folder = options.keep.resolve() if options.keep else Path(tempfile.mkdtemp(prefix="kills-"))
    sessions = []
    for session in play(kills, folder):
        sessions.append(session)
        print(f"session {len(sessions)}: {figures([session])}", file=sys.stderr, flush=True)
    print(f"{table(sessions)}\n\n{figures(sessions)}")
    problems = wrong(sessions, [kill.name for kill in kills] + [*chain(*CLOSING)])
    print("\n".join(problems) or "nothing was doubled, lost or left open")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
