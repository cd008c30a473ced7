"""Randomness by counter: a draw depends on seed, stream, key and number, and on nothing else.

`sandbox.md` 1: `blake2b(random_seed, stream, key, n)`, one stream per purpose, so that a new symbol
or a new fault shifts no other draw. One digest is 64 bytes, that is eight words of 64 bits.
"""

from hashlib import blake2b
from math import exp, log
from statistics import NormalDist
from struct import Struct

WORDS = 8
_EIGHT = Struct("<8Q")
_SIXTEEN = Struct("<16I")
_SCALE = 2.0**-32
_POISSON_BLOCKS = 64
_NORMAL = NormalDist()


class Stream:
    """All draws of one purpose and one key."""

    def __init__(self, random_seed: int, stream: str, key: str = "") -> None:
        self._root = blake2b(f"{random_seed}|{stream}|{key}|".encode(), digest_size=64)

    def digest(self, n: int) -> bytes:
        """Return the 64 bytes of number `n`."""
        branch = self._root.copy()
        branch.update(n.to_bytes(8, "little"))
        return branch.digest()

    def words(self, n: int) -> tuple[int, ...]:
        """Return eight integers of 64 bits."""
        return _EIGHT.unpack(self.digest(n))

    def units(self, n: int) -> list[float]:
        """Return sixteen uniform numbers, strictly between 0 and 1."""
        return [(word + 0.5) * _SCALE for word in _SIXTEEN.unpack(self.digest(n))]

    def unit(self, n: int) -> float:
        """Return one uniform number, strictly between 0 and 1."""
        return self.units(n)[0]

    def uniforms(self, count: int) -> list[float]:
        """Return the first `count` uniform numbers of the stream."""
        drawn: list[float] = []
        for n in range(-(-count // 16)):
            drawn += self.units(n)
        return drawn[:count]

    def normals(self, count: int) -> list[float]:
        """Return the first `count` standard normal numbers of the stream."""
        return [_NORMAL.inv_cdf(unit) for unit in self.uniforms(count)]

    def poisson(self, mean: float, n: int) -> int:
        """Return a Poisson number by multiplying uniforms until they fall below exp(-mean)."""
        floor, product, hits = exp(-mean), 1.0, 0
        while True:
            block = n * _POISSON_BLOCKS + hits // 16
            product *= self.units(block)[hits % 16]
            if product < floor:
                return hits
            hits += 1

    def lognormal(self, median: float, sigma: float, n: int) -> float:
        """Return a lognormal number with this median and this sigma of its logarithm."""
        return exp(log(median) + sigma * _NORMAL.inv_cdf(self.unit(n)))
