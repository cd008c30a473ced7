"""Listening sockets: a taken port is an error at once, and gone is gone."""

import socket

import pytest

from dashboard.service import listen
from tests.dashboard.serving import served


def test_port_that_is_taken_is_an_error() -> None:
    with listen("127.0.0.1", 0) as first, pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", first.getsockname()[1])


def test_host_that_is_not_ours_is_an_error() -> None:
    with pytest.raises(OSError, match="assign"):
        listen("192.0.2.1", 0)


def test_page_that_was_left_listens_no_more() -> None:
    with served() as site:
        port = site.port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    listen("127.0.0.1", port).close()
