"""The order desk: every decision about orders, as a fold over commands, answers and books.

OrderActor hands in what it hears and carries out what comes back: first `drain` and commit the
events, then send the writes. The desk knows no thread and no socket; time is an argument.
"""

from domain import events as ev
from domain import switch
from domain.amendments import Amendments
from domain.blotter import WRONG_MODE, Blotter
from domain.books import Books, OrderPush, Status
from domain.breakers import SkewWatch, trips
from domain.cadence import Urge, attention
from domain.calls import Outcome, Quotes, Ready, WriteReply
from domain.claims import Claims
from domain.desk_entries import Entry, EntryDesk
from domain.desk_exits import ExitDesk
from domain.desk_params import DeskParams, exit_terms
from domain.doubts import DENIED, Doubts
from domain.evidence import Memory, Weighing
from domain.exits import Reference
from domain.externals import Externals
from domain.gate import Gate, Situation
from domain.ledger import Ledger
from domain.levers import Lever
from domain.orders import EntryKey, Pending, Purpose, State, StopPlan
from domain.orphans import Terms
from domain.pages import Page
from domain.parking import unsafe
from domain.proof import NOTHING_LEFT, Proof, Vigil, manual_list
from domain.reasons import Condition
from domain.rebuild import Rebuild
from domain.reconcile import Verdict
from domain.session import DayPlan, cross_check
from domain.standing import Standing
from domain.strategy import Mode
from domain.units import MINUTE, Micros, Paise, Symbol

AHEAD = Micros(MINUTE)
"""How far the journal must be ahead of the clock for the clock to have been set back meanwhile."""


