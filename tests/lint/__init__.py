"""Tests of weakft.lint."""
