import pytest
from msgspec.structs import replace

from config.pack import load
from domain.calls import (
    ChainRead,
    Failed,
    MarginRead,
    Outcome,
    Quotes,
    Read,
    ReadChain,
    ReadQuotes,
    ReadReply,
)
from domain.contracts import Chain, Contract, Side, UniverseRule
from domain.market import Quote
from domain.params import FeedParams, UniverseParams
from domain.units import SECOND, Day, Micros, Paise, Symbol, Units
from domain.universe import (
    Choice,
    Chooser,
    Spot,
    chain_call,
    choose,
    freshness,
    spot_of,
    too_few,
    verify,
    verify_call,
)
from tests.trading import DAY, PLAN, a_chain, a_contract, a_forming, at

PACK = load()
RULE = UniverseRule(underlying="NIFTY", width_points=100, step_points=50, atm_round_points=100)
PARAMS = UniverseParams(min_symbols=2)
INDEX = Symbol("NIFTY")
NOW = at("09:16")
ATM = Paise(2_600_000)


def a_quote(ltp: int = 2_600_500, *, prev_close: int = 2_590_000, got_at: Micros = NOW) -> Quote:
    zero = Paise(0)
    return Quote(
        symbol=INDEX,
        exchange="NSE_INDEX",
        ltp=Paise(ltp),
        bid=zero,
        ask=zero,
        open=zero,
        high=zero,
        low=zero,
        prev_close=Paise(prev_close),
        volume=Units(0),
        oi=Units(0),
        asked_at=got_at,
        got_at=got_at,
    )


def a_read(*contracts: Contract, missing: tuple[str, ...] = ()) -> ChainRead:
    found = contracts or (a_contract(), a_contract(side=Side.PE))
    return ChainRead(expiry=Day("2026-11-23"), contracts=found, missing=missing)


class Asked(Chooser):
    """A chooser, and the number of the question that it asked last."""

    number = 0

    def call(self, at: Micros) -> Read | None:
        due = self.due(at)
        if due is None:
            return None
        self.number, call = due
        return call

    def hear(self, reply: ReadReply, at: Micros) -> Choice | None:
        return self.answer(self.number, reply, at)


def a_chooser(chain: Chain | None = None, params: UniverseParams = PARAMS) -> Asked:
    return Asked(RULE, params, PACK, PLAN, chain)


# The spot.


def test_streamed_price_is_taken_while_it_is_fresh() -> None:
    seen = a_forming(0, 2_601_000, symbol=INDEX, second=55)
    assert spot_of(seen, a_quote(), Micros(seen.at + 5 * SECOND), 2_000) == Spot(
        price=Paise(2_601_000)
    )
    late = Micros(seen.at + 5 * SECOND + 1)
    assert spot_of(seen, a_quote(got_at=late), late, 2_000) == Spot(price=Paise(2_600_500))


def test_quote_is_taken_when_nothing_was_streamed_unless_it_is_old() -> None:
    assert spot_of(None, a_quote(), Micros(NOW + 5 * SECOND), 2_000).price == 2_600_500
    assert spot_of(None, a_quote(), Micros(NOW + 5 * SECOND + 1), 2_000).fault == "the quote is old"


@pytest.mark.parametrize(
    ("ltp", "prev_close", "is_sane"),
    [
        (2_400_000, 2_000_000, True),
        (2_400_005, 2_000_000, False),
        (1_600_000, 2_000_000, True),
        (1_599_995, 2_000_000, False),
        (0, 2_000_000, False),
        (2_400_000, 0, True),
        (0, 0, False),
    ],
)
def test_spot_must_lie_near_the_previous_close(ltp: int, prev_close: int, is_sane: bool) -> None:
    """20.00 % is inside. A broker that names no close is measured by its own quote."""
    found = spot_of(None, a_quote(ltp, prev_close=prev_close), NOW, 2_000)
    assert (found.fault == "") is is_sane


