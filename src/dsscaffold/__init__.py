"""Scaffold distributed systems that run at once and survive regeneration."""

__version__ = "0.1.0"
