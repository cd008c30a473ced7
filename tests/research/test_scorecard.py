"""What many sessions come to on one card."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.scorecard import Card, Outcome, document, most_within, percentile, row, score, table


def an_outcome(**given: object) -> Outcome:
    plain: dict[str, object] = {
        "name": "mute socket",
        "seed": 1,
        "length_s": 1800.0,
        "met": True,
        "due": True,
        "called_for": True,
        "noticed_s": 6.0,
        "acted_s": 120.0,
        "alarms": 0,
        "switches": 2,
        "most_switches_per_h": 2,
        "bars": 100,
        "clean": 90,
        "wrong": (),
        "withdrawn": 0,
        "entries": 1,
        "forbidden": (),
    }
    return Outcome(**{**plain, **given})  # type: ignore[arg-type]  # by name


def quiet(**given: object) -> Outcome:
    return an_outcome(**{"name": "quiet", "due": False, "called_for": False, **given})


def a_card(calm: list[Outcome], faults: list[list[Outcome]], waves: list[list[Outcome]]) -> Card:
    return score(calm, faults, waves, switches_allowed=6)


@pytest.mark.parametrize(
    ("percent", "expected"), [(50, 3.0), (99, 5.0), (1, 1.0), (20, 1.0), (21, 2.0), (100, 5.0)]
)
def test_percentile_is_of_the_nearest_rank(percent: int, expected: float) -> None:
    assert percentile([5.0, 1.0, 4.0, 2.0, 3.0], percent) == expected


def test_percentile_of_nothing_is_none() -> None:
    assert percentile([], 50) is None


@given(st.lists(st.integers(0, 500), max_size=40).map(sorted), st.integers(1, 200))
def test_most_within_counts_the_fullest_span(instants: list[int], span: int) -> None:
    counts = [sum(first <= at < first + span for at in instants) for first in instants]
    assert most_within(instants, span) == max(counts, default=0)


def test_row_folds_the_sessions_of_one_fault() -> None:
    outcomes = [
        an_outcome(noticed_s=4.0, acted_s=None, alarms=1),
        an_outcome(noticed_s=8.0, most_switches_per_h=5),
        an_outcome(noticed_s=None, acted_s=None),
        an_outcome(noticed_s=None, acted_s=None, met=False),
    ]
    found = row("mute socket", outcomes)
    assert (found.sessions, found.missed, found.unmet) == (4, 2, 1)
    assert (found.noticed_p50_s, found.noticed_p99_s, found.acted_p50_s) == (4.0, 8.0, 120.0)
    assert (found.alarms, found.most_switches_per_h) == (1, 5)


def test_card_is_good_while_all_that_must_be_nothing_is() -> None:
    card = a_card([quiet(), quiet()], [[an_outcome()]], [[an_outcome(name="wave")]])
    assert (card.is_good, card.objections) == (True, ())
    assert (card.quiet_hours, card.false_alarms_per_session) == (1.0, 0.0)
    assert (card.bars, card.clean, card.entries) == (400, 360, 4)


@pytest.mark.parametrize(
    "bad",
    [
        {"wrong": ("NIFTY 09:40",)},
        {"forbidden": ("entered while prices were not trusted",)},
        {"broken": ("I2 long",)},
        {"noticed_s": None},
        {"acted_s": None},
        {"most_switches_per_h": 7},
        {"met": False},
    ],
    ids=lambda bad: next(iter(bad)),
)
def test_one_bad_session_spoils_the_card(bad: dict[str, object]) -> None:
    card = a_card([quiet()], [[an_outcome(), an_outcome(seed=7, **bad)]], [])
    assert not card.is_good
    assert not document(card)["is_good"]


def test_false_alarm_in_a_quiet_session_spoils_the_card() -> None:
    card = a_card([quiet(), quiet(alarms=3)], [[an_outcome()]], [])
    assert card.objections == ("3 false alarms in quiet sessions",)
    assert card.false_alarms_per_session == 1.5


def test_table_and_document_name_what_went_wrong() -> None:
    card = a_card([quiet()], [[an_outcome(seed=7, wrong=("NIFTY 09:40:00",))]], [])
    assert "mute socket seed=7: NIFTY 09:40:00" in table(card)
    assert json.loads(json.dumps(document(card)))["wrong"] == ["mute socket seed=7: NIFTY 09:40:00"]


def test_table_shows_each_fault_with_its_delays() -> None:
    card = a_card(
        [quiet()],
        [[an_outcome()]],
        [[an_outcome(name="wave", due=False, called_for=False, noticed_s=None)]],
    )
    lines = table(card).splitlines()
    assert any(line.split()[:5] == ["mute", "socket", "1", "6.0", "6.0"] for line in lines)
    assert any(line.split()[:3] == ["wave", "1", "-"] for line in lines)