def test_without_a_close_stream_and_quote_must_agree() -> None:
    seen = a_forming(0, 3_200_000, symbol=INDEX, second=58)
    found = spot_of(seen, a_quote(2_600_000, prev_close=0), NOW, 2_000)
    assert found.fault == "spot=3200000 is too far from reference=2600000"


# The chain.


def test_strikes_around_the_money_are_read_on_the_options_exchange() -> None:
    assert chain_call(RULE, ATM, PACK, DAY) == ReadChain(
        underlying="NIFTY",
        exchange="NFO",
        day=DAY,
        strikes=tuple(Paise(s) for s in (2_590_000, 2_595_000, 2_600_000, 2_605_000, 2_610_000)),
    )


def test_chain_that_agrees_with_the_rules_may_be_traded() -> None:
    assert choose(a_read(), RULE, ATM, PACK, DAY) == Choice(
        chain=a_chain(), against=(), warnings=()
    )


def test_missing_strikes_are_only_a_warning() -> None:
    found = choose(a_read(missing=("25900.00",)), RULE, ATM, PACK, DAY)
    assert (found.against, found.warnings) == (
        (),
        ("universe: no contract at strikes 25900.00",),
    )


def test_lot_that_differs_from_the_rules_forbids_entries_and_is_named_once() -> None:
    read = a_read(a_contract(lot=75), a_contract(side=Side.PE, lot=75))
    found = choose(read, RULE, ATM, PACK, DAY)
    assert found.against == ("rules_mismatch: lot NIFTY pack=65 master=75",)


def test_smaller_freeze_quantity_is_used_with_a_warning() -> None:
    found = choose(a_read(a_contract(freeze=900)), RULE, ATM, PACK, DAY)
    assert (found.against, found.chain.contracts[0].freeze) == ((), 900)
    assert found.warnings == ("rules_mismatch: freeze NIFTY pack=1800 master=900",)


def test_rules_too_old_forbid_entries() -> None:
    old = Day("2027-03-01")
    found = choose(a_read(a_contract(expiry="2027-03-02")), RULE, ATM, PACK, old)
    assert any("rules: " in reason for reason in found.against)


def test_too_small_a_chain_forbids_entries() -> None:
    assert too_few(a_chain(), 2) == ()
    assert too_few(a_chain(), 3) == ("universe: 2 symbols, at least 3",)


