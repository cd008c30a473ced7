"""run.py whose actors are poisoned at given market times; a message nobody understands kills them.

    python -m tests.disturbed.poisoned '{"10:05": "feed", "10:06": "bar:NIFTY"}' sandbox ...

The only difference to run.py is the post office, which slips the poison in. Each dose is given
once, also when the agent is started again.
"""

import json
import sys

import cli.agent
from actors.post_office import PostOffice
from cli.door import main
from domain.session import show
from messages.control import Pulse

DOSES: dict[str, str] = {}


class Poison:
    """A message nobody understands."""


class PoisonedPostOffice(PostOffice):
    """Gives each dose with the first pulse at or after its time."""

    def tell(self, address: str, message: object) -> None:
        if isinstance(message, Pulse) and address == "monitor":
            for wall in [wall for wall in DOSES if wall <= show(message.at)]:
                super().tell(DOSES.pop(wall), Poison())
        super().tell(address, message)


if __name__ == "__main__":
    DOSES.update(json.loads(sys.argv.pop(1)))
    setattr(cli.agent, "PostOffice", PoisonedPostOffice)  # noqa: B010 - what this file is for
    raise SystemExit(main())
