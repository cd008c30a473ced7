"""The door: parse the command line, run one command, leave with its exit code."""

import faulthandler
import os
import sys
from contextlib import suppress

ESCALATED = 70

if __name__ == "__main__":
    faulthandler.enable()  # the service manager ends a process that hangs by SIGABRT
    try:
        from cli.door import main
    except KeyboardInterrupt:  # imports take half a second
        raise SystemExit(130) from None
    code = main()
    if code == ESCALATED:
        # Journals are closed. A thread that hangs, perhaps with a lock that the interpreter's own
        # end would wait for, must not keep the process that is to come from recovering.
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)  # noqa: TID251 - the one way out that waits for nobody
    raise SystemExit(code)
