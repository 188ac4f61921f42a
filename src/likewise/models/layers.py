"""Layers by name, and how their states are read while a model runs.

A layer's name means the same for every architecture:

``embedding``
    what enters the first block;
``1``, ``2``, ... up to the number of blocks
    the residual stream as it enters the next block; after the last one, before any norm that follows it;
``last``
    what the output head would read: the stream after the last block and the final norm, where there is one;
``logits``
    what a causal language model's output head makes of the last token, as log-probabilities over its vocabulary;
``choices``
    of a data set with choices, the log-probability of each option after the prompt, over the options;
``layers.3.mlp`` or any other path with a dot
    what that module of the model gives; the first time, where blocks share it.

Several at once, or by their place among the blocks: ``-1`` is the last block, ``0.5`` the block at half the depth,
``4..12`` and ``4..12..4`` those from one to the other, both included, and ``all`` the embedding, every block and
``last``.
"""

import difflib
import inspect
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from likewise.errors import InputError, ModelError
from likewise.models.decoder import embedding_rows, text_stack
from likewise.naming import did_you_mean

LAST, EMBEDDING, ALL, LOGITS, CHOICES = "last", "embedding", "all", "logits", "choices"

LOGITS_OF = ""
"""What the head is given, which is no layer of its own."""

OUTPUTS = (LOGITS, CHOICES)
"""Layers that the output head gives: their rows are log-probabilities."""

NUMBER = re.compile(r"-?\d+")
RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)(?:\.\.(\d+))?")
DEPTH = re.compile(r"[01]?\.\d+|[01]\.")
MODULE = re.compile(r"[A-Za-z_]\w*(\.\w+)+")


def canonical_layer(layer: str | int | float) -> str:
    """Check how layers are named and write it as text.

    Examples
    --------
    >>> canonical_layer(12), canonical_layer("last"), canonical_layer(0.5), canonical_layer("4 .. 12")
    ('12', 'last', '0.5', '4..12')
    """
    name = str(layer).replace(" ", "")
    if name in (LAST, EMBEDDING, ALL, *OUTPUTS) or MODULE.fullmatch(name):
        return name
    if NUMBER.fullmatch(name) and int(name):
        return str(int(name))
    if (found := RANGE.fullmatch(name)) and int(found[1]) and int(found[2]) and found[3] != "0":
        return name
    if DEPTH.fullmatch(name) and float(name) <= 1:
        return str(float(name))
    if near := difflib.get_close_matches(name, (LAST, EMBEDDING, ALL, *OUTPUTS), n=1):
        raise InputError(f"unknown layer {name!r}; did you mean {near[0]!r}?")
    raise InputError(
        f"unknown layer {name!r}; a layer is 'last' (what the output head reads), 'embedding' (what enters the first "
        "block), 'logits' (what the head says of the next token), 'choices' (of a data set's options), the number of a "
        "block from 1 or, from the end, from -1, a depth from 0.0 to 1.0, a range 4..12, 'all', or a module such as "
        "layers.3.mlp"
    )


def is_one_layer(layer: str) -> bool:
    """Whether a layer, as `canonical_layer` writes it, is the same one whatever the model.

    Examples
    --------
    >>> [is_one_layer(layer) for layer in ("last", "12", "layers.3.mlp", "all", "4..12", "-1", "0.5")]
    [True, True, True, False, False, False, False]
    """
    return layer != ALL and not (RANGE.fullmatch(layer) or DEPTH.fullmatch(layer) or layer.startswith("-"))


def kind_of(layer: str) -> str:
    """What the rows of a layer are, as `likewise.kinds` has it."""
    return "log_probabilities" if layer in OUTPUTS else "states"


def needs_blocks(layers: Iterable[str]) -> bool:
    """Whether the number of blocks decides which layers are meant."""
    return any(not (n in (LAST, EMBEDDING, *OUTPUTS) or MODULE.fullmatch(n) or n.isdecimal()) for n in layers)


