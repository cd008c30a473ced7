"""From plain mappings, as a YAML file gives them, to a `RulePack`; every fault is named at once.

A file is a mapping of `version`, `valid_through` and `rules`, in `sessions.yaml` also
`holidays_through`, `holidays` and `special`. Dates are texts as YYYY-MM-DD.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

from domain.errors import RuleError
from domain.rules.keys import CERTAINTIES, FIRST_DAY, KEYS, NONE, Key, Value, wall
from domain.rules.pack import Holiday, Row, RulePack, Special
from domain.units import Day

Document = Mapping[str, Any]

HEAD = ("version", "valid_through", "rules")
CALENDAR = ("holidays_through", "holidays", "special")


def build(files: Mapping[str, object]) -> RulePack:
    """Build the pack from the documents of its files, by file name.

    Raises RuleError with a line for every fault: file, key, row, value, what is allowed.
    """
    reader = _Reader()
    for name, document in files.items():
        reader.read(name, document)
    reader.check_complete()
    if reader.faults:
        raise RuleError(*reader.faults)
    return RulePack(
        version=max(reader.versions.values()),
        valid_through=min(reader.valid),
        holidays_through=reader.holidays_through,
        rows=MappingProxyType(reader.rows),
        holidays=MappingProxyType({day.day: day for day in reader.holidays}),
        specials=MappingProxyType({day.day: day for day in reader.specials}),
    )


class _Reader:
    """Collects what the files say, and what is wrong with it."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.rows: dict[str, tuple[Row, ...]] = {}
        self.versions: dict[str, int] = {}
        self.valid: list[Day] = []
        self.holidays: list[Holiday] = []
        self.specials: list[Special] = []
        self.holidays_through = Day("")
        self._days: set[Day] = set()

    def read(self, file: str, document: object) -> None:
        """Read one file. What cannot be read is a fault; the rest is still looked at."""
        if not isinstance(document, Mapping):
            self._fault(file, "is no mapping of version, valid_through and rules")
            return
        for key in sorted(set(document) - {*HEAD, *CALENDAR}, key=str):
            self._fault(file, f"unknown key {key}; allowed are {', '.join(HEAD + CALENDAR)}")
        self._read_head(file, document)
        for rule in self._mappings(file, "rules", document.get("rules", [])):
            self._read_rule(file, rule)
        if "holidays_through" in document:
            self._read_calendar(file, document)

    def check_complete(self) -> None:
        """Every rule is there, the calendar too, and all files are of one version."""
        for key in (name for name, key in KEYS.items() if key.required):
            if key not in self.rows:
                self.faults.append(f"rules: {key} is missing; add it with a row from {FIRST_DAY}")
        if not self.holidays_through:
            self.faults.append("rules: no file has holidays_through; sessions.yaml must")
        if len(set(self.versions.values())) > 1:
            told = ", ".join(f"{file} {version}" for file, version in self.versions.items())
            self.faults.append(f"rules: the files are of different versions: {told}")

    def _fault(self, file: str, text: str) -> None:
        self.faults.append(f"{file}: {text}")

    def _read_head(self, file: str, document: Document) -> None:
        version = document.get("version")
        if isinstance(version, int) and not isinstance(version, bool) and version > 0:
            self.versions[file] = version
        else:
            self._fault(file, f"version {version!r} is not allowed; allowed is a number above 0")
        through = self._date(file, "valid_through", document.get("valid_through"))
        if through:
            self.valid.append(through)

    def _read_rule(self, file: str, rule: Document) -> None:
        name = str(rule.get("key"))
        key = KEYS.get(name)
        if key is None:
            self._fault(file, f"unknown rule {name}; the set of rules is closed")
        elif name in self.rows:
            self._fault(file, f"{name} is written twice")
        else:
            self.rows[name] = tuple(self._read_rows(file, name, key, rule))

    def _read_rows(self, file: str, name: str, key: Key, rule: Document) -> Iterator[Row]:
        for extra in sorted(set(rule) - {"key", "by", "rows"}, key=str):
            self._fault(file, f"{name}: unknown key {extra}; allowed are key, by, rows")
        if rule.get("by") != key.by:
            self._fault(file, f"{name}: by {rule.get('by')!r} is not allowed; it goes by {key.by}")
        last = ""
        for row in self._mappings(file, f"{name}: rows", rule.get("rows", [])):
            where = f"{name}: row from {row.get('from')}"
            since = self._date(file, f"{where}: from", row.get("from"))
            if since is None:
                continue
            if not last and since != FIRST_DAY:
                self._fault(file, f"{where}: the first row must be from {FIRST_DAY}")
            if since <= last:
                self._fault(file, f"{where}: rows must ascend, it comes after {last}")
            last = since
            yield self._read_row(file, where, key, since, row)
        if not last:
            self._fault(file, f"{name}: has no rows")

    def _read_row(self, file: str, where: str, key: Key, since: Day, row: Document) -> Row:
        for extra in sorted(set(row) - {"from", "value", "source", "certainty"}, key=str):
            self._fault(file, f"{where}: unknown key {extra}")
        value: Value = None
        raw = row.get("value")
        if key.kind.accepts(raw):
            value = raw
        elif raw != NONE:
            self._fault(
                file, f"{where}: value {raw!r} is not allowed; allowed is {key.kind.says}, or none"
            )
        source, certainty = self._provenance(file, where, row)
        return Row(since=since, value=value, source=source, certainty=certainty)

    def _provenance(self, file: str, where: str, entry: Document) -> tuple[str, str]:
        source, certainty = entry.get("source"), entry.get("certainty")
        if not isinstance(source, str) or not source.strip():
            self._fault(file, f"{where}: source {source!r} is not allowed; name where it was read")
        words = {word.strip() for word in str(certainty).split(",")}
        if not words <= CERTAINTIES:
            allowed = ", ".join(sorted(CERTAINTIES))
            self._fault(file, f"{where}: certainty {certainty!r} is not allowed; use {allowed}")
        return str(source), str(certainty)

    def _read_calendar(self, file: str, document: Document) -> None:
        through = self._date(file, "holidays_through", document["holidays_through"])
        self.holidays_through = through or Day("unread")
        for entry in self._mappings(file, "holidays", document.get("holidays", [])):
            fields = self._read_day(file, "holiday", entry, ("date", "name"))
            if fields:
                self.holidays.append(Holiday(**fields))
        for entry in self._mappings(file, "special", document.get("special", [])):
            fields = self._read_day(file, "special", entry, ("date", "name", "open", "close"))
            opened, closed = entry.get("open"), entry.get("close")
            if not wall(opened) or not wall(closed) or str(opened) >= str(closed):
                hours = f"hours {opened!r} to {closed!r}"
                self._fault(file, f"special {entry.get('date')}: {hours} are not allowed")
            elif fields:
                self.specials.append(Special(**fields))

    def _read_day(
        self, file: str, what: str, entry: Document, names: tuple[str, ...]
    ) -> dict[str, Any]:
        where = f"{what} {entry.get('date')}"
        day = self._date(file, f"{what}: date", entry.get("date"))
        if set(entry) != {*names, "source", "certainty"}:
            self._fault(file, f"{where}: must have exactly {', '.join(names)}, source, certainty")
        source, certainty = self._provenance(file, where, entry)
        if day is None:
            return {}
        if day in self._days:
            self._fault(file, f"{where}: is written twice")
        self._days.add(day)
        known = {name: str(entry.get(name)) for name in names if name != "date"}
        return {"day": day, **known, "source": source, "certainty": certainty}

    def _mappings(self, file: str, what: str, value: object) -> Iterator[Document]:
        entries = value if isinstance(value, list | tuple) else [value]
        for entry in entries:
            if isinstance(entry, Mapping):
                yield entry
            else:
                self._fault(file, f"{what}: {entry!r} is not allowed; a list of mappings is")

    def _date(self, file: str, what: str, value: object) -> Day | None:
        try:
            if isinstance(value, str) and date.fromisoformat(value).isoformat() == value:
                return Day(value)
        except ValueError:
            pass
        self._fault(file, f"{what} {value!r} is not allowed; allowed is a date as YYYY-MM-DD")
        return None
