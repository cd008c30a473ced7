"""What conftest.py promises to every test, tried on small test files in another process."""

import subprocess
import sys
from pathlib import Path

from tests.shared import ROOT

SLEEPY = """\
import time
import pytest
{marker}
def test_sleepy():
    time.sleep(0.6)
"""
NEEDY = """\
import pytest
@pytest.mark.needs_shared("data/no-such-file.parquet")
def test_needy():
    raise AssertionError
"""


def ran(text: str, tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "test_it.py").write_text(text)
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    config = ["-c", str(ROOT / "setup.cfg"), "-p", "tests.conftest", *options]
    command = [*pytest, *config, str(tmp_path / "test_it.py")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_slow_test_may_take_longer(tmp_path: Path) -> None:
    text = SLEEPY.format(marker="@pytest.mark.slow")
    assert ran(text, tmp_path, "-o", "faulthandler_timeout=0.2").returncode == 0


def test_any_other_test_that_takes_too_long_ends_the_run(tmp_path: Path) -> None:
    done = ran(SLEEPY.format(marker=""), tmp_path, "-o", "faulthandler_timeout=0.2")
    assert done.returncode == 1
    assert "test_sleepy" in done.stderr


def test_missing_shared_file_skips_loudly(tmp_path: Path) -> None:
    done = ran(NEEDY, tmp_path)
    assert done.returncode == 0
    assert "recorded data not found: no-such-file.parquet (see the data README)" in done.stdout
