"""docs/FAULTS.md says what the tables of the code say: verbs, settings, defaults, conditions."""

import re
from collections.abc import Mapping
from typing import Any, get_args

import pytest

from config import documents as yaml_documents
from sandbox.faults import places, verbs
from sandbox.faults.places import Entry
from sandbox.faults.universe import is_word
from sandbox.params import BrokerQuirk
from tests import documents

PAGE = documents.read("docs/FAULTS.md")
TABLES: dict[str, Mapping[str, Entry]] = {
    "The connection": places.CONNECTION,
    "The ticks": places.TICKS,
    "REST": places.ANSWERS,
    "Quotes": places.QUOTES,
    "History": places.HISTORY,
    "Order writes": places.ORDERS,
    "Placements": places.PLACING,
    "Changes": places.CHANGING,
    "Books": places.BOOKS,
    "Statuses": places.STATUSES_OF_ROWS,
    "Order updates": places.PUSHES,
    "The account": places.ACCOUNT,
    "The market": places.MARKET,
    "The clock": places.CLOCK,
}


def rows(heading: str) -> dict[str, str]:
    """Each verb of a table and what is said of its settings."""
    return {documents.first_spans([row])[0]: row[2] for row in PAGE.table(heading)}


def default_of(entry: Entry, setting: str) -> Any:
    value = getattr(entry.verb(), setting)
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("heading", TABLES)
def test_table_lists_every_verb_with_every_setting(heading: str) -> None:
    told = rows(heading)
    assert list(told) == list(TABLES[heading])
    for verb, entry in TABLES[heading].items():
        names = set(re.findall(r"`([a-z_]+)`", told[verb]))
        missing = set(entry.settings) - names
        assert not missing, f"{verb}: {missing}"


@pytest.mark.parametrize("heading", TABLES)
def test_table_tells_the_defaults(heading: str) -> None:
    for verb, cell in rows(heading).items():
        entry = TABLES[heading][verb]
        for name, said in re.findall(r"`([a-z_0-9]+)` \(`?([\w.]+)`?", cell):
            value = yaml_documents.parse(f"value: {said}", "a page")["value"]
            default = default_of(entry, name)
            assert default == ([value] if isinstance(default, list) else value), f"{verb}.{name}"


def test_conditions_are_those_of_the_reader() -> None:
    told = [span.partition(":")[0] for span in documents.first_spans(PAGE.table("Conditions"))]
    assert told == list(places.CONDITIONS)


def test_brokers_are_those_of_the_settings() -> None:
    told = documents.first_spans(PAGE.table("Brokers"))
    assert tuple(told) == get_args(BrokerQuirk)


def test_words_that_choose_symbols_are_understood() -> None:
    table = PAGE.table("Whom it concerns")
    assert all(map(is_word, documents.first_spans(table[1:])))


def test_every_verb_has_a_word_and_a_place() -> None:
    placed = {entry.verb for place in places.PLACES.values() for entry in place.values()}
    assert placed == set(verbs.NAMES)
    words = {
        (entry.verb, word) for place in places.PLACES.values() for word, entry in place.items()
    }
    assert words == set(verbs.NAMES.items())
