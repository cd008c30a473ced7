"""Where threads are, written into the log: for a human who asks, and of an actor that hangs."""

import logging
import sys
import threading
import traceback

log = logging.getLogger(__name__)


def log_all() -> None:
    """Write down where every thread is. Any thread."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    log.warning("stacks of %d threads", len(names))
    _write(names)


def log_of(name: str) -> None:
    """Write down where the threads of this name are. Any thread."""
    _write({each.ident: name for each in threading.enumerate() if each.name == name})


def _write(names: dict[int | None, str]) -> None:
    frames = sys._current_frames()  # noqa: SLF001 - the one way to look at another thread
    for ident, name in names.items():
        frame = frames.get(ident or 0)
        if frame is None:
            continue
        text = "".join(traceback.format_stack(frame)).rstrip()
        record = log.makeRecord(
            log.name, logging.WARNING, __file__, 0, "stack of %s", (name,), None, sinfo=text
        )
        log.handle(record)
