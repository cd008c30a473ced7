"""The kill switch of a real process: every way to pull it, and what kill -9 leaves of it."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.dropbox import KILL
from tests.e2e.paper import paper
from tests.e2e.sessions import LONG_S, Process, done, run
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DONE, FAILED = 0, 1


class Scene:
    """An exchange, and agents of one folder, one after the other."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder
        self.address = address

    def agent(self) -> Any:
        return run(self.folder, "sandbox", attach=self.address, state_dir=self.folder)

    def type(self, *words: str) -> tuple[int, str]:
        said = done(*words, "--state-dir", self.folder, cwd=self.folder)
        assert "Traceback" not in said.stderr
        return said.returncode, said.stdout + said.stderr

    def latches(self) -> dict[str, str]:
        said = done("status", "--json", "--state-dir", self.folder, cwd=self.folder)
        return {hold["code"]: hold["text"] for hold in json.loads(said.stdout)["latches"]}

    def is_active(self) -> bool:
        said = done("status", "--json", "--state-dir", self.folder, cwd=self.folder)
        return said.returncode == DONE and json.loads(said.stdout)["mode"] == "ACTIVE"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("levers")
    with paper(folder, begin="09:20", speed=30, state_dir=folder) as exchange:
        yield Scene(folder, exchange.url.removeprefix("http://"))


def kill(agent: Process) -> None:
    agent.send(signal.SIGKILL)
    agent.wait()


@pytest.mark.incident("INC-118")
def test_latch_has_one_home_and_survives_restart(scene: Scene) -> None:
    with scene.agent() as first:
        assert until(scene.is_active, LONG_S)
        code, said = scene.type("freeze")
        assert (code, said.splitlines()[0]) == (
            DONE,
            "FREEZE is up; the agent is REDUCE_ONLY, latches up: FREEZE",
        )
        kill(first)
    assert scene.latches() == {"FREEZE": "BY_HAND"}, "also of a dead agent"

    with scene.agent() as second:
        second.wait_for(r"\[MODE\] REDUCE_ONLY FREEZE[\s\S]*\[MODE\] REDUCE_ONLY FREEZE")
        assert scene.type("resume")[0] == DONE
        assert until(scene.is_active, LONG_S)
        kill(second)

    with scene.agent() as third:
        assert until(scene.is_active, LONG_S), "what was cleared does not come back"
        assert scene.latches() == {}
        third.send(signal.SIGUSR1)
        third.wait_for(r"\[LATCH\] FREEZE set reason=SIGUSR1")
        assert scene.type("resume")[0] == DONE
        (scene.folder / KILL).touch()
        third.wait_for(r"\[LATCH\] FREEZE set reason=KILL_FILE")
        code, said = scene.type("resume")
        assert (code, "remove it first" in said) == (FAILED, True)
        (scene.folder / KILL).unlink()
        assert scene.type("resume")[0] == DONE
        assert scene.latches() == {}
        kill(third)


def test_flatten_by_a_command_ends_the_day_of_a_running_agent(scene: Scene) -> None:
    with scene.agent() as agent:
        assert until(scene.is_active, LONG_S)
        code, said = scene.type("flatten")
        assert (code, said.splitlines()[-1]) == (DONE, "the book is proved flat")
        assert "[LATCH] FLATTEN set reason=KILL_FILE" in said
        assert agent.wait() == DONE
    assert not (scene.folder / KILL).exists()
    assert scene.type("clear", "--latch", "FLATTEN")[0] == DONE
