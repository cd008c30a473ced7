"""The table of alarms: whole, sane, and with one remedy a row."""

import re

from domain.alarms import CONDITIONS, FROM_AFAR, JOINED, KINDS, Alarm, Severity
from domain.feed_health import REST_REMEDY
from domain.pages import CRITICAL, PageCode
from domain.reasons import LATCHES, REASONS, Condition

ELSEWHERE = {Condition.LOGIN, Condition.OTHER_WORLD}
"""Conditions that the kinds LOGIN and MODE_FLIP tell."""

TOLD_AT_LENGTH = {"LOGIN", "BLIND"}
"""Codes that an alarm tells for a wider cause than a refusal does."""


def test_every_latch_condition_and_page_is_an_alarm() -> None:
    assert KINDS.keys() >= LATCHES
    assert {str(each) for each in Condition} - ELSEWHERE == CONDITIONS
    assert KINDS.keys() >= {str(each) for each in PageCode}


def test_what_nobody_may_sleep_through_is_critical() -> None:
    assert {code for code in CRITICAL if KINDS[code].severity is not Severity.CRITICAL} == set()


def test_each_row_says_what_happened_and_what_to_do() -> None:
    for name, kind in KINDS.items():
        assert kind.name == name
        assert kind.says, name
        assert re.fullmatch(r"[A-Z].+\.", kind.action), name
        assert (kind.says + kind.action + kind.recovery).isascii(), name


def test_code_with_a_reason_keeps_its_remedy() -> None:
    known = {name: kind for name, kind in KINDS.items() if name in REASONS.keys() - TOLD_AT_LENGTH}
    assert len(known) > 25
    assert {n for n, kind in known.items() if kind.action != REASONS[n].remedy} == set()


def test_remedy_of_polling_is_that_of_the_status() -> None:
    for word in ("Log in", "restart its WebSocket service"):
        assert word in KINDS["REST_LONG"].action
        assert word in REST_REMEDY


def test_nothing_is_repeated_sooner_than_it_may_be_told_again() -> None:
    wrong = [k.name for k in KINDS.values() if k.repeat_s and k.repeat_s < k.throttle_s]
    assert wrong == []


def test_louder_ranks_higher() -> None:
    assert [severity.rank for severity in Severity] == [0, 1, 2]


def test_groups_name_kinds_there_are() -> None:
    assert KINDS.keys() >= FROM_AFAR | JOINED


def test_alarm_is_known_by_kind_and_subject_and_never_by_its_words() -> None:
    assert Alarm(kind="GAP", subject="CE", text="7").key == Alarm(kind="GAP", subject="CE").key
