"""Where an LF is written, read without running anything."""

import ast
from collections.abc import Iterable
from pathlib import Path


def definition_of(files: Iterable[Path], name: str) -> str | None:
    r"""The lines that define an LF: a function, or an assignment that calls a maker of LFs.

    Args:
        files: LF files; only those in Python are read, and none is imported.
        name: of the LF, or of the function or variable that holds it.

    Returns:
        None where no such definition stands by itself, as for LFs made in a loop or in a table.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "lfs.py"
        >>> _ = file.write_text("praises = keyword_lf('praises', ['good'], 1)\n")
        >>> definition_of([file], "praises")
        "praises = keyword_lf('praises', ['good'], 1)"
    """
    for file in files:
        if file.suffix != ".py" or not file.is_file():
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        for node in tree.body:
            if _defines(node, name):
                return _lines(text, node)
    return None


def _defines(node: ast.stmt, name: str) -> bool:
    if isinstance(node, ast.FunctionDef):
        return node.name == name or any(_mentions(d, name) for d in node.decorator_list)
    if isinstance(node, ast.Assign):
        targets = [target.id for target in node.targets if isinstance(target, ast.Name)]
        return name in targets or _mentions(node.value, name)
    return False


def _mentions(node: ast.expr, name: str) -> bool:
    """Whether a call is given this name: first, or as `name=`."""
    if not isinstance(node, ast.Call):
        return False
    given = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "name")]
    return any(isinstance(part, ast.Constant) and part.value == name for part in given)


def _lines(text: str, node: ast.stmt) -> str:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return "\n".join(text.splitlines()[first - 1 : node.end_lineno])
