"""Sessions that share nothing, played over processes."""

import logging
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import active_children, get_context
from typing import TextIO, TypeVar

from domain.errors import ConfigError

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")

MOST_WORKERS = 64


def spread(
    play: Callable[[Task], Outcome],
    tasks: Sequence[Task],
    workers: int | None,
    out: TextIO,
    at_once: int = 1,
) -> Iterator[Outcome]:
    """Play the sessions over processes; they come back in their order, with a line of progress.

    `at_once` are handed to a process together. Whatever ends the drill early ends the processes
    too, and removes what they wrote.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    step = max(1, len(tasks) // 20)
    with tempfile.TemporaryDirectory(prefix="sutradhar-drill-") as folder:
        count = workers or os.cpu_count() or 1
        pool = ProcessPoolExecutor(count, get_context("spawn"), _settle_down, (folder,))
        try:
            for number, outcome in enumerate(pool.map(play, tasks, chunksize=at_once), 1):
                if number % step == 0 or number == len(tasks):
                    print(f"drill: {number} of {len(tasks)} sessions", file=out, flush=True)
                yield outcome
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in active_children():
                process.terminate()
                process.join()


def check_workers(workers: int | None) -> None:
    """Raise ConfigError for a number of processes that cannot be."""
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        raise ConfigError(
            f"--workers {workers}: allowed is a whole number from 1 to {MOST_WORKERS}"
        )


def _settle_down(folder: str) -> None:
    """Let the sessions of this process tell no story, write there, and die when told to."""
    logging.disable(logging.CRITICAL)
    tempfile.tempdir = folder
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
