"""The packages of each service, installed from its lock file when that has changed."""
