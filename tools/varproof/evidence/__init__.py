"""One fragment against one candidate gives one observation."""
