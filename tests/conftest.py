"""What every test can count on, however the tests were started."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

# A shell that starts them in the background has them ignore Ctrl-C, and with them all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in every run, however slow the machine is: what has passed fails only when something was changed.
# FUZZ_EXAMPLES=3000 looks for new ones.
settings.register_profile(
    "tests",
    deadline=None,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("tests")
