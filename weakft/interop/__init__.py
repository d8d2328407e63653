"""Data from and to other systems: one file each."""
