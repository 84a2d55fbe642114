"""Kinds of files that cross between executables: models, readers and writers."""
