"""The checks of `run.py doctor` about what is traded: contracts, history, prices."""

from contextlib import closing

from cli.findings import Finding, failed, passed, skipped
from cli.inquiry import Asker, Ear, hearing, link_of
from cli.visit import Visit
from domain import clock
from domain.calls import (
    ChainRead,
    Failed,
    History,
    ReadChain,
    ReadHistory,
    ReadServer,
    StreamState,
)
from domain.contracts import Contract
from domain.market import Pair, Source
from domain.rules.comparing import compare
from domain.session import DayPlan, last_trading_day, show
from domain.symbols import atm
from domain.units import MINUTE, SECOND, rupees

STREAM_S = 10.0
"""How long, in real seconds, connecting and subscribing may take."""

FIRST_BAR = 2 * MINUTE


def contracts(visit: Visit) -> Finding:
    """Whether the broker's facts about the pair at the money are those of the dated rules."""
    assert visit.quote is not None
    universe, rules = visit.settings.universe, visit.settings.rules
    strike = atm(visit.quote.ltp, universe.atm_round_points)
    exchange = rules.exchange(universe.underlying, visit.day)
    name = f"{universe.underlying} {rupees(strike)}"
    reply = visit.ask(
        ReadChain(
            underlying=universe.underlying, exchange=exchange, day=visit.day, strikes=(strike,)
        )
    )
    refresh = "Let OpenAlgo download its master contracts again"
    if not isinstance(reply, ChainRead):
        assert isinstance(reply, Failed)
        return failed(f"{name} cannot be looked up ({reply.status} {reply.text})", refresh)
    if len(reply.contracts) < 2:
        return failed(f"{exchange} has not both sides of {name} {reply.expiry}", refresh)
    visit.contracts = reply.contracts
    found = {m for contract in reply.contracts for m in compare(contract, rules, visit.day)}
    against = sorted(m.reason for m in found if m.blocks)
    if against:
        return failed("; ".join(against), "Verify it at the exchange and correct config/rules")
    noted = "".join(f"; {m.reason}" for m in found)
    return passed(_facts(reply.contracts) + noted)


def _facts(pair: tuple[Contract, ...]) -> str:
    one = pair[0]
    names = " and ".join(contract.symbol for contract in pair)
    tick = rupees(one.tick)
    return f"{names}: expiry {one.expiry} lot {one.lot} tick {tick} freeze {one.freeze}"


def history(visit: Visit) -> Finding:
    """Whether the day's minutes can be read back; before they exist, those of the day before."""
    symbol, exchange = visit.index
    planned = visit.plan
    is_today = isinstance(planned, DayPlan) and clock.now() >= planned.open + FIRST_BAR
    day = visit.day if is_today else last_trading_day(visit.day, visit.settings.rules)
    reply = visit.ask(ReadHistory(symbol=symbol, exchange=exchange, day=day))
    if isinstance(reply, History) and reply.bars:
        last = show(reply.bars[-1].minute)[:5]
        return passed(f"{len(reply.bars)} minutes of {symbol} on {day}, the last {last}")
    if visit.is_paper_exchange and not is_today:
        return skipped("no minute is over yet, and the paper exchange keeps no other day")
    why = f"{reply.status} {reply.text}" if isinstance(reply, Failed) else "an empty answer"
    remedy = "Ask the broker whether its plan has historical data, and log in to it again"
    return failed(f"no minutes of {symbol} on {day} ({why})", remedy)


def ticks(visit: Visit) -> Finding:
    """Whether prices really arrive by WebSocket; with the market closed, whether they would."""
    return _stream(visit, Source.PRIMARY, "OPENALGO_WS_URL")


def backup(visit: Visit) -> Finding:
    """Whether the second server takes its key and gives prices, if there is one."""
    server = visit.settings.openalgo.backup
    if not server.is_set:
        return skipped("no OPENALGO_BACKUP_HOST: if prices stop, REST is polled")
    if server.host:
        with closing(Asker(visit.settings, Source.BACKUP)) as asker:
            reply = asker.ask(ReadServer())
        if isinstance(reply, Failed):
            told = f"{server.rest_url} ({reply.status or 'no answer'} {reply.text})"
            return failed(told, "Correct OPENALGO_BACKUP_HOST, _PORT or _API_KEY, or log in there")
    return _stream(visit, Source.BACKUP, "OPENALGO_BACKUP_WS_URL")


def _stream(visit: Visit, source: Source, name: str) -> Finding:
    pairs: tuple[Pair, ...] = (visit.index, *((c.symbol, c.exchange) for c in visit.contracts))
    with hearing(visit.settings, pairs, source) as ear:
        change = ear.settled(STREAM_S)
        url = link_of(visit.settings, source).url
        if change is None or change.state is not StreamState.READY:
            why = f"{change.state} {change.text}" if change else f"no answer in {STREAM_S:g} s"
            start = f"Start OpenAlgo's WebSocket server, or correct {name}"
            return failed(f"{url} gives no prices ({why})", start)
        counted = f"connected, {change.subscribed} of {len(pairs)} symbols subscribed"
        if change.refused:
            text = f"{counted}, refused {' '.join(change.refused)} ({change.text})"
            return failed(text, "Let OpenAlgo download its master contracts again")
        if not visit.is_open:
            return passed(f"{counted}; the market is closed, so no price is waited for")
        return _first_price(ear, counted, visit.settings.feed.first_tick_s)


def _first_price(ear: Ear, counted: str, within_s: float) -> Finding:
    began = clock.machine()
    tick = ear.price(within_s)
    if tick is None:
        again = "Log in to the broker in OpenAlgo again: its prices have stopped"
        return failed(f"{counted}, but no price came within {within_s:g} s", again)
    after_s = (clock.machine() - began) / SECOND
    return passed(f"{counted}, first price after {after_s:.1f} s: {tick.symbol} {rupees(tick.ltp)}")
