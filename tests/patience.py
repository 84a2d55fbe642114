"""How long tests wait for what must come: so long that only what hangs is given up, however slow or busy the machine is."""

PATIENCE = 900.0
"""Seconds. Under pytest's own limit for a test."""

FOR_EVER = 7200
"""Seconds that a process sleeps that must be ended from outside: beyond pytest's limit, so that waiting for it fails."""
