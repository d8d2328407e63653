"""Means of weights, counted by hand."""

import torch
from torch import nn

from weakft.training.averaging import Averaging


def network(value: float) -> nn.Linear:
    linear = nn.Linear(1, 1, bias=False)
    nn.init.constant_(linear.weight, value)
    return linear


def test_the_mean_is_counted_as_by_hand() -> None:
    linear = network(0.0)
    averaging = Averaging(linear, 0.9)
    nn.init.constant_(linear.weight, 11.0)
    averaging.add()  # decay 2 / 11: 9 / 11 of the way
    nn.init.constant_(linear.weight, 21.0)
    averaging.add()  # decay 3 / 12: 9 + 3 / 4 of 12
    with averaging.in_place():
        assert torch.allclose(linear.weight, torch.tensor(18.0))
    assert torch.allclose(linear.weight, torch.tensor(21.0))
    averaging.adopt()
    assert torch.allclose(linear.weight, torch.tensor(18.0))


def test_frozen_weights_and_a_decay_of_0_are_left_alone() -> None:
    for frozen, decay in ((True, 0.9), (False, 0.0)):
        linear = network(1.0).requires_grad_(not frozen)
        averaging = Averaging(linear, decay)
        nn.init.constant_(linear.weight, 5.0)
        averaging.add()
        averaging.adopt()
        assert float(linear.weight.detach()) == 5.0
