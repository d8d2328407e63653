"""Noise-aware losses: pure functions of logits and target probabilities, one value per row."""

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812  (the name everybody knows)

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

MOST_CERTAIN = 1e-4  # floor of a probability whose logarithm is taken in reverse


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


def label_smoothing(
    logits: torch.Tensor, probs: torch.Tensor, *, share: float = 0.1
) -> torch.Tensor:
    """Soft cross-entropy to a target a tenth of which is uniform (Szegedy et al., CVPR 2016).

    Args:
        logits: [b, k] unnormalised scores.
        probs: [b, k] target distributions.
        share: of the uniform distribution, in [0, 1].

    Example:
        >>> logits = torch.tensor([[2.0, 0.0]])
        >>> label_smoothing(logits, torch.tensor([[1.0, 0.0]])).round(decimals=3)
        tensor([0.2270])
    """
    return soft_cross_entropy(logits, (1 - share) * probs + share / probs.shape[1])


def generalised_cross_entropy(
    logits: torch.Tensor, probs: torch.Tensor, *, q: float = 0.7
) -> torch.Tensor:
    """Expected (1 - p_y^q) / q: between cross-entropy and mean absolute error.

    A row the model disagrees with pulls less than under cross-entropy (Zhang and Sabuncu,
    "Generalized cross entropy loss", NeurIPS 2018).

    Args:
        logits: [b, k] unnormalised scores.
        probs: [b, k] target distributions.
        q: in (0, 1]; towards 0 it is cross-entropy, at 1 mean absolute error.

    Returns:
        [b] losses in [0, 1 / q].

    Example:
        >>> logits = torch.tensor([[0.0, 0.0]])
        >>> generalised_cross_entropy(logits, torch.tensor([[1.0, 0.0]]), q=1.0)
        tensor([0.5000])
    """
    predicted = F.softmax(logits.float(), dim=1)
    return (probs.float() * (1 - predicted**q) / q).sum(dim=1)


def symmetric_cross_entropy(
    logits: torch.Tensor, probs: torch.Tensor, *, alpha: float = 0.1, beta: float = 1.0
) -> torch.Tensor:
    """Cross-entropy times alpha plus its reverse times beta (Wang et al., ICCV 2019).

    The reverse, -sum p log t with the target floored at 1e-4, is bounded and so less moved by
    wrong labels.

    Args:
        logits: [b, k] unnormalised scores.
        probs: [b, k] target distributions.
        alpha: weight of cross-entropy.
        beta: weight of reverse cross-entropy.

    Example:
        >>> logits = torch.tensor([[0.0, 0.0]])
        >>> symmetric_cross_entropy(logits, torch.tensor([[1.0, 0.0]])).round(decimals=3)
        tensor([4.6740])
    """
    predicted = F.softmax(logits.float(), dim=1)
    reverse = -(predicted * probs.float().clamp_min(MOST_CERTAIN).log()).sum(dim=1)
    return alpha * soft_cross_entropy(logits, probs) + beta * reverse


def bootstrapping(logits: torch.Tensor, probs: torch.Tensor, *, trust: float = 0.8) -> torch.Tensor:
    """Soft cross-entropy to a mixture of the label and the model's own prediction.

    "Soft" bootstrapping (Reed et al., ICLR workshop 2015); the prediction is held fixed.

    Args:
        logits: [b, k] unnormalised scores.
        probs: [b, k] target distributions.
        trust: share of the label, in [0, 1].

    Example:
        >>> logits = torch.tensor([[0.0, 0.0]])
        >>> bootstrapping(logits, torch.tensor([[1.0, 0.0]])).round(decimals=3)
        tensor([0.6930])
    """
    predicted = F.softmax(logits.detach().float(), dim=1)
    return soft_cross_entropy(logits, trust * probs + (1 - trust) * predicted)


LOSSES: dict[str, Loss] = {
    loss.__name__: loss
    for loss in (
        soft_cross_entropy,
        label_smoothing,
        generalised_cross_entropy,
        symmetric_cross_entropy,
        bootstrapping,
    )
}
"""The losses by the name that `train.loss` takes."""


def early_learning(
    logits: torch.Tensor, memory: torch.Tensor, *, strength: float = 1.0
) -> torch.Tensor:
    """log(1 - <p, m>): holds a prediction to what it was early on (Liu et al., NeurIPS 2020).

    Networks learn the right labels first and the wrong ones later; m is the running mean of a
    row's predictions. It is added to a loss.

    Args:
        logits: [b, k] unnormalised scores.
        memory: [b, k] running means of the predictions, rows sum to 1 or less.
        strength: of the pull.

    Returns:
        [b] values of at most 0.

    Example:
        >>> logits = torch.tensor([[0.0, 0.0]])
        >>> early_learning(logits, torch.tensor([[0.5, 0.5]])).round(decimals=3)
        tensor([-0.6930])
    """
    agreement = (F.softmax(logits.float(), dim=1) * memory.float()).sum(dim=1)
    return strength * (1 - agreement.clamp_max(1 - MOST_CERTAIN)).log()


def remembered(
    memory: torch.Tensor, logits: torch.Tensor, *, persistence: float = 0.7
) -> torch.Tensor:
    """The running mean of predictions, one prediction later; [b, k] each.

    Example:
        >>> remembered(torch.zeros(1, 2), torch.tensor([[0.0, 0.0]]))
        tensor([[0.1500, 0.1500]])
    """
    predicted = F.softmax(logits.detach().float(), dim=1)
    return persistence * memory + (1 - persistence) * predicted
