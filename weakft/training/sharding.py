"""Training spread over several devices: what cannot be, and the model put together again."""

import os

import torch
from torch import nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

from weakft.config import TrainConfig
from weakft.errors import ConfigError
from weakft.ranks import shards, world_size


def refuse_what_ranks_cannot_do(settings: TrainConfig) -> None:
    """Say so before a long training.

    Raises:
        ConfigError: several processes, or accelerate's sharding, do not go with these settings.
    """
    if world_size() > 1 and settings.strategy == "gradual":
        raise ConfigError(
            'train.strategy = "gradual" frees layers as it goes, which training on several '
            'devices does not notice. Take "full" or "freeze", or one process.'
        )
    if not shards():
        return
    if (version := os.environ.get("FSDP_VERSION", "1")) != "2":
        raise ConfigError(
            f"accelerate is to shard by FSDP {version}, whose parts cannot be put together here. "
            "Set fsdp_version: 2 in its config (--fsdp_version 2), or leave FSDP out."
        )


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
