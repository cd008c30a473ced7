"""Progress of a load: spoken every five seconds, once when it is done, and when it is stuck."""

import pytest

from domain.params import HistoryParams
from domain.progress import Load, Progress, Said
from domain.units import Micros, seconds
from tests.domain.tape import at

START = at("09:40:00")
WARMING = Said("WARMING: 1 of 82 symbols wait for history from 09:21:00 on, no signals", True)
COMPLETE = Said("history complete symbols=82")


def a_progress() -> Progress:
    return Progress(HistoryParams(settle_s=12, retry_s=60, retries=3))


def told(progress: Progress, done: int, second: float, settled: str = "09:21") -> Said | None:
    return progress.line(Load(done, 82, at(settled)), Micros(START + seconds(second)))


def loaded(done: int) -> Said:
    return Said(f"history {done}/82 symbols loaded")


def test_load_is_told_of_at_once_and_then_every_five_seconds() -> None:
    progress = a_progress()
    said = [told(progress, second, second) for second in range(7)]
    assert said == [loaded(0), None, None, None, None, loaded(5), None]


def test_load_that_stands_still_is_not_told_of_again() -> None:
    progress = a_progress()
    assert told(progress, 7, 0) == loaded(7)
    assert told(progress, 7, 60) is None


def test_end_of_a_load_is_told_once_and_without_waiting() -> None:
    progress = a_progress()
    told(progress, 81, 0)
    assert [told(progress, 82, second) for second in (1, 2)] == [COMPLETE, None]


@pytest.mark.incident("INC-18")
def test_load_that_is_asked_for_in_vain_is_warming_and_says_so_every_five_minutes() -> None:
    progress = a_progress()
    told(progress, 80, 0)
    said = {second: told(progress, 81, second) for second in range(10, 800)}
    spoken = {second: each for second, each in said.items() if each is not None}
    assert spoken == {10: loaded(81), 192: WARMING, 492: WARMING, 792: WARMING}
    assert told(progress, 82, 801) == COMPLETE


def test_bars_held_back_for_a_while_later_in_the_day_are_nothing_to_tell() -> None:
    progress = a_progress()
    told(progress, 82, 0)
    said = [told(progress, 81, 100 + second) for second in range(192)]
    said.append(told(progress, 82, 292))
    assert said == [None] * 193
    said = [told(progress, 81, 300 + second) for second in range(193)]
    assert said == [None] * 192 + [WARMING]
    assert told(progress, 82, 500) == COMPLETE


def test_complete_load_is_looked_at_now_and_then() -> None:
    progress = a_progress()
    seconds_looked = []
    for second in range(14):
        if progress.is_due(Micros(START + seconds(second))):
            seconds_looked.append(second)
            told(progress, 81 if second in {0, 1, 7} else 82, second)
    assert seconds_looked == [0, 1, 2, 7, 8, 13]
