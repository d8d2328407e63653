"""Files of images: are they there, are they images, what do they hold."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from weakft.data.quoting import Quoting
from weakft.errors import ConfigError, DataError

DIGEST = "image_sha256"

Pixels = npt.NDArray[np.uint8]


def open_image(path: str | Path) -> Pixels:
    """The pixels of an image file, for labeling functions to look at.

    Returns:
        [height, width, 3] bytes, red, green and blue.

    Raises:
        ConfigError: the package Pillow is not installed.
        DataError: the file is missing, or no image that Pillow reads to its end.
    """
    pillow = _pillow()
    try:
        with pillow.open(path) as opened:
            return np.asarray(opened.convert("RGB"))
    except (OSError, SyntaxError, pillow.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read as an image: {error}.") from error


def checked_images(
    values: Sequence[str],
    ids: Sequence[str],
    table: Path,
    first: int = 0,
    *,
    name: str = "image",
    quoting: Quoting = Quoting(),  # noqa: B008  (frozen)
) -> tuple[list[str], list[str]]:
    """Absolute paths and SHA-256 digests of the images that a table names.

    Args:
        values: paths, relative to the folder of the table.
        ids: of the rows.
        table: the file they stand in.
        first: position of the first row in that file.
        name: of the column of paths.
        quoting: what messages may quote.

    Raises:
        ConfigError: the package Pillow is not installed.
        DataError: a file is missing or does not begin like an image.
    """
    paths, digests = [], []
    for position, (value, row_id) in enumerate(zip(values, ids, strict=True), start=first):
        path = (table.parent / value).resolve()
        try:
            content = path.read_bytes()
            _pillow().open(path).close()
        except OSError as error:
            raise DataError(
                f"{table}: row {quoting.row(row_id, position)} names the image "
                f"{quoting.cell(name, value)}, which cannot be read: "
                f"{quoting.cell(name, error) if name in quoting.hidden else error}. Paths are "
                "relative to the folder of the table."
            ) from error
        paths.append(str(path))
        digests.append(hashlib.sha256(content).hexdigest())
    return paths, digests


def _pillow() -> Any:  # noqa: ANN401
    try:
        from PIL import Image
    except ImportError as error:
        raise ConfigError(
            "Images want the package Pillow, which is not installed: pip install 'weakft[images]'."
        ) from error
    return Image
