"""Download files, going on where an earlier try was cut off; as `python -I download_script.py FOLDER FILES PAUSE`.

Standard library only, and a process of its own: it ends with whoever asked for it, and an interrupt need not wait for
a socket. FILES is JSON: a list of `{"name", "url", "sha256", "size"}`; a size of 0 is not known. PAUSE is how many
seconds pass before a try that follows one of no use; they double. What is there of a file lies in FOLDER as
`<sha256>.part`, so that any later process finds it. Prints a line of JSON for each piece of news: `{"file", "bytes"}`
as it grows, and `{"file", "error", "kind"}` at the end of one that failed.
"""

import contextlib
import errno
import hashlib
import json
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from ssl import SSLCertVerificationError
from threading import Lock

_THREADS = 8
_CHUNK = 256 * 1024
_TIMEOUT_SECONDS = 30
#: So many tries in a row may bring nothing at all; one that brings something starts the count again.
_FRUITLESS_TRIES = 5
_NEWS_SECONDS = 0.2
_FULL = (errno.ENOSPC, errno.EDQUOT)
#: Answers that may be another one in a moment.
_PASSING = (408, 425, 429, 500, 502, 503, 504)

_printing = Lock()


class FailedError(Exception):
    """The end of a download: `cut` when trying later may help, `refused` when another client may do better."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class CutError(Exception):
    """The connection ended, or never came about."""


class Download:
    """One file."""

    def __init__(self, folder: Path, pause: float, *, name: str, url: str, sha256: str, size: int) -> None:
        self.name = name
        self._pause = pause
        self._url = url
        self._sha256 = sha256
        self._size = size
        self._whole = folder / name
        self._part = folder / f"{sha256}.part"
        #: What the server called the version that the part is of.
        self._version = folder / f"{sha256}.version"
        self._told = 0.0

    def run(self) -> None:
        """Have the whole file in place, its hash checked; what turns out wrong is thrown away and fetched anew once."""
        if self._whole.is_file() and _sha256(self._whole) == self._sha256:
            self._tell(always=True)
            return
        for go_on in (True, False):
            if not go_on:
                self._forget()
            self._finish()
            if _sha256(self._part) == self._sha256:
                self._part.replace(self._whole)
                self._forget()
                self._tell(always=True)
                return
        self._forget()
        raise FailedError(
            "wrong", f"{self.name} is not the file that is pinned: its hash differs. Nothing of it was run."
        )

    def _finish(self) -> None:
        """Transfer until the server says that there is no more; a cut is gone on from at once, as long as it helps."""
        fruitless = 0
        while True:
            before = self._have()
            try:
                self._transfer()
            except CutError as cut:
                fruitless = 0 if self._have() > before else fruitless + 1
                if fruitless >= _FRUITLESS_TRIES:
                    self._tell(always=True)
                    raise FailedError("cut", f"{self.name}: {cut}") from cut
                time.sleep(self._pause * 2 ** (fruitless - 1) if fruitless else 0)
            else:
                return

    def _transfer(self) -> None:
        have = self._have()
        if self._size and have >= self._size:
            return
        try:
            with self._open(have) as answer:
                self._take(answer, have)
        except urllib.error.HTTPError as error:
            if error.code == 416:
                # There is no more: the hash tells whether it is the right one.
                return
            if error.code in _PASSING:
                raise CutError(f"the server answers {error.code}") from error
            raise FailedError("refused", f"{self.name}: the server answers {error.code} {error.reason}") from error
        except OSError as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, SSLCertVerificationError):
                raise FailedError("refused", f"{self.name}: {reason}") from error
            if getattr(reason, "errno", None) in _FULL:
                raise FailedError("disk", str(reason)) from error
            raise CutError(str(reason) or type(reason).__name__) from error
        except HTTPException as error:
            raise CutError(str(error) or type(error).__name__) from error

    def _open(self, have: int) -> HTTPResponse:
        # As it is: the hash is that of the file, not of what a server may pack it into.
        headers = {"Accept-Encoding": "identity", "User-Agent": "dsscaffold"}
        if have:
            headers["Range"] = f"bytes={have}-"
            with contextlib.suppress(OSError):
                headers["If-Range"] = self._version.read_text()
        answer: HTTPResponse = urllib.request.urlopen(
            urllib.request.Request(self._url, headers=headers), timeout=_TIMEOUT_SECONDS
        )
        return answer

    def _take(self, answer: HTTPResponse, have: int) -> None:
        if not (answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")):
            # Another version, or a server that knows no ranges: all of it comes, from its start.
            have = 0
            self._note_version(answer)
        length = answer.headers.get("Content-Length", "")
        expected = have + int(length) if length.isdecimal() else self._size
        with self._part.open("ab" if have else "wb", buffering=0) as part:
            # What has come is written at once: a kill leaves all of it.
            while chunk := answer.read1(_CHUNK):
                part.write(chunk)
                self._tell()
        if expected and self._have() < expected:
            raise CutError(f"the connection was cut after {self._have()} of {expected} bytes")

    def _note_version(self, answer: HTTPResponse) -> None:
        tag = answer.headers.get("ETag", "")
        # A weak one does not promise that the bytes are the same.
        version = tag if tag and not tag.startswith("W/") else answer.headers.get("Last-Modified", "")
        self._version.unlink(missing_ok=True)
        if version:
            self._version.write_text(version)

    def _have(self) -> int:
        return self._part.stat().st_size if self._part.is_file() else 0

    def _forget(self) -> None:
        self._part.unlink(missing_ok=True)
        self._version.unlink(missing_ok=True)

    def _tell(self, *, always: bool = False) -> None:
        now = time.monotonic()
        if always or now - self._told >= _NEWS_SECONDS:
            self._told = now
            size = self._whole.stat().st_size if self._whole.is_file() else self._have()
            say({"file": self.name, "bytes": size})


def say(news: dict[str, object]) -> None:
    """Print a line, whole."""
    with _printing:
        sys.stdout.write(json.dumps(news) + "\n")
        sys.stdout.flush()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(folder: str, files: str, pause: str) -> None:
    """Fetch all files at once; the exit code is 1 when any failed."""

    def fetch(file: dict[str, object]) -> bool:
        download = Download(Path(folder), float(pause), **file)  # type: ignore[arg-type]
        try:
            download.run()
        except FailedError as failed:
            say({"file": download.name, "error": str(failed), "kind": failed.kind})
        except OSError as error:
            kind = "disk" if error.errno in _FULL else "refused"
            say({"file": download.name, "error": str(error), "kind": kind})
        else:
            return True
        return False

    with ThreadPoolExecutor(_THREADS) as pool:
        sys.exit(0 if all(list(pool.map(fetch, json.loads(files)))) else 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
