"""The example rules: Prometheus takes them, each fires in its story, none on a good day."""

from pathlib import Path

import pytest

from config import documents
from tests.capabilities import needs
from tests.dashboard.rules import ALERTS, SCRAPE, STORY, promtool


@pytest.fixture(autouse=True)
def _tool() -> None:
    needs("promtool")


def test_prometheus_takes_the_example_files() -> None:
    checked = promtool("check", "config", SCRAPE)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_rules_fire_when_they_should_and_not_before() -> None:
    tested = promtool("test", "rules", STORY)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_every_rule_is_in_the_story_of_a_bad_day() -> None:
    groups = documents.read(ALERTS)["groups"]
    names = {rule["alert"] for group in groups for rule in group["rules"]}
    told = STORY.read_text("ascii")
    assert {name for name in names if f'alertname="{name}"' not in told} == set()
    for rule in (rule for group in groups for rule in group["rules"]):
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert set(rule["annotations"]) == {"summary", "action"}


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("sutradhar_naked_seconds > 10", "sutradhar_naked_seconds > 8"),
        ("for: 150s", "for: 60s"),
        ('code!="DAY_DONE"', 'code!="FREEZE"'),
        ("> 55800", "> 56200"),
        (' or absent(up{job="sutradhar"})', ""),
    ],
)
def test_story_finds_a_rule_that_is_wrong(right: str, wrong: str, tmp_path: Path) -> None:
    (tmp_path / "docs" / "prometheus").mkdir(parents=True)
    (tmp_path / "tests" / "dashboard").mkdir(parents=True)
    text = ALERTS.read_text("ascii")
    assert right in text
    (tmp_path / "docs" / "prometheus" / ALERTS.name).write_text(text.replace(right, wrong))
    story = tmp_path / "tests" / "dashboard" / STORY.name
    story.write_text(STORY.read_text("ascii"))
    assert promtool("test", "rules", story).returncode == 1
