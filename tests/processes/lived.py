"""`run.py live` in a market time of its own, against a paper exchange in the server's place.

    python -m tests.processes.lived ANCHOR live --state-dir ...

Only two things differ from run.py: the clock follows ANCHOR, and no server is known to be paper.
"""

import sys

import msgspec

import domain.preflight
from cli.door import main
from domain import clock
from domain.clock import Anchor, AnchoredClock

if __name__ == "__main__":
    anchor = msgspec.json.decode(sys.argv.pop(1), type=Anchor)
    setattr(domain.preflight, "PAPER_EXCHANGE", "nobody")  # noqa: B010 - what this file is for
    clock.use(AnchoredClock(anchor))
    raise SystemExit(main())
