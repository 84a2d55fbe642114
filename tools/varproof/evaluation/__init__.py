"""Calls held against a truth: matching, counting, rates with limits."""
