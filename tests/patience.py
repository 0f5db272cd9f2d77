"""How long a test waits for what has to come, before it says that it does not."""

from __future__ import annotations

#: In seconds. Longer than it takes on a slow machine that has a lot else to do: only a failure costs all of it.
PATIENCE_S = 300
