"""What README and docs/ say is so: commands, options, settings, codes, files, links, tags."""

import importlib
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

from actors import order
from cli import door, flatten, interrupted
from cli import live as lives
from cli import sandbox as sandboxes
from cli import status as statuses
from config import documents as yaml_documents
from config import secrets, sources
from config.log import tag_of
from config.settings import every_leaf, load
from domain import supervision
from domain.params import SessionParams
from domain.session import DayPlan, plan, show
from domain.units import Day
from sandbox import faults
from sandbox.params import SandboxParams
from tests import documents
from tests.documents import COPY, ROOT, Page
from tests.gates import HOSTS

DAY = Day("2026-11-19")
USAGE = 2
ROOMS = {"sandbox": SandboxParams()}
PAGES = {page.path: page for page in documents.pages()}
OWN = [page for page in PAGES.values() if page.path != COPY]
OPERATIONS = PAGES["docs/OPERATIONS.md"]
REFERENCE = PAGES["docs/COMMANDS.md"]
ARCHITECTURE = PAGES["docs/ARCHITECTURE.md"]
KEYS = {".".join(leaf.path) for leaf in every_leaf(ROOMS)}
CODE = [
    (path, path.read_text("utf-8"))
    for room in "actors broker cli config domain journal messages research sandbox".split()
    for path in sorted((ROOT / room).rglob("*.py"))
]


def app_params() -> dict[str, list[Any]]:
    """What each command takes; a group of commands takes what its commands take."""
    commands = typer.main.get_command(door.app).commands  # type: ignore[attr-defined]  # a group
    return {
        name: [
            p for each in getattr(command, "commands", {"": command}).values() for p in each.params
        ]
        for name, command in commands.items()
    }


def app_options() -> dict[str, set[str]]:
    return {
        name: {opt for param in params for opt in param.opts if opt.startswith("--")}
        for name, params in app_params().items()
    }


def app_variables() -> set[str]:
    params = [param for params in app_params().values() for param in params]
    return {str(param.envvar) for param in params if getattr(param, "envvar", None)}


COMMANDS = app_options()


@pytest.mark.parametrize("page", OWN, ids=lambda page: page.path)
def test_page_names_what_there_is(page: Page) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("ascii"), re.MULTILINE))
    complaints = [
        *documents.command_complaints(page, COMMANDS),
        *documents.target_complaints(page, targets),
        *documents.setting_complaints(page, KEYS),
        *documents.path_complaints(page),
    ]
    assert complaints == []


@pytest.mark.parametrize("page", PAGES.values(), ids=lambda page: page.path)
def test_page_is_plain_and_its_links_lead_somewhere(page: Page) -> None:
    found = [*documents.manner_complaints(page), *documents.link_complaints(page, PAGES)]
    assert found == []


def test_reference_describes_every_command_with_every_option() -> None:
    heads = re.findall(r"^### `run\.py (\S+)`$", REFERENCE.text, re.MULTILINE)
    told = {name: set(documents.first_spans(REFERENCE.table(f"`run.py {name}`"))) for name in heads}
    assert told == COMMANDS


def test_exit_codes_are_those_of_the_code() -> None:
    told = [int(row[0]) for row in REFERENCE.table("Exit codes")]
    used = {order.PARKED, statuses.RUNNING, door.FAILED, USAGE, statuses.NOT_RUNNING}
    used |= {order.DAY_DONE, lives.DAY_DONE, sandboxes.DAY_DONE}
    used |= {supervision.ESCALATED, sandboxes.ESCALATED, door.LOCKED, door.BAD_CONFIG}
    used |= {order.BAD_CONFIG, interrupted.EXIT_CODE, door.INTERRUPTED, flatten.STUCK}
    assert told == sorted(used)


def test_wrong_usage_has_the_code_that_is_told(tmp_path: Path) -> None:
    command = [sys.executable, "run.py", "sandbox", "--seed", "x", "--state-dir", str(tmp_path)]
    ran = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert (ran.returncode, "Traceback" in ran.stderr) == (USAGE, False)


