"""What the frozen lower layers of a model make of a text, computed once and recalled after."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel

from weakft.kept_tensors import Ids, KeptTensors, file_for, key_of
from weakft.processors import Batch, TextProcessor

States = torch.Tensor | list[torch.Tensor]  # [n, t, d], or [t, d] of each where t differs

MOST_BYTES = 2 * 2**30
TOKENS_PER_BATCH = 4096
PROBE = ("a", "the quick brown fox, and what it jumps over")


class _EnoughError(Exception):
    """The frozen layers have run; what lies behind them is not wanted."""


class FrozenBody:
    """The outputs of a model's lowest layers, by token ids; where they stay as they are.

    Where all layers are frozen and the head looks at the first token alone, as BERT's does, one
    vector a text is kept, else one a token. Dropout is off in frozen layers. The idea stands in
    Liu, Agarwal and Venkataraman, "AutoFreeze" (2021).

    Args:
        network: a sequence classification model.
        processor: of its texts.
        layers: its frozen layers, the lowest first, at least one; what lies before them is
            frozen too.
        depth: how many layers there are.
        bf16: compute and keep one vector a token in bfloat16; one a text is always exact.
        folder: where outputs of one vector a text are kept from process to process.

    Attributes:
        first_token_only: whether one vector a text is enough.
        faithful: whether recalled outputs give what the model makes of a text; not so where its
            layers are wired in another way than one after the other, texts first.
    """

    def __init__(
        self,
        network: PreTrainedModel,
        processor: TextProcessor,
        layers: Sequence[nn.Module],
        *,
        depth: int,
        bf16: bool = False,
        folder: Path | None = None,
    ) -> None:
        self._network = network
        self._processor = processor
        self._layers = layers
        self._bf16 = False
        self._current = torch.empty(0)
        self._others: int | None = None
        self.first_token_only = len(layers) == depth
        self.faithful = self._is_faithful()
        if self.first_token_only and not self.faithful:
            self.first_token_only = False
            self.faithful = self._is_faithful()
        self._bf16 = bf16 and not self.first_token_only
        self._one_each = KeptTensors(
            self._file_in(folder) if folder and self.first_token_only else None
        )
        self._many_each: dict[bytes, torch.Tensor] = {}

    def seen(self, tokens: Ids) -> Ids:
        """The token ids that go with the states of a text."""
        return tokens[:1] if self.first_token_only else tokens

    def fits(self, texts: Sequence[Ids]) -> bool:
        """Whether the outputs for these texts can be kept in memory."""
        count = sum(len(self.seen(ids)) for ids in texts)
        width = int(self._network.config.hidden_size)
        return count * width * (2 if self._bf16 else 4) <= MOST_BYTES

    def states(self, texts: Sequence[Ids]) -> States:
        """[t, d] outputs of the frozen layers for each text's token ids, in order."""
        keys = [key_of(ids) for ids in texts]
        known = self._one_each if self.first_token_only else self._many_each
        missing = {key: ids for key, ids in zip(keys, texts, strict=True) if key not in known}
        found: dict[bytes, torch.Tensor] = {}
        for batch in _batches(list(missing.items())):
            found |= self._compute(batch)
        if not self.first_token_only:
            self._many_each |= found
            return [self._many_each[key] for key in keys]
        if found:
            self._one_each.keep(found, keys)
        return self._one_each.take(keys)

    @property
    def exact(self) -> bool:
        """Whether predictions from recalled states equal those computed from the text."""
        return not self._bf16

    @contextmanager
    def recalled(self) -> Iterator[None]:
        """The frozen layers give what `show` was told last, without computing anything."""
        for layer in self._layers:
            layer.forward = self._recall
        try:
            yield
        finally:
            for layer in self._layers:
                del layer.forward

    def show(self, states: torch.Tensor) -> None:
        """[b, t, d] padded states of the batch that the model sees next."""
        self._current = states

    def _recall(self, *inputs: Any, **settings: Any) -> Any:  # noqa: ANN401
        if self._others is None:
            return self._current
        return (self._current, *(None for _ in range(self._others)))

    def _compute(self, batch: list[tuple[bytes, Ids]]) -> dict[bytes, torch.Tensor]:
        hidden = self._run(self._batch(ids for _, ids in batch))
        hidden = hidden.to(torch.bfloat16 if self._bf16 else torch.float32)
        return {
            key: states[: len(self.seen(ids))].cpu().clone()
            for (key, ids), states in zip(batch, hidden, strict=True)
        }

    def _batch(self, texts: Iterable[Ids]) -> Batch:
        batch = self._processor.batch(texts)
        return {name: part.to(self._network.device) for name, part in batch.items()}

    def _run(self, batch: Batch) -> torch.Tensor:
        """[b, t, d] outputs of the frozen layers."""
        outputs: list[Any] = []

        def stop(layer: nn.Module, given: Any, output: Any) -> None:  # noqa: ANN401
            outputs.append(output)
            raise _EnoughError

        hook = self._layers[-1].register_forward_hook(stop)
        autocast = torch.autocast(self._network.device.type, torch.bfloat16, enabled=self._bf16)
        try:
            with self._asked(), autocast:
                self._network(**batch)
        except _EnoughError:
            pass
        finally:
            hook.remove()
        output = outputs[0]
        self._others = len(output) - 1 if isinstance(output, tuple) else None
        hidden: torch.Tensor = output if self._others is None else output[0]
        return hidden

    def _is_faithful(self) -> bool:
        """Whether texts of two lengths get the same logits computed and recalled."""
        try:
            return self._recalls(self._processor.encode(PROBE))
        except (AttributeError, IndexError, RuntimeError, TypeError, ValueError):
            return False  # wired in a way that cannot be recalled

    def _recalls(self, texts: Sequence[Ids]) -> bool:
        batch, shown = self._batch(texts), self._batch(map(self.seen, texts))
        hidden = self._run(batch)
        if hidden.shape[:2] != batch["input_ids"].shape:
            return False
        states = [h[: len(self.seen(ids))] for h, ids in zip(hidden, texts, strict=True)]
        self.show(padded(states, range(len(texts))))
        with self._asked():
            computed = self._network(**batch).logits
        with self._asked(), self.recalled():
            recalled = self._network(**shown).logits
        return torch.allclose(computed, recalled, rtol=1e-3, atol=1e-5)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """The model answers without dropout and without learning."""
        training = self._network.training
        self._network.train(False)
        try:
            with torch.no_grad():
                yield
        finally:
            self._network.train(training)

    def _file_in(self, folder: Path) -> Path:
        frozen = {id(p) for layer in self._layers for p in layer.parameters()}
        named = self._network.base_model.named_parameters()
        return file_for(((n, p) for n, p in named if id(p) in frozen or "embed" in n), folder)


def padded(states: States, rows: Sequence[int]) -> torch.Tensor:
    """[b, t, d] states of the texts at these positions."""
    if isinstance(states, torch.Tensor):
        return states[list(rows)]
    return pad_sequence([states[row] for row in rows], batch_first=True)


def _batches(items: list[tuple[bytes, Ids]]) -> Iterator[list[tuple[bytes, Ids]]]:
    """Texts of like length together, at most TOKENS_PER_BATCH tokens with padding."""
    batch: list[tuple[bytes, Ids]] = []
    for item in sorted(items, key=lambda item: -len(item[1])):
        if batch and (len(batch) + 1) * len(batch[0][1]) > TOKENS_PER_BATCH:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch
