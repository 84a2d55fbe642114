"""varproof decides from the reads themselves whether a candidate variant is real."""

__version__ = "0.1.0"
