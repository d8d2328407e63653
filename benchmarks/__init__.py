"""One script per claim in the README; each prints the figures it stands for."""
