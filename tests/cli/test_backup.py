"""A state directory in one file, and back: whole or not at all, and never over a held one."""

import io
import os
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from cli.again import Again, keep, recall
from cli.backup import MANIFEST, Manifest, Options, Unusable, backup, restore
from cli.session import Locked, locked
from domain import clock
from domain import events as ev
from domain.errors import ConfigError
from domain.ledger import Ledger
from domain.reasons import Condition
from domain.session import instant, trading_day
from domain.units import Day, Micros
from journal import archive
from journal.fallback import Fallback
from journal.orders import NAME, OrderJournal, verify
from tests.cli.test_life import Hand, hand
from tests.cli.typing_in import RunPy
from tests.orders import an_open_short
from tests.trading import DAY, at

__all__ = ["hand"]
EVENTS = tuple(an_open_short().events)
LATER = ev.LatchSet(at=at("11:00"), name="FREEZE", reason="BY_HAND")


@pytest.fixture
def folder(tmp_path: Path, hand: Hand) -> Path:
    """The folder of an agent that is not running, at 11:30 of a trading day."""
    hand.at = at("11:30")
    state = tmp_path / "state"
    state.mkdir()
    write(state, *EVENTS)
    (state / "status.json").write_text("{}")
    (state / "KILL").write_text("")
    old = state / archive.FOLDER / "2026-11-19"
    old.mkdir(parents=True)
    write(old, ev.LatchSet(at=instant(Day("2026-11-19"), "10:00"), name="HALT", reason="x"))
    return state


def write(folder: Path, *events: ev.Event) -> None:
    with OrderJournal(folder / NAME, 1, events[0].at) as journal:
        journal.append(events)


def made(folder: Path, **more: object) -> tuple[Path, str]:
    out, said = folder.parent / "b.tgz", io.StringIO()
    options = Options(state_dir=folder, out=out, **more)  # type: ignore[arg-type] # as typed
    assert backup(options, said) == 0
    return out, said.getvalue()


def put_back(file: Path, folder: Path) -> str:
    said = io.StringIO()
    assert restore(file, folder, said) == 0
    return said.getvalue()


def events(folder: Path, day: Day = DAY) -> tuple[ev.Event, ...]:
    return verify(folder / NAME, day)


def manifest(file: Path) -> Manifest:
    with tarfile.open(file) as tar:
        found = tar.extractfile(MANIFEST)
        assert found is not None
        return msgspec.json.decode(found.read(), type=Manifest)


def test_backup_holds_journals_and_status_and_no_kill_switch(folder: Path) -> None:
    out, said = made(folder)
    names = {name.removeprefix("state/") for name in manifest(out).parts}
    assert names == {NAME, "status.json", "days/2026-11-19/orders.db"}
    assert said.startswith(f"{out}: 3 files, ")
    assert out.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in folder.parent.iterdir()} == {"state", "b.tgz"}


def test_backup_of_a_running_agent_is_of_one_moment(folder: Path) -> None:
    """The writer is in the middle of its day, and what it commits later is not in the copy."""
    with locked(folder), OrderJournal(folder / NAME, 1, at("11:00")) as journal:
        journal.append([LATER])
        out, _ = made(folder)
        journal.append([ev.LatchSet(at=at("11:01"), name="HALT", reason="BY_HAND")])
    assert manifest(out).running
    put_back(out, folder.parent / "other")
    assert events(folder.parent / "other")[: len(EVENTS) + 1] == (*EVENTS, LATER)


def test_events_the_fallback_holds_come_along(folder: Path) -> None:
    with closing(Fallback(folder / "fallback.log")) as spare:
        spare.append(1, len(EVENTS) + 1, [LATER])
    out, _ = made(folder)
    put_back(out, folder.parent / "other")
    assert LATER in events(folder.parent / "other")


