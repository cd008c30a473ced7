"""The files that build and run the agent as a container, held against the code they start."""

import os
import re
import shlex
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import secrets
from config.settings import load
from sandbox.params import SandboxParams
from tests.capabilities import needs
from tests.deployment import PARKS_WITHIN_S, imported_rooms, options_of, seconds_of
from tests.gates import HOSTS, secret_complaints
from tests.shared import ROOT

DOCKERFILE = ROOT / "docker" / "Dockerfile"
COMPOSE = ROOT / "docker" / "docker-compose.yml"
PREPARE = ROOT / "docker" / "prepare.sh"
DEPLOY = ROOT / "docker" / "deploy.sh"
COMMON = ROOT / "systemd" / "deploy-common.sh"
FILES = (DOCKERFILE, COMPOSE, PREPARE, DEPLOY, COMMON)

USER = "10001:10001"
AGENTS = {"sutradhar": "live", "paper-agent": "sandbox"}
OURS = {*AGENTS, "paper-exchange", "prepare"}
FOREIGN = {"openalgo", "openalgo-backup", "nginx"}
DATA = "${SUTRADHAR_DATA:-../state/docker}"


def instructions() -> list[tuple[str, str]]:
    """Return the lines of the Dockerfile as instruction and arguments, continued ones joined."""
    text = DOCKERFILE.read_text("ascii").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(head, rest.strip()) for head, _, rest in (line.partition(" ") for line in lines)]


def last_stage() -> list[tuple[str, str]]:
    said = instructions()
    return said[max(place for place, (head, _) in enumerate(said) if head == "FROM") :]


def copied() -> list[list[str]]:
    """Return the words of each COPY that takes from the checkout."""
    every = (words.split() for head, words in instructions() if head == "COPY")
    return [words for words in every if not words[0].startswith("--from=")]


def services() -> dict[str, dict[str, Any]]:
    found = yaml.safe_load(COMPOSE.read_text("ascii"))["services"]
    assert set(found) == OURS | FOREIGN
    return dict(found)


def ours() -> dict[str, dict[str, Any]]:
    return {name: service for name, service in services().items() if name in OURS}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_file_is_plain_and_holds_neither_host_nor_secret(file: Path) -> None:
    text = file.read_text("ascii")
    assert [host for host in HOSTS if host in text] == []
    assert list(secret_complaints(file.name, text)) == []


# The image


def test_image_holds_every_room_that_run_py_reaches() -> None:
    folders = {words[0] for words in copied() if (ROOT / words[0]).is_dir()}
    assert folders == imported_rooms()
    assert all(words == [words[0], words[0]] for words in copied() if words[0] in folders)
    files = {name for words in copied() for name in words[:-1]} - folders
    assert {"run.py", "requirements.lock"} <= files
    assert all((ROOT / name).is_file() for name in files)


def test_nothing_that_is_copied_is_kept_out_of_the_build() -> None:
    lines = (ROOT / ".dockerignore").read_text("ascii").splitlines()
    ignored = {line.strip("/") for line in lines if line and not line.startswith("#")}
    assert {name for words in copied() for name in words}.isdisjoint(ignored)
    assert {".*", "tests", "state"} <= ignored


def test_image_installs_what_the_lock_file_pins_by_hash() -> None:
    installs = [words for head, words in instructions() if head == "RUN" and "pip install" in words]
    assert len(installs) == 1
    for option in ("--require-hashes", "--no-deps", "--only-binary :all:", "-r requirements.lock"):
        assert option in installs[0]
    assert "--no-cache-dir" in installs[0]
    assert not any("pip" in words for head, words in last_stage() if head == "RUN")


def test_image_starts_the_agent_as_nobody_in_particular() -> None:
    said = dict(last_stage())
    words = [*yaml.safe_load(said["ENTRYPOINT"]), *yaml.safe_load(said["CMD"])]
    python, run, command, *options = words
    assert (run, command) == ("/app/run.py", "live")
    assert python == "/app/.venv/bin/python"
    assert {word for word in options if word.startswith("-")} <= options_of("live")
    assert "--stay" in options
    assert options[options.index("--state-dir") + 1] == said["VOLUME"]
    assert said["USER"] == USER
    made = next(words for head, words in last_stage() if head == "RUN" and "install -d" in words)
    user, _, group = USER.partition(":")
    assert f"-m 0700 -o {user} -g {group} {said['VOLUME']}" in made
    assert said["STOPSIGNAL"] == signal.SIGTERM.name


