"""The tables of docs/METRICS.md as the code has them: `python -m tests.dashboard.metrics_page`."""

import re
from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families

from dashboard import metrics
from dashboard.board import Board
from domain.status import Count, Hold, Member, Status
from tests.domain.test_status import a_status
from tests.shared import ROOT
from tests.trading import at

PAGE = ROOT / "docs" / "METRICS.md"
HEAD = "| Metric | Type | Labels | Meaning |\n|---|---|---|---|\n"
KERNEL = "process_"


def a_full_status() -> Status:
    """A status with a value for every metric there is."""
    return a_status(
        commit="0123abc",
        seen=80,
        ticks=1200,
        swings=9,
        stale=1,
        feed_switches=2,
        positions=1,
        uncovered=65,
        refusals=3,
        silent_since=at("10:35:20"),
        unanswered_since=at("10:35:13"),
        latches=(Hold(code="FREEZE", text="BY_HAND"),),
        conditions=(Hold(code="BOOKS", text="three bad reads"),),
        reconnects=4,
        trades=5,
        result_p=-123_450,
        result_r="-1.25",
        uncovered_since=at("10:35:21"),
        uncovered_us=1_500_000,
        orders=(Count(name="filled", count=6), Count(name="unknown", count=1)),
        restarts=(Count(name="feed", count=2),),
        inboxes=(Count(name="bar", count=7),),
        cast=(Member(address="order", state="alive", echo_s=3),),
    )


def exposed(status: Status | None = None) -> str:
    """Return what /metrics answers for a status."""
    board = Board()
    board.show(status or a_full_status())
    return metrics.exposition(metrics.registry(board, "0.1.0")).decode()


def rows(text: str, prefix: str) -> Iterator[str]:
    """Yield a table row for each metric with this prefix."""
    for family in text_string_to_metric_families(text):
        if family.name.startswith(prefix):
            name = family.samples[0].name if family.samples else family.name
            labels = sorted({label for sample in family.samples for label in sample.labels})
            shown = " ".join(f"`{label}`" for label in labels)
            meaning = family.documentation.replace("|", "\\|")
            yield f"| `{name}` | {family.type} | {shown} | {meaning} |\n"


def rewritten(page: str, text: str) -> str:
    """Return the page with its tables as the code has them."""
    tables = iter(HEAD + "".join(rows(text, prefix)) for prefix in (metrics.PREFIX, KERNEL))
    return re.sub(re.escape(HEAD) + r"(\|.*\n)*", lambda _: next(tables), page)


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text("ascii"), exposed()), "ascii")
