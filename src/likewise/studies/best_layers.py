"""Which layers of two models are most alike."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from likewise.chance import LEVEL, is_small
from likewise.fields import PERMUTATIONS
from likewise.measures import configurations
from likewise.naming import p_text
from likewise.progress import Watch, unwatched
from likewise.scoring import best_layers
from likewise.studies.answer import Answer, Table
from likewise.studies.base import Scoring
from likewise.studies.names import Names

UNSURE = "the best was chosen among layers by the same prompts, which an interval would not know"
"""Why a best score has no interval."""

COLUMNS = ("a", "b", "measure", "of", "best", "chance", "z", "p", "p alone", "calibrated", "note")
"""Heads of its table."""


@dataclass(frozen=True)
class BestOfLayers(Scoring):
    """Finds the most alike layers of each two models; chance is the best score of the same layers after each shuffle.

    Parameters
    ----------
    permutations : int
        As in `best_layers`.
    """

    name: ClassVar[str] = "best-layers"
    question: ClassVar[str] = "Which layers are most alike?"

    permutations: int = PERMUTATIONS

    def names(self) -> Names:
        """Return the names of its values."""
        return Names(("scores", "largest_p", "lowest_calibrated"), {"best-layers": COLUMNS})

    def answer(self, given: Any, watch: Watch = unwatched) -> Answer:
        """Return the best layers of each two models, whose layers are given as `best_layers` takes them.

        Examples
        --------
        >>> import numpy as np
        >>> early, late = np.random.default_rng(0).normal(size=(2, 30, 4))
        >>> study = BestOfLayers("cka", permutations=20)
        >>> study.answer({"x": {"0": early, "1": late}, "y": {"0": 2 * late + 1}}).verdict
        'The most alike layers are 1 and 0: cka 1, calibrated 1, p 0.04762.'
        """
        chosen = configurations(self.measures)
        found = best_layers(
            given, chosen, pairs=self.pairs, permutations=self.permutations, seed=self.seed, watch=watch
        )
        labels = {(c.measure, c.parameters_json): c.label for c in chosen}
        rows = tuple(
            (b.layer_a or b.a, b.layer_b or b.b, labels[b.measure, b.parameters], b.n_layer_pairs,
             b.value, b.null_mean, b.z, p_text(b.pvalue), p_text(b.pvalue_alone), b.calibrated, b.reason)
            for b in found
        )  # fmt: skip
        tested = [b.pvalue for b in found if b.pvalue is not None]
        known = [b.calibrated for b in found if b.calibrated is not None]
        first = found[0]
        reasons = {}
        if len(tested) < len(found):
            reasons["largest_p"] = f"{len(found) - len(tested):,} of {len(found):,} best scores have no p-value"
        if len(known) < len(found):
            reasons["lowest_calibrated"] = f"{len(found) - len(known):,} of {len(found):,} have no calibrated score"
        if len(found) == 1 and first.value is not None:
            more = "".join(
                f", {name} {value if isinstance(value, str) else f'{value:.4g}'}"
                for name, value in (("calibrated", first.calibrated), ("p", p_text(first.pvalue)))
                if value is not None
            )
            label = labels[first.measure, first.parameters]
            verdict = f"The most alike layers are {first.layer_a} and {first.layer_b}: {label} {first.value:.4g}{more}."
        elif not tested:
            verdict = "No best score has a p-value; the notes say why."
        else:
            differ = sum(map(is_small, tested))
            verdict = (
                f"{differ or 'None'} of {len(tested):,} best scores differ{'s' if differ <= 1 else ''} from the best "
                f"after shuffles (p of {LEVEL} or less, not corrected for their number)."
            )
        return Answer(
            self.question,
            verdict,
            tables=(
                Table(
                    "best-layers",
                    COLUMNS,
                    rows,
                    spare=("note", "p alone", "z", "chance", "of", "calibrated"),
                    unsure=dict.fromkeys(("best", "chance", "z", "calibrated"), UNSURE),
                ),
            ),
            unsure=UNSURE if len(found) == 1 and first.value is not None else "",
            limits=(
                "chance, z, p, calibrated: compared with the best of the same layers after each shuffle",
                "p alone: as if no other layers had been tried; uncorrected, so too optimistic",
            ),
            values={
                "scores": len(found),
                "largest_p": max(tested) if len(tested) == len(found) else None,
                "lowest_calibrated": min(known) if len(known) == len(found) else None,
            },
            data=[asdict(best) for best in found],
            reasons=reasons,
        )
