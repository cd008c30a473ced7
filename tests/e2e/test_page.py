"""The page of a real session: what it shows is what the agent and its journal say, levers work."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cli.version import commit
from domain.ledger import Ledger
from domain.units import Day
from journal.orders import JournalReader
from tests.e2e.sessions import LONG_S, Process, run
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

TOKEN = "e2e-control-token-" + "x" * 32
DAY = Day("2026-11-19")


@dataclass(frozen=True)
class Shown:
    """A session and its page."""

    process: Process
    port: int

    @property
    def folder(self) -> Path:
        return self.process.folder

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=LONG_S)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def read(self, path: str) -> bytes:
        """What the page says; who asks too often waits for his turn."""

        def told() -> bytes | None:
            code, body = self.ask(path)
            assert code in {200, 429}, body
            return body if code == 200 else None

        return until(told, LONG_S) or b""

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.read("/state"))
        return found

    def written(self) -> dict[str, Any]:
        """What `status.json` says."""
        found: dict[str, Any] = json.loads((self.folder / "status.json").read_bytes())
        return found

    def latches(self) -> dict[str, str]:
        events, _ = JournalReader(self.folder / "orders.db").after(0, DAY)
        return dict(Ledger().fold(events).latches)

    def pull(self, lever: str) -> dict[str, Any]:
        code, body = self.ask(f"/levers/{lever}", "POST", authorization=f"Bearer {TOKEN}")
        assert code == 200, body
        found: dict[str, Any] = json.loads(body)
        return found


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUTRADHAR_PAGE_CONTROL_TOKEN", TOKEN)
        with run(
            folder, "sandbox", speed=5, begin="10:00", until="11:00", state_dir=folder
        ) as process:
            line = process.wait_for(r"page open url=http://127\.0\.0\.1:(\d+) levers=on")
            page = Shown(process, int(line[1]))
            until(
                lambda: page.ask("/readyz")[0] == 200 and page.state()["subscribed"] == 82, LONG_S
            )
            yield page


@pytest.mark.incident("INC-116")
def test_page_shows_what_the_agent_knows(shown: Shown) -> None:
    def same() -> dict[str, Any] | None:
        """Each is newer by turns; the file is also written between two seconds."""
        written, told = shown.written(), shown.state()
        return told if {key: told[key] for key in written} == written else None

    told = until(same, LONG_S)
    assert told is not None
    assert (told["mode"], told["commit"], told["alive"]) == ("ACTIVE", commit(), True)
    assert told["age_s"] < 30
    assert {hold["code"] for hold in told["latches"]} == set(shown.latches()) == set()


def test_metrics_say_the_same_as_the_state(shown: Shown) -> None:
    body = shown.read("/metrics")
    found = {
        sample.name: sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if not sample.labels
    }
    state = shown.state()
    assert found["sutradhar_symbols_subscribed"] == state["subscribed"] == 82
    assert 0 < found["sutradhar_ticks_total"] <= state["ticks"]
    assert found["sutradhar_threads"] > 80


@pytest.mark.incident("INC-119")
def test_lever_moves_the_agent_only_with_its_token(shown: Shown) -> None:
    code, body = shown.ask("/levers/freeze", "POST", authorization="Bearer nonsense")
    assert (code, shown.latches()) == (401, {})
    code, body = shown.ask("/levers/freeze", "POST")
    assert (code, shown.latches()) == (401, {})
    assert TOKEN.encode() not in body

    said = shown.pull("freeze")
    assert (said["mode"], said["latches"]) == ("REDUCE_ONLY", ["FREEZE"])
    assert shown.latches() == {"FREEZE": "BY_HAND"}
    until(lambda: shown.ask("/readyz")[0] == 503, LONG_S)
    assert json.loads(shown.ask("/readyz")[1])["codes"] == ["FREEZE"]
    assert shown.ask("/healthz")[0] == 200

    assert shown.pull("resume")["latches"] == []
    assert shown.latches() == {}
    until(lambda: shown.ask("/readyz")[0] == 200, LONG_S)


def test_flatten_by_http_ends_the_day_flat(shown: Shown) -> None:
    assert shown.pull("flatten")["latches"] == ["FLATTEN"]
    assert shown.process.wait() == 0
    log = shown.process.log
    assert re.search(r"\[FLAT\] the book is proved flat", log)
    assert TOKEN not in log + (shown.folder / "said.txt").read_text()
    with pytest.raises(ConnectionRefusedError):
        shown.ask("/healthz")
