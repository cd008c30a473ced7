"""The house keeps its rules; and every rule is shown a source that breaks it."""

import importlib
import inspect
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import pytest
from msgspec.inspect import Type, type_info

from tests import architecture as house
from tests.architecture import Source, parse

Check = Callable[[Source], Iterable[str]]

SOURCES = house.sources()
ACTOR_MODULES = frozenset(s.module for s in SOURCES if house.defines_an_actor(s))
CHECKS: tuple[Check, ...] = (
    house.check_room,
    house.check_imports,
    house.check_purity,
    house.check_pykka,
    house.check_nobody_waits,
    house.check_mocks,
    house.check_lengths,
    house.check_banned_names,
    house.check_manners,
    house.check_messages,
)
WORDS = ("*.py", "*.yaml", "*.cfg", "*.toml", "*.service", "Makefile", "Dockerfile")
# Changeable, in no fixed order, or not exact. Instants are Micros, money is Paise.
NOT_EXACT = frozenset(
    "List Dict Set FrozenSet Collection Any Custom Raw ByteArray"
    " Float DateTime Time TimeDelta".split()
)


def complaints_of(checks: Iterable[Check], sources: Iterable[Source]) -> list[str]:
    return [c for source in sources for check in checks for c in check(source)]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_house_keeps_the_rule(check: Check) -> None:
    assert complaints_of([check], SOURCES) == []


def test_actors_meet_only_in_messages() -> None:
    found = [house.check_actors_meet_in_messages(s, ACTOR_MODULES) for s in SOURCES]
    assert [c for complaints in found for c in complaints] == []


def test_account_wide_routes_are_named_nowhere() -> None:
    places = {p for pattern in WORDS for p in house.ROOT.rglob(pattern)}
    paths = {p.relative_to(house.ROOT) for p in places}
    read = [p for p in paths if not p.parts[0].startswith(".") and p.parts[0] not in house.OUTSIDE]
    texts = {p.as_posix(): (house.ROOT / p).read_text("utf-8") for p in sorted(read)}
    assert len(texts) >= len(SOURCES)
    assert [c for path, text in texts.items() for c in house.check_routes(path, text)] == []


def structs_of(source: Source) -> list[type[msgspec.Struct]]:
    module = importlib.import_module(source.module)
    members = [member for member in vars(module).values() if inspect.isclass(member)]
    mine = [member for member in members if member.__module__ == source.module]
    return [member for member in mine if issubclass(member, msgspec.Struct)]


def inexact(struct: type[msgspec.Struct]) -> set[str]:
    """Name what a struct may hold, at any depth, that is not hashable, frozen and exact."""
    try:
        infos = everything_in(type_info(struct))
    except TypeError as error:
        return {f"{struct.__name__} cannot be read back from the journal: {error}"}
    kinds = {type(info).__name__.removesuffix("Type") for info in infos}
    inner = {info.cls for info in infos if isinstance(info, msgspec.inspect.StructType)}
    thawed = {cls.__name__ for cls in inner if not is_value(cls)}
    return {f"{struct.__name__} holds {kind}" for kind in (kinds & NOT_EXACT) | thawed}


def is_value(cls: type) -> bool:
    config: msgspec.structs.StructConfig = cls.__struct_config__  # type: ignore[attr-defined]
    return config.frozen and config.eq


def everything_in(info: Type) -> list[Type]:
    """Return a type description and all those inside it; msgspec repeats a recursive one."""
    found = [info]
    for each in found:
        found += [part for part in parts(each) if not any(part is known for known in found)]
    return found


def parts(info: Type) -> list[Type]:
    """Return the type descriptions directly inside this one."""
    match info:
        case msgspec.inspect.StructType(fields=fields):
            return [field.type for field in fields]
        case msgspec.inspect.UnionType(types=types) | msgspec.inspect.TupleType(item_types=types):
            return list(types)
        case msgspec.inspect.VarTupleType(item_type=item):
            return [item]
        case _:
            return []


def test_messages_and_events_are_hashable_exact_and_readable() -> None:
    spoken = [s for s in SOURCES if s.room == "messages" or s.path == house.EVENTS_FILE]
    structs = [struct for source in spoken for struct in structs_of(source)]
    assert sorted(c for struct in structs for c in inexact(struct)) == []


