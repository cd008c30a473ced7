"""`run.py freeze`, `resume`, `halt`, `clear`, `ack-foreign`: a human's levers.

A running agent is asked through its drop-box and answers once it is on disk; for a dead one the
latch goes into its journal, and the next start finds it there.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TextIO

import msgspec

from cli.dropbox import KILL, Answer, Dropbox, hand_over, kill_text, request
from cli.session import Locked, is_held, locked
from cli.status import NAME as STATUS
from cli.status import NotRunning
from config import pack
from domain import clock, switch
from domain.errors import ConfigError, SutradharError
from domain.hours import hours
from domain.ledger import Ledger
from domain.levers import Lever
from domain.params import SessionParams
from domain.reasons import LATCHES, remedy
from domain.session import trading_day
from domain.status import Status
from domain.units import MINUTE, Day, Micros, seconds
from journal import archive
from journal.opening import Opened, open_orders
from journal.orders import NAME as JOURNAL
from journal.orders import OrderJournal, verify
from sandbox.truth_file import NAME as TRUTH

DONE = 0
ANSWER_S = 10
"""Real seconds a running agent has to do what it is asked; its disk may be slow."""

LOOK_AGAIN_S = 0.05
BEFORE = SessionParams().wake_before_min * MINUTE
OF_THE_FILE = frozenset({"FREEZE", "FLATTEN"})


class Refused(SutradharError):
    """The agent, or the state of things, does not allow it; exit code 1."""


class Unanswered(Refused):
    """Who holds the folder says nothing; whether it did what it was asked is not known."""


def pull(folder: Path, lever: Lever, out: TextIO, name: str = "") -> int:
    """Pull a lever and return 0 once that is on disk. `name` is the latch to clear.

    Raises NotRunning if no agent ever ran there, Refused if it may not be or nobody answers,
    ConfigError for a latch that does not exist, JournalError for a journal that cannot be used.
    """
    name = name.upper()
    check_folder(folder)
    if lever is Lever.CLEAR:
        _check_clear(folder, name)
    while True:
        if is_held(folder):
            answer = ask(folder, lever, name)
            if answer is None:
                continue
            out.write(told(lever, name, answer) + "\n")
            return DONE
        try:
            day = write(folder, lever, name)
        except Locked:
            continue
        out.write(f"{_state(lever, name)} in the journal of {day}: the agent is not running\n")
        return DONE


def check_folder(folder: Path) -> None:
    """Raise NotRunning if no agent ever ran there: a slip of the pen must not look like a latch."""
    if not (folder / JOURNAL).exists() and not is_held(folder):
        raise NotRunning(
            f"--state-dir {folder}: holds no {JOURNAL}, no agent ran there; name the folder of one "
            "that ran"
        )


def ask_for(folder: Path, lever: Lever, name: str = "") -> Answer | None:
    """Ask as `ask` does, but for a latch to clear that would be up again, or that does not exist.

    Raises Refused, ConfigError or JournalError for one.
    """
    if lever is Lever.CLEAR:
        _check_clear(folder, name)
    return ask(folder, lever, name)


def ask(folder: Path, lever: Lever, name: str = "") -> Answer | None:
    """Ask a running agent and return its answer; None if it ended meanwhile.

    Raises Refused with what it says, or if it says nothing.
    """
    box = Dropbox(folder)
    asked = box.put(request(lever, name))
    deadline = clock.steady() + seconds(ANSWER_S)
    try:
        while clock.steady() < deadline:
            answer = box.answered(asked)
            if answer is not None and answer.refusal:
                raise Refused(answer.refusal)
            if answer is not None or not is_held(folder):
                return answer
            pause()
    finally:
        box.forget(asked)
    raise Unanswered(
        f"--state-dir {folder}: who holds it did not answer within {ANSWER_S} s, and is not asked "
        f"any more; write {folder / KILL} (empty: FREEZE, the word FLATTEN: FLATTEN), look at the "
        "log, or end it"
    )


def write(folder: Path, lever: Lever, name: str = "") -> Day:
    """Write a latch of a dead agent into its journal and return the day it is for.

    Raises Refused, JournalError, or Locked if an agent was started meanwhile.
    """
    with locked(folder):
        at = market_now(folder)
        if not (folder / TRUTH).exists():
            archive.roll(folder, at, os.getpid(), in_session)
        write_held(folder, lever, name)
        return trading_day(at)


def write_held(
    folder: Path,
    lever: Lever,
    name: str = "",
    reason: str = "BY_HAND",
    *,
    is_asleep: bool = False,
) -> dict[str, str]:
    """Write a latch into the journal of a folder that is ours, and return all that are up.

    No actor lives; `is_asleep`: none will before the next session. Raises ConfigError for a latch
    that does not exist, Refused or JournalError.
    """
    if lever is Lever.CLEAR:
        _check_clear(folder, name)
    with journal_of(folder) as (opened, at):
        ledger = Ledger().fold(opened.events)
        refusal = _refusal(lever, name, ledger)
        # Nothing will be proved flat before the next session, which such a latch would end.
        is_moot = is_asleep and name == "FLATTEN" and name in ledger.latches and ledger.is_quiet
        if refusal and not is_moot:
            raise Refused(refusal)
        events = switch.pulled(lever, name, reason, ledger, at)
        opened.journal.append((*opened.waiting, *events))
        if opened.fallback is not None:
            opened.fallback.empty()
        return ledger.fold(events).latches


def in_session(at: Micros) -> bool:
    """Whether an agent would be at work, by the dated rules alone."""
    found = hours(trading_day(at), pack.load())
    if found.open is None or found.close is None:
        return False
    return found.open - BEFORE <= at < found.close


@contextmanager
def journal_of(folder: Path) -> Iterator[tuple[Opened, Micros]]:
    """Open the journal of a dead agent, whose lock is held, and return it with its market time.

    A damaged one is left to the agent, which rebuilds the day. Raises JournalError.
    """
    at = market_now(folder)
    day = trading_day(at)
    verify(folder / JOURNAL, day)

    def claim(boot: int) -> OrderJournal:
        return OrderJournal(folder / JOURNAL, os.getpid(), at, boot_after=boot)

    opened = open_orders(folder, day, claim)
    with closing(opened.journal):
        try:
            yield opened, at
        finally:
            if opened.fallback is not None:
                opened.fallback.close()
            for path in folder.iterdir():
                if path.is_file():
                    hand_over(folder, path)


def market_now(folder: Path) -> Micros:
    """Return market time for an agent of this folder: of a paper exchange, when it last spoke."""
    if not (folder / TRUTH).exists():
        return clock.now()
    path = folder / STATUS
    try:
        return msgspec.json.decode(path.read_bytes(), type=Status).at
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"{path}: cannot be read, and tells the day that was played") from error


def pause() -> None:
    """Wait a moment."""
    threading.Event().wait(LOOK_AGAIN_S)


def _check_clear(folder: Path, name: str) -> None:
    """Refuse what is no latch, and one that would be up again at once."""
    if name not in LATCHES:
        up = _up(folder)
        raise ConfigError(f"--latch {name}: is no latch; up: {', '.join(sorted(up)) or 'none'}")
    if name in OF_THE_FILE and kill_text(folder) is not None:
        path = folder / KILL
        raise Refused(f"{path} is there and would raise {name} again: remove it first (rm {path})")


def _up(folder: Path) -> tuple[str, ...]:
    day = trading_day(market_now(folder))
    return tuple(Ledger().fold(verify(folder / JOURNAL, day)).latches)


def _refusal(lever: Lever, name: str, ledger: Ledger) -> str:
    return switch.why_not_cleared(name, ledger) if lever is Lever.CLEAR else ""


def told(lever: Lever, name: str, answer: Answer) -> str:
    """Return what came of a lever that an agent pulled, in words."""
    up = ", ".join(sorted(answer.latches)) or "none"
    done = f"{_state(lever, name)}; the agent is {answer.mode}, latches up: {up}"
    latch = switch.RAISES.get(lever)
    return f"{done}\n{remedy(latch)}" if latch else done


def _state(lever: Lever, name: str) -> str:
    if lever is Lever.CLEAR:
        return f"{name} is down"
    if lever is Lever.ACK_FOREIGN:
        return "foreign orders are acknowledged"
    return f"{switch.RAISES[lever]} is up" if lever in switch.RAISES else "the books are being read"
