"""Find the Maven registry, or fetch jars of it; a process of its own, since jgo's folder is thrown away afterwards.

`python -I jgo_script.py locate SITE` prints the registry's address.
`python -I jgo_script.py fetch SITE REPOSITORY COORDINATE...` prints a line for every jar that is there: its
coordinate, a tab, its path.
"""

import importlib
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

_THREADS = 8
_TIMEOUT_SECONDS = 60
_ATTEMPTS = 3


def locate(site: str) -> None:
    """Print the address of the first registry that jgo knows."""
    sys.path.insert(0, site)
    context = importlib.import_module("jgo.maven").MavenContext()
    sys.stdout.write(next(iter(context.remote_repos.values())).rstrip("/") + "\n")


def fetch_all(site: str, repository: str, *coordinates: str) -> None:
    """Resolve each coordinate itself: with dependencies jgo would take minutes, and choose other versions."""
    sys.path.insert(0, site)
    context = importlib.import_module("jgo.maven").MavenContext(repo_cache=Path(repository), timeout=_TIMEOUT_SECONDS)

    def fetch(coordinate: str) -> str:
        group, artifact, version = coordinate.split(":")
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                path = context.project(group, artifact).at_version(version).artifact().resolve()
            except Exception:
                if attempt == _ATTEMPTS:
                    raise
            else:
                return f"{coordinate}\t{path}\n"
        raise AssertionError

    with ThreadPoolExecutor(_THREADS) as pool:
        for done in as_completed([pool.submit(fetch, coordinate) for coordinate in coordinates]):
            sys.stdout.write(done.result())
            sys.stdout.flush()


if __name__ == "__main__":
    verb, *arguments = sys.argv[1:]
    (locate if verb == "locate" else fetch_all)(*arguments)
