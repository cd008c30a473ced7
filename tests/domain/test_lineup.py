"""Bar actors host the chain from the money outwards."""

from domain.lineup import Group, index_group, option_groups
from tests.domain.tape import NIFTY, a_chain


def test_index_comes_first() -> None:
    group = index_group((NIFTY, "NSE_INDEX"))
    assert group == Group(((NIFTY, "NSE_INDEX"),), (), 0)
    assert (group.address, group.symbols) == ("bar:NIFTY", (NIFTY,))


def test_each_option_has_its_actor_from_the_money_outwards() -> None:
    groups = option_groups(a_chain(-50, 0, 50), 1)
    assert [(group.address[-7:], group.rank) for group in groups] == [
        ("26000CE", 1),
        ("26000PE", 2),
        ("25950CE", 3),
        ("25950PE", 4),
        ("26050CE", 5),
        ("26050PE", 6),
    ]
    assert [group.pairs for group in groups] == [
        ((group.contracts[0].symbol, "NFO"),) for group in groups
    ]


def test_several_symbols_may_share_an_actor() -> None:
    groups = option_groups(a_chain(-50, 0, 50), 4)
    assert [len(group.symbols) for group in groups] == [4, 2]
    assert groups[0].address == f"bar:{groups[0].symbols[0]}"
    assert [contract.symbol for contract in groups[1].contracts] == list(groups[1].symbols)


def test_contracts_that_joined_come_in_groups_of_their_own_behind_the_others() -> None:
    """Nobody who has an actor changes it, nor does a group that was not full take them in."""
    morning = option_groups(a_chain(-50, 0, 50), 4)
    hosted = [symbol for group in morning for symbol in group.symbols]
    joined = option_groups(a_chain(-100, -50, 0, 50), 4, hosted)
    assert [(group.address[-7:], len(group.symbols)) for group in joined] == [("25900CE", 2)]
    assert joined[0].rank > max(group.rank for group in morning)
    assert option_groups(a_chain(-50, 0, 50), 4, hosted) == ()
