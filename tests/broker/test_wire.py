from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import wire
from domain.errors import WireError
from domain.units import Micros
from tests.broker.build import AT

DAY = Micros(86_400_000_000)


@pytest.mark.parametrize(
    ("sent", "paise"),
    [
        (149.95, 14995),
        ("149.95", 14995),
        (Decimal("149.95"), 14995),
        (" 150.00 ", 15000),
        (150, 15000),
        (0, 0),
        ("-3.25", -325),
        (129.846153846, 12985),
        ("0.005", 1),
        ("0.0049", 0),
        ("1e2", 10000),
    ],
)
def test_rupees_become_paise_through_decimal_text(sent: object, paise: int) -> None:
    assert wire.paise(sent) == paise


@given(st.integers(-(10**12), 10**12))
def test_rupees_there_and_back_are_the_same_paise(amount: int) -> None:
    rupees = wire.rupees_of(amount)
    assert (
        wire.paise(str(rupees)) == wire.whole_paise(rupees) == wire.paise(float(rupees)) == amount
    )


@pytest.mark.parametrize(
    "sent",
    [None, "", "abc", True, {}, [], "NaN", "Infinity", float("inf"), "1_000", 10**18, "1e99"],
)
def test_what_is_no_amount_is_refused(sent: object) -> None:
    with pytest.raises(WireError):
        wire.paise(sent)


def test_order_price_must_be_whole_paise_and_may_be_absent() -> None:
    assert [wire.whole_paise(sent) for sent in (None, "", 0.0, "12.50")] == [0, 0, 0, 1250]
    with pytest.raises(WireError, match=r"12\.505"):
        wire.whole_paise("12.505")


@pytest.mark.parametrize("sent", [65, 65.0, "65", "65.00", Decimal(65)])
def test_quantity_may_come_in_any_dress(sent: object) -> None:
    assert wire.units(sent) == 65


@pytest.mark.parametrize("sent", [65.5, "65.5", None, "", "lots", False, {}])
def test_half_a_unit_or_no_number_is_no_quantity(sent: object) -> None:
    with pytest.raises(WireError):
        wire.units(sent)


def test_text_is_a_text_or_the_digits_of_a_number() -> None:
    assert [wire.text(sent) for sent in ("x", None, 250101)] == ["x", "", "250101"]
    no_texts: list[object] = [True, 1.5, [], {}]
    for sent in no_texts:
        with pytest.raises(WireError):
            wire.text(sent)
    with pytest.raises(WireError):
        wire.name("  ")


@pytest.mark.parametrize("sent", [None, {}, "", "[]", 0, {"orders": []}])
def test_silence_where_a_list_belongs_is_no_empty_list(sent: object) -> None:
    with pytest.raises(WireError):
        wire.records(sent)


@pytest.mark.parametrize("sent", [None, [], "", 3])
def test_what_is_no_object_is_refused(sent: object) -> None:
    with pytest.raises(WireError):
        wire.record(sent)


@pytest.mark.parametrize(
    ("sent", "at"),
    [
        (1795253507, 1_795_253_507_000_000),
        (1795253507651, 1_795_253_507_651_000),
        ("1795253507651", 1_795_253_507_651_000),
        (1795253507.5, 1_795_253_507_500_000),
        (0, None),
        (-1795253507, None),
        (1795253507651000, None),
        ("15:01:47", None),
        (None, None),
        (True, None),
    ],
)
def test_epoch_has_ten_digits_of_seconds_or_thirteen_of_milliseconds(
    sent: object, at: int | None
) -> None:
    assert wire.epoch(sent) == at


def test_exchange_time_is_the_first_usable_one() -> None:
    ms = AT // 1000
    assert wire.exchange_time((ms - 5000, ms), AT) == AT - 5_000_000
    assert wire.exchange_time(("10:04:58", ms), AT) == AT
    assert wire.exchange_time((None, None), AT) is None


def test_exchange_time_ahead_of_us_or_of_another_day_is_none() -> None:
    assert wire.exchange_time((AT // 1000 + 2000,), AT) == AT + 2_000_000
    assert wire.exchange_time((AT // 1000 + 2001,), AT) is None
    yesterday = (AT - DAY) // 1000
    assert wire.exchange_time((yesterday,), AT) is None


def test_midnight_is_that_of_india() -> None:
    midnight = 1_795_199_400_000  # 2026-11-21 00:00:00 in Asia/Kolkata
    assert wire.exchange_time((midnight,), AT) == midnight * 1000
    assert wire.exchange_time((midnight - 1,), AT) is None


@pytest.mark.parametrize(
    ("sent", "at"),
    [
        ("2026-11-21 14:59:50", 1_795_253_390_000_000),
        ("2026-11-21T09:29:50+00:00", 1_795_253_390_000_000),
        ("21-Nov-2026 14:59:50", None),
        ("", None),
        (1795253390, None),
        (None, None),
    ],
)
def test_time_of_placement_is_indian_without_a_zone(sent: object, at: int | None) -> None:
    assert wire.placed_at(sent) == at


@pytest.mark.incident("INC-110")
@pytest.mark.parametrize("body", [b"<html>login</html>", b"", b"[]", b"null", b'{"a":', b'"\xff"'])
def test_what_is_no_json_object_is_refused_with_an_excerpt(body: bytes) -> None:
    with pytest.raises(WireError):
        wire.decode(body)


def test_decimals_survive_decoding_digit_by_digit() -> None:
    assert wire.decode(b'{"a":1.10,"b":26003.655}') == {
        "a": Decimal("1.10"),
        "b": Decimal("26003.655"),
    }


def test_excerpt_is_short_plain_and_without_the_key() -> None:
    said = wire.excerpt(b'{"apikey":"SECRET-1","symbol":"X"}\n\xe2\x82\xb9' + b"x" * 900)
    assert said.startswith('{"apikey":"***","symbol":"X"} \\u20b9xxx')
    assert len(said) == 200
    assert "SECRET" not in wire.excerpt({"api_key": "SECRET-1"})
    assert "SECRET" not in wire.excerpt(b'{"action":"authenticate","api_key":"SECRET-1"}')
    for words in ("Invalid API key: SECRET-1", "X-API-KEY=SECRET-1", "Api Key : 'SECRET-1'"):
        assert "SECRET" not in wire.excerpt(words)


@pytest.mark.parametrize("key", ["0123456789abcdef", 'quoted"and\\slashed'])
def test_key_is_taken_out_of_what_a_server_says_in_each_spelling(key: str) -> None:
    echo = key.encode() + wire.encode({"message": key})
    assert wire.scrubbed(echo, wire.spellings(key)) == b'***{"message":"***"}'


def test_short_key_is_no_secret() -> None:
    assert wire.scrubbed(b"sandbox", wire.spellings("sandbox")) == b"sandbox"