def resolve_layers(layers: Sequence[str], blocks: int | None) -> tuple[str, ...]:
    """Return each layer that is meant, once: ``last``, ``embedding``, numbers of blocks from 1, modules.

    Parameters
    ----------
    layers : sequence of str
        As `canonical_layer` writes them.
    blocks : int or None
        Number of blocks of the model, where it is known.

    Raises
    ------
    InputError
        If there is no such block, or the number of blocks is needed and not known.

    Examples
    --------
    >>> resolve_layers(["embedding", "0.5", "-1", "last"], 6)
    ('embedding', '3', '6', 'last')
    >>> resolve_layers(["2..6..2"], 6)
    ('2', '4', '6')
    """
    if blocks is None:
        if needs_blocks(layers):
            unclear = next(name for name in layers if needs_blocks([name]))
            raise InputError(
                f"layer {unclear}: the number of blocks is unknown until the model's config is downloaded, or its "
                "backend says it"
            )
        return tuple(dict.fromkeys(layers))
    return tuple(dict.fromkeys(one for name in layers for one in _meant(name, blocks)))


def _meant(name: str, blocks: int) -> Iterator[str]:
    """The layers that one name means in a model with so many blocks."""

    def block(number: str) -> int:
        place = int(number) if int(number) > 0 else blocks + 1 + int(number)
        if not 1 <= place <= blocks:
            raise InputError(f"layer {name} of a model with {blocks} blocks; expected 1 to {blocks}")
        return place

    if name == ALL:
        yield from (EMBEDDING, *map(str, range(1, blocks + 1)), LAST)
    elif found := RANGE.fullmatch(name):
        first, last = block(found[1]), block(found[2])
        if first > last:
            raise InputError(f"layer {name} of a model with {blocks} blocks is none: block {first} is after {last}")
        yield from map(str, range(first, last + 1, int(found[3] or 1)))
    elif NUMBER.fullmatch(name):
        yield str(block(name))
    elif DEPTH.fullmatch(name):
        place = int(float(name) * blocks + 0.5)
        yield str(place) if place else EMBEDDING
    else:
        yield name


def find_blocks(model: Any) -> Any:
    """Return the list of the blocks that read the prompt.

    It is the outermost list of modules, within the part that `text_stack` gives, with as many entries as the config has
    layers.

    Raises
    ------
    ModelError
        If there is none, or more than one; then only ``last`` and modules can be asked for.
    """
    from torch import nn

    stack = text_stack(model)
    count = getattr(stack.config.get_text_config(), "num_hidden_layers", None)
    found: dict[str, Any] = {}
    for name, module in stack.named_modules():
        # What lies within a block comes after the list of blocks, though it may be a list of as many experts.
        within = any(name.startswith(f"{outer}.") for outer in found)
        if isinstance(module, nn.ModuleList) and len(module) == count and not within:
            found[name] = module
    if len(found) == 1:
        return next(iter(found.values()))
    seen = f"more than one list of {count} modules: {', '.join(found)}" if found else f"no list of {count} modules"
    raise ModelError(
        f"the blocks of {type(model).__name__} were not found ({seen}); ask for layer 'last', or for modules by their "
        "path"
    )


Keep = Callable[[str, Any], Any]
"""Is given a layer's name and its states, (batch, tokens, features); may return the rows (batch, rows, features)."""


class Enough(Exception):  # nothing went wrong
    """All layers that were asked for were read: the blocks after them need not run."""


Axes = tuple[int, int]
"""Which axes of a layer's states are the batch and the tokens."""

TRIED = (((2, 5), (3, 7)), ((2, 64), (3, 128)), ((2, 3), (4, 1)))
"""Sizes of two batches that tell axes apart, prompts by tokens; others where it takes no short ones, or no longer."""

IDS = 32
"""Token ids that are tried, or as many as the model knows."""