class Vague(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Nothing a message may be."""

    prices: tuple[float, ...]
    names: list[str] | None


class Thawed(msgspec.Struct):
    """Can change under its reader."""

    symbol: str


class Careless(msgspec.Struct, frozen=True):
    """Frozen outside only."""

    inner: tuple[Thawed, ...]


class Tagless(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which of the two was written, nobody can tell."""

    either: Careless | Vague


def test_inexact_parts_are_found_at_any_depth() -> None:
    assert inexact(Vague) == {"Vague holds Float", "Vague holds List"}
    assert inexact(Careless) == {"Careless holds Thawed"}
    assert "cannot be read back" in inexact(Tagless).pop()


MESSAGE = '''
class Pulse(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A second is over. run.py -> every actor."""
'''

BAD = [
    (house.check_room, "utils/money.py", ""),
    (house.check_room, "helper.py", ""),
    (house.check_imports, "domain/bars.py", "from messages import market"),
    (house.check_imports, "domain/bars.py", "if TYPE_CHECKING:\n    import broker.port"),
    (house.check_imports, "sandbox/server.py", "from broker.wire import decode"),
    (house.check_imports, "sandbox/market/tape.py", "from actors.feed import FeedActor"),
    (house.check_imports, "actors/feed.py", "from broker import http"),
    (house.check_imports, "actors/feed.py", "import broker"),
    (house.check_imports, "actors/feed.py", "from broker.portable import Port"),
    (house.check_imports, "strategies/swing_break.py", "def f():\n    from ..config import x"),
    (house.check_imports, "research/world.py", "import cli.status"),
    (house.check_imports, "cli/status.py", "import run"),
    (house.check_imports, "run.py", "from tests.waiting import until"),
    (house.check_purity, "domain/rules/pack.py", "import yaml"),
    (house.check_purity, "domain/clock.py", "import threading"),
    (house.check_purity, "messages/market.py", "from pathlib import Path"),
    (house.check_pykka, "cli/live.py", "import pykka"),
    (house.check_pykka, "sandbox/server.py", "from pykka import ThreadingActor"),
    (house.check_nobody_waits, "actors/order.py", "x = self.broker.ask(m, timeout=3)"),
    (house.check_nobody_waits, "actors/order.py", "x = future.get()"),
    (house.check_nobody_waits, "actors/order.py", "x = future.get(timeout=1)"),
    (house.check_mocks, "tests/domain/test_bars.py", "from unittest.mock import Mock"),
    (house.check_mocks, "tests/actors/test_bar.py", "from unittest import mock"),
    (house.check_lengths, "domain/bars.py", "x = 1\n" * (house.FILE_LINES + 1)),
    (house.check_lengths, "domain/bars.py", "def f():\n" + "    x = 1\n" * house.FUNCTION_LINES),
    (house.check_banned_names, "actors/bar.py", "time.sleep(1)  # noqa: S1, TID251 - short"),
    (house.check_manners, "domain/bars.py", "    # --- bars -----"),
    (house.check_manners, "domain/bars.py", "# =========="),
    (house.check_manners, "domain/bars.py", "RUPEE = '\u20b9'"),
    (house.check_messages, "messages/market.py", MESSAGE.replace("frozen=True, ", "")),
    (house.check_messages, "messages/market.py", MESSAGE.replace("kw_only=True", "kw_only=False")),
    (house.check_messages, "messages/market.py", MESSAGE.replace(", gc=False", "")),
    (house.check_messages, "messages/market.py", MESSAGE.replace("run.py -> every actor", "")),
    (house.check_messages, "messages/market.py", MESSAGE.replace("msgspec.Struct", "Pulse0")),
    (house.check_messages, "domain/events.py", MESSAGE.replace("gc=False", "gc=True")),
]


@pytest.mark.parametrize(("check", "path", "text"), BAD)
def test_rule_finds_what_breaks_it(check: Check, path: str, text: str) -> None:
    assert len(list(check(parse(path, text)))) == 1


GOOD = [
    ("actors/feed.py", "from broker.port import Feed\nimport broker.port\nimport pykka"),
    ("actors/feed.py", "price = prices.get(symbol)\nfirst = inbox.get(block=False)"),
    ("cli/live.py", "from actors import system\nfrom sandbox.server import serve"),
    ("domain/bars.py", "import msgspec\nfrom domain.units import Paise\nfrom . import clock"),
    ("domain/bars.py", "# a -> b, 1 - 2 == -1, --speed max\nx = '-----'"),
    ("domain/events.py", MESSAGE.replace(" run.py -> every actor.", "")),
    ("messages/market.py", MESSAGE + "class Side(enum.StrEnum):\n    BUY = 'BUY'"),
    ("run.py", "import cli.status\nimport pykka\nthreading.Thread()  # noqa: TID251 - the pulse"),
    ("tests/e2e/test_day.py", "from unittest import mock\nimport run"),
]


@pytest.mark.parametrize(("path", "text"), GOOD)
def test_rules_leave_good_sources_alone(path: str, text: str) -> None:
    assert complaints_of(CHECKS, [parse(path, text)]) == []


@pytest.mark.parametrize(
    ("path", "text", "wrong"),
    [
        ("actors/feed.py", "from actors.bar import BarActor", 1),
        ("actors/feed.py", "from actors import bar, system", 2),
        ("actors/post_office.py", "import actors.bar", 1),
        ("actors/bar.py", "from . import pump", 1),
        ("actors/feed.py", "from actors.base import Actor\nfrom actors import post_office", 0),
        ("actors/system.py", "from actors.bar import BarActor", 0),
        ("research/world.py", "from actors.bar import BarActor", 0),
    ],
)
def test_actor_that_knows_another_is_found(path: str, text: str, wrong: int) -> None:
    actor_modules = frozenset({"actors.bar", "actors.feed"})
    found = list(house.check_actors_meet_in_messages(parse(path, text), actor_modules))
    assert len(found) == wrong


def test_file_of_an_actor_is_known_by_its_class() -> None:
    assert house.defines_an_actor(parse("actors/bar.py", "class BarActor(Actor): ..."))
    assert not house.defines_an_actor(parse("actors/base.py", "class Actor(ThreadingActor): ..."))
    assert not house.defines_an_actor(parse("actors/exits.py", "class ExitBook: ..."))


@pytest.mark.parametrize("route", house.ROUTES)
def test_account_wide_route_is_found_in_any_case(route: str) -> None:
    assert len(list(house.check_routes("broker/http.py", f"x = 1\nPATH = '/{route.upper()}'"))) == 1
    assert list(house.check_routes("sandbox/rest.py", route)) == []


def test_sources_leave_hidden_and_foreign_folders_alone(tmp_path: Path) -> None:
    for name in (".venv/x.py", "shared/x.py", "domain/rules/x.py", "run.py", "odd/x.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    found = {source.path for source in house.sources(tmp_path)}
    assert found == {"domain/rules/x.py", "run.py", "odd/x.py"}
