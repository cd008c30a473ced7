"""What `--help` tells of defaults, orders of words and variables."""

import pytest

from sandbox.params import SandboxParams
from tests.cli.typing_in import RunPy

PARAMS = SandboxParams()


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def told(run_py: RunPy, command: str) -> dict[str, str]:
    """Return what the help of a command says, by option."""
    lines = [line.strip("\u2502 \n") for line in run_py(command, "--help").out.splitlines()]
    return {line.split()[0]: line for line in lines if line.startswith("--")}


@pytest.mark.parametrize(("command", "begin"), [("sandbox", "start_at"), ("exchange", "alone_at")])
def test_defaults_of_the_paper_exchange_are_shown(run_py: RunPy, command: str, begin: str) -> None:
    help_of = told(run_py, command)
    for option, default in {
        "--seed": PARAMS.seed,
        "--regime": PARAMS.market.regime,
        "--date": PARAMS.date,
        "--from": getattr(PARAMS, begin),
        "--faults": "none",
        "--speed": {"sandbox": PARAMS.speed, "exchange": 1}[command],
    }.items():
        assert f"{default}" in help_of[option].partition("[default: ")[2]
    for kind in "calm trend crash expiry halt".split():
        assert kind in help_of["--regime"]


def test_help_of_live_names_its_variables(run_py: RunPy) -> None:
    out = run_py("live", "--help").out
    for (
        name
    ) in "OPENALGO_HOST OPENALGO_PORT OPENALGO_WS_URL OPENALGO_API_KEY PAPER_TRADING".split():
        assert name in out


def test_help_of_doctor_shows_the_order_of_its_words(run_py: RunPy) -> None:
    assert "--ticks 4 NIFTY" in told(run_py, "doctor")["--ticks"]
