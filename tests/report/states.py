"""Every state of the page: readouts written out, and readouts made by the package."""

from __future__ import annotations

import json
from typing import Any

from report import beside_states, fixtures, further, ledger_states, more_states, over_time_states

STATES = fixtures.STATES | more_states.STATES | further.STATES | ledger_states.STATES | beside_states.STATES
STATES |= over_time_states.STATES


def readout(state: str) -> dict[str, Any]:
    """Give a readout as it comes back from `readout.json`."""
    found: dict[str, Any] = json.loads(json.dumps(STATES[state](), allow_nan=False))
    return found
