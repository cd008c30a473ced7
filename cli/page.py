"""The page beside the agent: probes, state, metrics and levers by HTTP, in a thread of its own.

It never stops trading: without its port the agent goes on, and says so. A lever goes the way of
`run.py freeze` and its like, through the drop-box of the state directory.
"""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

from cli import holder, levers
from cli.dropbox import NoRoom
from cli.levers import Refused, Unanswered
from cli.version import VERSION
from config.secrets import SECRETS
from config.settings import Settings
from dashboard.access import Access
from dashboard.app import View, app
from dashboard.board import Board
from dashboard.pulling import Outcome, Pulled
from dashboard.service import Service, listen
from domain.errors import ConfigError, JournalError
from domain.levers import Lever
from domain.page_params import PageParams

log = logging.getLogger(__name__)

LEAVE_S = 3.0
"""Real seconds for the last answers."""


@contextmanager
def beside(settings: Settings, folder: Path) -> Iterator[Board]:
    """Serve the page while the block runs and yield the board it shows.

    The folder is locked by this process. Main thread. Raises ConfigError if others could read it
    without a token; a port that is taken is a warning.
    """
    check(settings)
    board = Board()
    page = _open(settings, folder, board) if settings.page.on else None
    try:
        yield board
    finally:
        if page is not None:
            page.close()


def check(settings: Settings) -> None:
    """Raise ConfigError for a page that others than this machine reach and anybody may read."""
    params, keys = settings.page, settings.keys
    control, read = keys.control_token.get_secret_value(), keys.read_token.get_secret_value()
    names = " or ".join(SECRETS[("keys", key)] for key in ("read_token", "control_token"))
    if params.on and not is_loopback(params.host) and not (control or read):
        raise ConfigError(
            f"page.host: {params.host} is not allowed without a token, for others reach it; set "
            f"{names} to one of at least 32 characters, or leave page.host at 127.0.0.1"
        )
    if control and control == read:
        raise ConfigError(f"{names}: both are the same; the one that reads must be another one")


def why_not(params: PageParams) -> str:
    """Return why the page could not be served now, '' if it could."""
    try:
        listen(params.host, params.port).close()
    except OSError as error:
        return f"{params.host}:{params.port} cannot be listened on ({error.strerror or error})"
    return ""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address; a name but localhost may be anything."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Page:
    """A page that is being served. Owned by the main thread."""

    def __init__(self, service: Service, url: str) -> None:
        self.url = url
        self._service = service
        self._is_leaving = False
        self._thread = threading.Thread(  # noqa: TID251 - the page has a thread of its own
            target=self._work, name="page", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Answer what was asked, a moment at most, and serve no more."""
        self._is_leaving = True
        self._service.leave()
        self._thread.join(LEAVE_S)

    def _work(self) -> None:
        try:
            self._service.work()
        finally:
            if not self._is_leaving:
                log.error("the page at %s is served no more; the agent goes on", self.url)


class Hand:
    """Pulls levers of the agent of this very process. In a thread that may wait."""

    def __init__(self, folder: Path, tap: Callable[[Path], int] = holder.tap) -> None:
        self._folder = folder
        self._tap = tap

    def pull(self, lever: Lever, latch: str) -> Pulled:
        """Pull one and wait for what comes of it."""
        pulled = self._pull(lever, latch.upper())
        log.warning("by HTTP: %s %s: %s", lever, latch, pulled.text.partition("\n")[0])
        return pulled

    def _pull(self, lever: Lever, latch: str) -> Pulled:
        try:
            answer = levers.ask_for(self._folder, lever, latch)
        except NoRoom as error:
            return self._signal(lever, str(error))
        except (ConfigError, Refused, JournalError) as error:
            return Pulled(outcome=_OUTCOMES.get(type(error), Outcome.REFUSED), text=str(error))
        except OSError as error:
            return Pulled(outcome=Outcome.IMPOSSIBLE, text=str(error))
        if answer is None:
            return Pulled(outcome=Outcome.GONE, text="the agent ends; nobody answered")
        text = levers.told(lever, latch, answer)
        return Pulled(outcome=Outcome.DONE, text=text, mode=answer.mode, latches=answer.latches)

    def _signal(self, lever: Lever, why: str) -> Pulled:
        """Flatten without the disk, which takes nothing; a signal says no more than that."""
        if lever is not Lever.FLATTEN:
            return Pulled(outcome=Outcome.IMPOSSIBLE, text=why)
        try:
            pid = self._tap(self._folder)
        except (Refused, JournalError) as error:
            return Pulled(outcome=Outcome.IMPOSSIBLE, text=f"{why}; {error}")
        text = f"the disk takes nothing, so SIGUSR1 went to the agent, pid {pid}: it flattens"
        return Pulled(outcome=Outcome.SIGNALLED, text=text)


_OUTCOMES = {ConfigError: Outcome.WRONG, Unanswered: Outcome.UNANSWERED}


def _open(settings: Settings, folder: Path, board: Board) -> Page | None:
    params = settings.page
    try:
        listener = listen(params.host, params.port)
    except OSError as error:
        log.warning(
            "no page: %s:%d cannot be listened on (%s); the agent trades without it, end what "
            "listens there or change page.port",
            *(params.host, params.port, error.strerror or error),
        )
        return None
    view = View(
        board=board,
        levers=Hand(folder),
        access=access_of(settings),
        version=VERSION,
        requests_per_s=params.requests_per_s,
    )
    page = Page(Service(app(view), listener, params.connections), _url(listener))
    levers_are = "on" if view.access.control else "off: no control token"
    log.info("page open url=%s levers=%s", page.url, levers_are)
    return page


def access_of(settings: Settings) -> Access:
    """Return who may ask what by the settings."""
    keys = settings.keys
    return Access(
        control=keys.control_token.get_secret_value(),
        read=keys.read_token.get_secret_value(),
        is_loopback=is_loopback(settings.page.host),
        names=settings.page.host_names,
    )


def _url(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
