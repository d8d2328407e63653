"""LF modules: the rules of thumb that users write."""
