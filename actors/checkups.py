"""Asking the server how it is, at the start and now and then: mode, clock, funds, calendar, margin.

In OrderActor's thread; the answers come back as its messages.
"""

import logging

from actors.post_office import Post
from broker.port import Broker
from domain.calls import Failed, MarginRead, Preflight, ReadMargin, ReadReply, Ready
from domain.desk import Desk
from domain.params import BrokerParams
from domain.preflight import Checkup, lost, why_not, wrong_mode
from domain.strategy import Mode
from domain.units import SECOND, Day, Micros, seconds
from messages.orders import MarginSeen, PreflightDone

log = logging.getLogger(__name__)

NO_SESSION = 403
"""OpenAlgo's one answer to a bad key and to a missing broker session."""

NO_BOOKS = "the broker's books were not read since the start"
READ_BY_HAND = "see that OpenAlgo answers, log in, compare the order book at the broker"


class Checkups:
    """Judges what the server says of itself, and tells the desk."""

    def __init__(
        self,
        post: Post,
        broker: Broker,
        link: BrokerParams,
        server_mode: str,
        *,
        is_paper_exchange: bool,
    ) -> None:
        self._post = post
        self._broker = broker
        self._link = link
        self._server_mode = server_mode
        self._is_paper_exchange = is_paper_exchange
        self._checkup = Checkup(seconds(link.session_retry_s))

    def inquire(self, desk: Desk, day: Day, at: Micros) -> None:
        """Ask the server how it is, when that is due."""
        if desk.doubts.login_is_missed(at):
            self._hold_login(desk, (NO_BOOKS, READ_BY_HAND))
        is_waiting = desk.mode(at) is Mode.WAIT_LOGIN
        if self._checkup.is_due(at, is_waiting=is_waiting):
            self._broker.read(Preflight(day=day), self._answered)
        self._inquire_margin(desk, at)

    def _inquire_margin(self, desk: Desk, at: Micros) -> None:
        """Ask what one lot of a wished contract needs, when that is due."""
        if desk.mode(at) is not Mode.ACTIVE:
            return
        question = desk.entries.margins.due(at)
        if question is not None:
            number = question.number
            call = ReadMargin(ticket=question.ticket)
            self._broker.read(call, lambda reply: self._margin_seen(number, reply))

    def margin(self, desk: Desk, question: int, reply: ReadReply, at: Micros) -> None:
        """Tell the desk what a lot needs; a server that does not say leaves the estimate."""
        total = reply.total if isinstance(reply, MarginRead) else None
        desk.entries.margins.answered(question, total, at)

    def take(self, desk: Desk, reply: ReadReply, at: Micros) -> tuple[bool, str]:
        """Tell the desk what the server said.

        Return whether the books are to be read now, and why nothing may be started here, or ''.
        """
        if isinstance(reply, Failed):
            self._unchecked(desk, reply, at)
            return False, ""
        assert isinstance(reply, Ready)
        is_repeat = self._checkup.has_passed
        wrong = why_not(
            reply,
            self._server_mode,
            is_paper_exchange=self._is_paper_exchange,
            is_quiet=desk.ledger.is_quiet and not is_repeat,
        )
        is_flip = wrong == wrong_mode(reply.mode, self._server_mode) and not desk.ledger.is_quiet
        if wrong and (is_repeat or is_flip):
            # Something of ours is there: it is waited for the right world, not left alone.
            self._checkup.failed(at)
            desk.flipped(wrong, at)
            return False, ""
        if wrong:
            return False, wrong
        is_new = not is_repeat or desk.mode(at) is Mode.WAIT_LOGIN
        self._checkup.passed()
        desk.preflight(reply, at)
        return is_new, ""

    def refused(self, desk: Desk, status: int, text: str) -> None:
        """Take a read that failed: 403 is a session that is gone."""
        if status == NO_SESSION:
            self._wait_for_login(desk, status, text)

    def _unchecked(self, desk: Desk, failed: Failed, at: Micros) -> None:
        """Wait for the server, or go on with what it said before if it only does not say it now."""
        is_news = self._checkup.failed(at, is_at_stake=not desk.ledger.is_quiet)
        if not self._checkup.has_passed or failed.status == NO_SESSION:
            self._wait_for_login(desk, failed.status, failed.text)
        elif is_news:
            log.warning("funds and clock are not read status=%s %s", failed.status, failed.text)

    def _wait_for_login(self, desk: Desk, status: int, text: str) -> None:
        self._hold_login(desk, lost(status), status, text)

    def _hold_login(
        self, desk: Desk, why: tuple[str, str], status: int = 0, text: str = ""
    ) -> None:
        what, remedy = why
        if desk.lost_session(what):
            retry_s = self._checkup.retry_of(is_at_stake=not desk.ledger.is_quiet) // SECOND
            said = (what, status, text, retry_s, remedy)
            log.warning("%s status=%s %s; asking again every %d s: %s", *said)

    def _margin_seen(self, number: int, reply: ReadReply) -> None:
        """Pass a margin on. In the read lane's thread."""
        self._post.tell("order", MarginSeen(question=number, reply=reply))

    def _answered(self, reply: ReadReply) -> None:
        """Pass the answer on. In the read lane's thread."""
        self._post.tell("order", PreflightDone(reply=reply))
