"""The conversation with another server's stream."""

import json
from typing import Any

import pytest

from sandbox.relay.dialogue import Action, Dialogue, Refused, granted, said

PAIRS = [(f"S{n}", "NFO") for n in range(5)]
KEY = "SECRET-KEY"


def a_dialogue(mode: str = "depth") -> Dialogue:
    return Dialogue(KEY, PAIRS, mode, chunk=2)


def says(dialogue: Dialogue, **frame: Any) -> list[Any]:
    """Let the server say something; return what it is answered."""
    return [json.loads(f) for f in dialogue.hear(json.dumps(frame)).frames]


def welcomed(dialogue: Dialogue, **more: Any) -> list[Any]:
    return says(dialogue, type="auth", status="success", **more)


def names(frames: list[Any]) -> list[list[str]]:
    return [[each["symbol"] for each in frame["symbols"]] for frame in frames]


def rows(status: str, *symbols: str) -> list[dict[str, str]]:
    return [{"symbol": s, "exchange": "NFO", "status": status} for s in symbols]


def test_key_goes_first_and_symbols_follow_in_chunks() -> None:
    dialogue = a_dialogue()
    first = json.loads(dialogue.on_open())
    assert first == {"action": "authenticate", "api_key": KEY}
    frames = welcomed(dialogue)
    assert names(frames) == [["S0", "S1"], ["S2", "S3"], ["S4"]]
    assert {(frame["action"], frame["mode"]) for frame in frames} == {("subscribe", 3)}


def test_mode_is_the_fullest_the_server_has() -> None:
    dialogue = a_dialogue()
    features = {"ltp": True, "quote": True, "depth": False}
    assert {frame["mode"] for frame in welcomed(dialogue, supported_features=features)} == {2}
    assert dialogue.mode == "quote"
    assert granted("depth", {"depth": False, "quote": False}) == "ltp"
    assert granted("quote", {"depth": True}) == "quote"
    assert granted("depth", None) == "depth"


def test_refused_symbol_is_asked_for_in_lower_modes_until_none_is_left() -> None:
    dialogue = a_dialogue("quote")
    welcomed(dialogue)
    both = rows("success", "S0") + rows("error", "S1")
    (again,) = says(dialogue, type="subscribe", status="partial", subscriptions=both)
    assert (again["mode"], names([again])) == (1, [["S1"]])
    last = rows("error", "S1")
    assert says(dialogue, type="subscribe", status="partial", subscriptions=last) == []
    assert dialogue.refused == {("S1", "NFO")}


def test_symbol_never_asked_for_is_not_asked_for_again() -> None:
    dialogue = a_dialogue()
    welcomed(dialogue)
    assert says(dialogue, type="subscribe", subscriptions=rows("error", "X")) == []


def test_price_comes_out_and_bad_frames_are_counted() -> None:
    dialogue = a_dialogue()
    price = {"type": "market_data", "symbol": "S1", "exchange": "NFO", "mode": 3}
    heard = dialogue.hear(json.dumps({**price, "data": {"ltp": 1.05}}))
    assert heard.seen is not None
    assert heard.seen.ltp == 105
    for bad in (json.dumps({**price, "data": {"ltp": 0}}), "{", b"\xff", '{"type": "market_data"}'):
        assert dialogue.hear(bad).seen is None
    assert dialogue.bad == 4
    for other in ('{"type": "order_update"}', '{"status": "error", "code": "INVALID_MODE"}'):
        assert dialogue.hear(other) == (None, ())
    assert dialogue.bad == 4


@pytest.mark.parametrize(
    "frame",
    [
        {"status": "error", "code": "AUTHENTICATION_ERROR", "message": f"{KEY} is wrong"},
        {"status": "error", "code": "NOT_AUTHENTICATED", "message": "first"},
        {"status": "error", "code": "BROKER_INIT_ERROR", "message": "no login"},
        {"type": "auth", "status": "error", "message": "no"},
    ],
)
def test_server_that_will_not_serve_ends_the_connection_without_showing_the_key(
    frame: dict[str, str],
) -> None:
    with pytest.raises(Refused) as refused:
        a_dialogue().hear(json.dumps(frame))
    assert KEY not in refused.value.text
    assert refused.value.text


def test_nothing_is_said_but_two_words() -> None:
    assert {each.value for each in Action} == {"authenticate", "subscribe"}
    with pytest.raises(ValueError, match="placeorder"):
        said("placeorder")  # type: ignore[arg-type]  # what a typed caller cannot say
