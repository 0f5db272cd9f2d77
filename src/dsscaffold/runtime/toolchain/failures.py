"""Say why a tool or a package could not be had: no network, a full disk, a folder that cannot be written."""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING

from dsscaffold.errors import DsscaffoldError

if TYPE_CHECKING:
    from pathlib import Path

#: What uv, npm and requests say when they reach nobody; uv also when it was told not to try.
_OFFLINE = re.compile(
    r"dns error|failed to lookup address|tcp connect error|[Nn]etwork (?:is unreachable|connectivity is disabled)"
    r"|error sending request|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|ECONNRESET"
    r"|NameResolutionError|NewConnectionError|Max retries exceeded|network was disabled"
)
#: A registry, or a proxy that looks inside, shows a certificate of an authority that is not known here.
_UNTRUSTED = re.compile(
    r"invalid peer certificate|UnknownIssuer|CERTIFICATE_VERIFY_FAILED|[Ss]elf.signed certificate"
    r"|SELF_SIGNED_CERT|UNABLE_TO_(?:GET_ISSUER_CERT|VERIFY_LEAF_SIGNATURE)"
)
_FULL = re.compile(r"No space left on device|os error 28\b|ENOSPC|Disk quota exceeded")
_FULL_CODES = (errno.ENOSPC, errno.EDQUOT)
_CLOSED_CODES = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST)


class FetchError(DsscaffoldError):
    """Something could not be fetched; `offline` tells that it is the network that is missing."""

    def __init__(self, message: str, hint: str | None = None, *, offline: bool = False) -> None:
        super().__init__(message, hint)
        self.offline = offline


def failed(what: str, output: str, folder: Path, hint: str) -> FetchError:
    """Return the error of a program that was to put `what` into `folder`, by what it printed."""
    if _FULL.search(output):
        return disk_full(folder)
    if _UNTRUSTED.search(output):
        hint = (
            "Set SSL_CERT_FILE to a file with the certificates (PEM) of whoever signs here, your organisation's proxy."
        )
        return FetchError(f"{what}: the certificate of the registry is not trusted.\n{output}", hint)
    return FetchError(f"{what}:\n{output}", hint, offline=bool(_OFFLINE.search(output)))


def disk_full(folder: Path) -> FetchError:
    """Return the error of a disk without room."""
    return FetchError(
        f"The disk that holds {folder} is full. Nothing is left half-done there.",
        "Make room, or set DSSCAFFOLD_CACHE to a folder on another disk; `dsscaffold doctor` shows both.",
    )


def cannot_write(what: str, folder: Path, error: OSError) -> FetchError:
    """Return the error of a cache that lacks `what` and cannot be filled."""
    if error.errno in _FULL_CODES:
        return disk_full(folder)
    if error.errno in _CLOSED_CODES:
        return FetchError(
            f"{folder} lacks {what}, and cannot be written: {error.strerror}.",
            "Let someone who may write it run `dsscaffold fetch`, or set DSSCAFFOLD_CACHE to a folder of your own.",
        )
    return FetchError(f"{what} could not be put into {folder}: {error.strerror or error}.")
