"""Which copies of a model moved beyond numeric noise, from which layer on, and on which prompts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from likewise.arrays import to_numpy
from likewise.errors import InputError
from likewise.inference import Floors, LeftOut, noise_floor
from likewise.inference.leftout import mean_with_ends
from likewise.measures import REGISTRY, Configuration, contributions
from likewise.naming import parse_call
from likewise.scoring import interval
from likewise.studies.answer import Answer
from likewise.studies.audit import said
from likewise.studies.audit.copies import judged_copy, ranks_of
from likewise.studies.audit.layers import Layer, Layers, errors_at, groups_of, in_stretches
from likewise.studies.base import Study
from likewise.studies.conditions import Cell
from likewise.studies.names import ENDS, Names

LEVEL = 0.05
"""Of all intervals of an answer together."""


@dataclass(frozen=True)
class Audit(Study):
    """Sets the errors of copies beside those of the base that was run again.

    Parameters
    ----------
    base : str
        The name of the base.
    floor : tuple of str
        Names of its re-runs: in another precision, in other batches or threads.
    count : int
        Prompts that are shown of each copy that moved.
    seed : int
        Of the draws behind the intervals.
    outputs : tuple of str
        Measures of layers whose rows are log-probabilities, each a mean over prompts; those that there are.
    """

    name: ClassVar[str] = "audit"
    question: ClassVar[str] = "Did the copies change inside, beyond numeric noise?"
    needs = "rows"

    base: str = "base"
    floor: tuple[str, ...] = ("base run again",)
    count: int = 5
    seed: int = 0
    outputs: tuple[str, ...] = ("kl_divergence", "equal_top")

    def names(self, copies: Sequence[str], outputs: bool = True) -> Names:
        """Return the names of its values for these copies, where outputs are among the layers or not."""
        labels = [Configuration.parse(name).label for name in self.outputs if parse_call(name)[0] in REGISTRY]
        of_outputs = [f"{copy}.{label}" for copy in copies for label in labels]
        values = ["moved", *(f"{copy}.{part}" for copy in copies for part in said.PARTS)]
        tables = {"copies": said.COPIES, "layers": said.LAYERS, "prompts": ("error", "times_floor")}
        absent: dict[str, str] = {}
        if outputs:
            values += of_outputs
            tables["outputs"] = said.OF_OUTPUTS
        else:
            absent |= dict.fromkeys((*of_outputs, "outputs.*"), "outputs were not asked for; add the layer logits")
        if len(copies) > 1:
            values += said.NEAREST
            tables["copies"] += said.OF_RANKS
        else:
            ranked = (f"copies.{head}.{end}" for head in said.OF_RANKS for end in ENDS)
            absent |= dict.fromkeys((*said.NEAREST, *ranked), said.ALONE)
        return Names(tuple(values), tables, absent)

    def answer(self, given: Mapping[str, Layers], texts: Mapping[str, str | None] | None = None) -> Answer:
        r"""Return which copies moved, by how many times the floor, from which layer on, and which is nearest.

        For prompt i in one layer, :math:`e_i = |y_i - x_i| / |x_i|` is the relative error of a copy, and
        :math:`f_i^r` that of re-run r. The floor is the largest re-run, and a copy is

        .. math:: \frac{\bar e}{\max_r \bar f^r}

        times the floor. It moved in a layer where the interval of this ratio, which holds for all layers and copies
        together with 95 %, lies above 1.

        Parameters
        ----------
        given : mapping of str to mapping of str to Representation
            The rows of each model by layer: the base, its re-runs, and the copies, which are all others.
        texts : mapping of str to str, optional
            Texts of the prompts by id.

        Raises
        ------
        InputError
            If there is no copy or no re-run, models share no layer, or their rows have other inputs or widths.

        Examples
        --------
        >>> from likewise.representation import Representation
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(50, 8))
        >>> def noisy(sd):
        ...     return {"rows": Representation(x + sd * rng.normal(size=x.shape))}
        >>> models = {"base": noisy(0), "base run again": noisy(0.01), "same": noisy(0.001), "8 bits": noisy(0.1)}
        >>> answer = Audit().answer(models)
        >>> [answer.values[f"{name}.moved"] for name in ("same", "8 bits")]
        [False, True]
        """
        copies = [name for name in given if name not in (self.base, *self.floor)]
        for kind, names in (("base", [self.base]), ("re-run", self.floor)):
            if missing := [name for name in names if name not in given]:
                raise InputError(f"an audit without the rows of its {kind} {missing[0]!r}")
        if not copies or not self.floor:
            raise InputError("an audit of no copies, or without a re-run; expected one or more of both")
        layers = [layer for layer in given[self.base] if all(layer in of for of in given.values())]
        if not layers:
            raise InputError(f"no layer of {self.base} is in all copies and re-runs; expected copies of one model")
        of_outputs = [layer for layer in layers if given[self.base][layer].kind == "log_probabilities"]
        layers = [layer for layer in layers if layer not in of_outputs]
        if not layers:
            raise InputError("rows of log-probabilities alone; expected a layer of hidden states")
        found = in_stretches([errors_at(layer, given, self.base, self.floor) for layer in layers])
        outputs = [row for layer in of_outputs for row in self._outputs(layer, given, copies, found[0].groups)]
        floors = {name: self._floors(found, name, len(copies)) for name in copies}
        judged = [judged_copy(name, found, floors[name]) for name in copies]
        ranks = ranks_of(found[-1], copies, self.seed)
        apart = [layer for layer in given[self.base] if layer not in (*layers, *of_outputs)]
        return Answer(
            self.question,
            " ".join(said.verdict(judged, self.base, ranks)),
            f"Of {self.base} and {len(copies):,} {'copy' if len(copies) == 1 else 'copies'}, on {len(found[0].ids):,} "
            "prompts. The relative error of a copy is the length of its difference from the base, beside the length of "
            "the base, as a mean over prompts. Numeric noise is the same error of the base that was run again."
            + (" Copies that share a letter are not told apart." if ranks is not None else ""),
            tables=(*said.tables(judged, ranks, self.count, found, texts or {}), *said.tables_of_outputs(outputs)),
            drawings=tuple(said.drawings(judged)),
            limits=tuple(said.limits(self.base, self.floor, judged, found, apart)),
            values={**dict(said.values(judged, ranks)), **{f"{row[0]}.{row[2]}": row[3] for row in outputs}},
            reasons=dict(said.reasons(judged, ranks)),
        )

    def _outputs(
        self, layer: str, given: Mapping[str, Layers], copies: Sequence[str], groups: Sequence[str] | None
    ) -> Iterator[tuple[Cell, ...]]:
        """What a copy did to the outputs, by each measure: its mean with an interval, and that of the worst re-run."""
        base = given[self.base][layer]
        groups = groups_of(base) or groups
        for name in (name for name in self.outputs if parse_call(name)[0] in REGISTRY):
            measure = Configuration.parse(name)

            def mean(model: str, measure: Configuration = measure) -> LeftOut:
                return LeftOut.of_mean(to_numpy(contributions(measure, base, given[model][layer])), groups)

            floor = min((mean(rerun).value for rerun in self.floor), key=lambda value: measure.facts.more_alike * value)
            for copy in copies:
                found = mean(copy)
                ends = interval(
                    np.asarray([found.value]), found.values[:, None], measure.facts.bounds, found.sizes
                )  # within the range of the measure
                low, high = (float(end[0]) for end in ends)
                if measure.measure == "equal_top":  # all right, or all wrong, of a few prompts says little
                    _, *told = mean_with_ends(to_numpy(contributions(measure, base, given[copy][layer])), groups or ())
                    low, high = (end if end is not None else own for end, own in zip(told, (low, high), strict=True))
                yield copy, layer, measure.label, found.value, low, high, floor

    def _floors(self, found: Sequence[Layer], name: str, copies: int) -> Floors | None:
        """The ratios of a copy to the floor in the layers that have one, tested together; None where there is none."""
        ratios = [ratio for layer in found if (ratio := layer.ratio(name)) is not None]
        if not ratios:
            return None
        one = [LeftOut(1.0, np.ones_like(ratio.values), ratio.sizes) for ratio in ratios]
        return noise_floor(ratios, [one], coverage=1 - LEVEL / copies, seed=self.seed)
