import msgspec
import pytest

from config.pack import load
from domain.contracts import Contract, Side
from domain.rules.comparing import Mismatch, compare, settled
from domain.symbols import build
from domain.units import Day, Paise, Units

PACK = load()
TODAY = Day("2026-11-19")


def a_contract(**changes: object) -> Contract:
    contract = Contract(
        symbol=build("NIFTY", Day("2026-11-23"), Paise(2_600_000), Side.CE),
        exchange="NFO",
        underlying="NIFTY",
        expiry=Day("2026-11-23"),
        strike=Paise(2_600_000),
        side=Side.CE,
        lot=Units(65),
        tick=Paise(5),
        freeze=Units(1800),
    )
    return msgspec.structs.replace(contract, **changes)


def test_contract_as_the_pack_believes_it_has_no_mismatch() -> None:
    assert compare(a_contract(), PACK, TODAY) == ()


@pytest.mark.incident("INC-122")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lot": Units(75)}, "rules_mismatch: lot NIFTY pack=65 master=75"),
        ({"tick": Paise(10)}, "rules_mismatch: tick NIFTY pack=0.05 master=0.10"),
        ({"exchange": "BFO"}, "rules_mismatch: exchange NIFTY pack=NFO master=BFO"),
        (
            {"expiry": Day("2026-11-24")},
            "rules_mismatch: expiry NIFTY pack=2026-11-23 master=2026-11-24",
        ),
    ],
)
def test_rule_pack_and_master_must_agree(change: dict[str, object], reason: str) -> None:
    (mismatch,) = compare(a_contract(**change), PACK, TODAY)
    assert mismatch.blocks
    assert mismatch.reason == reason


def test_other_freeze_quantity_is_told_and_does_not_block() -> None:
    assert compare(a_contract(freeze=Units(1200)), PACK, TODAY) == (
        Mismatch(fact="freeze", underlying="NIFTY", pack="1800", master="1200", blocks=False),
    )


def test_unknown_freeze_quantity_is_no_mismatch() -> None:
    assert compare(a_contract(freeze=Units(1)), PACK, TODAY) == ()


def test_what_the_pack_does_not_know_blocks() -> None:
    mismatches = compare(a_contract(underlying="RELIANCE"), PACK, TODAY)
    told = {m.fact: (m.pack, m.blocks) for m in mismatches}
    assert told == dict.fromkeys(("lot", "exchange", "expiry", "freeze"), ("unknown", True))


def test_lot_of_the_expiry_is_compared_not_that_of_the_day() -> None:
    last = a_contract(expiry=Day("2025-12-30"), lot=Units(75))
    assert compare(last, PACK, Day("2025-12-30")) == ()
    first = a_contract(expiry=Day("2026-01-06"), lot=Units(65))
    assert compare(first, PACK, Day("2025-12-31")) == ()


@pytest.mark.parametrize(
    ("master", "freeze"), [(1800, 1800), (1200, 1200), (2400, 1800), (1, 1800)]
)
def test_exits_use_the_freeze_that_is_valid_in_both_worlds(master: int, freeze: int) -> None:
    contract = settled(a_contract(freeze=Units(master)), PACK, TODAY)
    assert contract == a_contract(freeze=Units(freeze))


def test_exits_keep_the_master_s_lot_and_our_tick() -> None:
    contract = settled(a_contract(lot=Units(75), tick=Paise(1)), PACK, TODAY)
    assert contract == a_contract(lot=Units(75))
    assert contract.slice_max == 1800


def test_exits_in_an_unknown_underlying_use_the_master_alone() -> None:
    stranger = a_contract(underlying="RELIANCE", freeze=Units(1))
    assert settled(stranger, PACK, TODAY) == stranger
