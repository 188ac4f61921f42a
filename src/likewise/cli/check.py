"""``likewise check``."""

import math
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likewise.cli import options
from likewise.cli.console import messages, print_json, print_table, say
from likewise.errors import InputError, ModelError
from likewise.fields import DTYPE, TRANSFORMERS
from likewise.naming import did_you_mean

if TYPE_CHECKING:
    from likewise.extraction import Finding
    from likewise.models import LoadedModel, ModelSpec


def check(
    model: Annotated[str, typer.Argument(help="Name of a packaged model, hub id, folder or GGUF file.")],
    layer: Annotated[list[str] | None, typer.Option(help="A layer, as in likewise extract. [default: all]")] = None,
    dtype: Annotated[str, typer.Option(help="Precision of the model.")] = DTYPE,
    variant: Annotated[str | None, typer.Option(help="A change of the model, for example noise(sd=0.1).")] = None,
    base: Annotated[str | None, typer.Option(help="Base model of an adapter.")] = None,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit of a hub model.")] = None,
    backend: options.Backend = TRANSFORMERS,
    pooling: Annotated[str | None, typer.Option(help="How tokens become a row; of other backends only.")] = None,
    device: options.Device = "cpu",
    json: options.Json = False,
) -> None:
    """Check that the rows of a model can be trusted.

    They must not depend on batches, padding and order, and layers must be what their names say.
    """
    from likewise.extraction import check_model
    from likewise.models import DTYPES, ModelSpec, canonical_layer, canonical_variant, find_blocks, resolve_layers

    if dtype not in DTYPES:
        raise InputError(f"unknown dtype {dtype!r}; {did_you_mean(dtype, DTYPES)}")
    spec = ModelSpec(model=model, base=base, revision=revision, variant=canonical_variant(variant), backend=backend)
    if pooling is not None and backend == TRANSFORMERS:
        raise InputError("--pooling is for other backends: models of transformers are checked by their last token")
    with messages.status("loading the model and running its prompts"):
        if backend != TRANSFORMERS:
            findings = _of_other(spec, layer, pooling, options.check_device(device), dtype)
        else:
            loaded = _loaded(_pinned(spec), options.check_device(device), dtype)
            asked = [canonical_layer(name) for name in layer or ["all"]]
            findings = check_model(loaded, resolve_layers(asked, len(find_blocks(loaded.model))), dtype)
    passed = all(finding.passed for finding in findings)
    if json:
        print_json({"model": model, "dtype": dtype, "passed": passed, "findings": list(map(_record, findings))})
    else:
        rows = [(f.what, f.layer, f.drift, f.tolerance, f.note or _word(f.passed, f.tolerance)) for f in findings]
        print_table(f"{model} in {dtype}", ("rows of the same prompts", "layer", "drift", "allowed", ""), rows)
        say("drift: the largest change of a row, as a share of its length")
        say(
            "the rows can be trusted: they do not depend on batches, padding and order"
            if passed
            else "the rows depend on batches, padding or order by more than rounding: do not trust them"
        )
    if not passed:
        raise typer.Exit(1)


def _of_other(
    spec: "ModelSpec", layer: list[str] | None, pooling: str | None, device: str, dtype: str
) -> "list[Finding]":
    """What is found of a model of another backend, in all layers that it says it has, else in the last."""
    from likewise.extraction import Foreign, backend_of, check_foreign, check_possible
    from likewise.models import canonical_layer, resolve_layers
    from likewise.pooling import canonical_pooling
    from likewise.prompts import PROBES, DatasetSpec

    found = backend_of(spec)
    assert isinstance(found, Foreign)  # its name is another than that of the one inside
    about = found.described(spec)
    default = list(about.layers or (["all"] if about.blocks else ["last"]))
    layers = resolve_layers([canonical_layer(name) for name in layer or default], about.blocks)
    chosen = canonical_pooling(pooling or about.pooling or "last_token")
    check_possible(spec, DatasetSpec(name=PROBES, source=PROBES), layers, chosen, "error")
    model = found.load(spec, device=device, dtype=dtype, head=False)
    return check_foreign(found, model, layers, dtype, pooling=chosen)


def _pinned(spec: "ModelSpec") -> "ModelSpec":
    """The same at the commit that it stands for; where the hub cannot be reached, that is said at once."""
    from likewise.models import locate, resolve_model

    if spec.base is not None and locate(spec.base) is None:
        resolve_model(spec.base, "main")
    if spec.imported is not None or locate(spec.model) is not None:
        return spec
    return replace(spec, revision=resolve_model(spec.model, spec.revision or "main").commit)


def _loaded(spec: "ModelSpec", device: str, dtype: str) -> "LoadedModel":
    """The model, with its output head where it is a causal language model."""
    from likewise.models import load_model

    try:
        return load_model(spec, device=device, dtype=dtype, head=True)
    except ModelError as error:
        if "is no causal language model" not in str(error):
            raise
        return load_model(spec, device=device, dtype=dtype)


def _record(finding: "Finding") -> dict[str, Any]:
    """A finding for programs: what is beyond all bounds has no number in JSON."""
    drift = finding.drift if finding.drift is not None and math.isfinite(finding.drift) else None
    return {**asdict(finding), "drift": drift, "passed": finding.passed}


def _word(passed: bool, tolerance: float | None) -> str:
    return "" if tolerance is None else "passed" if passed else "FAILED"
