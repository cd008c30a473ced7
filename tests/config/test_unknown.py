"""A name that nobody reads: refused where it is ours, told where it may be another's."""

import re
from pathlib import Path

import pytest

from config.secrets import FILES
from config.settings import Settings, load
from config.sources import DELIMITER, WELL_KNOWN
from config.unknown import ELSEWHERE
from domain.errors import ConfigError
from tests.config.reading import KEY, NOWHERE, SANDBOX

ROOT = Path(__file__).parents[2]
GIVEN = {"openalgo.api_key": KEY}


def read(env_file: Path = NOWHERE) -> Settings:
    return load("live", GIVEN, env_file=env_file)


def refusals(env_file: Path = NOWHERE) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        read(env_file)
    return caught.value.problems


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    path.touch(0o600)
    return path


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("SUTRADHAR_DAY_LOSS_P", "did you mean SUTRADHAR_DAY__LOSS_P?"),
        ("SUTRADHAR_ALERT_URL", "did you mean SUTRADHAR_ALERT_URLS?"),
        ("SUTRADHAR_FOO", "take it away, or correct it"),
    ],
)
def test_unknown_name_of_ours_is_refused_everywhere(
    name: str, remedy: str, env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file.write_text(f"\n# a day\nPAPER_TRADING=true\n\n{name}=500000\n")
    told = f"{name}: nobody reads a variable of this name, in"
    assert refusals(env_file) == (f"{told} line 5 of {env_file}; {remedy}",)
    monkeypatch.setenv(name, "500000")
    assert refusals() == (f"{told} the environment; {remedy}",)
    monkeypatch.setenv(name, "")
    assert read().warnings == ()


@pytest.mark.parametrize(
    ("name", "near"),
    [("OPENALGO_APIKEY", "OPENALGO_API_KEY"), ("PAPER_TADING", "PAPER_TRADING")],
)
def test_variable_of_others_is_told_and_its_line_in_a_file_refused(
    name: str, near: str, env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file.write_text(f"{name}=false\n")
    (told,) = refusals(env_file)
    assert told.endswith(f"line 1 of {env_file}; did you mean {near}?")
    monkeypatch.setenv(name, "false")
    (told,) = read().warnings
    assert told.startswith(f"{name}: nobody reads")
    assert told.endswith(f"did you mean {near}?")


def test_line_that_says_nothing_is_told(env_file: Path) -> None:
    env_file.write_text("GARBAGE\nCOMPOSE_PROFILES=live\nexport PAPER_TRADING=true # yes\nEMPTY=\n")
    no_value, foreign = read(env_file).warnings
    assert no_value == f"GARBAGE: has no = in line 1 of {env_file}; write it as NAME=VALUE"
    assert foreign.startswith("COMPOSE_PROFILES: nobody reads")


def test_line_of_ours_that_cannot_be_read_is_refused_without_its_text(env_file: Path) -> None:
    env_file.write_text("OPENALGO_API_KEY='geheim\nPAPER_TRADING\nPAPER TRADING=false\n")
    told = refusals(env_file)
    assert told[0] == f"line 1 of {env_file}: cannot be read; write it as NAME=VALUE"
    assert told[1].startswith("PAPER_TRADING: has no = in line 2")
    assert told[2].startswith("line 3 of")
    assert "geheim" not in "".join(told)


def test_every_fault_is_told_at_once(env_file: Path) -> None:
    env_file.write_text("SUTRADHAR_FOO=1\nSUTRADHAR_FEED__RETURN_S=4\nOPENALGO_PORT=x\n")
    assert len(refusals(env_file)) == 3


def test_every_name_that_the_project_reads_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what deploying, the compose file and the tests go by: their own shell may have it."""
    places = [*ROOT.glob("systemd/*"), *ROOT.glob("docker/*"), *ROOT.glob("cli/*.py")]
    texts = [path.read_text("utf-8") for path in [*places, ROOT / ".env.example"] if path.is_file()]
    said = set(re.findall(r"\b(?:SUTRADHAR|OPENALGO)_[A-Z0-9_]+[A-Z0-9]\b", "\n".join(texts)))
    names = {name for name in said if DELIMITER not in name}
    assert names > {"SUTRADHAR_COMMIT", "SUTRADHAR_DATA", "OPENALGO_IMAGE"}
    assert names - ELSEWHERE - {*WELL_KNOWN, *FILES} <= {"OPENALGO_DOWN"}  # a condition's name
    for name in ELSEWHERE:
        monkeypatch.setenv(name, "1")
    assert load("sandbox", env_file=NOWHERE, rooms=SANDBOX).warnings == ()


def test_model_of_a_file_is_one(env_file: Path) -> None:
    env_file.write_text((ROOT / ".env.example").read_text("utf-8"))
    assert read(env_file).warnings == ()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_secret_in_a_file_that_others_may_read_is_told(mode: int, env_file: Path) -> None:
    env_file.write_text("OPENALGO_API_KEY=geheim1234\n")
    assert read(env_file).warnings == ()
    env_file.chmod(mode)
    (told,) = read(env_file).warnings
    text = f"others may read {env_file}, mode {mode:04o}, and it holds OPENALGO_API_KEY"
    assert told == f"{text}; chmod 600 {env_file}"
    env_file.write_text("OPENALGO_API_KEY=\nPAPER_TRADING=true\n")
    assert read(env_file).warnings == ()