def test_table_of_variables_is_complete() -> None:
    told = set(documents.first_spans(OPERATIONS.table("Environment variables")))
    read = {
        name
        for path, text in CODE
        if path.parent.name in {"cli", "config"}
        for name in documents.variables_read(text)
    }
    any_setting = f"{sources.PREFIX}GROUP{sources.DELIMITER}KEY"
    trust = ssl.get_default_verify_paths().openssl_cafile_env
    assert told == {
        *sources.WELL_KNOWN,
        *secrets.FILES,
        any_setting,
        *app_variables(),
        *read,
        trust,
    }


def test_every_setting_with_a_value_is_taken() -> None:
    groups = {key.partition(".")[0] for key in KEYS}
    given = [pair for page in OWN for pair in documents.settings(page, groups) if pair[1]]
    assert len(given) > 20
    for key, text in given:
        path = key.replace("strategies.", "strategies.0.")
        value = yaml_documents.parse(f"value: {text}", key)["value"]
        load("sandbox", {path: value}, rooms=ROOMS)


def test_every_yaml_block_is_a_file_that_is_taken(tmp_path: Path) -> None:
    blocks = [block for page in OWN for kind, block in page.fences if kind == "yaml"]
    scripts = [block for block in blocks if block.startswith("version:")]
    for script in scripts:
        faults.read(yaml_documents.parse(script, "a page"), DAY)
    for block in blocks:
        if block not in scripts:
            file = tmp_path / "own.yaml"
            file.write_text(block)
            load("sandbox", file=file, rooms=ROOMS)
    assert scripts
    assert len(blocks) > len(scripts)


def test_cast_hears_what_the_table_says() -> None:
    told = {
        _span(row[0]): set(re.findall(r"`(\w+)`", row[1])) for row in ARCHITECTURE.table("The cast")
    }
    assert told == dict(_heard())


def _span(cell: str) -> str:
    (found,) = documents.first_spans([[cell]])
    return found


def _heard() -> Iterator[tuple[str, set[str]]]:
    for path, text in CODE:
        actor = re.search(r"^class (\w+Actor)\(Actor\)", text, re.MULTILINE)
        if path.parent.name == "actors" and actor:
            module = importlib.import_module(f"actors.{path.stem}")
            names = {message.__name__ for message in get_args(module.Heard)}
            yield f"actors/{path.name}: {actor[1]}", names


def test_every_tag_of_the_log_is_explained() -> None:
    told = set(documents.first_spans(OPERATIONS.table("Reading the log")))
    said = {tag for _, text in CODE for tag in documents.tags_said(text)}
    loggers = [p.relative_to(ROOT) for p, text in CODE if "getLogger(__name__)" in text]
    names = [".".join(path.with_suffix("").parts) for path in loggers if path.name != "log.py"]
    assert told == said | {tag_of(name) for name in names}


def test_flattening_begins_when_the_table_says() -> None:
    settings = load("sandbox", rooms=ROOMS)
    for row in OPERATIONS.table("When the day ends"):
        brokers = re.findall(r"`(\w+)`", row[0]) + ["default"] * ("not named" in row[0])
        plans = [plan(DAY, settings.rules, SessionParams(), broker) for broker in brokers]
        begun = {show(each.force_close) for each in plans if isinstance(each, DayPlan)}
        assert begun == {row[2]}, row


