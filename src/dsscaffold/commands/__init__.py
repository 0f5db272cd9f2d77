"""One verb, one file; each returns a frozen result and prints nothing."""
