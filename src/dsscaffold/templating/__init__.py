"""Rendering and version control: the only imports of copier and calls of git."""
