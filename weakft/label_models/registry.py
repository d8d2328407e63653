"""Make a label model by name; write it to a folder and read it back, without pickle."""

import json
from pathlib import Path

from safetensors.numpy import load_file, save_file

from weakft.config.upgrade import REMOVED_VALUES
from weakft.errors import ConfigError, DataError
from weakft.files import give_default_mode
from weakft.label_models.base import Balance, LabelModel
from weakft.label_models.choose import AutoLabelModel

_models: tuple[type[LabelModel], ...] = (AutoLabelModel, *AutoLabelModel.family)
LABEL_MODELS: dict[str, type[LabelModel]] = {model.name: model for model in _models}


def make_label_model(
    name: str, cardinality: int, *, seed: int = 0, class_balance: Balance | None = None
) -> LabelModel:
    """An unfitted label model.

    Args:
        name: `auto`, `majority_vote`, `weighted_vote`, `one_coin`, `per_class`, `dawid_skene` or
            `snorkel`.
        cardinality: number of classes k, at least 2.
        seed: of whatever is random in fitting.
        class_balance: [k] prior to use; None: uniform, or what gold says.

    Raises:
        ConfigError: an unknown name, fewer than two classes, or a balance that is none.

    Example:
        >>> model = make_label_model("majority_vote", 2).fit([[0, 0], [1, -1]])
        >>> model.predict_proba([[0, 0]]).tolist()
        [[1.0, 0.0]]
    """
    if name not in LABEL_MODELS:
        instead = REMOVED_VALUES.get(("label_model.name", name))
        raise ConfigError(
            f"label_model.name is one of {', '.join(LABEL_MODELS)}, got {name!r}."
            + ("" if instead is None else f" It is no longer there: {instead}.")
        )
    return LABEL_MODELS[name](cardinality, seed=seed, class_balance=class_balance)


def save_label_model(model: LabelModel, folder: Path) -> None:
    """Write `label_model.json` and `params.safetensors`; of `auto`, the model it chose."""
    if isinstance(model, AutoLabelModel):
        model = model.chosen
    folder.mkdir(parents=True, exist_ok=True)
    about = {
        "name": model.name,
        "cardinality": model.cardinality,
        "seed": model.seed,
        "class_balance": None if model.class_balance is None else model.class_balance.tolist(),
        "lf_names": list(model.lf_names),
        "details": model.details(),
    }
    (folder / "label_model.json").write_text(json.dumps(about, indent=2) + "\n")
    save_file(model.arrays(), folder / "params.safetensors")
    give_default_mode(folder / "params.safetensors")


def load_label_model(folder: Path) -> LabelModel:
    """Read a label model back; nothing in the folder is executed.

    Raises:
        DataError: the folder holds no label model, or one of a kind that is gone.
    """
    try:
        about = json.loads((folder / "label_model.json").read_text())
        arrays = load_file(folder / "params.safetensors")
    except (OSError, ValueError) as error:
        raise DataError(f"{folder} holds no label model: {error}.") from error
    if about["name"] not in LABEL_MODELS:
        raise DataError(
            f"{folder} holds a label model of the kind {about['name']!r}, made by another version "
            "of weakft; this one cannot read it. Make a new run."
        )
    model = make_label_model(
        about["name"],
        about["cardinality"],
        seed=about["seed"],
        class_balance=about["class_balance"],
    )
    model.lf_names = tuple(about["lf_names"])
    model.restore(arrays, about["details"])
    return model
