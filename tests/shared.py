"""The shared folders: recorded market data and captured exchanges that are never committed.

A name starts with the folder's kind: `data/nifty_1m_2021-06-11.parquet`,
`fixtures/openalgo/rest_orders.json`. A folder is named by SUTRADHAR_DATA or SUTRADHAR_FIXTURES,
else it is `shared/<kind>` under the checkout, then beside it. Nothing is ever downloaded.
"""

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
VARIABLES = {"data": "SUTRADHAR_DATA", "fixtures": "SUTRADHAR_FIXTURES"}
KINDS = {"data": "recorded data", "fixtures": "captured fixtures"}
_SKIP = re.compile(r"(?:recorded data|captured fixtures) not found: \S+ \(see the \w+ README\)")


def folders(kind: str) -> tuple[Path, ...]:
    """Return the places where files of this kind may lie, the first that exists wins."""
    if named := os.environ.get(VARIABLES[kind]):
        return (Path(named),)
    return (ROOT / "shared" / kind, ROOT.parent / "shared" / kind)


def find(name: str) -> Path | None:
    """Return where a shared file lies, None where it does not."""
    kind, _, rest = name.partition("/")
    places = (folder / rest for folder in folders(kind))
    return next((place for place in places if place.is_file()), None)


def shared_path(name: str) -> Path:
    """Return where a shared file lies; without it the test, or the whole module, is skipped."""
    place = find(name)
    if place is None:
        pytest.skip(reason(name), allow_module_level=True)
    return place


def reason(name: str) -> str:
    """Say loudly which file is missing and where one reads about it."""
    kind, _, rest = name.partition("/")
    return f"{KINDS[kind]} not found: {rest} (see the {kind} README); skipped"


def is_shared_skip(text: str) -> bool:
    """Whether a test was skipped for want of a shared file, which even CI permits."""
    return _SKIP.search(text) is not None
