"""The dead-man heartbeat: an address called each minute while all is well.

A host that is down alerts nobody. Whoever keeps that address misses the call and does.
"""

import logging
import threading
from collections.abc import Callable

import requests

from dashboard.board import Board
from domain.alert_params import HeartbeatParams
from domain.readiness import illness
from domain.strategy import Mode

log = logging.getLogger(__name__)

MET = 400
"""A status below this is an answer that counts."""


def is_well(board: Board) -> bool:
    """Whether a day's agent is at work and tells of it; the same judgement as /healthz."""
    found = board.look()
    if found is None:
        return False
    status, age_s = found
    return not illness(age_s) and status.mode != Mode.CLOSED and not status.ended


class Deadman:
    """Calls the address in a thread of its own; trading neither waits for it nor notices."""

    def __init__(self, url: str, params: HeartbeatParams, is_healthy: Callable[[], bool]) -> None:
        self._url = url
        self._params = params
        self._is_healthy = is_healthy
        self._session = requests.Session()
        self._over = threading.Event()
        self._failed = 0
        self._thread = threading.Thread(  # noqa: TID251 - it waits for a stranger's server
            target=self._work, name="heartbeat", daemon=True
        )

    def start(self) -> None:
        """Begin to call."""
        self._thread.start()

    def close(self) -> None:
        """Call no more; a call under way is not waited for long."""
        self._over.set()
        self._thread.join(1.0)

    def _work(self) -> None:
        while not self._over.wait(self._params.every_s):
            if self._is_healthy():
                self.beat()

    def beat(self) -> None:
        """Call once; what fails is counted, and said when it begins and ends."""
        try:
            answer = self._session.get(self._url, timeout=self._params.timeout_s)
            why = "" if answer.status_code < MET else f"HTTP {answer.status_code}"
        except requests.RequestException as error:
            why = type(error).__name__  # its words hold the address, which is a secret
        if why and not self._failed:
            log.warning("the heartbeat was not taken: %s; it goes on", why)
        if not why and self._failed:
            log.info("the heartbeat is taken again, after %d failed calls", self._failed)
        self._failed = self._failed + 1 if why else 0
