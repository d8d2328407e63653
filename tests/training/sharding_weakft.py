"""The command line of weakft, with models sharded over processes of one CPU.

accelerate shards over accelerators alone. Told that the processes of a CPU are such, it does what
it would do there, only that gloo carries the weights.
"""

from functools import wraps
from typing import Any

import torch.distributed.fsdp
from accelerate.state import AcceleratorState, DistributedType

from weakft.cli.main import main

begin = AcceleratorState.__init__
fully_shard = torch.distributed.fsdp.fully_shard
sharded: list[Any] = []


@wraps(begin)
def begin_sharded(state: AcceleratorState, *args: Any, **settings: Any) -> None:  # noqa: ANN401
    """As ever, but that the plugin for sharding is not left out."""
    begin(state, *args, **settings)
    if settings.get("fsdp_plugin") is not None:
        state.distributed_type = DistributedType.FSDP
        state.fsdp_plugin = settings["fsdp_plugin"]


@wraps(fully_shard)
def counted(*modules: Any, **settings: Any) -> Any:  # noqa: ANN401
    """As ever, and not unseen."""
    sharded.append(modules)
    return fully_shard(*modules, **settings)


AcceleratorState.__init__ = begin_sharded
torch.distributed.fsdp.fully_shard = counted
try:
    main()
except SystemExit as end:
    assert end.code or sharded, "nothing was sharded"
    raise
