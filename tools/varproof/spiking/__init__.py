"""Known variants planted into real reads."""
