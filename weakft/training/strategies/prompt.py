"""A few virtual tokens before every text learn."""

import warnings
from typing import Any, ClassVar, cast

import torch
from tokenizers import AddedToken, Tokenizer
from tokenizers.processors import TemplateProcessing
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from weakft.config import TrainConfig
from weakft.errors import ConfigError
from weakft.processors import Processor, TextProcessor
from weakft.training.strategies.anatomy import Anatomy
from weakft.training.strategies.base import Strategy, learn_only
from weakft.training.strategies.tuner import imported_peft

TOKENS = 20  # before a text, where `[train.peft]` says nothing
LEFT_FOR_A_TEXT = 4
A_TEXT = "text"


class Prompt(Strategy):
    """Trains the embeddings of `num_virtual_tokens` tokens before every text, and the head.

    Prompt tuning (Lester et al., "The power of scale for parameter-efficient prompt tuning",
    EMNLP 2021), by PEFT's modules. The tokens join the
    tokenizer's vocabulary and its template, so that the outcome is a plain model, and count for
    `train.max_length`. They begin as padding, all alike. A model that has such tokens already
    trains those on. The tokenizer that is saved reads single texts, not pairs, and a text that
    holds `<virtual-0>` literally holds the token.

    Raises:
        ConfigError: PEFT is not installed or refuses a setting, rows are images, the tokenizer
            is not a fast one, the tokens leave no room for a text, or the model has other ones.
    """

    name = "prompt"
    trains_layers = False
    _takes: ClassVar[tuple[str, ...]] = ("num_virtual_tokens",)
    _config: ClassVar[str] = "PromptTuningConfig"

    def __init__(self, settings: TrainConfig) -> None:
        super().__init__(settings)
        self._peft = imported_peft()
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
        plain = self._fit(processor)
        self._continues = self._known_by(plain.saved)
        if not self._continues:
            plain = TextProcessor(_with_tokens(plain.saved, self._count), plain.max_length)
        self._first = cast("int", plain.saved.convert_tokens_to_ids(_called(0)))
        self._padding = plain.saved.pad_token_id
        return plain

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

    def _known_by(self, tokenizer: PreTrainedTokenizerBase) -> bool:
        names = tokenizer.get_added_vocab()
        known = next(number for number in range(len(names) + 1) if _called(number) not in names)
        if known not in (0, self._count):
            raise ConfigError(
                f"train.peft.num_virtual_tokens: wanted {known}, as many as train.model has been "
                f"trained with, got {self._count}."
            )
        return known > 0

    def prepare(self, network: PreTrainedModel) -> nn.Module:
        """Make room among the word embeddings, and hold them."""
        words = cast("nn.Embedding", network.get_input_embeddings())
        if type(words) is not nn.Embedding:
            raise ConfigError(
                f"train.strategy = {self.name!r} wants plain word embeddings; "
                f'{type(network).__name__} has {type(words).__name__}. Take "lora".'
            )
        end = self._first + self._count
        if end > words.num_embeddings:
            words = network.resize_token_embeddings(end, mean_resizing=False)
        ids = range(self._first, end) if self._continues else [self._padding] * self._count
        begin = words.weight[list(ids)].detach().clone()
        virtual = VirtualTokens(words, self._prompt(words), self._first, begin)
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


class VirtualTokens(nn.Module):
    """Word embeddings, of which those of the virtual tokens come from a module that learns.

    Args:
        words: the embeddings, with room for the virtual tokens.
        prompt: PEFT's; [1, n] positions -> [1, n, d].
        first: id of the first virtual token; the others follow.
        begin: [n, d] what the virtual tokens are at first.
    """

    positions: torch.Tensor
    ahead: torch.Tensor

    def __init__(
        self, words: nn.Embedding, prompt: nn.Module, first: int, begin: torch.Tensor
    ) -> None:
        super().__init__()
        self.words, self.prompt, self.first = words, prompt.to(words.weight), first
        count = int(cast("Any", prompt).embedding.num_embeddings)
        positions = torch.arange(count, device=words.weight.device)[None]
        self.register_buffer("positions", positions)
        self.prompt.eval()  # a dropout would be part of it
        with torch.no_grad():
            self.register_buffer("ahead", begin - self.prompt(positions)[0])

    def learned(self) -> torch.Tensor:
        """[n, d] of the virtual tokens."""
        learned: torch.Tensor = self.prompt(self.positions)[0] + self.ahead
        return learned

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """[...] ids -> [..., d]."""
        learned = self.learned().to(self.words.weight.dtype)
        place = (ids - self.first).clamp(0, len(learned) - 1)
        is_virtual = (ids >= self.first) & (ids < self.first + len(learned))
        return torch.where(is_virtual[..., None], learned[place], self.words(ids))

    def written(self) -> nn.Embedding:
        """Plain word embeddings."""
        self.prompt.eval()
        with torch.no_grad():
            learned = self.learned()
            self.words.weight[self.first : self.first + len(learned)] = learned
        return self.words


def _with_tokens(tokenizer: PreTrainedTokenizerBase, count: int) -> PreTrainedTokenizerBase:
    """A copy that knows so many virtual tokens, and puts them before every text."""
    before, behind = _around_a_text(tokenizer)
    tokenizer = _of_no_family(tokenizer)
    virtual = [_called(number) for number in range(count)]
    tokenizer.add_tokens([AddedToken(name, special=True) for name in virtual], special_tokens=True)
    special = list(dict.fromkeys([*virtual, *before, *behind]))
    cast("Any", tokenizer).backend_tokenizer.post_processor = TemplateProcessing(
        single=[*before, *virtual, "$A", *behind],
        pair=[*before, *virtual, "$A", *behind, "$B", *behind],
        special_tokens=[(name, tokenizer.convert_tokens_to_ids(name)) for name in special],
    )
    return tokenizer


def _of_no_family(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """The same under the general class: BertTokenizer and its like load with their own template."""
    backend = cast("Any", tokenizer).backend_tokenizer
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=Tokenizer.from_str(backend.to_str()),
        **tokenizer.special_tokens_map,
        model_max_length=tokenizer.model_max_length,
        padding_side=tokenizer.padding_side,
        truncation_side=tokenizer.truncation_side,
        model_input_names=tokenizer.model_input_names,
    )


def _around_a_text(tokenizer: PreTrainedTokenizerBase) -> tuple[list[str], list[str]]:
    """The tokens that a tokenizer puts before and behind every text."""
    bare = tokenizer.tokenize(A_TEXT)
    whole = tokenizer.tokenize(A_TEXT, add_special_tokens=True)
    start = next(k for k in range(len(whole)) if whole[k : k + len(bare)] == bare)
    return whole[:start], whole[start + len(bare) :]


def _called(number: int) -> str:
    return f"<virtual-{number}>"
