"""How much of the product the tests ran, by branch: the floors, and what lies under them."""

import io
from dataclasses import dataclass
from pathlib import Path

import coverage
from coverage.exceptions import NoDataError

ROOT = Path(__file__).resolve().parent.parent
# Each measured layer writes a file whose name starts like this one; see [coverage:run].
DATA = ROOT / ".layers" / "coverage"
FLOORS = {"*": 95.0, "domain/*": 100.0}


@dataclass(frozen=True)
class Measured:
    """What was covered of the files that a pattern names; `table` lists what was not."""

    pattern: str
    percent: float
    floor: float
    table: str

    @property
    def is_under_floor(self) -> bool:
        return self.percent < self.floor

    def __str__(self) -> str:
        what = "all rooms" if self.pattern == "*" else self.pattern
        return f"{self.percent:6.2f} % of {what} (floor {self.floor:g} %)"


def measure() -> list[Measured]:
    """Combine what the layers wrote and hold it against each floor; nothing if there is nothing."""
    data = coverage.Coverage(data_file=str(DATA), config_file=str(ROOT / "setup.cfg"))
    try:
        data.combine()
        return [_hold(data, pattern, floor) for pattern, floor in FLOORS.items()]
    except NoDataError:
        return []


def _hold(data: coverage.Coverage, pattern: str, floor: float) -> Measured:
    table = io.StringIO()
    percent = data.report(include=[pattern], file=table)
    return Measured(pattern, percent, floor, table.getvalue())
