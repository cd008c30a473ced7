"""The first two commands of the README work on a Debian that has only what it asks for."""

import re

import pytest

from tests.capabilities import needs
from tests.deploy import fresh_machine
from tests.deploy.service import figure

pytestmark = [pytest.mark.deploy, pytest.mark.slow]

LAYERS = ("threads",)
"""Any will do: what the others prove, they prove outside. All of them is a command of its own."""


def test_make_run_and_make_test_work_on_a_bare_debian() -> None:
    needs("nspawn", "mmdebstrap", "git")
    ran = fresh_machine.run(LAYERS)
    assert ran.code == 0, ran.said[-5000:]
    assert "make run: ended well" in ran.said
    summary = re.search(r"^green: (\d+) passed", ran.said, re.MULTILINE)
    assert summary is not None, ran.said[-5000:]
    assert int(summary[1]) > 0
    figure(f"fresh machine: make run and {summary[0]} of {LAYERS} in {ran.seconds:.1f} s")
