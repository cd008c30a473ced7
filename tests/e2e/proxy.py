"""A real nginx with the project's own configuration, on loopback, with authorities of our own."""

import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.shared import ROOT
from tests.waiting import until

HERE = ROOT / "docs" / "nginx"
USER, PASSWORD = "agent", "open-sesame-0123"
NAMES = ("algo.example.org", "desk.example.org")
UP_S = 20

MAIN = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 64; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {included}
}}
"""


def certify(folder: Path) -> Path:
    """Make authorities and a certificate of localhost; return the authorities' file."""
    openssl = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    names = ",".join(f"DNS:{name}" for name in ("localhost", *NAMES))
    made = subprocess.run(
        [
            *openssl,
            *("-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"),
            *("-subj", "/CN=localhost", "-addext", f"subjectAltName={names},IP:127.0.0.1"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    return folder / "fullchain.pem"


def admit(folder: Path) -> None:
    """Write who may pass, as the head of the configuration says."""
    words = ["openssl", "passwd", "-apr1", PASSWORD]
    hashed = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    (folder / "htpasswd").write_text(f"{USER}:{hashed}")
    folder.chmod(0o755)  # nginx reads it as a user of its own


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def nginx(name: str, folder: Path, upstreams: Mapping[str, str]) -> Iterator[int]:
    """Run nginx with docs/nginx/`name`, its addresses replaced; yield the port of its TLS."""
    port = _free_port()
    text = (HERE / name).read_text("ascii")
    replaced = {
        "    listen [::]:443 ssl;\n": "",
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "/etc/nginx/sutradhar": str(folder),
        **upstreams,
    }
    for old, new in replaced.items():
        assert old in text, old
        text = text.replace(old, new)
    (folder / name).write_text(text)
    main = folder / "nginx.conf"
    main.write_text(MAIN.format(folder=folder, included=f"include {folder / name};"))
    program = shutil.which("nginx")
    assert program is not None
    with (
        (folder / "stderr").open("wb") as said,
        subprocess.Popen(
            [program, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(main)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        ) as process,
    ):
        try:
            until(lambda: _is_up(port, process, folder), UP_S)
            yield port
        finally:
            process.terminate()
            process.wait(UP_S)


def _is_up(port: int, process: "subprocess.Popen[bytes]", folder: Path) -> bool:
    assert process.poll() is None, (folder / "stderr").read_text()
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
