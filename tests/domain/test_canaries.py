"""A feed is judged by the index and the options at the money, and by nothing else."""

from domain.canaries import Beat, Canaries
from domain.units import SECOND, Day, Micros, Symbol
from tests.domain.tape import NIFTY, a_chain, a_plan, at

CE, PE = Symbol("NIFTY24NOV2626000CE"), Symbol("NIFTY24NOV2626000PE")


def test_index_alone_is_the_canary_until_the_chain_is_known() -> None:
    canaries = Canaries(a_plan(), (NIFTY, "NSE_INDEX"))
    assert canaries.symbols == {NIFTY}
    assert not canaries.has(CE, at("10:00"))
    canaries.choose(a_chain())
    assert canaries.symbols == {NIFTY, CE, PE}
    assert canaries.has(CE, at("10:00"))
    assert not canaries.has(Symbol("NIFTY24NOV2626050CE"), at("10:00"))


def test_index_does_not_count_in_the_cash_markets_closing_auction() -> None:
    canaries = Canaries(a_plan(), (NIFTY, "NSE_INDEX"))
    canaries.choose(a_chain())
    assert canaries.has(NIFTY, at("15:14:59"))
    assert not canaries.has(NIFTY, at("15:15"))
    assert canaries.has(CE, at("15:15"))


def test_index_counts_to_the_close_where_it_is_all_there_is_or_before_the_auction_existed() -> None:
    assert Canaries(a_plan(), (NIFTY, "NSE_INDEX")).has(NIFTY, at("15:20"))
    older = Canaries(a_plan(day=Day("2026-07-31")), (NIFTY, "NSE_INDEX"))
    older.choose(a_chain())
    assert older.has(NIFTY, Micros(a_plan(day=Day("2026-07-31")).at("15:20")))


def test_source_is_steady_after_twenty_ticks_without_a_hole() -> None:
    beat = Beat()
    start = at("10:00")
    seen = []
    for second in range(25):
        beat.tick(Micros(start + second * SECOND))
        seen.append(beat.steady_since)
    assert seen == [None] * 19 + [start] * 6
    assert beat.newest == start + 24 * SECOND


def test_hole_starts_the_proof_again() -> None:
    beat = Beat()
    proofs = []
    for wait_s in [1] * 20 + [5, 5.1]:
        beat.tick(Micros((beat.newest or at("09:59:59")) + round(wait_s * SECOND)))
        proofs.append(beat.steady_since)
    assert proofs[-3:] == [at("10:00"), at("10:00"), None]
    assert beat.newest == at("10:00:29.1")


def test_source_that_never_ticked_is_not_steady() -> None:
    assert (Beat().newest, Beat().steady_since) == (None, None)
