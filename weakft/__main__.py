"""`python -m weakft` is `weakft`."""

from weakft.cli.main import main

main()
