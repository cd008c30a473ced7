"""`run.py doctor --ticks N SYMBOL`: prices of one symbol as they come, with their source."""

from collections.abc import Callable

from cli.checks import LOG_IN
from cli.findings import failed
from cli.inquiry import hearing
from cli.visit import Visit
from domain.calls import Failed, Quotes, ReadQuotes
from domain.errors import ConfigError
from domain.market import Pair, Quote, Source, Tick
from domain.rules.keys import UNDERLYINGS
from domain.session import show
from domain.symbols import BadSymbol, parse
from domain.units import Symbol, rupees

SPELLING = "such as NIFTY or NIFTY24NOV2626000CE, or as EXCHANGE:SYMBOL"


def print_ticks(visit: Visit, symbol: str, count: int, tell: Callable[[str], None]) -> bool:
    """Tell `count` prices and return True; False if they stopped.

    They come by WebSocket; while it brings none they are polled, as the agent does. Raises
    ConfigError for a symbol that the server does not know.
    """
    feed = visit.settings.feed
    pair = _pair(visit, symbol)
    if _quote(visit, pair, symbol, tell) is None:
        return False
    wait_s = float(feed.first_tick_s)
    with hearing(visit.settings, (pair,)) as ear:
        for _ in range(count):
            visit.follow()
            tick = ear.price(wait_s)
            wait_s = float(feed.first_tick_s)
            if tick is None:
                quote = _quote(visit, pair, symbol, tell)
                if quote is None:
                    return False
                tick, wait_s = _polled(quote), feed.rest_poll_ms / 1000
            tell(_line(tick))
    return True


def _pair(visit: Visit, text: str) -> Pair:
    exchange, named, symbol = text.rpartition(":")
    if named:
        return Symbol(symbol), exchange
    rules, day = visit.settings.rules, visit.day
    try:
        name = parse(symbol).name
    except BadSymbol:
        known = symbol in UNDERLYINGS
        other = "NFO" if symbol.endswith("FUT") else "NSE_INDEX"
        return Symbol(symbol), rules.index_exchange(symbol, day) if known else other
    return Symbol(symbol), rules.exchange(name, day) if name in UNDERLYINGS else "NFO"


def _quote(visit: Visit, pair: Pair, symbol: str, tell: Callable[[str], None]) -> Quote | None:
    reply = visit.ask(ReadQuotes(symbols=(pair,)))
    if isinstance(reply, Failed):
        said = f"no quote of {symbol} ({reply.status or 'no answer'} {reply.text})"
        tell(failed(said, LOG_IN).line("broker"))
        return None
    assert isinstance(reply, Quotes)
    if not reply.quotes:
        reason = reply.missing[0][1]
        raise ConfigError(
            f"--ticks {symbol}: {reason}; name a symbol as OpenAlgo spells it, {SPELLING}"
        )
    return reply.quotes[0]


def _polled(quote: Quote) -> Tick:
    is_index = quote.exchange.endswith("_INDEX")
    return Tick(
        symbol=quote.symbol,
        exchange=quote.exchange,
        source=Source.REST,
        epoch=0,
        seq=0,
        recv_at=quote.got_at,
        exch_at=None,
        ltp=quote.ltp,
        low=quote.ltp,
        high=quote.ltp,
        cum_volume=None if is_index else quote.volume,
    )


def _line(tick: Tick) -> str:
    volume = "-" if tick.cum_volume is None else tick.cum_volume
    at = f"{show(tick.recv_at)} IST"
    return f"{at} {tick.source.tag:<12} {tick.symbol} {rupees(tick.ltp)} volume={volume}"
