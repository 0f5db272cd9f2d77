"""Give every tool that fetches something the proxies, certificates and registries that a person set for any of them."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a variable that one of our tools reads is taken from, where it is not set: uv, npm, jgo (requests) and our own
#: client each know some of these names.
_SAME = {
    "HTTPS_PROXY": ("https_proxy", "ALL_PROXY", "all_proxy", "PIP_PROXY", "npm_config_https_proxy", "npm_config_proxy"),
    "HTTP_PROXY": ("http_proxy", "ALL_PROXY", "all_proxy", "PIP_PROXY", "npm_config_proxy"),
    "NO_PROXY": ("no_proxy", "npm_config_noproxy"),
    "SSL_CERT_FILE": ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "npm_config_cafile"),
    "REQUESTS_CA_BUNDLE": ("CURL_CA_BUNDLE", "SSL_CERT_FILE"),
    "NODE_EXTRA_CA_CERTS": ("SSL_CERT_FILE",),
    "UV_DEFAULT_INDEX": ("UV_INDEX_URL", "PIP_INDEX_URL"),
    "UV_INDEX": ("UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL"),
    "UV_INSECURE_HOST": ("PIP_TRUSTED_HOST",),
}
#: Of these a client reads either spelling, and may prefer the small one.
_LOWER_TOO = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")


def for_downloads(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` with each variable that a tool may read filled in from the others; what is set stays."""
    env = dict(environ)
    for name, sources in _SAME.items():
        value = _first(env, (name, *sources))
        if value and not env.get(name):
            env[name] = value
            if name in _LOWER_TOO:
                env.setdefault(name.lower(), value)
    _add_node_certificates(env, environ)
    return env


def _first(env: Mapping[str, str], names: tuple[str, ...]) -> str:
    lower = {name.lower(): value for name, value in env.items() if name.lower().startswith("npm_config_")}
    return next((value for name in names if (value := env.get(name) or lower.get(name, ""))), "")


def _add_node_certificates(env: dict[str, str], given: Mapping[str, str]) -> None:
    """Let the others trust what Node.js is to trust besides the usual ones; a file alone would replace those."""
    extra = given.get("NODE_EXTRA_CA_CERTS")
    if not extra or env.get("SSL_CERT_FILE") or not Path(extra).is_file():
        return
    usual = env.get("SSL_CERT_DIR") or ssl.get_default_verify_paths().capath
    if usual and Path(usual).is_dir():
        env |= {"SSL_CERT_FILE": extra, "SSL_CERT_DIR": usual}
