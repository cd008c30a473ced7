"""The paper exchange as a process of its own, the way an operator starts it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.shared import ROOT

START = """
import sys
from pathlib import PosixPath
from cli.exchange import Options, run
sys.exit(run(Options(**{options})))
"""
LEAVES_WITHIN_S = 10


@dataclass(frozen=True)
class Paper:
    """A running exchange and what it said of itself when it was ready."""

    process: "subprocess.Popen[str]"
    ready: dict[str, Any]

    @property
    def url(self) -> str:
        return str(self.ready["url"])

    @property
    def ws_url(self) -> str:
        return str(self.ready["ws_url"])

    def end(self) -> int:
        """Ask it to leave and return its exit code."""
        self.process.terminate()
        return self.process.wait(LEAVES_WITHIN_S)


@contextmanager
def paper(cwd: Path, **options: Any) -> Iterator[Paper]:
    """Start `run.py exchange` on free ports and end it with the block."""
    options = {"port": 0, "ws_port": 0, "color": False} | options
    with subprocess.Popen(
        [sys.executable, "-c", START.format(options=options)],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "TZ": "America/New_York", "DOCKER_ENV": "0"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            yield Paper(process, json.loads(line))
        finally:
            process.kill()