class Reader:
    """While entered, tells of the states of some layers, in each thread to whoever runs the model there.

    Hooks are set once and not for each batch: threads share the model. Layer k is read where it enters block k + 1, for
    some models change it between the two.

    Where ``logits`` are wanted, the whole model runs, and its head is given the states of the last tokens alone in the
    place of those of all: what the model's own code does after its blocks is done, and no token has logits in vain.
    """

    def __init__(self, model: Any, layers: Sequence[str], whole: Any = None) -> None:
        self.model, self.wanted = model, tuple(layers)
        self._whole = whole if LOGITS in layers else None
        if LOGITS in layers and (whole is None or whole.get_output_embeddings() is None):
            raise ModelError(f"{type(model).__name__} was loaded without its output head, which gives the logits")
        own = [layer for layer in layers if layer != LOGITS]
        self.layers = tuple(dict.fromkeys([*own, *([LAST] if LOGITS in layers else [])]))
        self._inner = [layer for layer in self.layers if layer != LAST]
        self._handles: list[Any] = []
        self._here = threading.local()
        self._axes: dict[str, Axes] = {}

    @property
    def runs(self) -> Any:
        """What is given the tokens: the stack of blocks, or the whole model."""
        return self.model if self._whole is None else self._whole

    def __enter__(self) -> "Reader":
        numbered = [layer for layer in self._inner if layer == EMBEDDING or layer.isdecimal()]
        blocks = find_blocks(self.model) if numbered else []
        for layer in self._inner:
            place = (
                0 if layer == EMBEDDING else int(resolve_layers([layer], len(blocks))[0]) if layer in numbered else -1
            )
            if layer in numbered and place < len(blocks):
                handle = blocks[place].register_forward_pre_hook(self._before(layer), with_kwargs=True)
            else:
                module = blocks[place - 1] if layer in numbered else self._module(layer)
                handle = module.register_forward_hook(self._after(layer))
            self._handles.append(handle)
        if self._whole is not None:
            self._handles.append(self.model.register_forward_hook(lambda m, a, output: self._tell(LAST, output[0])))
            self._handles.append(self._whole.get_output_embeddings().register_forward_pre_hook(self._to_head))
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def learn(self) -> None:
        """Learn how each layer lays out its states, from two batches in which all sizes differ.

        Raises
        ------
        ModelError
            If a layer does not give states of each token.
        """
        for number, sizes in enumerate(TRIED):
            try:
                seen = [self._shapes(*size) for size in sizes]
                break
            except (RuntimeError, ValueError, AssertionError, IndexError) as error:
                if number + 1 == len(TRIED) or "memory" in str(error).lower():
                    raise
        self._axes = {layer: _axes(layer, sizes, [shapes[layer] for shapes in seen]) for layer in self.layers}
        self._check_padding(sizes, seen)

    def _check_padding(self, sizes: Sequence[tuple[int, int]], seen: Sequence[Mapping[str, tuple[int, ...]]]) -> None:
        """Refuse states of more than the prompt: what a model pads after it stops growing, what stands before it not.

        As many tokens as a model makes of fewer need no padding; whoever makes more of them has put in states of its
        own, and rows would be theirs.
        """
        made = {
            (size[0], shapes[i][self._axes[i][1]]) for size, shapes in zip(sizes, seen, strict=True) for i in shapes
        }
        for prompts, length in sorted(made - set(sizes)):
            try:
                shapes = self._shapes(prompts, length)
            except (RuntimeError, ValueError, AssertionError, IndexError) as error:
                if "memory" in str(error).lower():
                    raise
                shapes = {}
            for layer in self.layers:
                if not shapes or shapes[layer][self._axes[layer][1]] != length:
                    told = shapes[layer] if shapes else "an error"
                    raise ModelError(
                        f"layer {layer} of {type(self.model).__name__} gives {told} for {prompts} prompts of {length} "
                        "tokens; expected a state of each token: this model puts states of its own beside those of the "
                        "prompt, and which are which is not known"
                    )

    def _shapes(self, prompts: int, length: int) -> dict[str, tuple[int, ...]]:
        """The shapes of all layers for a batch of so many prompts."""
        import torch

        device = next(self.model.parameters()).device
        known = min(embedding_rows(self.model) or IDS, IDS)
        ids = torch.arange(1, length + 1, device=device).expand(prompts, length) % known
        found: dict[str, tuple[int, ...]] = {}
        inputs = {"input_ids": ids.contiguous(), "attention_mask": torch.ones_like(ids)}
        if "use_cache" in inspect.signature(self.model.forward).parameters:
            inputs["use_cache"] = False
        with torch.inference_mode():
            self._run(lambda layer, states: found.update({layer: tuple(states.shape)}), inputs)
        return found

    def run(self, keep: Keep, **inputs: Any) -> None:
        """Run the model on a batch; ``keep`` is given each layer, and no block runs that is not needed for them."""
        if not self._axes:
            raise AssertionError("a reader learns how layers are laid out before it reads them")
        shape = tuple(inputs["input_ids"].shape)

        def laid_out(layer: str, states: Any) -> Any:
            return keep(layer, _laid_out(states, self._axes[layer or LAST], layer, shape))

        if self._whole is None:
            self._run(laid_out, inputs)
            return
        self._here.to_head, self._here.headed = laid_out, None
        try:
            self._run(laid_out, inputs, self._whole)
            logits, rows = self._here.logits, self._here.headed
            if rows is None or logits.ndim != 3 or logits.shape[:2] != rows.shape[:2]:
                raise ModelError(
                    f"the output head of {type(self._whole).__name__} was not found: which logits are of which token "
                    "is not known; leave the layer logits out"
                )
            keep(LOGITS, logits)
        finally:
            self._here.to_head = self._here.logits = self._here.headed = None

    def _run(self, tell: Keep, inputs: dict[str, Any], whole: Any = None) -> None:
        self._here.tell, self._here.left = tell, set(self.layers)
        self._here.ends = whole is None  # else the head comes after the last layer
        try:
            output = (whole or self.model)(**inputs)
            if whole is not None:
                self._here.logits = output.logits
            if LAST in self._here.left:
                self._tell(LAST, output.last_hidden_state)
        except Enough:
            pass
        finally:
            self._here.tell, self._here.ends = None, True
        if self._here.left:
            raise ModelError(f"module {min(self._here.left)} of {type(self.model).__name__} did not run")

    def _tell(self, layer: str, states: Any) -> None:
        if getattr(self._here, "tell", None) is None:
            return  # the model runs for something else, such as adding tokens
        if layer not in self._here.left:
            return  # blocks share the module: what it gives later must not depend on which other layers are read
        self._here.tell(layer, states)
        self._here.left.discard(layer)
        if not self._here.left and getattr(self._here, "ends", True):
            raise Enough

    def _to_head(self, head: Any, args: tuple[Any, ...]) -> Any:
        """Give the head the rows in the place of all states."""
        told = getattr(self._here, "to_head", None)
        if told is None:
            return None
        if LAST in self._here.left:  # the model reaches past its own stack for what is in it
            self._tell(LAST, args[0])
        self._here.headed = told(LOGITS_OF, args[0])
        return (self._here.headed, *args[1:])

    def _module(self, path: str) -> Any:
        modules = dict(self.model.named_modules())
        if path not in modules:
            raise InputError(
                f"{type(self.model).__name__} has no module {path!r}; {did_you_mean(path, [m for m in modules if m])}"
            )
        return modules[path]

    def _before(self, layer: str) -> Callable[..., None]:
        def tell(block: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            self._tell(layer, args[0] if args else kwargs["hidden_states"])

        return tell

    def _after(self, layer: str) -> Callable[..., None]:
        return lambda module, args, output: self._tell(layer, output[0] if isinstance(output, tuple | list) else output)


def _axes(layer: str, sizes: Sequence[tuple[int, int]], shapes: Sequence[tuple[int, ...]]) -> Axes:
    """Find the batch and the tokens among the axes of a layer's states; tokens may be padded, by the model itself."""
    dims = range(len(shapes[0])) if len({len(shape) for shape in shapes}) == 1 else range(0)

    def growing(part: int) -> list[int]:
        return [i for i in dims if all(shape[i] == size[part] for size, shape in zip(sizes, shapes, strict=True))]

    batch, tokens = growing(0), growing(1)
    if not tokens:
        long = [i for i in dims if all(shape[i] > size[1] for size, shape in zip(sizes, shapes, strict=True))]
        tokens = [i for i in long if i not in batch and i != len(dims) - 1]
    if len(dims) < 3 or len(batch) != 1 or len(tokens) != 1:
        raise ModelError(
            f"layer {layer} gives {' and '.join(map(str, shapes))} for batches of {' and '.join(map(str, sizes))}; "
            "expected states of each token: prompts, tokens and features as axes of their own"
        )
    return batch[0], tokens[0]


def _laid_out(states: Any, axes: Axes, layer: str, shape: tuple[int, ...]) -> Any:
    """States as (batch, tokens, features), without what the model padded."""
    if axes != (0, 1) or states.ndim > 3:
        states = states.movedim(axes, (0, 1)).flatten(2)
    if states.shape[0] != shape[0] or states.shape[1] < shape[1]:
        raise ModelError(
            f"layer {layer} gives states of {tuple(states.shape[:2])} prompts and tokens for a batch of {shape}"
        )
    return states[:, : shape[1]]
