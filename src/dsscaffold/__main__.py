"""Run the command line as `python -m dsscaffold`."""

from dsscaffold.cli import main

main()
