"""The fault script: what goes wrong between the exchange and its client, where and when.

`sandbox.md` 7. A script is read once (`reading.py`) into values (`script.py`, `verbs.py`);
`force.py` decides whom they hit; `wire.py` spoils the stream, `answers.py` and `prices.py` the REST
side, and `sandbox/interference.py` the connections themselves. Ground truth stays true: faults
stand between the exchange and what is told of it. Every place, verb, setting and condition stands
in `places.py`, and for the operator, with examples, in docs/FAULTS.md.
"""

from sandbox.faults.reading import read
from sandbox.faults.script import Connection, Fault, Script, When

__all__ = ["Connection", "Fault", "Script", "When", "read"]
