"""The command line of weakft, with models sharded over processes of one CPU.

accelerate shards over accelerators alone. Told that the processes of a CPU are such, it does what
it would do there, only that gloo carries the weights.
"""

from functools import wraps
from typing import Any

from accelerate.state import AcceleratorState, DistributedType

from weakft.cli.main import main

begin = AcceleratorState.__init__
sharded: list[AcceleratorState] = []


@wraps(begin)
def begin_sharded(state: AcceleratorState, *args: Any, **settings: Any) -> None:  # noqa: ANN401
    """As ever, but that the plugin for sharding is not left out."""
    begin(state, *args, **settings)
    if settings.get("fsdp_plugin") is not None:
        state.distributed_type = DistributedType.FSDP
        state.fsdp_plugin = settings["fsdp_plugin"]
        sharded.append(state)


AcceleratorState.__init__ = begin_sharded
try:
    main()
finally:
    assert sharded, "nothing was sharded: accelerate reads its settings elsewhere now"
