"""The checks of `run.py doctor` about this machine: its clock, and the port of the page."""

import ctypes

from cli import page as pages
from cli.findings import Finding, failed, passed, skipped, warned
from cli.session import is_held
from cli.visit import Visit

UNSYNCED = 0x40
"""STA_UNSYNC of <sys/timex.h>: nobody keeps the kernel's clock."""

WORDS = 32
STATUS_AT, ERROR_AT = 5, 3
"""Where `struct timex` has its status and its error bound in microseconds, counted in longs."""

FREE_PORT = "End the process that has it, or set page.port to a free port"
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
    """Whether the page can be served, or is, on its port. Raises ConfigError for a bad one."""
    params = visit.settings.page
    if not params.on:
        return skipped("page.on is false: no probe, no metrics, no levers by HTTP")
    pages.check(visit.settings)
    place = f"{params.host}:{params.port}"
    if is_held(visit.folder):
        return passed(f"{place}, of the agent that runs")
    why = pages.why_not(params)
    if why:
        return failed(f"{why}; the agent would trade without it", FREE_PORT)
    return passed(f"{place} is free")


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
