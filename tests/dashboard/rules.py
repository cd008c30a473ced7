"""Prometheus' own tool, and the example rules it is shown."""

import subprocess
from subprocess import CompletedProcess

from tests.shared import ROOT

ALERTS = ROOT / "docs" / "prometheus" / "alerts.yml"
SCRAPE = ROOT / "docs" / "prometheus" / "prometheus.yml"
STORY = ROOT / "tests" / "dashboard" / "alerts_test.yml"
PATIENCE_S = 60


def promtool(*words: object, said: str | None = None) -> "CompletedProcess[str]":
    """Run it; the caller needs the capability promtool."""
    return subprocess.run(
        ["promtool", *map(str, words)],
        input=said,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
