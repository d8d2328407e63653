"""Virtual tokens: words of a tokenizer, put before every text, whose embeddings learn."""

from itertools import count, takewhile
from typing import Any, cast

import torch
from tokenizers import AddedToken, Tokenizer
from tokenizers.processors import TemplateProcessing
from torch import nn
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from weakft.processors import TokenTypes

A_TEXT = "text"


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


def virtual_ids(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Ids of the virtual tokens that a tokenizer knows, in order."""
    known = tokenizer.get_added_vocab()
    return [known[name] for name in takewhile(known.__contains__, map(_called, count()))]


def with_virtual_tokens(tokenizer: PreTrainedTokenizerBase, number: int) -> PreTrainedTokenizerBase:
    """A copy that knows so many virtual tokens, and puts them before every text."""
    before, behind = _around_a_text(tokenizer)
    types = TokenTypes.of(tokenizer) or TokenTypes((0,) * len(before), 0, (0,) * len(behind))
    tokenizer = _of_no_family(tokenizer)
    virtual = [_called(place) for place in range(number)]
    tokenizer.add_tokens([AddedToken(name, special=True) for name in virtual], special_tokens=True)
    special = list(dict.fromkeys([*virtual, *before, *behind]))
    ahead = [
        *(f"{name}:{each}" for name, each in zip(before, types.before, strict=True)),
        *(f"{name}:{types.text}" for name in virtual),
        f"$A:{types.text}",
    ]
    after = [f"{name}:{each}" for name, each in zip(behind, types.behind, strict=True)]
    cast("Any", tokenizer).backend_tokenizer.post_processor = TemplateProcessing(
        single=[*ahead, *after],
        pair=[*ahead, *after, "$B", *after],
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


def _called(place: int) -> str:
    return f"<virtual-{place}>"
