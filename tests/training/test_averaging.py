"""Means of weights, counted by hand."""

import pytest
import torch
from torch import nn

from weakft.training.averaging import Averaging, exponential, tail


def network(value: float) -> nn.Linear:
    linear = nn.Linear(1, 1, bias=False)
    nn.init.constant_(linear.weight, value)
    return linear


def test_the_mean_is_counted_as_by_hand() -> None:
    linear = network(0.0)
    averaging = Averaging(linear, exponential(0.9))
    averaging.begin()
    nn.init.constant_(linear.weight, 11.0)
    averaging.add(4)  # decay 2 / 11: 9 / 11 of the way
    nn.init.constant_(linear.weight, 21.0)
    averaging.add(4)  # decay 3 / 12: 9 + 3 / 4 of 12
    with averaging.in_place():
        assert torch.allclose(linear.weight, torch.tensor(18.0))
    assert torch.allclose(linear.weight, torch.tensor(21.0))
    averaging.adopt()
    assert torch.allclose(linear.weight, torch.tensor(18.0))


def test_the_tail_is_the_plain_mean_of_the_last_steps() -> None:
    linear = network(0.0)
    averaging = Averaging(linear, tail(0.5))
    averaging.begin()
    for value in (100.0, 50.0, 1.0, 4.0):
        nn.init.constant_(linear.weight, value)
        averaging.add(4)
    averaging.adopt()
    assert torch.allclose(linear.weight, torch.tensor(2.5))


@pytest.mark.parametrize(("part", "mean"), [(1.0, 2.5), (0.75, 3.0), (0.3, 3.5), (0.01, 4.0)])
def test_a_part_of_the_steps_is_rounded_up(part: float, mean: float) -> None:
    linear = network(0.0)
    averaging = Averaging(linear, tail(part))
    averaging.begin()
    for value in (1.0, 2.0, 3.0, 4.0):
        nn.init.constant_(linear.weight, value)
        averaging.add(4)
    averaging.adopt()
    assert torch.allclose(linear.weight, torch.tensor(mean))


def test_frozen_weights_are_left_alone_and_so_are_all_where_nothing_is_averaged() -> None:
    for frozen, share in ((True, exponential(0.9)), (True, tail(1)), (False, None)):
        linear = network(1.0).requires_grad_(not frozen)
        averaging = Averaging(linear, share)
        averaging.begin()
        nn.init.constant_(linear.weight, 5.0)
        averaging.add(4)
        averaging.adopt()
        assert float(linear.weight.detach()) == 5.0