def test_image_has_its_base_as_an_argument_and_no_setting() -> None:
    heads = [head for head, _ in instructions()]
    assert heads[:2] == ["ARG", "FROM"]
    assert "ADD" not in heads
    base = instructions()[0][1].partition("=")[2]
    assert re.fullmatch(r"python:3\.1[1-9]-slim-\w+", base)
    told = shlex.split(" ".join(words for head, words in instructions() if head == "ENV"))
    names = {word.partition("=")[0] for word in told}
    assert names == {"SUTRADHAR_COMMIT", "PYTHONDONTWRITEBYTECODE"}


def test_image_names_its_commit_for_those_who_ask_from_outside_and_inside() -> None:
    said = dict(last_stage())
    assert said["ARG"] == "COMMIT=unknown"
    assert 'org.opencontainers.image.revision="${COMMIT}"' in said["LABEL"]
    assert "SUTRADHAR_COMMIT=${COMMIT}" in said["ENV"]


def test_image_is_healthy_if_it_is_ready_and_asks_with_what_it_has() -> None:
    _, _, command = dict(last_stage())["HEALTHCHECK"].partition("CMD ")
    python, option, program = yaml.safe_load(command)
    assert (python, option) == ("/app/.venv/bin/python", "-c")
    assert "urllib" in program
    assert f"http://127.0.0.1:{dict(last_stage())['EXPOSE']}/readyz" in program


# Compose


def test_compose_builds_the_image_of_this_checkout() -> None:
    for service in ours().values():
        context = (COMPOSE.parent / service["build"]["context"]).resolve()
        assert (context, context / service["build"]["dockerfile"]) == (ROOT, DOCKERFILE)
    assert len({service["image"] for service in ours().values()}) == 1


@pytest.mark.parametrize("name", sorted(OURS))
def test_compose_lets_a_container_of_ours_do_next_to_nothing(name: str) -> None:
    service = services()[name]
    assert (service["read_only"], service["init"], service["cap_drop"]) == (True, True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "env_file", "devices", "pid", "ipc"} & set(service)
    assert ("cap_add" in service, "user" in service) == (name == "prepare",) * 2
    assert ("mem_limit" in service) == (name != "prepare")
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}


def test_compose_publishes_on_the_loopback_alone() -> None:
    ports = [port for service in services().values() for port in service.get("ports", ())]
    assert len(ports) > 3
    assert [port for port in ports if not re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)] == []
    assert {service.get("network_mode") for service in ours().values()} == {None, "none"}


@pytest.mark.parametrize("name", sorted(AGENTS))
def test_compose_waits_for_parking_and_keeps_the_state_on_the_host(name: str) -> None:
    service = services()[name]
    assert seconds_of(service["stop_grace_period"]) >= PARKS_WITHIN_S
    place = dict(last_stage())["VOLUME"]
    assert f"{DATA}/{'live' if name == 'sutradhar' else 'paper'}:{place}" in service["volumes"]
    assert all(volume.startswith((f"{DATA}/", f"{DATA}:")) for volume in service["volumes"])
    # What the image has to say about health and the first command is not said again.
    assert "healthcheck" not in service
    assert "entrypoint" not in service


def test_compose_starts_an_agent_again_but_never_one_that_was_stopped() -> None:
    policies = {name: service["restart"] for name, service in ours().items()}
    assert policies == {
        "sutradhar": "unless-stopped",
        "paper-agent": "on-failure:5",
        "paper-exchange": "on-failure:5",
        "prepare": "no",
    }


@pytest.mark.parametrize("name", sorted(OURS - {"prepare"}))
def test_compose_gives_options_that_exist(name: str) -> None:
    service = services()[name]
    assert service["depends_on"]["prepare"] == {"condition": "service_completed_successfully"}
    command, *words = service.get("command", [AGENTS.get(name)])
    assert command == AGENTS.get(name, "exchange")
    assert {word for word in words if word.startswith("--")} <= options_of(command)


