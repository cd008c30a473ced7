"""The page over real sockets: what each path answers and what it refuses."""

import threading
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from dashboard.access import Access
from dashboard.app import PULLS
from dashboard.pulling import LEVERS, Outcome, Pulled
from domain.levers import Lever
from domain.status import Hold
from tests.dashboard.serving import CONTROL, PATIENCE_S, READ, Site, served
from tests.domain.test_status import a_status
from tests.waiting import until

SIGNED = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@pytest.fixture(autouse=True)
def _active(site: Site) -> None:
    site.board.show(a_status())
    site.levers.pulled.clear()


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/state", "/metrics"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_path_is_read(site: Site, path: str, method: str) -> None:
    answer = site.ask(path, method)
    assert answer.status == 200
    assert SIGNED.items() <= answer.headers.items()
    assert bool(answer.body) == (method == "GET")


def test_probes_answer_503_and_say_why(site: Site) -> None:
    site.board.show(a_status(mode="WAIT_LOGIN", mode_reason="log in"))
    answer = site.ask("/readyz")
    assert (answer.status, answer.said["reason"]) == (503, "WAIT_LOGIN log in")
    assert site.ask("/healthz").status == 200


def test_state_is_what_was_shown_last(site: Site) -> None:
    site.board.show(a_status(bars=7, latches=(Hold(code="FREEZE", text="BY_HAND"),)))
    said = site.ask("/state").said
    assert (said["bars"], said["latches"]) == (7, [{"code": "FREEZE", "text": "BY_HAND"}])


def test_metrics_are_text_that_prometheus_reads(site: Site) -> None:
    answer = site.ask("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b'sutradhar_mode{mode="ACTIVE"} 1.0\n' in answer.body


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/state/", 404),
        ("GET", "/levers/freeze", 405),
        ("POST", "/state", 405),
        ("POST", "/levers/explode", 404),
        ("DELETE", "/levers/freeze", 405),
    ],
)
def test_what_there_is_not_is_refused(site: Site, method: str, path: str, status: int) -> None:
    answer = site.ask(path, method, authorization=f"Bearer {CONTROL}")
    assert answer.status == status
    assert site.levers.pulled == []


@pytest.mark.parametrize("name", [name for name in LEVERS if name != "clear"])
def test_lever_is_pulled_and_answered(site: Site, name: str) -> None:
    site.levers.said = Pulled(
        outcome=Outcome.DONE, text="so it is", mode="REDUCE_ONLY", latches=("FREEZE",)
    )
    answer = site.pull(name)
    assert (answer.status, answer.said) == (
        200,
        {
            "done": True,
            "lever": name,
            "said": "so it is",
            "mode": "REDUCE_ONLY",
            "latches": ["FREEZE"],
        },
    )
    assert site.levers.pulled == [LEVERS[name]]


def test_latch_to_clear_is_named_in_the_body(site: Site) -> None:
    body = b'{"latch": "HALT"}'
    assert site.pull("clear", body, content_type="application/json").status == 200
    assert site.levers.pulled == [(Lever.CLEAR, "HALT")]


def test_resume_clears_freeze_whatever_the_body_says(site: Site) -> None:
    site.pull("resume", b'{"latch": "HALT"}', content_type="application/json")
    assert site.levers.pulled == [(Lever.CLEAR, "FREEZE")]


@pytest.mark.parametrize("outcome", Outcome)
def test_what_came_of_a_lever_is_the_status(site: Site, outcome: Outcome) -> None:
    site.levers.said = Pulled(outcome=outcome, text="why")
    answer = site.pull("flatten")
    done = outcome is Outcome.DONE
    assert (answer.status, answer.said["done"], answer.said["said"]) == (outcome, done, "why")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"latch": 7}', 400),
        (b'{"latsch": "HALT"}', 400),
        (b'{"latch": "\xff"}', 400),
        (b" " * 1025, 413),
    ],
)
def test_body_that_is_none_pulls_nothing(site: Site, body: bytes, status: int) -> None:
    answer = site.pull("clear", body, content_type="application/json")
    assert answer.status == status
    assert site.levers.pulled == []


@pytest.mark.incident("INC-119")
def test_control_without_a_token_is_refused(site: Site) -> None:
    for token in ("", "x", CONTROL[:-1], READ):
        answer = site.pull("flatten", authorization=f"Bearer {token}")
        assert answer.status in {401, 403}
        assert answer.said["said"]
    assert site.ask("/levers/flatten", "POST").status == 401
    assert site.pull("flatten", origin="https://evil.example").status == 403
    with served(Access()) as bare:
        bare.board.show(a_status())
        assert bare.pull("freeze").status == bare.pull("freeze", authorization="").status == 403
        assert bare.ask("/state").status == 200
        assert bare.levers.pulled == []
    with served(Access(control=CONTROL, read=READ, is_loopback=False)) as open_to_all:
        open_to_all.board.show(a_status())
        for path in ("/", "/state", "/metrics", "/nothing"):
            answer = open_to_all.ask(path)
            assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert open_to_all.ask("/readyz").status == 200
        assert open_to_all.ask("/state", authorization=f"Bearer {READ}").status == 200
        assert open_to_all.pull("halt", x_sutradhar_token=READ).status == 403
    assert site.levers.pulled == []


def test_levers_wait_a_few_at_a_time_and_hold_up_no_reader(site: Site) -> None:
    with served() as slow, ThreadPoolExecutor(PULLS) as humans:
        slow.board.show(a_status())
        slow.levers.hold = threading.Event()
        waiting = [humans.submit(slow.pull, "freeze") for _ in range(PULLS)]
        until(lambda: len(slow.levers.pulled) == PULLS, PATIENCE_S)
        assert slow.ask("/readyz").status == 200
        assert slow.pull("freeze").status == 429
        slow.levers.hold.set()
        assert [each.result().status for each in waiting] == [200] * PULLS
        assert slow.pull("freeze").status == 200


def test_who_asks_too_often_waits_and_probes_and_levers_do_not() -> None:
    with served(per_s=1) as calm:
        calm.board.show(a_status())
        answers = [calm.ask("/state").status for _ in range(20)]
        assert set(answers) == {200, 429}
        assert {calm.ask(path).status for path in ("/healthz", "/readyz") * 10} == {200}
        assert {calm.pull("freeze").status for _ in range(5)} == {200}


@pytest.mark.incident("INC-117")
def test_page_needs_no_journal_file(site: Site) -> None:
    """The page has no folder at all: whatever it shows, somebody has told it."""
    site.board.show(a_status(positions=1, uncovered=65, commit="0123abc"))
    said = site.ask("/state").said
    assert (said["positions"], said["uncovered"], said["commit"]) == (1, 65, "0123abc")
    assert b"sutradhar_positions 1.0\n" in site.ask("/metrics").body
    assert msgspec.json.decode(site.ask("/readyz").body)["ready"]
