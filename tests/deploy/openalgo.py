"""The paper exchange as a real OpenAlgo would look: `run.py live` refuses one that says what it is.

    python -m tests.deploy.openalgo exchange ...

Its market begins, or goes on, at the time of the machine.
"""

import sys

from domain import clock
from domain.session import show
from sandbox.api import desk

BROKER = "zerodha"

if __name__ == "__main__":
    desk.BROKER = BROKER  # before anybody takes the name over
    from cli.door import main

    sys.argv += ["--from", show(clock.wall())]
    raise SystemExit(main())
