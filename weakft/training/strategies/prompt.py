"""A few virtual tokens before every text learn."""

import warnings
from typing import Any, ClassVar, cast

from torch import nn
from transformers import PreTrainedModel

from weakft.config import TrainConfig
from weakft.errors import ConfigError
from weakft.processors import Processor, TextProcessor
from weakft.training.strategies.anatomy import Anatomy
from weakft.training.strategies.base import Strategy, learn_only
from weakft.training.strategies.tuner import imported_peft
from weakft.training.strategies.virtual_tokens import (
    VirtualTokens,
    virtual_ids,
    with_virtual_tokens,
)

TOKENS = 20  # before a text, where `[train.peft]` says nothing
LEFT_FOR_A_TEXT = 4


class Prompt(Strategy):
    """Trains the embeddings of `num_virtual_tokens` tokens before every text, and the head.

    Prompt tuning (Lester et al., "The power of scale for parameter-efficient prompt tuning",
    EMNLP 2021), by PEFT's modules. The tokens join the tokenizer's vocabulary and its template, so
    that the outcome is a plain model, and count for `train.max_length`. They begin as padding, all
    alike. A model that has such tokens already trains those on. The tokenizer that is saved reads
    single texts, not pairs, and a text that holds `<virtual-0>` literally holds the token.

    Raises:
        ConfigError: PEFT is not installed or refuses a setting, rows are images, the tokenizer
            is not a fast one, the tokens leave no room for a text, or the model has other ones.
    """

    name = "prompt"
    _takes: ClassVar[tuple[str, ...]] = ("num_virtual_tokens",)
    _config: ClassVar[str] = "PromptTuningConfig"

    def __init__(self, settings: TrainConfig) -> None:
        super().__init__(settings)
        self._peft = imported_peft(settings.strategy)
        self._options = {"num_virtual_tokens": TOKENS, **settings.peft}
        if unknown := {*self._options} - {*self._takes}:
            raise ConfigError(
                f"train.peft: {self.name!r} takes {', '.join(self._takes)}; got {min(unknown)!r}."
            )
        self._count = self._options["num_virtual_tokens"]
        if type(self._count) is not int or self._count < 1:
            raise ConfigError(
                f"train.peft.num_virtual_tokens: wanted a whole number from 1, got {self._count!r}."
            )

    def read_by(self, processor: Processor) -> Processor:
        """A tokenizer that puts the virtual tokens before every text."""
        read = self._fit(processor)
        known = virtual_ids(read.saved)
        if len(known) not in (0, self._count):
            raise ConfigError(
                f"train.peft.num_virtual_tokens: wanted {len(known)}, as many as train.model has "
                f"been trained with, got {self._count}."
            )
        if not known:
            read = TextProcessor(with_virtual_tokens(read.saved, self._count), read.max_length)
        self._ids = virtual_ids(read.saved)
        self._begin_as = known or [read.saved.pad_token_id] * self._count
        return read

    def _fit(self, processor: Processor) -> TextProcessor:
        if not isinstance(processor, TextProcessor):
            raise ConfigError(
                f"train.strategy = {self.name!r} puts tokens before texts, and rows are images. "
                'Take "lora".'
            )
        if not processor.saved.is_fast:
            raise ConfigError(
                f"train.strategy = {self.name!r} wants a fast tokenizer (with tokenizer.json), got "
                f'{type(processor.saved).__name__}. Take "lora".'
            )
        if self._count + LEFT_FOR_A_TEXT > processor.max_length:
            raise ConfigError(
                f"train.peft.num_virtual_tokens = {self._count} leave no room for a text in "
                f"train.max_length = {processor.max_length}, which counts them too. Have fewer."
            )
        return processor

    def prepare(self, network: PreTrainedModel) -> nn.Module:
        """Make room among the word embeddings, and hold them."""
        words = cast("nn.Embedding", network.get_input_embeddings())
        if type(words) is not nn.Embedding:
            raise ConfigError(
                f"train.strategy = {self.name!r} wants plain word embeddings; "
                f'{type(network).__name__} has {type(words).__name__}. Take "lora".'
            )
        size = self._ids[-1] + 1
        if size > words.num_embeddings:
            words = network.resize_token_embeddings(size, mean_resizing=False)
        begin = words.weight[self._begin_as].detach().clone()
        virtual = VirtualTokens(words, self._prompt(words), self._ids[0], begin)
        network.set_input_embeddings(virtual)
        learning = {name for name, _ in network.named_parameters() if ".prompt." in name}
        learn_only(network, {*learning, *Anatomy.of(network).head})
        return network

    def _prompt(self, words: nn.Embedding) -> nn.Module:
        sizes = {"token_dim": words.embedding_dim, "num_transformer_submodules": 1}
        try:
            with warnings.catch_warnings(action="error", category=UserWarning):
                config = getattr(self._peft, self._config)(**sizes, **self._options)
                return self._module(config, words)
        except (TypeError, ValueError, UserWarning) as error:
            raise ConfigError(
                f"train.strategy = {self.name!r}: PEFT refuses [train.peft]: {error}"
            ) from error

    def _module(self, config: Any, words: nn.Embedding) -> nn.Module:  # noqa: ANN401
        return cast("nn.Module", self._peft.PromptEmbedding(config, words))

    def finish(self, trained: nn.Module, network: PreTrainedModel) -> PreTrainedModel:
        """Write what was learned among the word embeddings."""
        virtual = cast("VirtualTokens", network.get_input_embeddings())
        network.set_input_embeddings(virtual.written())
        return super().finish(trained, network)


class PTuning(Prompt):
    """The same, its tokens' embeddings made by a small network while they are trained.

    P-tuning (Liu et al., "GPT understands, too", 2021): the tokens learn together.
    """

    name = "p_tuning"
    _takes = (
        "num_virtual_tokens",
        "encoder_reparameterization_type",
        "encoder_hidden_size",
        "encoder_num_layers",
        "encoder_dropout",
    )
    _config = "PromptEncoderConfig"

    def _module(self, config: Any, words: nn.Embedding) -> nn.Module:  # noqa: ANN401
        if config.encoder_hidden_size is None:
            config.encoder_hidden_size = words.embedding_dim
        return cast("nn.Module", self._peft.PromptEncoder(config))
