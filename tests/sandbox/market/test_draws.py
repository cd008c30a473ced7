"""Draws by counter: the same question always has the same answer, and no other."""

from math import log
from statistics import fmean, median, stdev

from sandbox.market.draws import Stream


def test_draw_depends_on_seed_stream_key_and_number_only() -> None:
    words = Stream(7, "quotes", "X").words(3)
    assert words == Stream(7, "quotes", "X").words(3)
    others = [
        Stream(8, "quotes", "X").words(3),
        Stream(7, "size", "X").words(3),
        Stream(7, "quotes", "Y").words(3),
        Stream(7, "quotes", "X").words(4),
    ]
    assert words not in others
    assert len(set(others)) == 4


def test_draws_are_the_same_on_every_machine() -> None:
    """Written down once: truth files of old runs must stay replayable."""
    assert Stream(1, "spot").digest(0)[:8].hex() == "febced47c6e14fb8"
    assert Stream(1, "spot").words(0)[0] == 0xB84F_E1C6_47ED_BCFE


def test_units_lie_strictly_between_0_and_1_and_are_uniform() -> None:
    drawn = [unit for n in range(500) for unit in Stream(1, "u").units(n)]
    assert 0 < min(drawn) < max(drawn) < 1
    assert abs(fmean(drawn) - 0.5) < 0.01


def test_normals_are_standard_and_a_longer_draw_begins_like_a_shorter() -> None:
    drawn = Stream(1, "spot").normals(8_000)
    assert abs(fmean(drawn)) < 0.03
    assert abs(stdev(drawn) - 1) < 0.03
    assert Stream(1, "spot").normals(100) == drawn[:100]


def test_poisson_has_its_mean() -> None:
    for mean, near in ((0.2, 0.03), (40.0, 0.4)):
        drawn = [Stream(1, "p").poisson(mean, n) for n in range(2_000)]
        assert abs(fmean(drawn) - mean) < near


def test_lognormal_has_its_median_and_its_sigma() -> None:
    drawn = [Stream(1, "l").lognormal(45, 0.6, n) for n in range(4_000)]
    assert abs(median(drawn) - 45) < 2
    assert abs(stdev(map(log, drawn)) - 0.6) < 0.03
