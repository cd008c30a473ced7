"""The fault script: what it may say, and whom it hits."""

from typing import Any

import pytest

from domain.errors import ConfigError
from domain.units import Micros
from sandbox.faults import Connection, Fault, Script, When, read
from tests.sandbox.pit import DAY, at


def a_fault(**changes: Any) -> dict[str, Any]:
    return {"id": "f", "at": "ws:conn", "do": {"close": {"code": 1011}}} | changes


def a_script(*faults: dict[str, Any], **changes: Any) -> Script:
    return read({"version": 1, "faults": list(faults)} | changes, DAY)


def opened(wall: str, number: int = 1) -> Connection:
    return Connection(number, at(wall))


def problems(*faults: dict[str, Any], **changes: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as refusal:
        a_script(*faults, **changes)
    return refusal.value.problems


def test_every_part_of_the_grammar_is_read() -> None:
    mute = {
        "id": "mute_feed",
        "at": "ws:conn",
        "when": {"between": ["11:00", "11:04:30"], "nth": [2, 1], "probability": 0.5},
        "do": {"silent": {"pong": False}},
    }
    script = a_script(mute, a_fault(when={"at": "12:00"}), random_seed=7)
    assert script == Script(
        faults=(
            Fault(
                "mute_feed", "ws:conn", "silent",
                When(
                    between=(at("11:00"), at("11:04:30")), nth=frozenset({1, 2}), probability=0.5
                ),
                pong=False,
            ),
            Fault("f", "ws:conn", "close", When(at=at("12:00")), code=1011),
        ),
        random_seed=7,
    )  # fmt: skip
    assert script.instants == (at("11:00"), at("11:04:30"), at("12:00"))


def test_settings_of_a_verb_may_be_left_out() -> None:
    script = a_script(
        a_fault(do={"silent": None}), a_fault(id="g", do={"close": {}}),
        a_fault(id="h", do={"refuse_connect": None}),
    )  # fmt: skip
    assert [(f.verb, f.pong, f.code) for f in script.faults] == [
        ("silent", True, 1006), ("close", True, 1006), ("refuse_connect", True, 1006),
    ]  # fmt: skip


def test_seed_of_the_exchange_is_used_where_the_script_has_none() -> None:
    assert read({"version": 1, "faults": []}, DAY, random_seed=5).random_seed == 5


VERBS = "silent, close, refuse_connect"
WALL = 'a time in quotes, "HH:MM" or "HH:MM:SS"'
WINDOW = 'two times such as ["11:00", "11:04"]'
COUNTS = "a list of whole numbers from 1 up"
CONDITIONS = "between, at, nth, probability"


def bad(where: str, value: object, allowed: str) -> str:
    return f"{where}: {value!r} is not allowed; allowed is {allowed}"


def when(key: str, value: object, told: object, allowed: str) -> tuple[dict[str, Any], str]:
    return {"when": {key: value}}, bad(f"when.{key}", told, allowed)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown verb": (
        {"do": {"drop_after_accept": {"how": "timeout"}}},
        f"do: verb 'drop_after_accept' is not allowed; allowed is {VERBS} (at ws:conn)",
    ),
    "unknown place": ({"at": "rest:placeorder"}, bad("at", "rest:placeorder", "ws:conn")),
    "no id": ({"id": None}, bad("id", None, "1 to 64 letters, digits and _")),
    "unknown field": ({"what": 1}, "unknown key what; allowed is id, at, when, do"),
    "unknown condition": (
        {"when": {"action": "SELL"}}, f"unknown key when.action; allowed is {CONDITIONS}"
    ),
    "no conditions": (
        {"when": "always"}, bad("when", "always", f"a mapping of {CONDITIONS}")
    ),
    "probability": when("probability", 1.5, 1.5, "a number from 0 to 1"),
    "probability of true": when("probability", True, True, "a number from 0 to 1"),
    "empty window": when(
        "between", ["11:04", "11:04"], ["11:04", "11:04"], "a window that ends after it begins"
    ),
    "half a window": when("between", ["11:04"], ["11:04"], WINDOW),
    "unquoted time": when("between", [660, "11:04"], 660, WALL),
    "no such time": when("at", "25:00", "25:00", WALL),
    "nth of nothing": when("nth", [], [], COUNTS),
    "nth 0": when("nth", [0], [0], COUNTS),
    "two verbs": (
        {"do": {"silent": {}, "close": {}}},
        bad("do", {"silent": {}, "close": {}}, f"one of {VERBS} with its settings"),
    ),
    "verb as a word": (
        {"do": "silent"}, bad("do", "silent", f"one of {VERBS} with its settings")
    ),
    "settings of a verb": (
        {"do": {"silent": True}}, bad("do.silent", True, "a mapping of settings, or nothing")
    ),
    "unknown setting": (
        {"do": {"refuse_connect": {"how": 1}}},
        "unknown key do.refuse_connect.how; allowed is none",
    ),
    "close code": (
        {"do": {"close": {"code": 1000}}}, bad("do.close.code", 1000, "1006, 1011, 4401")
    ),
    "pong": ({"do": {"silent": {"pong": "yes"}}}, bad("do.silent.pong", "yes", "true or false")),
    "instant of refuse_connect": (
        {"when": {"at": "11:00"}, "do": {"refuse_connect": {}}},
        bad("when.at", "of refuse_connect", "a window: between"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_in_the_grammar_refuses_the_file(changes: dict[str, Any], text: str) -> None:
    (problem,) = problems(a_fault(**changes))
    name = "fault 1" if changes.get("id", "f") is None else "f"
    assert problem.startswith(f"faults: {name}: ")
    assert problem.endswith(text)


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ([], bad("faults", [], "a mapping of version, random_seed, faults")),
        ({"version": 2}, bad("faults: version", 2, "1")),
        ({"version": 1, "faults": {}}, bad("faults: faults", {}, "a list of faults")),
        (
            {"version": 1, "seed": 1},
            "faults: unknown key seed; allowed is version, random_seed, faults",
        ),
        (
            {"version": 1, "random_seed": "7"},
            bad("faults: random_seed", "7", "a whole number from 0 up"),
        ),
        ({"version": 1, "faults": ["x"]}, bad("fault 1", "x", "a mapping of id, at, when, do")),
    ],
)
def test_document_of_another_shape_is_refused(document: object, text: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        read(document, DAY)
    assert refusal.value.problems == (f"faults: {text}",)


def test_id_must_be_its_own() -> None:
    (problem,) = problems(a_fault(), a_fault())
    assert problem == (
        "faults: f: id: 'f' is not allowed; allowed is an id of its own, it is used twice"
    )


def test_every_problem_of_a_file_is_told_at_once() -> None:
    bad = a_fault(id="g", at="moon", when={})
    assert len(problems(bad, a_fault(do={"close": {"code": 1}}), version=3)) == 3


def test_fault_without_conditions_is_always_on() -> None:
    fault = a_script(a_fault()).faults[0]
    assert a_script(a_fault()).closing(at("09:15"), opened("09:10")) == fault


def test_window_holds_from_its_first_instant_up_to_its_last() -> None:
    script = a_script(a_fault(when={"between": ["11:00", "11:04"]}))
    connection = opened("09:10")
    hits = [
        script.closing(moment, connection) is not None
        for moment in (
            Micros(at("11:00") - 1), at("11:00"), Micros(at("11:04") - 1), at("11:04"),
        )
    ]  # fmt: skip
    assert hits == [False, True, True, False]


def test_instant_hits_the_connections_open_at_it_from_then_on() -> None:
    script = a_script(a_fault(when={"at": "11:00"}, do={"silent": {}}))
    assert script.muting(at("10:59:59"), opened("09:10")) is None
    assert script.muting(at("12:00"), opened("09:10")) is not None
    assert script.muting(at("12:00"), opened("11:00:01")) is None


def test_nth_counts_the_connections_of_the_day() -> None:
    script = a_script(a_fault(when={"nth": [2]}, do={"refuse_connect": {}}))
    refused = [script.refusing(at("10:00"), number) is not None for number in (1, 2, 3)]
    assert refused == [False, True, False]


def test_conditions_are_anded() -> None:
    script = a_script(a_fault(when={"nth": [2], "between": ["11:00", "11:04"]}))
    assert script.closing(at("11:00"), opened("09:10", number=1)) is None
    assert script.closing(at("10:00"), opened("09:10", number=2)) is None
    assert script.closing(at("11:00"), opened("09:10", number=2)) is not None


def test_probability_is_drawn_once_for_each_connection() -> None:
    script = a_script(a_fault(when={"probability": 0.3}), random_seed=7)

    def hits(wall: str) -> list[bool]:
        numbers = range(1, 501)
        return [script.closing(at(wall), opened("09:10", n)) is not None for n in numbers]

    assert hits("10:00") == hits("15:00")
    assert 120 < sum(hits("10:00")) < 180
    other = a_script(a_fault(when={"probability": 0.3}), random_seed=8)
    assert [other.closing(at("10:00"), opened("09:10", n)) is not None for n in range(1, 501)] != (
        hits("10:00")
    )
    never = a_script(a_fault(when={"probability": 0}))
    assert never.closing(at("10:00"), opened("09:10")) is None


def test_each_verb_answers_its_own_question() -> None:
    script = a_script(a_fault(do={"refuse_connect": {}}))
    assert script.refusing(at("10:00"), 1) is not None
    assert script.closing(at("10:00"), opened("09:10")) is None
    assert script.muting(at("10:00"), opened("09:10")) is None


def test_strictest_silence_wins() -> None:
    script = a_script(
        a_fault(id="ponging", do={"silent": {}}), a_fault(id="deaf", do={"silent": {"pong": False}})
    )
    muted = script.muting(at("10:00"), opened("09:10"))
    assert muted is not None
    assert muted.id == "deaf"


def test_empty_script_never_hits_anything() -> None:
    assert Script().refusing(at("10:00"), 1) is None
    assert Script().instants == ()