def test_price_may_be_older_the_farther_the_strike() -> None:
    chain = a_chain(a_contract(26_250), a_contract(26_300), a_contract(25_750, Side.PE))
    ages = freshness(chain, 50, FeedParams())
    assert [age // SECOND for age in ages.values()] == [30, 300, 30]


# The chain of this morning.


def test_strikes_of_the_morning_are_read_again() -> None:
    chain = a_chain(a_contract(26_100), a_contract(26_000), a_contract(26_000, Side.PE))
    assert verify_call(chain, PACK, DAY).strikes == (2_600_000, 2_610_000)


def test_unchanged_chain_goes_on() -> None:
    assert verify(a_read(), a_chain(), PACK, DAY) == ()


@pytest.mark.parametrize(
    "contracts", [(a_contract(),), (a_contract(), a_contract(side=Side.PE, freeze=900))]
)
def test_contract_that_changed_or_went_forbids_entries(contracts: tuple[Contract, ...]) -> None:
    found = verify(a_read(*contracts), a_chain(), PACK, DAY)
    assert found == ("contracts differ from this morning's: NIFTY23NOV2626000PE",)


# Asking.


def test_chooser_asks_for_the_spot_and_then_for_the_contracts() -> None:
    chooser = a_chooser()
    assert chooser.call(Micros(NOW - 1)) is None
    assert chooser.call(NOW) == ReadQuotes(symbols=((INDEX, "NSE_INDEX"),))
    assert chooser.call(NOW) is None
    assert chooser.hear(Quotes(quotes=(a_quote(2_600_500),), missing=()), NOW) is None
    assert chooser.call(NOW) == chain_call(RULE, ATM, PACK, DAY)
    assert chooser.call(NOW) is None
    assert chooser.hear(a_read(), NOW) == Choice(chain=a_chain(), against=(), warnings=())
    assert chooser.call(at("09:30")) is None


def test_last_streamed_spot_decides_the_strikes() -> None:
    chooser = a_chooser()
    chooser.call(NOW)
    chooser.price(a_forming(0, 2_611_000, symbol=INDEX, second=59))
    chooser.price(a_forming(0, 12_700, second=59))
    chooser.hear(Quotes(quotes=(a_quote(),), missing=()), NOW)
    call = chooser.call(NOW)
    assert isinstance(call, ReadChain)
    assert call.strikes[2] == 2_610_000


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (Quotes(quotes=(), missing=((INDEX, "?"),)), "the server knows no price of the index"),
        (Quotes(quotes=(a_quote(1),), missing=()), "spot=1 is too far"),
        (
            Failed(call="ReadQuotes", outcome=Outcome.UNKNOWN, at=NOW, status=500, text="no"),
            "ReadQuotes failed status=500 no",
        ),
        (a_read().__class__(expiry=Day("2026-11-23"), contracts=(), missing=()), "no contract"),
        (a_read(), "no contract"),  # asked by somebody before us
        (MarginRead(total=Paise(1)), "no contract"),
    ],
)
def test_answer_of_no_use_is_asked_for_again_after_a_while(reply: Quotes, fault: str) -> None:
    chooser = a_chooser()
    chooser.call(NOW)
    assert chooser.hear(reply, NOW) is None
    assert fault in chooser.fault
    assert chooser.call(Micros(NOW + 5 * SECOND - 1)) is None
    assert isinstance(chooser.call(Micros(NOW + 5 * SECOND)), ReadQuotes)
    chooser.hear(Quotes(quotes=(a_quote(),), missing=()), NOW)
    assert chooser.fault == ""


def test_too_few_contracts_are_chosen_and_not_traded() -> None:
    chooser = a_chooser(params=UniverseParams(min_symbols=8))
    chooser.call(NOW)
    chooser.hear(Quotes(quotes=(a_quote(),), missing=()), NOW)
    chooser.call(NOW)
    found = chooser.hear(a_read(), NOW)
    assert found is not None
    assert found.against == ("universe: 2 symbols, at least 8",)


def test_nothing_is_chosen_when_entries_are_over() -> None:
    assert a_chooser().call(PLAN.last_entry) is None


def test_chain_known_already_is_verified_at_once_and_patiently() -> None:
    chooser = a_chooser(a_chain())
    early = at("09:15:01")
    assert chooser.call(early) == verify_call(a_chain(), PACK, DAY)
    chooser.hear(Failed(call="ReadChain", outcome=Outcome.UNKNOWN, at=early), early)
    assert chooser.call(Micros(early + 60 * SECOND - 1)) is None
    assert chooser.call(Micros(early + 60 * SECOND)) is not None
    changed = a_read(a_contract(), replace(a_contract(side=Side.PE), lot=Units(75)))
    found = chooser.hear(changed, early)
    assert found is not None
    assert found.chain == a_chain()
    assert len(found.against) == 2


@pytest.mark.parametrize("chain", [None, a_chain()])
def test_answer_that_never_comes_is_waited_for_five_minutes(chain: Chain | None) -> None:
    chooser = a_chooser(chain)
    first = chooser.call(NOW)
    lost = chooser.number
    assert chooser.call(at("09:20:59")) is None
    assert chooser.call(at("09:21")) == first
    for reply in (Quotes(quotes=(a_quote(2_700_000),), missing=()), a_read()):
        assert chooser.answer(lost, reply, at("09:21:01")) is None
    assert chooser.call(at("09:21:02")) is None


def test_too_few_contracts_are_too_few_after_a_restart_too() -> None:
    chooser = a_chooser(a_chain(), UniverseParams(min_symbols=8))
    chooser.call(NOW)
    found = chooser.hear(a_read(), NOW)
    assert found is not None
    assert found.against == ("universe: 2 symbols, at least 8",)
