"""The settings of the lease that keeps two hosts from trading one account at once."""

from dataclasses import dataclass
from typing import Annotated, Literal

from domain.params import Between, Shaped


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseParams:
    """Who may trade, where two hosts are set up for one account; without `file` nobody asks.

    `file` is on storage that both hosts share, `name` another one on each. Who holds the lease
    renews it each `renew_s`. Not renewed, it ends after `term_s`; nobody else takes it before
    `margin_s` more. A `secondary` takes a lease that was given back as late as one that ran out.
    """

    file: Annotated[str, Shaped(r"[^\x00]{0,4096}", "a path of a file, or nothing")] = ""
    name: Annotated[str, Shaped(r"[A-Za-z0-9._-]{0,64}", "a name of the host, or nothing")] = ""
    role: Literal["primary", "secondary"] = "primary"
    term_s: Annotated[int, Between(60, 600)] = 90
    renew_s: Annotated[int, Between(1, 10)] = 5
    margin_s: Annotated[int, Between(150, 1800)] = 180
