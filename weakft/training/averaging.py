"""The running mean of a model's weights, which is often steadier than the last of them."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

LAST = "last."


Share = Callable[[int, int], float]  # of step 1 of n, 2 of n, ...: how far the mean moves there


def exponential(decay: float) -> Share:
    """Exponential moving average (Tarvainen and Valpola, NeurIPS 2017).

    Early on the decay is (1 + steps) / (10 + steps) where that is less, so that the start is
    soon forgotten.

    Args:
        decay: share of the mean that a step keeps.
    """
    return lambda step, steps: 1 - min(decay, (1 + step) / (10 + step))


def tail(part: float) -> Share:
    """The plain mean over the last steps of a training (Izmailov et al., UAI 2018).

    Args:
        part: share of the steps that are averaged over, the last of them.
    """
    return lambda step, steps: 1 / max(step - steps + math.ceil(part * steps), 1)


class Averaging:
    """Keeps a mean of what learns, beside the weights themselves.

    Args:
        network: the model.
        share: how far the mean moves at a step; None: nothing is averaged.
    """

    def __init__(self, network: nn.Module, share: Share | None) -> None:
        self._network = network
        self._share = share
        self._steps = 0
        self._last: dict[str, torch.Tensor] = {}
        self._means: dict[str, torch.Tensor] = {}
        self._begun = share is None

    def begin(self) -> None:
        """Take the weights as they are before the first step: by now they lie where they train."""
        if self._begun:
            return
        self._begun = True
        self._means = {
            name: parameter.detach().clone()
            for name, parameter in self._network.named_parameters()
            if parameter.requires_grad
        }

    @torch.no_grad()
    def add(self, steps: int) -> None:
        """Count in the weights as they are now, after one more step of so many."""
        assert self._begun
        self._steps += 1
        share = 1.0 if self._share is None else self._share(self._steps, steps)
        for name, parameter in self._network.named_parameters():
            if name in self._means:
                self._means[name].lerp_(parameter.detach(), share)

    @torch.no_grad()
    def adopt(self) -> None:
        """Let the mean be the weights."""
        for name, parameter in self._network.named_parameters():
            if name in self._means:
                parameter.copy_(self._means[name])

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The mean is the weights while the block runs."""
        with torch.no_grad():
            self._last = {
                name: parameter.detach().clone()
                for name, parameter in self._network.named_parameters()
                if name in self._means
            }
        self.adopt()
        try:
            yield
        finally:
            with torch.no_grad():
                for name, parameter in self._network.named_parameters():
                    if name in self._last:
                        parameter.copy_(self._last[name])
            self._last = {}

    def state(self) -> dict[str, torch.Tensor]:
        """What it takes to go on, while the mean is in place."""
        steps = {"averaged_steps": torch.tensor(self._steps)}
        return {**steps, **{LAST + name: values for name, values in self._last.items()}}

    @torch.no_grad()
    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Go on from a state; the network's weights are the means that went with it."""
        self.begin()
        self._steps = int(state["averaged_steps"])
        for name, parameter in self._network.named_parameters():
            if name in self._means:
                self._means[name].copy_(parameter)
                parameter.copy_(state[LAST + name])
