"""Run a repository as plain processes on this machine."""