@pytest.mark.incident("INC-103")
def test_restore_keeps_aside_what_it_replaces_and_tells_of_the_loss(folder: Path) -> None:
    out, _ = made(folder)
    with OrderJournal(folder / NAME, 1, at("11:00")) as journal:
        journal.append([LATER])
    said = put_back(out, folder)
    kept = folder / "replaced-1"
    assert verify(kept / NAME, DAY) == (*EVENTS, LATER)
    assert events(folder)[: len(EVENTS)] == EVENTS
    ledger = Ledger().fold(events(folder))
    assert Condition.JOURNAL_LOST in ledger.unsafe
    assert ledger.latches == {"FREEZE": "BY_HAND"}
    assert "latch FREEZE was up in what is replaced, and is up again (BY_HAND)" in said
    assert f"what was there is kept in {kept}: {NAME}" in said
    assert "nothing is entered today" in said
    assert (folder / "KILL").exists()


@pytest.mark.parametrize("wall", ["08:30", None])
def test_restore_while_no_session_was_on_loses_nothing(
    folder: Path, hand: Hand, wall: str | None
) -> None:
    """Before the open of the next trading day, and on a Sunday: the day begins with a new file."""
    out, _ = made(folder)
    day = Day("2026-11-23") if wall else Day("2026-11-22")
    hand.at = instant(day, wall or "12:00")
    said = put_back(out, folder.parent / "other")
    assert "JOURNAL_LOST" not in said
    assert events(folder.parent / "other", day) == ()
    kept = folder.parent / "other" / archive.FOLDER
    assert {path.name for path in kept.iterdir()} == {"2026-11-19", DAY}
    assert verify(kept / DAY / NAME, DAY) == EVENTS


def test_copy_of_yesterday_does_not_hide_what_today_lost(folder: Path, hand: Hand) -> None:
    out, _ = made(folder)
    monday = Day("2026-11-23")
    hand.at = instant(monday, "11:00")
    put_back(out, folder.parent / "other")
    assert Condition.JOURNAL_LOST in Ledger().fold(events(folder.parent / "other", monday)).unsafe


def test_restore_refuses_a_folder_that_is_held(folder: Path) -> None:
    out, _ = made(folder)
    with locked(folder), pytest.raises(Locked):
        restore(out, folder, io.StringIO())
    assert events(folder) == EVENTS


def rewritten(change: Callable[[dict[str, bytes]], None]) -> Callable[[Path], None]:
    """Return what changes the members of a backup."""

    def rewrite(file: Path) -> None:
        with tarfile.open(file) as tar:
            members = {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]
        change(members)
        with tarfile.open(file, "w:gz") as tar:
            for name, data in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))

    return rewrite


def _flip(members: dict[str, bytes]) -> None:
    members["state/orders.db"] = members["state/orders.db"][:-1] + b"?"


def _drop(members: dict[str, bytes]) -> None:
    del members["state/orders.db"]


def _climb(members: dict[str, bytes]) -> None:
    members[MANIFEST] = members[MANIFEST].replace(b'"state/status.json"', b'"state/../../evil"')
    members["state/../../evil"] = members["state/status.json"]


def _newer(members: dict[str, bytes]) -> None:
    members[MANIFEST] = members[MANIFEST].replace(b'"form":1', b'"form":2')


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda file: file.write_bytes(b"no backup"), "is no whole backup"),
        (lambda file: file.write_bytes(file.read_bytes()[:-40]), "is no whole backup"),
        (lambda file: file.unlink(), "is not there"),
        (rewritten(_flip), "orders.db is damaged"),
        (rewritten(_drop), "orders.db"),
        (rewritten(_climb), "is no file of a state directory"),
        (rewritten(_newer), "has form 2, this version reads 1"),
    ],
    ids=["other", "cut", "absent", "flipped", "dropped", "climbing", "newer"],
)
def test_file_that_is_no_whole_backup_changes_nothing(
    folder: Path, spoil: Callable[[Path], None], said: str
) -> None:
    out, _ = made(folder)
    spoil(out)
    with pytest.raises(Unusable, match=said):
        restore(out, folder, io.StringIO())
    assert events(folder) == EVENTS
    assert not (folder / "replaced-1").exists()
    assert not list(folder.glob(".restore-*"))
    assert not (folder.parent / "evil").exists()


