"""The tables a run leaves for those who look at it."""
