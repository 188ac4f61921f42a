"""Small trained tokenizers of each kind, with offsets, for tiny models and for tests of prompts."""

import functools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

VOCABULARY = 512


@dataclass(frozen=True)
class Kind:
    """A kind of tokenizer: its algorithm, its special tokens in the order of their ids, what it adds to a prompt."""

    algorithm: str
    special: dict[str, str] = field(default_factory=dict)
    adds: str = "$A"

    def ids(self) -> dict[str, int]:
        """The ids of the special tokens that configs name."""
        tokens = list(dict.fromkeys(self.special.values()))
        names = ("bos_token", "eos_token", "pad_token")
        return {f"{name}_id": tokens.index(self.special[name]) for name in names if name in self.special}


TOKENIZERS: dict[str, Kind] = {
    # Byte-level BPE: without special tokens; with one that begins texts and is not added; with one that is.
    "bytes": Kind("bytes"),
    "bytes-bos": Kind("bytes", {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}),
    "bytes-begun": Kind("bytes", {"pad_token": "<pad>", "bos_token": "</s>", "eos_token": "</s>"}, "</s> $A"),
    "roberta": Kind(
        "bytes",
        {
            "bos_token": "<s>",
            "cls_token": "<s>",
            "pad_token": "<pad>",
            "eos_token": "</s>",
            "sep_token": "</s>",
            "unk_token": "<unk>",
            "mask_token": "<mask>",
        },
        "<s> $A </s>",
    ),
    "wordpiece": Kind(
        "wordpiece",
        {
            "pad_token": "[PAD]",
            "unk_token": "[UNK]",
            "cls_token": "[CLS]",
            "sep_token": "[SEP]",
            "mask_token": "[MASK]",
        },
        "[CLS] $A [SEP]",
    ),
    # As SentencePiece makes them: spaces are letters, what is in no piece falls back to bytes.
    "sentencepiece": Kind("unigram", {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}, "<s> $A"),
    "t5": Kind("unigram", {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}, "$A </s>"),
    # The class of its own that Llama's tokenizer has in transformers.
    "llama": Kind("llama", {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}, "<s> $A"),
}
"""By name; each but ``bytes`` with the special tokens of a well-known model."""

SCRIPTS = (
    "Ça déjà coûte très cher à l'été, naïve façade.",
    "Größe, Straße, Übermut, ångström, señor, São Paulo.",
    "Быстрая лиса прыгает через ленивую собаку.",
    "Η γρήγορη αλεπού πηδάει πάνω από το σκυλί.",
    "人工智能模型的内部表示有多相似？",
    "言語モデルの内部はどれほど似ているか。",
    "모델의 내부는 얼마나 비슷한가?",
    "ما مدى تشابه النماذج اللغوية من الداخل؟",
    "भाषा मॉडल भीतर से कितने समान हैं?",
    "Emoji: 🙂 🚀 👩‍🔬 🇪🇺 ✅",
    'def add(a: int, b: int) -> int:\n    """Sum."""\n\treturn a + b  # done\n',
    "for (int i = 0; i < n; ++i) { x[i] *= 2.5e-3; }",
)
"""Texts with accents, several scripts, emoji and code, on which tokenizers are trained beside the package's prompts."""


def tokenizer(kind: str = "bytes") -> Any:
    """A tokenizer of one of the `TOKENIZERS`, trained on the package's own prompts and on `SCRIPTS`.

    All of them give offsets. Every token has an id below `VOCABULARY`.
    """
    import transformers
    from tokenizers import Tokenizer

    trained = Tokenizer.from_str(_trained(kind))
    special = TOKENIZERS[kind].special
    if TOKENIZERS[kind].algorithm != "llama":
        return transformers.PreTrainedTokenizerFast(tokenizer_object=trained, **special)
    model = json.loads(_trained(kind))["model"]
    merges = [tuple(m) for m in model["merges"]]
    return transformers.LlamaTokenizer(vocab=model["vocab"], merges=merges, add_bos_token=True, **special)


SHARED: list[Path] = []
"""The folder, once there is one, of what was trained for all processes: training gives other ties each time."""


@functools.cache
def _trained(kind: str) -> str:
    """A trained tokenizer as JSON, the same in all processes that run tests together."""
    if not SHARED:
        return _train(kind)
    file = SHARED[0] / f"{kind}.json"
    with FileLock(file.with_suffix(".lock")):
        if not file.exists():
            file.write_text(_train(kind), encoding="utf-8")
    return file.read_text(encoding="utf-8")


def _train(kind: str) -> str:
    from tokenizers import AddedToken, processors

    special = list(dict.fromkeys(TOKENIZERS[kind].special.values()))
    trained = {"bytes": _bytes, "wordpiece": _wordpiece, "unigram": _unigram, "llama": _llama}[
        TOKENIZERS[kind].algorithm
    ](special)
    trained.add_special_tokens([AddedToken(token, special=True) for token in special])
    if special:
        pairs = [(token, trained.token_to_id(token)) for token in special]
        trained.post_processor = processors.TemplateProcessing(single=TOKENIZERS[kind].adds, special_tokens=pairs)
    return str(trained.to_str())


def _texts() -> list[str]:
    from likewise.prompts.datasets import probes

    return [*(p["sentence"] for p in probes()), *SCRIPTS]


def _bytes(special: list[str]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=special,
        show_progress=False,
    )
    made.train_from_iterator(_texts(), trainer)
    return made


def _wordpiece(special: list[str]) -> Any:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=VOCABULARY, limit_alphabet=150, special_tokens=special, show_progress=False
    )
    made.train_from_iterator(_texts(), trainer)
    return made


def _byte_pieces() -> list[str]:
    return [f"<0x{b:02X}>" for b in range(256)]


def _pieces_decoder() -> Any:
    from tokenizers import decoders

    return decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1)]
    )


def _unigram(special: list[str]) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    learnt = Tokenizer(models.Unigram())
    learnt.pre_tokenizer = pre_tokenizers.Metaspace()
    learnt.train_from_iterator(
        # Letters of the Latin script only: others shall fall back to bytes.
        [t for t in _texts() if t.isascii()],
        trainers.UnigramTrainer(
            vocab_size=VOCABULARY - 256 - len(special), unk_token="<unk>", special_tokens=["<unk>"], show_progress=False
        ),
    )
    pieces = [(p, s) for p, s in json.loads(learnt.to_str())["model"]["vocab"] if p != "<unk>"]
    vocabulary = [*((s, 0.0) for s in special), *((b, 0.0) for b in _byte_pieces()), *pieces]
    made = Tokenizer(models.Unigram(vocabulary, unk_id=special.index("<unk>"), byte_fallback=True))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = _pieces_decoder()
    return made


def _llama(special: list[str]) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    learnt = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    learnt.pre_tokenizer = pre_tokenizers.Metaspace(split=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[*special, *_byte_pieces()], limit_alphabet=80, show_progress=False
    )
    learnt.train_from_iterator(_texts(), trainer)
    learnt.decoder = _pieces_decoder()
    return learnt
