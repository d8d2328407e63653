"""A head to start fine-tuning from: the best linear one on top of the pre-trained body."""

from fnmatch import fnmatchcase

import numpy as np
import torch
from torch import nn

from weakft.config import TrainConfig
from weakft.end_model import EndModel
from weakft.ranks import shared
from weakft.training.arguments import device_of
from weakft.training.linear import soft_regression
from weakft.training.precision import uses_bf16
from weakft.training.rows import TrainingSet


def start_head(model: EndModel, rows: TrainingSet, settings: TrainConfig) -> None:
    """Set the output layer to the softmax regression of the targets on what it is given.

    AdamW moves a weight by no more than the learning rate a step, so in the few hundred steps of a
    fine-tuning a random head of many classes does not get far; nor do its gradients distort the
    body, where it starts as a good one (Kumar et al., "Fine-tuning can distort pretrained features
    and underperform out-of-distribution", ICLR 2022). The regularisation is scikit-learn's C = 1.

    A model whose output layer is no linear one, or is given a state for each token, as that of
    GPT-2 is, keeps the head it has; so does one whose output layer `train.freeze` names.

    Args:
        model: with a fresh head; changed in place.
        rows: what is to be learned.
        settings: `[train]`; says on which device, and in which precision.
    """
    model.head_is_new = False
    head = output_layer(model)
    if head is None or is_held(model, head, settings.freeze):
        return
    model.model.to(device_of(settings))  # type: ignore[arg-type]
    states = inputs_of(model, head, rows.texts, bf16=uses_bf16(settings))
    if states is None:
        return
    weights, bias = shared(lambda: soft_regression(states, rows.probs, rows.weights))
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(weights))
        head.bias.copy_(torch.from_numpy(bias))


def output_layer(model: EndModel) -> nn.Linear | None:
    """The linear layer that gives the logits: the last one with an output for each class."""
    found = None
    for module in model.model.modules():
        if isinstance(module, nn.Linear) and module.out_features == len(model.classes):
            found = module
    return None if found is None or found.bias is None else found


def is_held(model: EndModel, layer: nn.Linear, patterns: tuple[str, ...]) -> bool:
    """Whether a pattern names one of the layer's parameters."""
    own = set(map(id, layer.parameters()))
    names = [name for name, part in model.model.named_parameters() if id(part) in own]
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def inputs_of(
    model: EndModel, layer: nn.Linear, texts: tuple[str, ...], *, bf16: bool = False
) -> np.ndarray | None:
    """[n, d] float32 states that a layer is given; None where it is given one for each token."""
    given: list[torch.Tensor] = []
    states = np.empty((len(texts), layer.in_features), dtype=np.float32)
    hook = layer.register_forward_pre_hook(lambda _, arguments: given.append(arguments[0]))
    try:
        with torch.autocast(model.model.device.type, torch.bfloat16, enabled=bf16):
            for batch_rows, batch in model.batches(texts):
                given.clear()
                model.model(**batch)
                if len(given) != 1 or given[0].ndim != 2:
                    return None
                states[batch_rows] = given[0].float().cpu().numpy()
    finally:
        hook.remove()
    return states
