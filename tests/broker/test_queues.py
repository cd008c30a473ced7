from typing import Any

from msgspec.structs import replace

from broker.asks import HttpAsk
from broker.governor import Governor, Pacer
from broker.queues import ReadJob, ReadQueue, WriteJob, WriteQueue
from broker.scripts import not_sent
from domain.calls import Preflight, Priority, Read, ReadBooks, ReadHistory, ReadQuotes, Write
from domain.params import BrokerParams
from domain.units import SECOND, Day, Micros, Symbol, seconds
from tests.broker.build import AT, a_cancel, a_place, an_answer

MACHINE = Micros(5_000_000)


def ignore(reply: Any) -> None:
    pass


def a_write_queue(*calls: Write) -> WriteQueue:
    queue = WriteQueue(Governor(BrokerParams()))
    for call in calls:
        queue.add(WriteJob(call, ignore), AT)
    return queue


def a_read_queue(*calls: Read, rate: int = 4, governor: Governor | None = None) -> ReadQueue:
    queue = ReadQueue(Pacer(rate), governor or Governor(BrokerParams()))
    for call in calls:
        queue.add(ReadJob(call, ignore, 3))
    return queue


def an_exit(ref: str) -> Write:
    return a_place(priority=Priority.EXIT, ref=ref)


def taken(queue: WriteQueue, at: Micros, *, exits: bool) -> str | None:
    job = queue.take(at, MACHINE, exits=exits)
    return job.call.ref if job else None


def a_history(name: str, rank: int = 0) -> ReadHistory:
    return ReadHistory(symbol=Symbol(name), exchange="NFO", day=Day("2026-11-19"), rank=rank)


def test_each_lane_takes_its_own_in_order() -> None:
    queue = a_write_queue(
        a_place(ref="e1"), an_exit("x1"), a_cancel(ref="c1"), an_exit("x2"), a_place(ref="e2")
    )
    assert [taken(queue, AT, exits=True) for _ in range(3)] == ["x1", "x2", None]
    assert [taken(queue, AT, exits=False) for _ in range(4)] == ["c1", "e1", "e2", None]


def test_nothing_less_urgent_takes_the_place_of_an_exit_that_waits_for_a_worker() -> None:
    queue = a_write_queue(
        *(an_exit(str(n)) for n in range(7)), a_cancel(ref="c1"), a_place(ref="e1")
    )
    assert [taken(queue, AT, exits=False) for _ in range(2)] == ["c1", None]
    assert [taken(queue, AT, exits=True) for _ in range(7)] == list("0123456")
    assert taken(queue, AT, exits=False) is None
    assert taken(queue, Micros(AT + SECOND), exits=False) == "e1"


def test_question_on_a_route_of_writes_counts_as_one() -> None:
    writes = a_write_queue(*(an_exit(str(n)) for n in range(8)))
    reads = a_read_queue(governor=writes.governor)
    for route in ("orderbook", "cancelorder"):
        job = ReadJob(Preflight(day=Day("2026-11-19")), ignore, 3)
        job.ask = HttpAsk(route=route, body=b"", retry=False)
        reads.add(job)
        assert reads.take(AT, bulk=True) is job
    taken_now = [taken(writes, AT, exits=True) for _ in range(8)]
    assert taken_now == [*"0123456", None]


def test_question_on_a_route_of_writes_waits_for_room_among_them() -> None:
    writes = a_write_queue(*(an_exit(str(n)) for n in range(8)))
    reads = a_read_queue(governor=writes.governor)
    job = ReadJob(Preflight(day=Day("2026-11-19")), ignore, 3)
    job.ask = HttpAsk(route="cancelorder", body=b"", retry=False)
    reads.add(job)
    assert [taken(writes, AT, exits=True) for _ in range(8)] == list("01234567")
    assert reads.take(AT, bulk=True) is None
    assert reads.pause_s(AT, 1, bulk=True) == 1.0
    assert reads.take(Micros(AT + SECOND), bulk=True) is job


def test_human_is_told_of_an_exit_that_the_server_keeps_waiting() -> None:
    queue = a_write_queue(an_exit("x1"))
    job = queue.take(AT, MACHINE, exits=True)
    assert job is not None
    refused = not_sent(job.call, "Too many requests")
    refused = replace(refused, status=429)
    assert queue.overdue(job, refused, Micros(AT + SECOND)) == ""
    assert queue.overdue(job, replace(refused, status=0), Micros(AT + SECOND)) == ""
    queue.add(job, AT)
    text = queue.overdue(job, refused, Micros(AT + 3 * SECOND))
    assert text.startswith("an exit waited 3.0 s to be taken route=placeorder; ")
    entry = WriteJob(a_place(ref="e1"), ignore)
    queue.add(entry, AT)
    assert queue.overdue(entry, refused, Micros(AT + 9 * SECOND)) == ""


