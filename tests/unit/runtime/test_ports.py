from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dsscaffold.errors import DsscaffoldError
from dsscaffold.runtime.lock import acquire
from dsscaffold.runtime.ports import RANGE, PortBook, find_holder, is_free

from ...ports import free_port


@pytest.fixture
def book(tmp_path: Path) -> PortBook:
    return PortBook(tmp_path / "ports.json", tmp_path, tmp_path)


def listening_port() -> tuple[socket.socket, int]:
    port = free_port()
    return socket.create_server(("127.0.0.1", port)), port


def test_a_port_is_the_same_at_the_next_up(book: PortBook, tmp_path: Path) -> None:
    port = book.claim("orders")
    assert port in RANGE
    book.save()
    book.release()
    assert PortBook(tmp_path / "ports.json", tmp_path, tmp_path).claim("orders") == port


def test_a_port_that_is_taken_meanwhile_is_replaced(book: PortBook, tmp_path: Path) -> None:
    port = book.claim("orders")
    book.save()
    book.release()
    with socket.create_server(("127.0.0.1", port)):
        assert PortBook(tmp_path / "ports.json", tmp_path, tmp_path).claim("orders") != port


def test_two_repositories_never_get_the_same_port(book: PortBook, tmp_path: Path) -> None:
    port = book.claim("orders")
    book.save()
    other = PortBook(tmp_path / "ports.json", tmp_path, tmp_path)
    assert other.claim("orders") != port


def test_a_claim_ends_with_its_process(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from dsscaffold.runtime.ports import PortBook;"
        "p = Path(sys.argv[1]); b = PortBook(p / 'x.json', p, p); print(b.claim('a')); b.save()"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert PortBook(tmp_path / "x.json", tmp_path, tmp_path).claim("a") == int(done.stdout)


def test_a_published_port_that_is_taken_names_its_holder_and_a_free_one(book: PortBook) -> None:
    server, port = listening_port()
    with server, pytest.raises(DsscaffoldError, match=rf"Port {port} of gateway is taken by .*\(pid \d+\)") as refused:
        book.claim_published(port, "gateway")
    hint = refused.value.hint or ""
    assert hint.startswith("--port ")
    assert is_free(int(hint.split()[1]))


def test_a_published_port_that_another_repository_is_about_to_use(book: PortBook, tmp_path: Path) -> None:
    server, port = listening_port()
    server.close()
    book.claim_published(port, "gateway")
    other = PortBook(tmp_path / "other.json", tmp_path / "other", tmp_path)
    with pytest.raises(DsscaffoldError, match=rf"is taken by the project in {tmp_path} \(pid"):
        other.claim_published(port, "gateway")


def test_a_server_on_all_addresses_takes_the_port_too() -> None:
    with socket.create_server(("", 0)) as server:
        assert not is_free(server.getsockname()[1])


def test_the_holder_of_a_port() -> None:
    server, port = listening_port()
    with server:
        holder = find_holder(port)
    assert holder is not None
    assert "python" in holder.name or "pytest" in holder.name
    assert find_holder(port) is None


def test_the_holder_is_called_as_it_was_started_not_as_its_first_thread() -> None:
    """Node calls that MainThread, which nobody has started."""
    code = (
        "import socket, sys\n"
        "open('/proc/self/comm', 'w').write('MainThread')\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "print(server.getsockname()[1], flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        holder = find_holder(int(process.stdout.readline()))
        process.communicate()
    assert holder is not None
    assert holder.name == Path(sys.executable).name


def test_a_claimed_port_is_held_by_a_repository(book: PortBook, tmp_path: Path) -> None:
    port = book.claim("orders")
    holder = find_holder(port, tmp_path)
    assert holder is not None
    assert (holder.pid, holder.repo) == (os.getpid(), tmp_path)


def test_a_claim_that_does_not_say_yet_whose_it_is_names_nobody(tmp_path: Path) -> None:
    port = free_port()
    assert acquire(tmp_path / str(port))
    assert find_holder(port, tmp_path) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": "x"}', '{"a": 80}'])
def test_a_broken_or_odd_book_is_no_obstacle(tmp_path: Path, text: str) -> None:
    (tmp_path / "ports.json").write_text(text)
    assert PortBook(tmp_path / "ports.json", tmp_path, tmp_path).claim("a") in RANGE
