"""The orders drill as CI plays it: the command's own path, hundreds of sessions, nothing broken."""

import io
import signal
from collections.abc import Iterator

import pytest

from cli.order_drill import Options, orders

SEEDS = 150
"""About 20 s on two quiet cores. A failure names its seed, the faults and the rows before it."""


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)


@pytest.mark.slow
def test_hundreds_of_drawn_sessions_break_no_rule() -> None:
    out = io.StringIO()
    assert orders(Options(seeds=SEEDS, workers=2), out) == 0, out.getvalue()
    said = out.getvalue()
    assert f"sessions                  {SEEDS} (random seeds 1 to {SEEDS})" in said
    for met in ("kill ", "park ", "clock_step ", "broker:live ", "dark ", "late_accept "):
        assert met in said, met