def test_compose_turns_the_page_on_where_its_port_is_published(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The secrets are files of the settings folder, so that no environment shows them."""
    for name in [name for name in os.environ if name.startswith("SUTRADHAR_")]:
        monkeypatch.delenv(name)
    for name, value in services()["paper-agent"]["environment"].items():
        monkeypatch.setenv(name, str(value))
    assert os.environ["CREDENTIALS_DIRECTORY"] == "/settings"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    token = "t" * 64
    (tmp_path / "sutradhar_page_control_token").write_text(token)
    found = load("sandbox", env_file=tmp_path / "none", rooms={"sandbox": SandboxParams()})
    assert (found.page.on, found.page.host, found.page.port) == (True, "0.0.0.0", 8501)
    assert found.keys.control_token.get_secret_value() == token


def test_compose_shows_no_secret_to_who_inspects_a_container() -> None:
    told = {name for service in ours().values() for name in service.get("environment", {})}
    assert told.isdisjoint({*secrets.SECRETS.values(), *secrets.FILES})


def test_preparing_makes_every_folder_that_an_agent_mounts() -> None:
    text = PREPARE.read_text("ascii")
    volumes = [volume for service in ours().values() for volume in service["volumes"]]
    mounted = {volume.removeprefix(f"{DATA}/").partition(":")[0] for volume in volumes}
    (made,) = re.findall(r"for folder in ([a-z ]+);", text)
    assert set(made.split()) == {name for name in mounted if not name.startswith("$")}
    assert f"owner={USER}" in text
    assert secrets.SECRETS["keys", "control_token"].lower() in text


def test_preparing_gives_restored_files_to_the_agent_but_nothing_that_links_lead_to(
    tmp_path: Path,
) -> None:
    needs("root")
    data, other = tmp_path / "data", tmp_path / "other"
    restored, link = data / "live" / "replaced-1" / "orders.db", data / "live" / "link"
    restored.parent.mkdir(parents=True)
    for file in (restored, other):
        file.touch(0o600)
    link.symlink_to(other)
    text = PREPARE.read_text("ascii")
    assert text.count("cd /data") == 1
    script = text.replace("cd /data", f"cd {data}")
    subprocess.run(["/bin/sh", "-c", script], check=True, capture_output=True)
    given = {path.lstat().st_uid for path in (restored, restored.parent, link)}
    assert given == {int(USER.partition(":")[0])}
    assert other.stat().st_uid == 0


def test_proxy_is_given_the_example_and_places_for_what_it_names() -> None:
    example, tls = services()["nginx"]["volumes"]
    folder = (COMPOSE.parent / example.partition(":-")[2].partition("}")[0]).resolve()
    files = sorted(folder.glob("*.conf"))
    assert len(files) > 1
    place = tls.removesuffix(":ro").rpartition(":")[2]
    for file in files:
        named = re.findall(
            r"^\s*(?:ssl_certificate|ssl_certificate_key|auth_basic_user_file) (\S+);",
            file.read_text("ascii"),
            re.MULTILINE,
        )
        assert {str(Path(path).parent) for path in named} == {place}


def test_compose_has_nothing_that_compose_does_not_know() -> None:
    """The schema of compose 1.29 refuses what it does not know."""
    needs("docker-compose")

    def told(text: str) -> "subprocess.CompletedProcess[str]":
        command = ["docker-compose", "-f", "-", "--project-directory", str(COMPOSE.parent)]
        command += ["--profile", "live", "--profile", "tls", "--profile", "backup", "config", "-q"]
        return subprocess.run(command, check=False, input=text, capture_output=True, text=True)

    text = COMPOSE.read_text("ascii")
    assert told(text).returncode == 0
    assert "pids_limitt" in told(text.replace("pids_limit", "pids_limitt")).stderr


def test_scripts_are_plain_shell() -> None:
    needs("shellcheck")
    ran = subprocess.run(
        ["shellcheck", "-x", DEPLOY, COMMON, PREPARE],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert (ran.returncode, ran.stdout) == (0, "")
