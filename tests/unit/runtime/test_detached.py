"""What a detached supervisor tells whoever waits for its start."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from multiprocessing.connection import Pipe
from pathlib import Path
from threading import Thread

import pytest

from dsscaffold.runtime.events import Note, Ready
from dsscaffold.runtime.local.detached import _Sender
from dsscaffold.runtime.results import StatusResult, Timings, UpResult


def is_sending(thread: Thread) -> bool:
    """Tell whether a thread has come as far as it can before it may write."""
    frame = sys._current_frames().get(thread.ident or 0)
    return frame is not None and frame.f_code.co_name in ("send", "_send")


def test_ready_does_not_come_into_the_middle_of_another_event(wait_until: Callable[..., None]) -> None:
    reader, writer = Pipe(duplex=False)
    sender = _Sender(os.dup(writer.fileno()))
    writer.close()
    # More than a pipe has room for: it is sent in pieces.
    long = Note("x" * 1_000_000)
    ready = Ready(UpResult(StatusResult(Path("/"), "local", ()), Timings(), 1, Path("/"), True, ()))
    with reader:
        threads = [Thread(target=sender.send, args=(event,)) for event in (long, ready)]
        threads[0].start()
        wait_until(reader.poll)
        threads[1].start()
        wait_until(lambda: all(map(is_sending, threads)))
        assert reader.recv() == long
        assert reader.recv() == ready
        with pytest.raises(EOFError):
            reader.recv()
        for thread in threads:
            thread.join()
