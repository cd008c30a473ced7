"""The fault script: what it may say, and what is said of one that says it wrongly."""

from typing import Any

import pytest

from domain.errors import ConfigError
from sandbox.faults import Fault, Script, When, read, verbs
from sandbox.faults.places import PLACES, SPELLED
from sandbox.faults.words import CHOICES
from tests.sandbox.pit import DAY, at


def a_fault(**changes: Any) -> dict[str, Any]:
    return {"id": "f", "at": "ws:conn", "do": {"close": {"code": 1011}}} | changes


def a_script(*faults: dict[str, Any], **changes: Any) -> Script:
    return read({"version": 1, "faults": list(faults)} | changes, DAY)


def problems(*faults: dict[str, Any], **changes: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as refusal:
        a_script(*faults, **changes)
    return refusal.value.problems


def test_every_part_of_the_grammar_is_read() -> None:
    mute = {
        "id": "mute_feed",
        "at": "ws:conn",
        "when": {
            "between": ["11:00", "11:04:30"], "nth": [2, 1], "probability": 0.5,
            "source": ["backup"],
        },
        "do": {"silent": {"pong": False}},
    }  # fmt: skip
    after_a_fill = {
        "id": "g", "at": "rest:quotes", "when": {"after": "fill", "for_s": 12},
        "do": {"delay": {"lognormal_s": [4, 0.9]}},
    }  # fmt: skip
    script = a_script(mute, a_fault(when={"at": "12:00"}), after_a_fill, random_seed=7)
    assert script == Script(
        faults=(
            Fault(
                "mute_feed", "ws:conn", verbs.Silent(pong=False),
                When(
                    between=(at("11:00"), at("11:04:30")), nth=frozenset({1, 2}), probability=0.5,
                    source=frozenset({"backup"}),
                ),
            ),
            Fault("f", "ws:conn", verbs.Close(1011), When(at=at("12:00"))),
            Fault(
                "g", "rest:quotes", verbs.Delay(lognormal_s=(4.0, 0.9)),
                When(after="fill", for_s=12.0),
            ),
        ),
        random_seed=7,
    )  # fmt: skip
    assert script.instants == (at("11:00"), at("11:04:30"), at("12:00"))


def test_end_of_a_span_is_an_instant_to_look_at() -> None:
    script = a_script(a_fault(when={"at": "12:00", "for_s": 90}, do={"silent": {}}))
    assert script.instants == (at("12:00"), at("12:01:30"))


@pytest.mark.parametrize(
    ("place", "verb"), [(place, verb) for place in PLACES for verb in PLACES[place]]
)
def test_settings_of_a_verb_may_be_left_out(place: str, verb: str) -> None:
    when = {"between": ["11:00", "11:04"]}
    (fault,) = a_script(a_fault(at=place, when=when, do={verb: None})).faults
    assert (fault.verb, fault.do) == (verb, PLACES[place][verb].verb())


@pytest.mark.parametrize(
    ("place", "verb", "setting"),
    [(p, v, s) for p in PLACES for v in PLACES[p] for s in PLACES[p][v].settings],
)
def test_every_setting_is_checked(place: str, verb: str, setting: str) -> None:
    when = {"between": ["11:00", "11:04"]}
    (problem,) = problems(a_fault(at=place, when=when, do={verb: {setting: {"no": "value"}}}))
    assert f"f: do.{verb}.{setting}: {{'no': 'value'}} is not allowed; allowed is " in problem


def test_fault_is_shown_in_the_words_of_the_script() -> None:
    when = {"nth": [2, 1]}
    (fault,) = a_script(a_fault(when=when, do={"silent": {"pong": False}})).faults
    assert fault.shown() == {
        "id": "f", "place": "ws:conn", "verb": "silent", "pong": False,
        "when": {
            "between": None, "at": None, "after": None, "for_s": None, "nth": [1, 2],
            "probability": 1.0, "source": None, "action": None,
        },
    }  # fmt: skip


def test_seed_of_the_exchange_is_used_where_the_script_has_none() -> None:
    assert read({"version": 1, "faults": []}, DAY, random_seed=5).random_seed == 5


VERBS = ", ".join(PLACES["ws:conn"])
WALL = 'a time in quotes, "HH:MM" or "HH:MM:SS"'
WINDOW = 'two times such as ["11:00", "11:04"]'
COUNTS = "a list of whole numbers from 1 up"
CONDITIONS = "between, at, after, for_s, nth, probability, source"


def bad(where: str, value: object, allowed: str) -> str:
    return f"{where}: {value!r} is not allowed; allowed is {allowed}"


def when(key: str, value: object, told: object, allowed: str) -> tuple[dict[str, Any], str]:
    return {"when": {key: value}}, bad(f"when.{key}", told, allowed)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown verb": (
        {"do": {"drop_after_accept": {"how": "timeout"}}},
        f"do: verb 'drop_after_accept' is not allowed; allowed is {VERBS} (at ws:conn)",
    ),
    "unknown place": ({"at": "book:holdings"}, bad("at", "book:holdings", SPELLED)),
    "side of a read": (
        {"at": "rest:ping", "when": {"action": "BUY"}, "do": {"status": {}}},
        "unknown key when.action; allowed is between, at, after, for_s, nth, probability",
    ),
    "unknown side": (
        {"at": "rest:placeorder", "when": {"action": "buy"}, "do": {"status": {}}},
        bad("when.action", "buy", "BUY, SELL"),
    ),
    "unknown route": ({"at": "rest:nosuch"}, bad("at", "rest:nosuch", SPELLED)),
    "place of no text": ({"at": ["ws:conn"]}, bad("at", ["ws:conn"], SPELLED)),
    "unknown event": when("after", "dinner", "dinner", "order, trigger, fill, cancel"),
    "unknown source": when("source", ["moon"], ["moon"], "a list of primary, backup"),
    "span of nothing": (
        {"when": {"for_s": 5}}, bad("when.for_s", 5, "for_s only with at or after")
    ),
    "two instants": (
        {"when": {"at": "11:00", "after": "fill"}},
        bad("when", "at and after", "one of the two"),
    ),
    "source of a REST call": (
        {"at": "rest:ping", "when": {"source": ["primary"]}, "do": {"status": {}}},
        "unknown key when.source; allowed is between, at, after, for_s, nth, probability",
    ),
    "burst at no time": (
        {"do": {"burst": {}}}, bad("when", "of burst", "a time: between, at or after")
    ),
    "delay of two kinds": (
        {"at": "rest:ping", "do": {"delay": {"seconds": 1, "lognormal_s": [1, 1]}}},
        bad("do.delay", "seconds and lognormal_s", "one of the two"),
    ),
    "unknown word for symbols": (
        {"at": "ws:market_data", "do": {"symbol_mute": {"symbols": ["spot", "atm"]}}},
        bad("do.symbol_mute.symbols", "atm", CHOICES),
    ),
    "no symbols": (
        {"at": "ws:market_data", "do": {"symbol_mute": {"symbols": []}}},
        bad("do.symbol_mute.symbols", [], CHOICES),
    ),
    "subscribed by nobody": (
        {"at": "rest:quotes", "do": {"freeze_quotes": {"symbols": ["subscribed:1"]}}},
        bad("symbols", "subscribed:1", "a choice that needs no connection"),
    ),
    "traded without a trade": (
        {"at": "ws:market_data", "do": {"wrong_mode": {"symbols": ["traded"]}}},
        bad("symbols", "traded", "traded only with when.after"),
    ),
    "lognormal of one number": (
        {"at": "rest:ping", "do": {"delay": {"lognormal_s": [1]}}},
        bad(
            "do.delay.lognormal_s", [1],
            "median in seconds from 0.001 to 130 and sigma from 0 to 3, such as [2, 0.9]",
        ),
    ),
    "status": (
        {"at": "rest:ping", "do": {"status": {"code": 200}}},
        bad("do.status.code", 200, "403, 404, 429, 500, 503"),
    ),
    "minutes of nothing": (
        {"at": "rest:history", "do": {"history_lag": {"minutes": 0}}},
        bad("do.history_lag.minutes", 0, "a whole number from 1 to 400"),
    ),
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
