"""`run.py record`: prices are kept, nothing that orders is asked, and what refuses says so."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cli.session import locked
from domain import clock
from domain.clock import Anchor, AnchoredClock
from domain.session import instant
from domain.units import Day
from research import audience, recording
from research.audience import ReadOnly, WriteForbidden
from research.recorder import Recorder
from tests.broker.ws_server import Peer
from tests.cli.openalgo import BAD_KEY, DAY, OpenAlgo, an_openalgo
from tests.cli.typing_in import RunPy
from tests.research.recorded import full, some

SMALL = "universe: {width_points: 100, min_symbols: 2, edge_points: 0}\n"
READS = {"ping", "analyzer", "multiquotes", "expiry", "symbol"}


@pytest.fixture
def server(run_py: RunPy, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAlgo]:
    """A server of ten options, at ten on a trading day; market time runs ten times faster."""
    Path("small.yaml").write_text(SMALL)
    with an_openalgo(monkeypatch) as running:
        it_is("10:00")
        yield running


def it_is(wall: str, day: Day = DAY) -> None:
    anchor = Anchor(r0=clock.wall(), v0=instant(day, wall), speed=10)
    clock.use(AnchoredClock(anchor))


def record(run_py: RunPy, *words: object, until: str = "10:00:45") -> Any:
    return run_py("record", "--config", "small.yaml", "--until", until, "--out", "rec", *words)


def test_prices_are_recorded_and_nothing_that_orders_is_asked(
    run_py: RunPy, server: OpenAlgo
) -> None:
    said = record(run_py)
    assert said.code == 0, said.err
    rows = pl.read_parquet(f"rec/{DAY}.parquet")
    assert rows["symbol"].n_unique() == 11
    assert set(rows["source"]) == {"primary"}
    assert set(rows.filter(pl.col("symbol") == "NIFTY")["cum_volume"]) == {None}
    size = Path(f"rec/{DAY}.parquet").stat().st_size
    assert said.out == (
        f"recorded rec/{DAY}.parquet ticks={rows.height} symbols=11 bytes={size} "
        f"bytes_per_tick={size / rows.height:.1f} lost=0\n"
    )
    assert "contracts=10 atm=26000.00 expiry=2026-11-23" in said.err
    assert "entries" not in said.err
    assert {request.route for request in server.rest.requests} <= READS
    assert sorted(path.name for path in Path("rec").iterdir()) == [f"{DAY}.parquet", "lock"]


def test_day_goes_on_with_the_contracts_it_began_with(run_py: RunPy, server: OpenAlgo) -> None:
    """The money has moved 300 points since, but a recording of today names its contracts."""
    record(run_py)
    first = set(pl.read_parquet(f"rec/{DAY}.parquet")["symbol"])
    answer = server.table["multiquotes"]
    assert callable(answer)

    def higher(request: Any) -> Any:
        reply = answer(request)
        for row in reply.body["results"]:
            row["data"] = row["data"] | {"ltp": 26_274.9, "prev_close": 26_274.9}
        return reply

    server.table["multiquotes"] = higher
    it_is("10:00:50")
    assert record(run_py, until="10:01:30").code == 0
    assert set(pl.read_parquet(f"rec/{DAY}.parquet")["symbol"]) == first


def test_day_without_a_session_is_not_recorded(run_py: RunPy, server: OpenAlgo) -> None:
    it_is("10:00", Day("2026-11-21"))
    said = record(run_py)
    assert said.code == 10
    assert "no session on 2026-11-21: weekend; the next one is 2026-11-23" in said.err


@pytest.mark.parametrize(
    ("until", "text"),
    [
        ("09:59", "--until 09:59: is over since 09:59:00, it is 10:00:0"),
        ("25:00", "--until 25:00: is no time of day; allowed is HH:MM[:SS]"),
    ],
)
def test_bad_end_is_refused(run_py: RunPy, server: OpenAlgo, until: str, text: str) -> None:
    said = record(run_py, until=until)
    assert (said.code, said.error.startswith(text)) == (78, True), said.err


def test_session_that_is_over_is_not_waited_for(run_py: RunPy, server: OpenAlgo) -> None:
    it_is("16:00")
    said = run_py("record", "--out", "rec")
    assert said.code == 78
    assert "the session of 2026-11-20: is over since 15:40:00" in said.error


def test_folder_of_another_recorder_is_refused(run_py: RunPy, server: OpenAlgo) -> None:
    with locked(Path("rec")):
        said = record(run_py)
    assert said.refusal(75).startswith("--out rec: the recorder with pid ")


def test_folder_that_is_none_is_refused(run_py: RunPy, server: OpenAlgo) -> None:
    Path("rec").write_text("")
    assert record(run_py).refusal().startswith("--out rec: cannot be written (")


def test_recordings_lie_in_the_state_directory_unless_said(run_py: RunPy, server: OpenAlgo) -> None:
    words = ("--config", "small.yaml", "--until", "10:00:20", "--state-dir", "mine")
    assert run_py("record", *words).code == 0
    assert Path(f"mine/recordings/{DAY}.parquet").exists()


def test_feed_without_a_tick_is_no_recording(
    run_py: RunPy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mute(peer: Peer, frame: Any) -> None:
        del peer, frame

    with an_openalgo(monkeypatch, mute) as server:
        server.table["ping"] = BAD_KEY
        it_is("10:00")
        Path("small.yaml").write_text(SMALL)
        said = record(run_py, until="10:00:10")
    assert said.code == 1
    assert "does not take us yet (403 " in said.err
    assert said.error.startswith("no tick came; `run.py doctor` names")


def test_full_disk_ends_the_recording_and_keeps_what_was_written(
    run_py: RunPy, server: OpenAlgo, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Recorder(Path("rec"), DAY)
    before.start()
    before.take(some(10))
    before.close()
    monkeypatch.setattr(Recorder.__init__, "__defaults__", (0.05, full))
    said = record(run_py, until="15:00")
    assert said.code == 1
    assert said.error.endswith(
        f"rec/{DAY}.parts/000002.parquet: No space left on device; make room; what was kept is "
        "safe, a recording begun again goes on in the same file"
    )
    assert "ticks=10 symbols=1" in said.out
    assert recording.load(Path(f"rec/{DAY}.parquet")).rows.height == 10


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_recorder_that_dies_ends_the_recording_with_a_reason(
    run_py: RunPy, server: OpenAlgo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(path: Path, content: bytes) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Recorder.__init__, "__defaults__", (0.05, bug))
    said = record(run_py, until="15:00")
    assert said.code == 1
    assert said.error == (
        "the thread that writes died, see the log; what was kept is safe, a recording begun again "
        "goes on in the same file"
    )
    assert "ticks=0" in said.out
    assert "lost=0" not in said.out


def test_write_has_nowhere_to_go() -> None:
    """Whoever would build what trades on such a broker is told at the first order."""

    class Deaf:
        def write(self, call: Any, done: Any) -> None:
            raise AssertionError

        def read(self, call: Any, done: Any) -> None:
            done(call)

    heard: list[Any] = []
    broker = ReadOnly(Deaf())
    broker.read("books", heard.append)  # type: ignore[arg-type]  # any call will do
    assert heard == ["books"]
    with pytest.raises(WriteForbidden, match="str: nothing is traded here"):
        broker.write("order", heard.append)  # type: ignore[arg-type]  # any call will do
    assert audience.CAST == ("feed", "watchdog")
