"""A machine that dies: what was committed is there, whatever became of the bytes behind it."""

import shutil
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.ledger import Ledger
from journal.orders import OrderJournal
from tests.journal.test_opening import start
from tests.journal.test_orders import DAY_EVENTS
from tests.orders import T0

WAL = "orders.db-wal"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(k=st.integers(1, len(DAY_EVENTS)), cut=st.integers(0), junk=st.binary(max_size=64))
def test_log_cut_behind_commit_k_recovers_to_the_fold_of_k(
    tmp_path: Path, k: int, cut: int, junk: bytes
) -> None:
    """The copy holds commit k and a part of what followed; its end may be rubbish."""
    live, copy = tmp_path / "live", tmp_path / "copy"
    for folder in (live, copy):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    with OrderJournal(live / "orders.db", 1, T0) as journal:
        for event in DAY_EVENTS[:k]:
            journal.append([event])
        committed = (live / WAL).stat().st_size
        rest = DAY_EVENTS[k:] or DAY_EVENTS[-1:]
        journal.append(rest)
        shutil.copy(live / "orders.db", copy)
        log = (live / WAL).read_bytes()
    kept = committed + cut % (len(log) - committed)
    (copy / WAL).write_bytes(log[:kept] + junk[: len(log) - kept - 1])
    opened = start(copy)
    assert opened.events == DAY_EVENTS[:k]
    assert vars(Ledger().fold(opened.events)) == vars(Ledger().fold(DAY_EVENTS[:k]))
    assert (opened.damage, opened.doubt) == ("", "")
    assert opened.journal.append(rest) == k + len(rest)
    opened.journal.close()
