"""Tiny models of many architectures, each with a tokenizer of its own kind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

POSITIONS = 48
WORDS = ["the", "phone", "camera", "is", "very", "great", "bad", "broke", "love", "it"]
LETTERS = [*"abcdefghijklmnopqrstuvwxyz"]
BERTS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TYPED = ["input_ids", "token_type_ids", "attention_mask"]
ROBERTAS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
PIECES = [*WORDS, *LETTERS]

MakesTokenizer = Callable[[], PreTrainedTokenizerBase]
Settings = dict[str, Any]

BERT: Settings = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": POSITIONS,
}
GPT: Settings = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": POSITIONS}


def word_piece(kind: str) -> MakesTokenizer:
    """A tokenizer of BERT's family under its own class; letters spell what is no word."""
    pieces = [*BERTS, *PIECES, *(f"##{letter}" for letter in LETTERS)]
    vocab = {piece: place for place, piece in enumerate(pieces)}
    return lambda: getattr(transformers, f"{kind}Tokenizer")(vocab=vocab)


def mpnets() -> PreTrainedTokenizerBase:
    """MPNet's, whose special tokens are RoBERTa's and whose pieces BERT's."""
    pieces = [*ROBERTAS, "[UNK]", *PIECES, *(f"##{letter}" for letter in LETTERS)]
    return transformers.MPNetTokenizer(vocab={piece: place for place, piece in enumerate(pieces)})


def byte_pairs(kind: str, specials: list[str], **more: str) -> MakesTokenizer:
    """A tokenizer of GPT-2's family under its own class; a token a letter, but for `th`."""
    pieces = [*specials, *LETTERS, "Ġ", "th"]
    vocab = {piece: place for place, piece in enumerate(pieces)}
    return lambda: getattr(transformers, f"{kind}Tokenizer")(
        vocab=vocab, merges=[("t", "h")], **more
    )


def unigram(kind: str, specials: list[str]) -> MakesTokenizer:
    """A tokenizer of SentencePiece's family under its own class."""
    scored = [(special, 0.0) for special in specials]
    scored += [(f"▁{word}", -2.0) for word in WORDS]
    scored += [(piece, -4.0) for piece in ("▁", *LETTERS)]
    return lambda: getattr(transformers, f"{kind}Tokenizer")(vocab=scored)


def general(template: str, specials: list[str], **more: str | list[str]) -> MakesTokenizer:
    """One of no family, of words, with this template."""

    def make() -> PreTrainedTokenizerBase:
        vocab = {word: place for place, word in enumerate([*specials, *PIECES])}
        unknown = next(special for special in specials if "unk" in special.lower())
        tokenizer = Tokenizer(models.WordLevel(vocab, unk_token=unknown))
        tokenizer.normalizer = normalizers.Lowercase()
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        tokenizer.decoder = decoders.WordPiece()
        used = [(special, vocab[special]) for special in specials if special in template]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=template, special_tokens=used
        )
        return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token=unknown, **more)

    return make


XLNETS = ["<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>"]
FAMILIES: dict[str, tuple[MakesTokenizer, Settings]] = {
    "Bert": (word_piece("Bert"), BERT),
    "DistilBert": (
        word_piece("DistilBert"),
        {
            "dim": 16,
            "n_layers": 2,
            "n_heads": 2,
            "hidden_dim": 32,
            "max_position_embeddings": POSITIONS,
        },
    ),
    "Electra": (word_piece("Electra"), {**BERT, "embedding_size": 16}),
    "Roberta": (byte_pairs("Roberta", ROBERTAS), {**BERT, "pad_token_id": 1}),
    "MPNet": (mpnets, {**BERT, "pad_token_id": 1}),
    "Albert": (
        unigram("Albert", ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]),
        {**BERT, "embedding_size": 16},
    ),
    "XLMRoberta": (
        unigram("XLMRoberta", ["<s>", "<pad>", "</s>", "<unk>"]),
        {**BERT, "pad_token_id": 1},
    ),
    "Camembert": (
        unigram("Camembert", ["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<s>", "</s>"]),
        {**BERT, "pad_token_id": 1},
    ),
    "DebertaV2": (
        unigram("DebertaV2", ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]),
        {
            **BERT,
            "relative_attention": True,
            "position_buckets": 8,
            "pos_att_type": ["p2c", "c2p"],
        },
    ),
    "ModernBert": (
        general(
            "[CLS] $A [SEP]",
            BERTS,
            pad_token="[PAD]",
            cls_token="[CLS]",
            sep_token="[SEP]",
            mask_token="[MASK]",
        ),
        {
            **BERT,
            "pad_token_id": 0,
            "bos_token_id": 2,
            "eos_token_id": 3,
            "cls_token_id": 2,
            "sep_token_id": 3,
            "local_attention": 8,
        },
    ),
    "GPT2": (byte_pairs("GPT2", ["<|endoftext|>"], pad_token="<|endoftext|>"), GPT),
    "OPT": (
        byte_pairs(
            "GPT2",
            ["<s>", "<pad>", "</s>"],
            bos_token="</s>",
            eos_token="</s>",
            unk_token="</s>",
            pad_token="<pad>",
        ),
        {
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "ffn_dim": 32,
            "word_embed_proj_dim": 16,
            "max_position_embeddings": POSITIONS,
        },
    ),
    "Llama": (
        general(
            "<s> $A",
            ["<unk>", "<s>", "</s>"],
            bos_token="<s>",
            eos_token="</s>",
            pad_token="</s>",
            padding_side="left",
        ),
        BERT,
    ),
    "Ernie": (
        general(
            "<cls>:1 $A:0 <sep>:1",
            XLNETS,
            pad_token="<pad>",
            cls_token="<cls>",
            sep_token="<sep>",
            model_input_names=TYPED,
        ),
        BERT,
    ),
    "MobileBert": (
        word_piece("MobileBert"),
        {**BERT, "embedding_size": 16, "intra_bottleneck_size": 8},
    ),
    "XLNet": (
        general(
            "$A:0 <sep>:0 <cls>:2",
            XLNETS,
            pad_token="<pad>",
            cls_token="<cls>",
            sep_token="<sep>",
            padding_side="left",
            model_input_names=TYPED,
        ),
        {"d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 32},
    ),
    "Funnel": (
        general(
            "<cls>:2 $A:0 <sep>:0",
            XLNETS,
            pad_token="<pad>",
            cls_token="<cls>",
            sep_token="<sep>",
            model_input_names=TYPED,
        ),
        {
            "d_model": 16,
            "n_head": 2,
            "d_head": 8,
            "d_inner": 32,
            "block_sizes": [1, 1],
            "num_decoder_layers": 1,
        },
    ),
}


def write_pretrained(kind: str, folder: Path) -> Path:
    """A pre-trained model without a head, in float32, as it would come from the Hub."""
    make, settings = FAMILIES[kind]
    tokenizer = make()
    config = getattr(transformers, f"{kind}Config")(vocab_size=len(tokenizer), **settings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        getattr(transformers, f"{kind}Model")(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
