"""What code names: globals, the attributes it takes of them, and what it does to them."""

import dis
import functools
import types
from collections.abc import Iterator, Mapping

LOADS = frozenset(
    """LOAD_CLASSDEREF LOAD_CLOSURE LOAD_DEREF LOAD_FROM_DICT_OR_DEREF LOAD_FROM_DICT_OR_GLOBALS
    LOAD_GLOBAL LOAD_NAME""".split()
)
ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD")

Chains = Mapping[str, frozenset[tuple[str, ...]]]


@functools.lru_cache(maxsize=4096)
def chains(code: types.CodeType) -> Chains:
    """The names that code looks up outside, each with the attributes taken of it right there.

    Example:
        >>> found = chains((lambda: (a.b.c(), a)).__code__)
        >>> sorted(found["a"])
        [(), ('b', 'c')]
    """
    found: dict[str, set[tuple[str, ...]]] = {}
    for part in _with_inner(code):
        steps = [step for step in dis.get_instructions(part) if step.opname != "EXTENDED_ARG"]
        for position, step in enumerate(steps):
            inner = (
                step.opname.endswith(("DEREF", "CLOSURE")) and step.argval not in code.co_freevars
            )
            if step.opname in LOADS and not inner:
                found.setdefault(step.argval, set()).add(_attributes(steps, position + 1))
    return {name: frozenset(found[name]) for name in sorted(found)}


@functools.lru_cache(maxsize=4096)
def attributes(code: types.CodeType) -> frozenset[str]:
    """The names of all attributes that the code, and code within it, takes of anything."""
    return frozenset(
        str(step.argval)
        for part in _with_inner(code)
        for step in dis.get_instructions(part)
        if step.opname.endswith(("_ATTR", "_METHOD"))
    )


@functools.lru_cache(maxsize=4096)
def lasting_effect(code: types.CodeType) -> str | None:
    """What the code does that is more than computing: imports, changes of outer variables."""
    for part in _with_inner(code):
        for step in dis.get_instructions(part):
            if step.opname == "IMPORT_NAME":
                return f"imports {step.argval} while it runs"
            if step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
                return f"sets the global {step.argval} while it runs"
            if step.opname in ("STORE_DEREF", "DELETE_DEREF") and step.argval in code.co_freevars:
                return f"sets the outer variable {step.argval} while it runs"
    return None


def _with_inner(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _with_inner(constant)


def _attributes(steps: list[dis.Instruction], position: int) -> tuple[str, ...]:
    taken = []
    while position < len(steps) and steps[position].opname in ATTRIBUTES:
        taken.append(str(steps[position].argval))
        position += 1
    return tuple(taken)
