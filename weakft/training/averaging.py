"""The mean of a model's weights over the last steps, steadier than the last of them."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

LAST = "last."


class Averaging:
    """Keeps the mean of what learns over the last steps, beside the weights themselves.

    Stochastic weight averaging (Izmailov et al., "Averaging weights leads to wider optima and
    better generalization", UAI 2018).

    Args:
        network: the model.
        part: share of the steps that are averaged over, the last of them; 0: none.
    """

    def __init__(self, network: nn.Module, part: float) -> None:
        self._network = network
        self._part = part
        self._steps = 0
        self._last: dict[str, torch.Tensor] = {}
        self._means: dict[str, torch.Tensor] = {}
        self._begun = part == 0

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
        averaged = max(self._steps - steps + math.ceil(self._part * steps), 1)
        for name, parameter in self._network.named_parameters():
            if name in self._means:
                self._means[name].lerp_(parameter.detach(), 1 / averaged)

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
