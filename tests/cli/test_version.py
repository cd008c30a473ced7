"""`--version`: the version of the package, and the commit by whatever names it first."""

from configparser import ConfigParser
from pathlib import Path

import pytest

from cli.version import UNKNOWN, VERSION, commit
from tests.cli.typing_in import RunPy
from tests.shared import ROOT

HASH, OTHER = "0123456789abcdef0123456789abcdef01234567", "f" * 40
HEAD = "ref: refs/heads/main\n"


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUTRADHAR_COMMIT", raising=False)


def tree(root: Path, files: dict[str, str]) -> Path:
    """A checkout with these files."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_version_is_that_of_the_package() -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert config["metadata"]["version"] == VERSION


def test_door_prints_both_in_one_line(run_py: RunPy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUTRADHAR_COMMIT", HASH)
    said = run_py("--version")
    assert (said.code, said.out, said.err) == (0, f"sutradhar {VERSION} commit {HASH}\n", "")


def test_variable_then_stamp_then_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert commit(tmp_path) == UNKNOWN
    tree(tmp_path, {".git/HEAD": f"{OTHER}\n"})
    assert commit(tmp_path) == OTHER
    tree(tmp_path, {"COMMIT": "v1.2-3\n"})
    assert commit(tmp_path) == "v1.2-3"
    monkeypatch.setenv("SUTRADHAR_COMMIT", HASH)
    assert commit(tmp_path) == HASH


@pytest.mark.parametrize("text", ["", "\n", "two words", "x" * 65, "\N{SNOWMAN}"])
def test_what_is_no_commit_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("SUTRADHAR_COMMIT", text)
    assert commit(tree(tmp_path, {"COMMIT": text})) == UNKNOWN


def test_branch_is_read_loose_before_packed(tmp_path: Path) -> None:
    packed = f"# pack-refs with: peeled\n{OTHER} refs/heads/main\n^{HASH}\n"
    root = tree(tmp_path, {".git/HEAD": HEAD, ".git/packed-refs": packed})
    assert commit(root) == OTHER
    tree(tmp_path, {".git/refs/heads/main": f"{HASH}\n"})
    assert commit(root) == HASH


def test_branch_without_a_commit_is_unknown(tmp_path: Path) -> None:
    assert commit(tree(tmp_path, {".git/HEAD": HEAD})) == UNKNOWN


def test_linked_work_tree_is_followed(tmp_path: Path) -> None:
    own = ".git/worktrees/side"
    files = {".git/refs/heads/main": HASH, f"{own}/HEAD": HEAD, f"{own}/commondir": "../..\n"}
    git = tree(tmp_path / "main", files) / own
    assert commit(tree(tmp_path / "side", {".git": f"gitdir: {git}\n"})) == HASH