def test_secrets_are_in_it_only_when_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    (folder.parent / ".env").write_text("OPENALGO_API_KEY=canary\n")
    (folder.parent / "own.yaml").write_text("limits: {positions: 1}\n")
    out, said = made(folder, config=folder.parent / "own.yaml")
    assert "secrets are not in it" in said
    assert f"settings: {folder.parent / 'own.yaml'}, {folder.parent / '.env'}" in said
    with tarfile.open(out) as tar:
        assert "settings/own.yaml" in tar.getnames()
        assert "settings/.env" not in tar.getnames()
        texts = [tar.extractfile(member).read() for member in tar]  # type: ignore[union-attr]
    assert not any(b"canary" in text for text in texts)
    out.unlink()
    out, _ = made(folder, secrets=True)
    said = put_back(out, folder.parent / "other")
    put = folder.parent / "other" / "restored-settings" / ".env"
    assert put.read_text() == "OPENALGO_API_KEY=canary\n"
    assert put.stat().st_mode & 0o777 == 0o600
    assert f"settings: {put}; put it where the agent reads it" in said


def test_damaged_journal_is_replaced_and_kept(folder: Path) -> None:
    out, _ = made(folder)
    (folder / NAME).write_bytes(b"no database" * 500)
    put_back(out, folder)
    assert (folder / "replaced-1" / NAME).read_bytes().startswith(b"no database")
    assert events(folder)[: len(EVENTS)] == EVENTS


def test_copy_of_a_damaged_journal_is_not_put_back(folder: Path) -> None:
    db = sqlite3.connect(folder / NAME)
    db.execute("DROP TRIGGER event_no_update")
    db.execute("UPDATE event SET kind = 'x' WHERE seq = 1")
    db.commit()
    db.close()
    out, _ = made(folder)
    other = folder.parent / "other"
    with pytest.raises(Exception, match="event 1 is damaged or missing"):
        restore(out, other, io.StringIO())
    assert not (other / NAME).exists()


def test_backup_over_a_file_that_is_there_is_refused(folder: Path) -> None:
    made(folder)
    with pytest.raises(ConfigError, match="is there already; name a new file"):
        made(folder)


def test_commands_hand_their_options_on(folder: Path, run_py: RunPy) -> None:
    out = folder.parent / "by-command.tgz"
    clock.use(Hand(at("11:30")))
    said = run_py("backup", "--out", out, "--state-dir", folder)
    assert (said.code, said.err) == (0, "")
    said = run_py("restore", out, "--state-dir", folder.parent / "other")
    assert (said.code, said.err) == (0, "")
    assert "knows of NIFTY" in said.out
    said = run_py("restore", folder / "status.json", "--state-dir", folder)
    assert "is no whole backup" in said.refusal(1)
    said = run_py("backup", "--out", out.with_name("x"), "--state-dir", folder.parent / "nobody")
    assert "no agent ran there" in said.refusal(3)
    assert os.access(out, os.R_OK)
    assert trading_day(Micros(at("11:30"))) == DAY


def test_settings_that_are_not_there_are_refused(folder: Path) -> None:
    out = folder.parent / "b.tgz"
    options = Options(state_dir=folder, out=out, config=folder.parent / "nope")
    with pytest.raises(ConfigError, match=r"--config .*nope: is no file"):
        backup(options, io.StringIO())
    assert not out.exists()


@pytest.mark.parametrize(
    ("kept", "restart"),
    [
        (
            "run.py live --config 'my own.yaml' --state-dir elsewhere",
            "run.py live --config 'my own.yaml' --state-dir {}",
        ),
        ("run.py live", "run.py live --state-dir {}"),
    ],
)
def test_command_to_start_again_names_the_folder_it_is_in(
    folder: Path, kept: str, restart: str
) -> None:
    keep(folder, Again(restart=kept, rejoin="run.py sandbox --attach x"))
    other = folder.parent / "other"
    put_back(made(folder)[0], other)
    assert recall(other) == Again(restart=restart.format(other))
