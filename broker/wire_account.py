"""The account and the server on the wire: broker, mode, funds, margin, calendar."""

from broker.wire import Body, encode, excerpt, paise, record, records, text
from domain.errors import WireError
from domain.units import Day, Paise

MODES = frozenset({"analyze", "live"})


def timings_body(day: Day) -> bytes:
    """Return the body of `/market/timings`."""
    return encode({"date": day})


def broker_name(answer: Body) -> str:
    """Return which broker `/ping` answers for; proves the key, does not ask the broker."""
    data = record(answer.get("data"))
    if text(data.get("message")) != "pong":
        raise WireError(f"ping is not answered with pong: {excerpt(data)}")
    return text(data.get("broker"))


def server_mode(answer: Body) -> str:
    """Return `analyze` or `live`, as `/analyzer` says."""
    said = text(record(answer.get("data")).get("mode")).strip().lower()
    if said not in MODES:
        raise WireError(f"analyzer mode is neither analyze nor live: {excerpt(said)}")
    return said


def available_cash(answer: Body) -> Paise:
    """Return what `/funds` has available; an empty answer is a WireError, not zero."""
    return paise(record(answer.get("data")).get("availablecash"))


def is_open(answer: Body, exchange: str) -> bool:
    """Whether `/market/timings` lists an exchange: a closed one is absent. Times are not used."""
    return exchange in {text(row.get("exchange")) for row in records(answer.get("data"))}


def margin_total(answer: Body) -> Paise:
    """Return the total of `/margin`; the other fields vary by broker."""
    return paise(record(answer.get("data")).get("total_margin_required"))
