"""A model that training has spread over several devices, put together again."""

import torch
from torch import nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict


def put_together(plain: nn.Module, sharded: nn.Module) -> None:
    """Give the plain model the weights of its sharded twin, whole on every rank.

    Fully sharded training (Zhao et al., "PyTorch FSDP", VLDB 2023) leaves each rank a part of
    every weight; what follows, from predictions to the saved model, wants all of it.

    Args:
        plain: as it was before training; changed in place.
        sharded: as it is after, on every rank.
    """
    weights = get_model_state_dict(sharded, options=StateDictOptions(full_state_dict=True))
    with torch.no_grad():
        plain.load_state_dict(weights)
        if not torch.distributed.is_initialized():
            return
        for running_statistics in plain.buffers():  # each rank has its own
            torch.distributed.broadcast(running_statistics, src=0)
