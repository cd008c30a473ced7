"""A hand on the clock of a paper exchange that is a process of its own."""

from typing import Any

import requests

from domain.session import show
from domain.units import Micros
from sandbox.control import TOKEN_HEADER
from tests.e2e.paper import Paper
from tests.e2e.sessions import LONG_S

TOKEN = "token"


class Hands:
    """The exchange's clock and faults, moved through its control app."""

    def __init__(self, exchange: Paper) -> None:
        self._url = f"{exchange.ready['control_url']}/clock"
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers[TOKEN_HEADER] = TOKEN

    def now(self) -> Micros:
        """The market instant."""
        return Micros(self._http.get(self._url, timeout=LONG_S).json()["now"])

    def stand(self) -> None:
        """Stop it."""
        self._order(pause=True)

    def go(self) -> None:
        """Let it run."""
        self._order(pause=False)

    def run_to(self, at: Micros) -> None:
        """Let it run up to a whole second and stand there; at once if that is over."""
        if at > self.now():
            self._order(run_to=show(at), pause=True)

    def suffer(self, **fault: Any) -> None:
        """Put a fault in force."""
        url = self._url.replace("/clock", "/faults")
        self._http.post(url, json={"add": [fault]}, timeout=LONG_S).raise_for_status()

    def _order(self, **order: Any) -> None:
        self._http.post(self._url, json=order, timeout=LONG_S).raise_for_status()