class Desk:
    """One trading day's decisions about orders."""

    def __init__(self, ledger: Ledger, plan: DayPlan, prefix: str, params: DeskParams) -> None:
        self.ledger = ledger
        self.plan = plan
        self.standing = Standing(ledger, plan)
        self.standing.hold(Condition.STRATEGY, "")
        self.blotter = Blotter(ledger, prefix, params.orders)
        self.memory = Memory()
        gate = Gate(params.gate, params.limits, params.max_lots)
        ticks = params.orders.fingerprint_ticks
        self._skew = SkewWatch(self.blotter, params.gate)
        amendments = Amendments(self.blotter, params.modify_qty, ticks)
        self.entries = EntryDesk(self.blotter, gate, params.entry, params.orders, amendments)
        self.exits = ExitDesk(self.blotter, self.memory, exit_terms(params))
        self.claims = Claims(self.blotter, params.orders.fill_agree_s)
        self.doubts = Doubts(self.standing, self.blotter, self.exits.pages)
        self.externals = Externals(self.blotter, params.guard, params.underlying)
        self.rebuild = Rebuild(
            self.blotter,
            Terms(
                underlying=params.underlying,
                prefix=prefix,
                stop=params.stop,
                protects=params.recover.protect_orphans,
            ),
        )
        self.proof = Proof()
        self._vigil = Vigil(params.exit.proof_s, plan.square_off)
        self._params = params
        self._ready: Ready | None = None
        self._calendar = ""
        self._snapshot_at: Micros | None = None
        self._feed: tuple[bool, str] = (False, "no price was seen yet")
        self._doubts = 0

    def mode(self, at: Micros) -> Mode:
        """Return what may be done now. Exits are allowed in every mode but HALTED."""
        return self.standing.mode(at)

    @property
    def is_recovered(self) -> bool:
        """Whether the books were read and every short met."""
        return self.standing.is_recovered

    def pages(self, at: Micros) -> tuple[Page, ...]:
        """Return what a human must be told now: each finding once, then each minute it lasts."""
        waiting = self.standing.is_closing(at) and self.ledger.proved_flat_at is None
        code = self._vigil.overdue(at, waiting=waiting)
        if code is not None:
            left = manual_list(self.ledger, self.exits.last_price)
            self.exits.pages.add(code, self.plan.day, "; ".join(left) or NOTHING_LEFT, at)
        return self.exits.pages.drain(at)

    def attention(self, at: Micros) -> tuple[Micros, str]:
        """Return how often the books should be read now, and why (`execution.md` 7.2)."""
        standing = self.standing
        unproved = standing.is_closing(at) and self.ledger.proved_flat_at is None
        is_parking = standing.parked_at is not None
        urge = Urge(
            is_waiting=self.entries.is_waiting
            or self.externals.is_waiting
            or self.claims.is_waiting,
            is_bare=bool(self.exits.bare(at)) or self.exits.is_long,
            wants_proof=not standing.is_recovered
            or unproved
            or is_parking
            or self.doubts.is_waiting(at),
            doubts=self._doubts,
        )
        return attention(self.ledger, urge, self._params.reconcile)

    def begin(self, at: Micros) -> None:
        """Take over what a former process left: what was being sent may exist.

        A process may have died while its clock was ahead: the jump back is noted here.
        """
        if self.ledger.moved_at > at + AHEAD:
            self.jumped("the journal is ahead of the clock", at)
        if self.ledger.chain is not None and self.ledger.plan != self.plan:
            self.blotter.record(ev.DayPlanned(at=at, plan=self.plan, chain=self.ledger.chain))
        for order in tuple(self.ledger.live()):
            if order.state is State.SENDING:
                self.blotter.move(order, State.UNKNOWN, at, reason="process ended")
            elif order.state is State.PLANNED and order.purpose is Purpose.ENTRY:
                self.blotter.move(order, State.REFUSED, at, reason="process ended")
            elif order.pending is Pending.MODIFY:
                self.blotter.move(order, order.state, at, pending=Pending.MODIFY_UNKNOWN)
            elif order.pending is Pending.CANCEL:
                self.blotter.move(order, order.state, at, pending=Pending.CANCEL_UNKNOWN)

    def preflight(self, ready: Ready, at: Micros) -> None:
        """Take what the server said of itself; the caller has compared the mode."""
        self._ready = ready
        self._skew.saw(ready.skew, at)
        self._calendar = cross_check(self.plan, ready.nfo_open)
        if not self.doubts.is_unreadable:
            self.standing.release(Condition.LOGIN)
        self.doubts.right_mode(ready.at)
        if self.ledger.is_quiet:
            self.doubts.taken()
        if ready.semi_auto:
            self.latch("ORDER_MODE", "orders wait for a human", at)

    def lost_session(self, reason: str = "no broker session") -> bool:
        """Wait for a login, everything kept as it is; return whether this is new."""
        self.doubts.taken()
        return self.standing.hold(Condition.LOGIN, reason)

    def flipped(self, reason: str, at: Micros) -> None:
        """An answer came from the other world, paper or live: nothing is sent until a right one."""
        self.doubts.flipped(reason, at)
        self.latch("MODE_FLIP", reason, at)

    def jumped(self, reason: str, at: Micros) -> None:
        """Take that the clock was set or the process slept: enter nothing on the old picture."""
        self.blotter.record(ev.ClockJumped(at=at, reason=reason))
        self.doubts.jumped(reason, at)
        self.exits.jumped(at)
        self.claims.jumped()
        self.externals.jumped()

    def lost(self, address: str, poison: str, at: Micros) -> None:
        """Enter nothing more without this actor, or while it does not hear a kind of message."""
        text = f"{address} died too often"
        if poison:
            text = f"{poison} killed {address} twice and is kept away from it"
            self.doubts.resync(f"{address} was not told {poison}", at)
        self.standing.hold(Condition.CAST, text)

    def park(self, at: Micros) -> None:
        """Enter nothing more and end every entry; shorts and their stops stay."""
        if self.standing.parked_at is None:
            self.standing.parked_at = at

    def is_parked(self) -> bool:
        """Whether no entry lives and every stop was read resting, after parking began."""
        parked_at = self.standing.parked_at
        if parked_at is None or self.ledger.is_quiet:
            return parked_at is not None
        read = self._snapshot_at is not None and self._snapshot_at >= parked_at
        return self.is_recovered and read and not unsafe(self.ledger)

    def covered(self) -> tuple[int, int]:
        """Return how many shorts a working order covers in full, and how many there are."""
        shorts = [leg for leg in self.ledger.open_legs() if leg.short > 0]
        return sum(self.ledger.uncovered(leg) <= 0 for leg in shorts), len(shorts)

    def trusted(self, *, entries: bool, reason: str, is_blind: bool = False) -> None:
        """Take the watchdog's word on the feed; `is_blind`: quotes are worth nothing either."""
        self._feed = (entries, reason)
        self.exits.is_blind = is_blind

    def strategy_ready(self) -> None:
        """Strategies have their state, and may wish."""
        self.standing.strategy_ready()

    def strategy_lost(self, *, too_often: bool) -> None:
        """Nobody looks after the entries: a wish that waits is dropped, what rests stays."""
        self.entries.drop(self.standing.strategy_lost(too_often=too_often))

    def planned(self, event: ev.DayPlanned) -> None:
        """Record the day's contracts, once."""
        if self.ledger.chain is None:
            self.blotter.record(event)

    def joined(self, event: ev.ContractsJoined) -> None:
        """Record contracts that join the day's, each once."""
        new = tuple(c for c in event.contracts if self.ledger.contract(c.symbol) is None)
        if self.ledger.chain is not None and new:
            self.blotter.record(ev.ContractsJoined(at=event.at, contracts=new))

    def wish(self, wanted: Entry, at: Micros, send_before: Micros | None) -> None:
        """Take an entry command."""
        self.entries.wish(wanted, self._situation(at), send_before)

    def cancel(self, strategy: str, slot: str, reason: str) -> None:
        """Take a command to end an entry."""
        self.entries.cancel(strategy, slot, reason)

    def raise_stop(self, key: EntryKey, stop: StopPlan, at: Micros) -> None:
        """Take a higher stop for an entry that rests."""
        self.entries.raise_stop(key, stop, at)

    def move_stop(self, strategy: str, symbol: Symbol, stop: StopPlan, at: Micros) -> None:
        """Take a new stop for a short."""
        for leg in tuple(self.ledger.open_legs()):
            if (leg.strategy, leg.symbol) == (strategy, symbol):
                self.exits.move_stop(leg, stop, at)

    def leave(self, strategy: str, symbol: Symbol, reason: str, at: Micros) -> None:
        """Take a command to exit one short."""
        for leg in tuple(self.ledger.open_legs()):
            if (leg.strategy, leg.symbol) == (strategy, symbol):
                self.exits.chase(leg, reason, at)

    def flatten(self, reason: str, at: Micros) -> None:
        """Latch the end of the day. `FORCE_CLOSE` needs no latch, the clock is one."""
        name = "DAY_DONE" if reason.startswith("DAY_") else "FLATTEN"
        if reason != "FORCE_CLOSE":
            self.latch(name, reason, at)

    def latch(self, name: str, reason: str, at: Micros) -> None:
        """Raise a latch; it stays until a human or the next day clears it."""
        if name not in self.ledger.latches:
            self.blotter.record(ev.LatchSet(at=at, name=name, reason=reason))

    def pull(self, lever: Lever, name: str, reason: str, at: Micros) -> str:
        """Do what a human asks; return why not, '' when it is so. `name` is the latch to clear."""
        if lever is Lever.CLEAR:
            refusal = switch.why_not_cleared(name, self.ledger, self.standing.conditions)
            if refusal:
                return refusal
        for event in switch.pulled(lever, name, reason, self.ledger, at):
            self.blotter.record(event)
        return ""

    def replied(self, intent: str, op: str, reply: WriteReply, at: Micros) -> None:
        """Take the answer to a write."""
        self.blotter.replied(intent, op, reply, at)
        if reply.outcome is Outcome.NONSENSE and reply.code == WRONG_MODE:
            self.flipped(reply.text, at)
            if op == "place":
                self.blotter.end_abroad(intent, reply, at)
        elif reply.outcome is Outcome.REJECTED and reply.status in DENIED:
            self.doubts.denied(at)
            if reply.code == "SEMI_AUTO":
                self.latch("ORDER_MODE", reply.text, at)
        elif reply.outcome is Outcome.DONE:
            self.doubts.taken()
        elif reply.outcome is Outcome.NONSENSE:
            self.latch("ORDER_MODE", reply.text or "success without an order id", at)

    def pushed(self, push: OrderPush) -> bool:
        """Remember what a push said, and return whether it is news; it moves nothing by itself."""
        self.blotter.pushed_ids.add(push.orderid)
        self.claims.push(push)
        if push.status is Status.REJECTED and push.reason:
            self.memory.pushed_reason[push.orderid] = push.reason
        return self.memory.is_news(push)

    def quoted(self, quotes: Quotes) -> None:
        """Take quotes for the ladder."""
        for quote in quotes.quotes:
            reference = Reference(ask=quote.ask, ltp=quote.ltp, at=quote.asked_at, bid=quote.bid)
            self.exits.quoted(quote.symbol, reference)

    def judged(self, books: Books, digest: str, at: Micros, send_before: Micros | None) -> None:
        """Take a valid snapshot: what it proves, then what waited for it.

        The first one has to wait until every short the journal lost has been taken over.
        """
        last = self.exits.last_price
        if not self.is_recovered and not self.rebuild.is_done(books, last, at):
            return
        params = self._params
        findings = self.blotter.findings
        Weighing(books, self.blotter, self.memory, params.orders, params.reconcile).run()
        self.claims.weigh(books, is_believed=True)
        if not self.standing.is_closing(at):
            self.externals.count(books)
        self.externals.weigh(books)
        self.doubts.believed(books, self.blotter.findings - findings)
        self._snapshot_at = books.asked_at
        self.exits.saw(books.asked_at, at)
        self.standing.release(Condition.LOGIN)
        self._doubts = 0
        if not self.is_recovered:
            self._recover(at)
        if self.standing.is_closing(at):
            flat = self.proof.weigh(books, digest, self.ledger)
            if flat is not None and self.ledger.proved_flat_at is None:
                self.blotter.record(ev.ProvedFlat(at=at, first=flat[0], second=flat[1]))
        self.entries.retry(self._situation(at), send_before)

    def wanted_quotes(self, at: Micros) -> tuple[tuple[Symbol, str], ...]:
        """Return the symbols, with exchange, whose price is needed now."""
        return (*self.rebuild.wanted, *self.exits.wanted_quotes(at))

    def doubted(self) -> None:
        """A read failed or cannot be believed: a proof begun before it does not go on."""
        self.proof = Proof()
        self._doubts += 1
        self.doubts.is_answered = False

    def disbelieved(self, verdict: Verdict, at: Micros, books: Books | None = None) -> None:
        """Take a snapshot that was not believed: it changes the mode, and may claim a fill."""
        self.doubted()
        if books is not None and not self.standing.holds(Condition.OTHER_WORLD):
            self.claims.weigh(books, is_believed=False)
        self.doubts.invalid(verdict.faults, at, lags=verdict.lags)
        self.doubts.gone(verdict.gone, at)

    def settle(self, at: Micros, send_before: Micros | None = None) -> None:
        """Do what the situation asks for. After each message and on each pulse.

        A change of an entry that is not on the wire by `send_before`, machine time, is dropped.
        """
        self.memory.forget(at)
        self.doubts.step(at, lambda: manual_list(self.ledger, self.exits.last_price))
        for trip in trips(self.ledger, self._params.day, self._params.gate, at):
            self.latch(trip.name, trip.reason, at)
        if self.standing.may_write:
            self._act(at, send_before)
        self.entries.write_down(at)
        if self.mode(at).value != self.ledger.mode:
            reason = self.standing.why(at)
            self.blotter.record(ev.ModeChanged(at=at, mode=self.mode(at).value, reason=reason))

    def _act(self, at: Micros, send_before: Micros | None) -> None:
        reason = self.standing.entries_over(at)
        if reason:
            self.entries.cancel_all(reason)
        self.entries.step(self._situation(at), send_before, doubt=self._doubt())
        if self.standing.is_closing(at):
            for leg in tuple(self.ledger.open_legs()):
                self.exits.chase(leg, self.standing.closing_reason(), at)
        self.exits.step(at, quiet=self.standing.is_quiet(at))

    def _recover(self, at: Micros) -> None:
        """Meet what is there: adoption is done, shorts are known, entries start from nothing."""
        self.standing.is_recovered = True
        for condition, text in self.ledger.unsafe.items():
            self.standing.hold(condition, text)
        shorts = sum(leg.short > 0 for leg in self.ledger.open_legs())
        orders = sum(1 for _ in self.ledger.live())
        self.entries.cancel_all("recovery")
        self.blotter.record(ev.Recovered(at=at, orders=orders, shorts=shorts))

    def _situation(self, at: Micros) -> Situation:
        trusted, reason = self._feed
        available: Paise | None = self._ready.available if self._ready else None
        return Situation(
            at=at,
            mode=self.mode(at),
            last_entry=self.plan.last_entry,
            feed_trusted=trusted,
            feed_reason=reason,
            calendar=self._calendar,
            snapshot_at=self._snapshot_at,
            skew=self._ready.skew if self._ready else Micros(0),
            available=available,
            margins=self.entries.margins.per_lot(at),
        )

    def _doubt(self) -> str:
        """Return why nothing may rest on these prices; '' if it may.

        The strategy ends its entries for the same reason; this holds while it is dead or stalled.
        Whoever judges the feed has waited `feed.entry_linger_s` before the word came.
        """
        trusted, reason = self._feed
        return "" if trusted else f"prices are not trusted: {reason}"
