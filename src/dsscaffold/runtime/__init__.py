"""Run a generated repository: a backend protocol, and the local backend behind it."""