def test_lane_pauses_until_its_slot_or_its_deadline_in_its_own_time() -> None:
    queue = a_write_queue(*(a_place(ref=str(n)) for n in range(3)))
    for _ in range(3):
        assert taken(queue, AT, exits=False)
    assert queue.pause_s(AT, MACHINE, 1, exits=False) is None
    queue.add(WriteJob(a_place(), ignore), AT)
    at = Micros(AT + seconds(0.4))
    assert queue.pause_s(at, MACHINE, 1, exits=False) == 0.6
    assert queue.pause_s(at, MACHINE, 60, exits=False) == 0.01
    assert queue.pause_s(at, MACHINE, 1, exits=True) is None
    queue.add(WriteJob(a_place(send_before=Micros(MACHINE + seconds(0.25))), ignore), AT)
    assert queue.pause_s(at, MACHINE, 1, exits=False) == 0.25
    assert queue.pause_s(at, Micros(MACHINE + SECOND), 1, exits=False) == 0.0


def test_late_call_comes_out_without_a_slot() -> None:
    queue = a_write_queue(
        *(a_place(ref=str(n)) for n in range(3)), a_place(ref="x", send_before=MACHINE)
    )
    refs = [taken(queue, AT, exits=False) for _ in range(5)]
    assert refs == ["0", "1", "2", "x", None]


def test_cleared_queue_gives_its_jobs_away() -> None:
    writes, reads = a_write_queue(a_place(ref="e1")), a_read_queue(ReadBooks())
    assert [job.call.ref for job in writes.clear()] == ["e1"]
    assert len(reads.clear()) == 1
    assert (writes.clear(), reads.clear()) == ([], [])


def test_reads_are_served_by_urgency_then_by_arrival() -> None:
    calls: list[Read] = [
        a_history("far", 2),
        a_history("near", 1),
        ReadQuotes(symbols=()),
        ReadBooks(),
        ReadQuotes(symbols=(), urgent=True),
    ]
    queue = a_read_queue(*calls)
    out = [queue.take(Micros(AT + n * SECOND), bulk=True) for n in range(6)]
    assert [job.call if job else None for job in out] == [*reversed(calls[1:]), calls[0], None]


def test_bulk_reads_stay_for_the_worker_that_may() -> None:
    queue = a_read_queue(a_history("A"))
    assert queue.take(AT, bulk=False) is None
    assert queue.pause_s(AT, 1, bulk=False) is None
    assert queue.pause_s(AT, 1, bulk=True) == 0.0
    assert queue.take(AT, bulk=True) is not None


def test_route_is_paced_and_another_one_overtakes() -> None:
    queue = a_read_queue(ReadQuotes(symbols=()), ReadQuotes(symbols=()), a_history("A"))
    assert [queue.take(AT, bulk=True) is not None for _ in range(3)] == [True, True, False]
    assert queue.pause_s(AT, 10, bulk=True) == 0.025
    assert queue.take(Micros(AT + seconds(0.25)), bulk=True) is not None


def test_failed_read_rests_two_seconds_and_a_half_done_one_keeps_its_place() -> None:
    queue = a_read_queue(ReadBooks(), ReadBooks(), rate=50)
    job = queue.take(AT, bulk=False)
    assert job is not None
    job.begin()
    job.answered(an_answer(b"", 500), AT)
    queue.add(job)
    assert queue.pause_s(AT, 1, bulk=False) == 0.02
    other = queue.take(Micros(AT + SECOND), bulk=False)
    assert other is not None
    assert other is not job
    queue.add(other)
    assert queue.take(Micros(AT + 2 * SECOND), bulk=False) is job


def test_rest_does_not_outlive_a_clock_set_back() -> None:
    queue = a_read_queue(ReadBooks())
    job = queue.take(AT, bulk=False)
    assert job is not None
    job.begin()
    job.answered(an_answer(b"", 500), AT)
    queue.add(job)
    set_back = Micros(AT - 3600 * SECOND)
    assert queue.pause_s(set_back, 1, bulk=False) == 2.0
    assert queue.take(Micros(set_back + 2 * SECOND), bulk=False) is job
