"""A state directory whose parts do not belong together is played by nobody."""

from pathlib import Path

import pytest

from cli.kept import check
from domain.books import Action
from domain.errors import ConfigError, JournalError
from domain.units import Day
from journal.orders import OrderJournal
from sandbox.truth import encode
from sandbox.truth_file import NAME
from tests.orders import T0, an_open_short
from tests.sandbox import day as story
from tests.trading import DAY

EVENTS = tuple(an_open_short().events)
"""Of the orders A1, filled, and S1, its stop."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with OrderJournal(tmp_path / "orders.db", 1, T0) as journal:
        journal.append(EVENTS)
    return tmp_path


def wrote(folder: Path, *, accepted: tuple[str, ...] = (), rejected: tuple[str, ...] = ()) -> Path:
    """Let the exchange know these orders; return its file."""
    tale = story.Day()
    for orderid in accepted:
        tale.order(orderid, Action.SELL, 65, 0)
    for orderid in rejected:
        tale.rejected(orderid, Action.BUY, 65, 1)
    path = folder / NAME
    path.write_bytes(b"".join(encode(row) for row in tale.truth.rows))
    return path


def refusal(folder: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        check(folder, DAY)
    return str(caught.value)


def test_fresh_folder_is_in_order(tmp_path: Path) -> None:
    assert check(tmp_path, DAY).is_quiet
    assert check(tmp_path / "nowhere", DAY).is_quiet
    assert list(tmp_path.iterdir()) == []


def test_journal_of_orders_the_exchange_knows_is_in_order(folder: Path) -> None:
    wrote(folder, accepted=("A1", "human"), rejected=("S1",))
    assert not check(folder, DAY).is_quiet


def test_order_the_exchange_has_forgotten_is_named(folder: Path) -> None:
    wrote(folder, accepted=("A1",))
    assert refusal(folder) == (
        f"--state-dir {folder}: truth.jsonl knows nothing of order S1 in orders.db: it was cut, or"
        " is another exchange's; name a fresh folder, or restore the file"
    )
    check(folder, Day("2026-11-19"))


def test_journal_without_any_truth_is_another_agents(folder: Path) -> None:
    assert refusal(folder).startswith(f"{folder / NAME}: [Errno 2] No such file")


def test_damaged_line_of_truth_is_named_and_kept(folder: Path) -> None:
    path = wrote(folder, accepted=("A1", "S1", "B1"))
    lines = path.read_bytes().splitlines(keepends=True)
    damaged = b"".join([lines[0], lines[1][:20] + b"\n", *lines[2:]])
    path.write_bytes(damaged)
    assert f"{path}: line 2 of ground truth is no row" in refusal(folder)
    assert path.read_bytes() == damaged


def test_damaged_journal_comes_first(folder: Path) -> None:
    (folder / "orders.db").write_bytes(b"\0" * 8192)
    with pytest.raises(JournalError, match="cannot be used"):
        check(folder, DAY)
