"""The kill switch as the main loop sees it: the file KILL, the drop-box, SIGUSR1.

All of them become levers for OrderActor, which alone writes latches. Nothing is remembered here.
"""

import logging
from pathlib import Path

from actors.post_office import Post
from cli.dropbox import KILL, Answer, Dropbox, kill_fault, kill_text
from domain import clock
from domain.levers import Lever
from domain.switch import Taps, kill_level
from domain.units import Micros, seconds
from messages.orders import LeverPulled, PullLever

log = logging.getLogger(__name__)

EVERY = seconds(0.5)
"""In machine time: how often the state directory is looked at."""


class Switch:
    """Looks at the state directory in every round of the loop. Owned by the main thread."""

    def __init__(self, folder: Path, post: Post) -> None:
        self._folder = folder
        self._post = post
        self._box = Dropbox(folder)
        self._taps = Taps()
        self._due = Micros(0)
        self._seen: Lever | None = None
        self._fault = ""

    def look(self) -> None:
        """Tell what a human left there, as long as it is there; at most each half second."""
        machine = clock.machine()
        if machine < self._due:
            return
        self._due = Micros(machine + EVERY)
        self._look_for_the_file()
        for name, request in self._box.waiting(clock.wall()):
            self._tell(request.lever, request.reason, request.name, name)

    def tap(self) -> None:
        """Take a SIGUSR1."""
        lever = self._taps.tap(clock.machine())
        log.warning("SIGUSR1: %s", lever)
        self._tell(lever, "SIGUSR1")

    def answered(self, pulled: LeverPulled) -> None:
        """Pass on what OrderActor said to a request."""
        said = Answer(refusal=pulled.refusal, mode=pulled.mode, latches=pulled.latches)
        self._box.answer(pulled.request, said)

    def _look_for_the_file(self) -> None:
        text = kill_text(self._folder)
        lever = None if text is None else kill_level(text)
        if lever is not self._seen:
            self._seen = lever
            log.warning("%s is %s", self._folder / KILL, f"there: {lever}" if lever else "gone")
        fault = "" if text else kill_fault(self._folder)
        if fault and fault != self._fault:
            remedy = "it freezes whatever it holds; give it to the user who runs this, or remove it"
            log.warning("%s cannot be read (%s): %s", self._folder / KILL, fault, remedy)
        self._fault = fault
        if lever is not None:
            self._tell(lever, "KILL_FILE")

    def _tell(self, lever: Lever, reason: str, name: str = "", request: str = "") -> None:
        wish = PullLever(at=clock.now(), lever=lever, reason=reason, name=name, request=request)
        self._post.tell("order", wish)
