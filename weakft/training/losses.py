"""The noise-aware loss: a pure function of logits and target probabilities, one value per row."""

import torch
import torch.nn.functional as F  # noqa: N812  (the name everybody knows)


def soft_cross_entropy(logits: torch.Tensor, probs: torch.Tensor) -> torch.Tensor:
    """Expected cross-entropy under the soft label.

    The noise-aware loss of Ratner et al. ("Data programming", NeurIPS 2016): the mean
    over classes of -log q_y, weighted by the label model's P(y).

    Args:
        logits: [b, k] unnormalised scores.
        probs: [b, k] target distributions, rows sum to 1.

    Returns:
        [b] losses in nats, at least the entropy of the target.

    Example:
        >>> logits = torch.tensor([[0.0, 0.0]])
        >>> soft_cross_entropy(logits, torch.tensor([[0.9, 0.1]])).round(decimals=3)
        tensor([0.6930])
    """
    return F.cross_entropy(logits.float(), probs.float(), reduction="none")
