"""How far the tests of faults go: `make faults` sets ``FAULTS=long`` and tries every call and order."""

from __future__ import annotations

import os

LONG = os.environ.get("FAULTS") == "long"
