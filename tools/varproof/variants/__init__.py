"""What a candidate is and where it lies."""
