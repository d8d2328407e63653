"""Everything learns."""

from weakft.training.strategies.base import Strategy


class Full(Strategy):
    """Every parameter is trained: the strongest where there is enough to learn from."""

    name = "full"