@dataclass(frozen=True)
class Session:
    """A session of two minutes, played as a user would."""

    folder: Path
    printed: str


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder = tmp_path_factory.mktemp("home") / "state"
    options = ["--speed", "max", "--from", "10:13", "--until", "10:15", "--state-dir", str(folder)]
    ran = subprocess.run(
        [sys.executable, "run.py", "sandbox", *options],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    return Session(folder, ran.stdout)


def test_files_of_the_state_directory_are_listed(session: Session) -> None:
    told = set(documents.first_spans(OPERATIONS.table("The state directory")))
    written = {file.name for file in session.folder.iterdir()}
    assert written - told == set()
    # At most what virtual time does not write, and what SQLite takes away when it is closed.
    absent = {"exchange.log", "day.db-wal", "day.db-shm", "KILL", "levers", "sessions.jsonl"}
    absent |= {"days", "alerts.json", "telegram.json", "lease.json"}
    absent |= {"replaced-1", "restored-settings"}
    # Nothing was damaged.
    aside = {f"{name}.corrupt-1" for name in ("orders.db", "fallback.log")}
    assert told - written <= absent | aside


def test_readme_shows_the_summary_as_it_is_printed(session: Session) -> None:
    blocks = [block for _, block in PAGES["README.md"].fences if "invariants broken" in block]
    printed = re.findall(r"^  (\w[\w ]*?)  ", session.printed, re.MULTILINE)
    assert [re.findall(r"^  (\w[\w ]*?)  ", block, re.MULTILINE) for block in blocks] == [printed]


def test_changelog_begins_with_the_version_of_the_package() -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    newest = re.findall(r"^## \[(.+?)\]", PAGES["CHANGELOG.md"].text, re.MULTILINE)[0]
    assert newest == config["metadata"]["version"]


SAMPLE = """\
# One page

## First part

Say `run.py sandbox --seed 7` or `--seed 7`, then `make run`; [see](#first-part).
`feed.stale_warn_s: 60`, `strategies[].params.stop.buffer_p`, `day.db`,
`domain/desk.py: Desk.settle`.

```
$ SUTRADHAR_FEED__STALE_WARN_S=90 python run.py sandbox --seed 3  # --not-an-option
```
"""


def complaints_of(text: str) -> list[str]:
    page = Page("docs/SAMPLE.md", text)
    return [
        *documents.command_complaints(page, COMMANDS),
        *documents.target_complaints(page, {"run"}),
        *documents.setting_complaints(page, KEYS),
        *documents.path_complaints(page),
        *documents.link_complaints(page, {page.path: page}),
        *documents.manner_complaints(page),
    ]


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ("run.py sandbox --seed 7", "run.py sandpit", "no such command: run.py sandpit"),
        ("run.py sandbox --seed 7", "run.py live --seed 7", "live has no --seed"),
        ("`--seed 7`", "`--sead 7`", "no command has --sead"),
        ("--seed 3", "--sead 3", "sandbox has no --sead"),
        ("make run", "make walk", "make has no walk"),
        ("feed.stale_warn_s", "feed.stale_s", "no such setting: feed.stale_s"),
        ("stop.buffer_p", "stop.buffer", "no such setting: strategies.params.stop.buffer"),
        ("FEED__STALE_WARN_S", "FEED__STALE_S", "no such setting: feed.stale_s"),
        ("domain/desk.py", "domain/disk.py", "no such file: domain/disk.py"),
        ("domain/desk.py", "domian/desk.py", "no such file: domian/desk.py"),
        ("Desk.settle", "Desk.unsettle", "domain/desk.py has no Desk.unsettle"),
        ("(#first-part)", "(#second-part)", "no such heading: #second-part"),
        ("(#first-part)", "(NOWHERE.md)", "leads nowhere: NOWHERE.md"),
        ("One page", "One p\N{LATIN SMALL LETTER A WITH ACUTE}ge", "not ASCII"),
        ("One page", "One " + documents.MACHINES[0] + "page", "names " + documents.MACHINES[0]),
        ("One page", HOSTS[0], "names " + HOSTS[0]),
    ],
)
def test_untrue_page_is_found(good: str, bad: str, complaint: str) -> None:
    assert complaints_of(SAMPLE) == []
    (said,) = complaints_of(SAMPLE.replace(good, bad, 1))
    assert said.endswith(f": {complaint}")
