"""Histories that lag or lack minutes, through the whole cast: nothing is entered on them."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from broker.asks import HttpAnswer, HttpAsk
from cli.virtual import Parts
from domain.session import instant
from domain.units import MINUTE, SECOND, Micros
from research.world import World
from tests.days import Stage, a_stage
from tests.stories import told
from tests.tapes import CALL, DAY, INDEX, OTHERS, PUT, UNITS, Leg, a_tape
from tests.worlds import Then

Rows = list[dict[str, Any]]
WHOLE_FROM = instant(DAY, "10:02")
TAPE = a_tape(Leg(breaks="10:14"), since="09:25")
"""An entry would rest from 09:50 on; nothing traded before 09:25."""


class ShortWorld(World):
    """History leaves rows out until it is whole; `known(now, minute)` says which are there."""

    def __init__(self, *args: Any, known: Callable[[int, int], bool]) -> None:
        super().__init__(*args)
        self._known = known
        self.left_out = 0

    def _carry(self, ask: HttpAsk, then: Then) -> None:
        super()._carry(ask, then if ask.route != "history" else partial(self._shorten, then))

    def _shorten(self, then: Then, answer: HttpAnswer) -> None:
        now, said = self.timeline.now(), json.loads(answer.body)
        rows: Rows = said["data"]
        if now < WHOLE_FROM:
            said["data"] = [row for row in rows if self._known(now, row["timestamp"] * SECOND)]
        self.left_out += len(rows) - len(said["data"])
        then(replace(answer, body=json.dumps(said).encode()))


def lacks_first(now: int, minute: int) -> bool:
    return minute >= instant(DAY, "09:31")


def lags(now: int, minute: int) -> bool:
    return minute <= now - 15 * MINUTE


def lags_but_for_the_forming_one(now: int, minute: int) -> bool:
    return lags(now, minute) or minute == now // MINUTE * MINUTE


def lacks_the_middle(now: int, minute: int) -> bool:
    return not instant(DAY, "09:35") <= minute < instant(DAY, "09:44")


def entered(stage: Stage) -> int:
    return len(stage.session.exchange.orders())


@pytest.mark.incident("INC-18")
@pytest.mark.parametrize(
    "known", [lacks_first, lags, lags_but_for_the_forming_one, lacks_the_middle]
)
def test_missing_first_minutes_block_entries(
    tmp_path: Path, known: Callable[[int, int], bool]
) -> None:
    parts = Parts(world=partial(ShortWorld, known=known))
    given = {"tape": TAPE, "begin": "09:48", "force_close": "10:20"}
    with a_stage(tmp_path, parts=parts, **given) as stage:
        stage.begin().run_to("10:02")
        assert entered(stage) == 0
        stage.run_to("10:13")
        assert entered(stage) == 1
        played = stage.finish()
    told(
        played.log,
        r"WARNING .*\[HISTORY\] WARMING: \d of 8 symbols wait for history from 09:\d\d:00 on",
        r"\[HISTORY\] history complete symbols=8",
        r"FORCE_CLOSE",
    )
    assert (played.ended.code, played.report.entries, played.report.flat) == (10, 1, True)
    assert played.report.invariants_broken == []


def test_whole_history_lets_the_same_entry_rest_at_once(tmp_path: Path) -> None:
    with a_stage(tmp_path, tape=TAPE, begin="09:48", force_close="10:20") as stage:
        stage.begin().run_to("09:51")
        assert entered(stage) == 1


class AskedWorld(World):
    """Writes down whose history was asked for, and when."""

    def __init__(self, *args: Any, asked: list[tuple[Micros, str]]) -> None:
        super().__init__(*args)
        self._asked = asked

    def _carry(self, ask: HttpAsk, then: Then) -> None:
        if ask.route == "history":
            self._asked.append((self.timeline.now(), json.loads(ask.body)["symbol"]))
        super()._carry(ask, then)


def test_history_of_a_short_is_loaded_before_the_strikes_at_the_money(tmp_path: Path) -> None:
    far = OTHERS[1]
    tape = a_tape(Leg(symbol=far, breaks="09:52"), since="09:25")
    asked: list[tuple[Micros, str]] = []
    parts = Parts(world=partial(AskedWorld, asked=asked))
    with a_stage(tmp_path, tape=tape, begin="09:48", force_close="10:20", parts=parts) as stage:
        stage.begin().run_to("09:55")
        assert stage.net(far) == -UNITS
        stage.kill()
        stage.again("09:56")
        stage.begin().run_to("09:58")
    again = [symbol for when, symbol in asked if when >= stage.at("09:56")]
    assert again[:4] == [INDEX, far, CALL, PUT]
