"""What every test can count on, however the tests were started."""

from __future__ import annotations

import signal

# A shell that starts them in the background has them ignore Ctrl-C, and with them all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
