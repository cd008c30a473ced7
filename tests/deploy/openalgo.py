"""The paper exchange as a real OpenAlgo would look: `run.py live` refuses one that says what it is.

    python -m tests.deploy.openalgo exchange ...

Its market begins, or goes on, at the time of the machine, to the microsecond: whoever judges an
agent's journal by the exchange's record compares their clocks.
"""

import sys

from domain import clock
from domain.clock import Anchor
from domain.session import show
from domain.units import Micros
from sandbox import hands
from sandbox.api import desk

BROKER = "zerodha"


def at_the_wall(*, r0: Micros, v0: Micros, speed: int, paused: bool) -> Anchor:
    """Return the clock that shows what the wall clock shows."""
    del v0
    return Anchor(r0=r0, v0=r0, speed=speed, paused=paused)


if __name__ == "__main__":
    vars(hands)["Anchor"] = at_the_wall
    desk.BROKER = BROKER  # before anybody takes the name over
    from cli.door import main

    sys.argv += ["--from", show(clock.wall())]
    raise SystemExit(main())
