"""The noise-aware loss is cross-entropy in expectation."""

import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given
from hypothesis import strategies as st

from weakft.training.losses import soft_cross_entropy

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])


def test_one_hot_targets_give_cross_entropy() -> None:
    hard = torch.tensor([0, 2])
    expected = F.cross_entropy(LOGITS, hard, reduction="none")
    assert torch.equal(soft_cross_entropy(LOGITS, F.one_hot(hard, 3).float()), expected)


def test_soft_targets_give_the_expected_loss() -> None:
    probs = torch.tensor([[0.2, 0.5, 0.3], [0.9, 0.05, 0.05]])
    expected = -(probs * F.log_softmax(LOGITS, dim=1)).sum(dim=1)
    assert torch.allclose(soft_cross_entropy(LOGITS, probs), expected)


@given(st.lists(st.floats(-20, 20), min_size=2, max_size=5))
def test_never_below_the_entropy_of_the_target(logits: list[float]) -> None:
    scores = torch.tensor([logits])
    target = torch.full_like(scores, 1 / len(logits))
    entropy = torch.log(torch.tensor(float(len(logits))))
    assert soft_cross_entropy(scores, target).item() >= entropy.item() - 1e-4
