"""A machine that lacks something is told so: by a skip naming the package, in CI by a failure."""

import pytest

from tests import capabilities
from tests.capabilities import Capability, lacking, needs

LACK = "this machine lacks moon (Debian: moon-tools)"


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        capabilities,
        "KNOWN",
        {
            "shell": Capability("dash", programs=("sh",)),
            "moon": Capability("moon-tools", programs=("sh", "no-such-program")),
            "night": Capability("night-tools", rests_on=("moon",)),
            "asked": Capability("asking", is_there=lambda: False),
        },
    )


def test_what_is_there_is_not_spoken_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUTRADHAR_CI", "1")
    needs("shell")
    assert lacking("shell") == ""


@pytest.mark.parametrize("name", ["moon", "night", "asked"])
def test_programs_rests_and_questions_must_all_be_there(name: str) -> None:
    assert not capabilities.is_there(name)


def test_elsewhere_a_lack_skips_and_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUTRADHAR_CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="moon-tools") as skipped:
        needs("shell", "moon")
    assert str(skipped.value) == f"{LACK}; skipped"


def test_in_ci_a_lack_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUTRADHAR_CI", "1")
    with pytest.raises((pytest.fail.Exception, pytest.skip.Exception)) as ended:
        needs("moon")
    assert ended.type is pytest.fail.Exception
    assert str(ended.value) == LACK


def test_a_name_nobody_knows_is_a_mistake_of_the_test() -> None:
    with pytest.raises(KeyError):
        needs("no-such-capability")
