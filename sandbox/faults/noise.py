"""Frames no honest server sends. Every one of them must be refused by whoever reads it."""

import json
from collections.abc import Callable

from domain.units import Symbol

BYTES: tuple[bytes, ...] = (
    b"\xff\xfe\x00\x9f\x92\x96",
    b'{"type": "market_data", "symbol": "\xc3\x28"}',
    b"\x80" * 64,
)
TEXT: tuple[bytes, ...] = (
    b"",
    b"hello",
    b'{"type": "market_data", "symbol": "NIF',
    b"{'type': 'market_data'}",
    b"<html><head><title>502 Bad Gateway</title></head></html>",
    b"[" * 4000,
)
KINDS = ("any", "bytes", "text", "shape")
_CHOICES = 3


def shapes(symbol: Symbol, exchange: str) -> tuple[bytes, ...]:
    """Return valid JSON that is no valid price of this symbol."""
    head = {"type": "market_data", "symbol": symbol, "exchange": exchange, "mode": 2}
    bodies: tuple[object, ...] = (
        None, [], 42, "text", {},
        {"type": "market_data"},
        {"type": ["market_data"], "symbol": {}},
        {**head, "data": None},
        {**head, "data": []},
        {**head, "data": {}},
        {**head, "data": {"ltp": "abc"}},
        {**head, "data": {"ltp": None}},
        {**head, "data": {"ltp": -5.0}},
        {**head, "data": {"ltp": 0}},
        {**head, "symbol": 5, "data": {"ltp": 100.0}},
        {**head, "symbol": "NOSUCHSYMBOL", "data": {"ltp": 100.0}},
    )  # fmt: skip
    return tuple(json.dumps(body).encode("ascii") for body in bodies)


def bad_updates(orderid: str) -> tuple[bytes, ...]:
    """Return valid JSON that is no valid update of this order."""
    head = {"type": "order_update", "orderid": orderid}
    bodies: tuple[object, ...] = (
        {"type": "order_update"},
        head,
        {**head, "orderid": 5, "order_status": "complete"},
        {**head, "orderid": "", "order_status": "complete"},
        {**head, "order_status": ["complete"]},
        {**head, "order_status": "complete", "quantity": "abc", "filled_quantity": None},
        {**head, "data": {"order_status": "complete"}},
    )
    return tuple(json.dumps(body).encode("ascii") for body in bodies)


def bad_update(kind: str, draw: int, orderid: str) -> bytes:
    """Return a frame that is no order update: unreadable, or of a wrong shape."""
    return _chosen(kind, draw, lambda: bad_updates(orderid))


def garbage(kind: str, draw: int, symbol: Symbol, exchange: str) -> bytes:
    """Return one such frame: bytes that are no text, text that is no JSON, or a wrong shape."""
    return _chosen(kind, draw, lambda: shapes(symbol, exchange))


def _chosen(kind: str, draw: int, shapes_of: Callable[[], tuple[bytes, ...]]) -> bytes:
    chosen = KINDS[1 + draw % _CHOICES] if kind == KINDS[0] else kind
    samples = {"bytes": BYTES, "text": TEXT}.get(chosen) or shapes_of()
    return samples[draw // _CHOICES % len(samples)]


def oversized(frame: bytes, size: int) -> bytes:
    """Return a frame that says the same with a padding, `size` bytes long or as it was."""
    head, tail = frame[:-1] + b',"padding":"', b'"}'
    return head + b"x" * max(0, size - len(head) - len(tail)) + tail
