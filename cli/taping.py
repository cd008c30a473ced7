"""An agent that also records: its ticks go to a recorder, which never gets in its way."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from cli.session import Locked, Session, locked
from domain.errors import ConfigError
from domain.units import Day
from research.recorder import Recorder
from research.recording import RecordingFailed

log = logging.getLogger(__name__)


@contextmanager
def taped(folder: Path | None, session: Session, day: Day) -> Iterator[Session]:
    """Give a session a recorder that writes to `folder`; None is no recorder.

    What goes wrong with it is told in the log and ends nothing: an agent has shorts to look after.
    Without a folder that can be recorded to the session goes on without a recorder.
    """
    with ExitStack() as held:
        recorder = None if folder is None else _begun(folder, day, held)
        yield session if recorder is None else replace(session, take=recorder.take)


def _begun(folder: Path, day: Day, held: ExitStack) -> Recorder | None:
    """Return a recorder that runs and is closed with `held`, or None."""
    recorder = Recorder(folder, day)
    try:
        with ExitStack() as mine:
            mine.enter_context(locked(folder, option="--record", who="the recorder"))
            recorder.start()
            mine.callback(_close, recorder)
            held.enter_context(mine.pop_all())
    except (RecordingFailed, Locked, ConfigError, OSError) as error:
        log.error("not recording, the session goes on without: %s", error)  # noqa: TRY400 - as below
        return None
    return recorder


def _close(recorder: Recorder) -> None:
    try:
        log.info("recorded %s", recorder.close())
    except (RecordingFailed, OSError) as error:
        log.error("%s", error)  # noqa: TRY400 - the text names the remedy, a traceback none
