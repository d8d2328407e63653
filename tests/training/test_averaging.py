"""Means of weights, counted by hand."""

import pytest
import torch
from torch import nn

from weakft.training.averaging import Averaging


def network(value: float) -> nn.Linear:
    linear = nn.Linear(1, 1, bias=False)
    nn.init.constant_(linear.weight, value)
    return linear


def test_the_tail_is_the_plain_mean_of_the_last_steps() -> None:
    linear = network(0.0)
    averaging = Averaging(linear, 0.5)
    averaging.begin()
    for value in (100.0, 50.0, 1.0, 4.0):
        nn.init.constant_(linear.weight, value)
        averaging.add(4)
    with averaging.in_place():
        assert torch.allclose(linear.weight, torch.tensor(2.5))
    assert torch.allclose(linear.weight, torch.tensor(4.0))
    averaging.adopt()
    assert torch.allclose(linear.weight, torch.tensor(2.5))


@pytest.mark.parametrize(("part", "mean"), [(1.0, 2.5), (0.75, 3.0), (0.3, 3.5), (0.01, 4.0)])
def test_a_part_of_the_steps_is_rounded_up(part: float, mean: float) -> None:
    linear = network(0.0)
    averaging = Averaging(linear, part)
    averaging.begin()
    for value in (1.0, 2.0, 3.0, 4.0):
        nn.init.constant_(linear.weight, value)
        averaging.add(4)
    averaging.adopt()
    assert torch.allclose(linear.weight, torch.tensor(mean))


def test_frozen_weights_are_left_alone_and_so_are_all_where_nothing_is_averaged() -> None:
    for frozen, part in ((True, 0.5), (True, 1.0), (False, 0.0)):
        linear = network(1.0).requires_grad_(not frozen)
        averaging = Averaging(linear, part)
        averaging.begin()
        nn.init.constant_(linear.weight, 5.0)
        averaging.add(4)
        averaging.adopt()
        assert float(linear.weight.detach()) == 5.0
