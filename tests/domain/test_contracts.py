"""A chain that grows: what joins stands behind the others, nothing leaves, nothing is twice."""

from domain.contracts import Side
from tests.trading import a_chain, a_contract

FURTHER = a_contract(26_500), a_contract(26_500, Side.PE)


def test_contracts_that_join_stand_behind_those_of_the_morning() -> None:
    morning = a_chain()
    grown = morning.grown(FURTHER)
    assert grown.contracts == morning.contracts + FURTHER
    assert (grown.atm, grown.expiry) == (morning.atm, morning.expiry)


def test_contract_that_is_in_a_chain_joins_it_no_second_time() -> None:
    changed = a_contract(lot=75)
    assert a_chain().grown((changed, *FURTHER)).grown(FURTHER) == a_chain().grown(FURTHER)
