"""An agent that also records: its ticks go to a recorder, which never gets in its way."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from cli.session import Session, locked
from domain.units import Day
from research.recorder import Recorder
from research.recording import RecordingFailed

log = logging.getLogger(__name__)


@contextmanager
def taped(folder: Path | None, session: Session, day: Day) -> Iterator[Session]:
    """Give a session a recorder that writes to `folder`; None is no recorder.

    What goes wrong later than at the start is told in the log and ends nothing. Raises ConfigError,
    Locked or RecordingFailed for a folder that cannot be recorded to.
    """
    if folder is None:
        yield session
        return
    with locked(folder, option="--record", who="the recorder"):
        recorder = Recorder(folder, day)
        recorder.start()
        try:
            yield replace(session, take=recorder.take)
        finally:
            _close(recorder)


def _close(recorder: Recorder) -> None:
    try:
        log.info("recorded %s", recorder.close())
    except RecordingFailed as error:
        log.error("%s", error)  # noqa: TRY400 - the text names the remedy, a traceback none
