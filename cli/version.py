"""Which version this is, and of which commit: for `--version`, the status and who deploys it."""

import os
import re
from pathlib import Path

VERSION = "0.1.0"
"""As setup.cfg has it, which an image or an installed tree may lack."""

ROOT = Path(__file__).resolve().parent.parent
STAMP = "COMMIT"
"""A file beside run.py, left by who builds a tree without .git."""

UNKNOWN = "unknown"


def commit(root: Path = ROOT) -> str:
    """Return the commit of this code, 'unknown' if nothing names it. Never runs git.

    The first that says something has it: the variable SUTRADHAR_COMMIT, the stamp, .git. A tree
    with changes of its own is not told from a clean one. A running agent says what was true when it
    started, so ask once.
    """
    told = os.environ.get("SUTRADHAR_COMMIT", "")
    return _plain(told) or _plain(_text(root / STAMP)) or _head(root) or UNKNOWN


def told(root: Path = ROOT) -> str:
    """Return version and commit in one line."""
    return f"sutradhar {VERSION} commit {commit(root)}"


def _head(root: Path) -> str:
    """Return what HEAD stands for; in a linked work tree .git is a file that names the folder."""
    git = root / ".git"
    pointer = _text(git).removeprefix("gitdir:").strip() if git.is_file() else ""
    folder = root / pointer if pointer else git
    head = _text(folder / "HEAD")
    name = head.removeprefix("ref:").strip()
    if not head.startswith("ref:"):
        return _plain(head)
    common = _text(folder / "commondir").strip()
    shared = folder / common if common else folder
    return _plain(_text(folder / name)) or _plain(_text(shared / name)) or _packed(shared, name)


def _packed(folder: Path, name: str) -> str:
    rows = (line.split() for line in _text(folder / "packed-refs").splitlines())
    return next((_plain(row[0]) for row in rows if row[1:] == [name]), "")


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        return ""


def _plain(text: str) -> str:
    """Return the text if it is one plain word, as a commit or a tag is."""
    word = text.strip()
    return word if re.fullmatch(r"[\w.+-]{1,64}", word, re.ASCII) else ""
