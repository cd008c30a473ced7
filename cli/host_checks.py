"""The checks of `run.py doctor` about this machine: its clock, and the port of the page."""

import ctypes
import errno
import socket
from contextlib import closing

from cli.findings import Finding, failed, passed, skipped, warned
from cli.session import is_held
from cli.visit import Visit

UNSYNCED = 0x40
"""STA_UNSYNC of <sys/timex.h>: nobody keeps the kernel's clock."""

WORDS = 32
STATUS_AT, ERROR_AT = 5, 3
"""Where `struct timex` has its status and its error bound in microseconds, counted in longs."""

NTP = "Switch on NTP (timedatectl set-ntp true), and let nothing else set the clock"


def ntp(visit: Visit) -> Finding:
    """Whether the kernel's clock is kept by somebody."""
    if visit.is_paper_exchange:
        return skipped("the paper exchange has a clock of its own")
    found = timex()
    if found is None:
        return skipped("the kernel does not tell")
    status, error_us = found
    if status & UNSYNCED:
        return warned("nobody synchronises this machine's clock", NTP)
    return passed(f"synchronised, at most {error_us / 1000:.0f} ms off")


def page(visit: Visit) -> Finding:
    """Whether the page can be served, or is, on its port."""
    params = visit.settings.page
    if not params.on:
        return skipped("page.on is false: no probe, no metrics, no levers by HTTP")
    place = f"{params.host}:{params.port}"
    if is_held(visit.folder):
        return passed(f"{place}, of the agent that runs")
    try:
        _bind(params.host, params.port)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = "another process has it" if taken else error.strerror
        return failed(f"{place}: {why}", "End that process, or set page.port to a free port")
    return passed(f"{place} is free")


def _bind(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def timex() -> tuple[int, int] | None:
    """Return the status and error bound of the kernel's clock; None where it says nothing.

    adjtimex(2) with no mode set reads and changes nothing; any user may.
    """
    words = (ctypes.c_long * WORDS)()
    try:
        answer = ctypes.CDLL(None, use_errno=True).adjtimex(words)
    except (OSError, AttributeError):
        return None
    return None if answer < 0 else (words[STATUS_AT] & 0xFFFF_FFFF, words[ERROR_AT])
