"""The noise-aware loss is cross-entropy in expectation."""

import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given
from hypothesis import strategies as st

from weakft.training.losses import (
    Loss,
    bootstrapping,
    early_learning,
    generalised_cross_entropy,
    label_smoothing,
    remembered,
    soft_cross_entropy,
    symmetric_cross_entropy,
)

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


PROBS = torch.tensor([[0.2, 0.5, 0.3], [0.9, 0.05, 0.05]])


def test_generalised_cross_entropy_lies_between_its_limits() -> None:
    near_zero = generalised_cross_entropy(LOGITS, PROBS, q=1e-4)
    assert torch.allclose(near_zero, soft_cross_entropy(LOGITS, PROBS), atol=1e-2)
    absolute = (PROBS * (1 - F.softmax(LOGITS, dim=1))).sum(dim=1)
    assert torch.allclose(generalised_cross_entropy(LOGITS, PROBS, q=1.0), absolute)


def test_smoothing_and_bootstrapping_of_nothing_is_cross_entropy() -> None:
    plain = soft_cross_entropy(LOGITS, PROBS)
    assert torch.allclose(label_smoothing(LOGITS, PROBS, share=0.0), plain)
    assert torch.allclose(bootstrapping(LOGITS, PROBS, trust=1.0), plain)
    assert torch.allclose(symmetric_cross_entropy(LOGITS, PROBS, alpha=1.0, beta=0.0), plain)


def test_a_wrong_label_pulls_less_under_robust_losses() -> None:
    """A confident model against a label that says otherwise."""
    wrong = torch.tensor([[0.0, 1.0]])

    def pull(loss: Loss) -> float:
        logits = torch.tensor([[5.0, 0.0]], requires_grad=True)
        loss(logits, wrong).sum().backward()
        assert logits.grad is not None
        return float(logits.grad.abs().max())

    for loss in (generalised_cross_entropy, bootstrapping):
        assert pull(loss) < pull(soft_cross_entropy)


def test_early_learning_pulls_towards_what_was_predicted() -> None:
    logits = torch.tensor([[0.0, 0.0]], requires_grad=True)
    early_learning(logits, torch.tensor([[0.8, 0.2]])).sum().backward()
    assert logits.grad is not None
    assert logits.grad[0, 0] < 0 < logits.grad[0, 1]


def test_memory_is_a_running_mean() -> None:
    memory = torch.tensor([[0.5, 0.3, 0.2]])
    now = remembered(memory, LOGITS[:1], persistence=0.75)
    assert torch.allclose(now, 0.75 * memory + 0.25 * F.softmax(LOGITS[:1], dim=1))
