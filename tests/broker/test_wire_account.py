import json

import pytest

from broker import wire_account
from domain.errors import WireError
from domain.units import Day


def test_ping_names_the_broker() -> None:
    assert (
        wire_account.broker_name({"data": {"message": "pong", "broker": "localsim"}}) == "localsim"
    )
    odd: list[object] = [None, {}, [], {"message": "hello"}, {"message": "pong", "broker": {}}]
    for data in odd:
        with pytest.raises(WireError):
            wire_account.broker_name({"data": data})


def test_mode_of_the_server_is_one_of_two_words() -> None:
    assert wire_account.server_mode({"data": {"mode": "analyze"}}) == "analyze"
    assert wire_account.server_mode({"data": {"mode": "Live"}}) == "live"
    for data in (None, {}, {"mode": "semi_auto"}, {"mode": None}, {"mode": True}):
        with pytest.raises(WireError):
            wire_account.server_mode({"data": data})


@pytest.mark.parametrize(("cash", "paise"), [(9990250.0, 999025000), ("1000000.00", 100000000)])
def test_cash_is_a_float_or_a_text(cash: object, paise: int) -> None:
    assert wire_account.available_cash({"data": {"availablecash": cash}}) == paise


@pytest.mark.parametrize("data", [None, {}, [], {"availablecash": None}, {"availablecash": ""}])
def test_empty_funds_are_no_zero(data: object) -> None:
    with pytest.raises(WireError):
        wire_account.available_cash({"data": data})


def test_exchange_is_open_if_it_is_listed() -> None:
    assert json.loads(wire_account.timings_body(Day("2026-11-23"))) == {"date": "2026-11-23"}
    day = {"data": [{"exchange": "NSE"}, {"exchange": "NFO", "start_time": 1, "end_time": 2}]}
    assert wire_account.is_open(day, "NFO")
    assert not wire_account.is_open({"data": [{"exchange": "CRYPTO"}]}, "NFO")
    assert not wire_account.is_open({"data": []}, "NFO")
    with pytest.raises(WireError):
        wire_account.is_open({"data": None}, "NFO")


def test_margin_total_is_all_that_is_read() -> None:
    assert wire_account.margin_total({"data": {"total_margin_required": 97500.0}}) == 9750000
    with pytest.raises(WireError):
        wire_account.margin_total({"data": {}})
