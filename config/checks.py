"""What no single range can say: settings that only make sense together."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from ipaddress import ip_address
from urllib.parse import urlsplit

from config.effective import Settings
from config.groups import BackupParams, OpenAlgoParams
from config.secrets import SECRETS
from domain.rules.keys import BROKERS, UNDERLYINGS

Complaint = tuple[tuple[str, ...], str]
"""The path of a key, and what is wrong with its value and allowed instead."""

FIRST = ("strategies", "0")


def check(settings: Settings) -> Iterator[Complaint]:
    """Yield every complaint about settings whose single values are all in range.

    The server is looked at where it is used: the profile `sandbox` brings its own.
    """
    yield from _order(settings)
    yield from _names(settings)
    if settings.log.wire and not settings.log.file:
        text = "true is not allowed: bodies go to a file alone; name one in log.file"
        yield ("log", "wire"), text
    if settings.profile == "live":
        yield from _server(settings)


def doubts(settings: Settings) -> Iterator[str]:
    """Yield what a start may go on with, though it is hardly meant."""
    name = settings.broker.name
    if name not in BROKERS:
        close = get_close_matches(name, BROKERS, n=1)
        meant = f"did you mean {close[0]}? Known" if close else "known"
        text = f"broker.name: the dated rules know no square-off of {name}, the earliest is assumed"
        yield f"{text}; {meant} are {', '.join(BROKERS)}"


def _order(settings: Settings) -> Iterator[Complaint]:
    strategy = settings.strategy
    chosen, feed, broker = strategy.params.filter, settings.feed, settings.broker
    gate = settings.gate
    params = (*FIRST, "params", "filter")
    pairs = (
        ((*params, "price_max_p"), chosen.price_max_p, "price_min_p", chosen.price_min_p),
        ((*params, "stop_max_bps"), chosen.stop_max_bps, "stop_min_bps", chosen.stop_min_bps),
        (("feed", "fallback_s"), feed.fallback_s, "stale_warn_s", feed.stale_warn_s),
        (("feed", "fast_fallback_s"), feed.fast_fallback_s, "hedge_s", feed.hedge_s),
        (
            ("feed", "pending_cancel_s"),
            feed.pending_cancel_s,
            "pending_warn_s",
            feed.pending_warn_s,
        ),
        (("feed", "fresh_near_s"), feed.fresh_near_s, "fresh_canary_s", feed.fresh_canary_s),
        (("gate", "skew_refuse_s"), gate.skew_refuse_s, "skew_warn_s", gate.skew_warn_s),
        (("feed", "fresh_far_s"), feed.fresh_far_s, "fresh_near_s", feed.fresh_near_s),
        (
            ("broker", "order_rate_per_s"),
            broker.order_rate_per_s,
            "exit_reserve",
            broker.exit_reserve,
        ),
    )
    for path, value, other, floor in pairs:
        if value <= floor:
            yield path, f"{value} is not allowed; allowed is more than {other}, {floor}"
    if _seconds(strategy.to) <= _seconds(strategy.from_):
        text = f"{strategy.to} is not allowed; allowed is later than from, {strategy.from_}"
        yield (*FIRST, "to"), text


def _names(settings: Settings) -> Iterator[Complaint]:
    if settings.universe.underlying not in UNDERLYINGS:
        known = ", ".join(UNDERLYINGS)
        name = settings.universe.underlying
        yield ("universe", "underlying"), f"{name} is not allowed; the dated rules know {known}"


def _server(settings: Settings) -> Iterator[Complaint]:
    openalgo, backup = settings.openalgo, settings.openalgo.backup
    yield from _reached(settings, ("openalgo",), openalgo)
    if backup.is_set:
        yield from _reached(settings, ("openalgo", "backup"), backup)


def _reached(
    settings: Settings, path: tuple[str, ...], server: OpenAlgoParams | BackupParams
) -> Iterator[Complaint]:
    """Complain about a key that is none, and about addresses to which it may not be sent."""
    key = server.api_key.get_secret_value()
    if key and not re.fullmatch(r"[!-~]{1,256}", key):
        text = f"{masked(key)} is not allowed; allowed is 1 to 256 visible ASCII characters"
        yield (*path, "api_key"), f"{text}: copy the key from OpenAlgo once more"
    if not key:
        name = SECRETS[(*path, "api_key")]
        text = f"is missing; set {name} in the environment or .env to the key that"
        yield (*path, "api_key"), f"{text} OpenAlgo shows under API Key"
    named = "url" if server.url else "host"
    urls = {named: server.rest_url} if server.url or server.host else {}
    if server.ws_url:  # otherwise it follows from the host
        urls["ws_url"] = server.ws_url
    for name, url in urls.items():
        if not _is_private(url, settings.broker.plain_http_hosts):
            text = f"{url} is not allowed: the key would travel unencrypted; use https and wss,"
            yield (*path, name), f"{text} or a host of broker.plain_http_hosts"


def _is_private(url: str, listed: tuple[str, ...]) -> bool:
    """Whether a key may be sent there: encrypted, to this machine, or to a listed private name."""
    parts = urlsplit(url)
    if parts.scheme in {"https", "wss"}:
        return True
    host = parts.hostname or ""
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or host in listed
    return address.is_loopback or (host in listed and not address.is_global)


def masked(secret: str) -> str:
    """Show that there is a secret, not which."""
    return f"*** ({len(secret)} characters)"


def _seconds(wall: str) -> int:
    hours, minutes, *rest = (int(part) for part in wall.split(":"))
    return hours * 3600 + minutes * 60 + sum(rest)
