"""One script per claim in the READMEs; each prints the figures it stands for."""
