"""Names of contigs, which some call `chr1` and others `1`: what a message says where only that differs."""

from collections.abc import Container


def other_spelling(contig: str, known: Container[str]) -> str | None:
    """The same contig with or without `chr`, where that is among the `known` ones and this one is not; else None.

    >>> other_spelling("1", {"chr1"}), other_spelling("chrM", {"MT"}), other_spelling("X", {"X", "chrX"})
    ('chr1', 'MT', None)
    """
    if contig in known:
        return None
    bare = contig.removeprefix("chr")
    others = ["MT" if bare == "M" else "M" if bare == "MT" else bare]
    names = [bare, f"chr{bare}", *others, *(f"chr{name}" for name in others)]
    return next((name for name in names if name != contig and name in known), None)
