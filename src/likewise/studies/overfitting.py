"""What measures that fit owe to seeing the inputs that they are scored on."""

from dataclasses import astuple, dataclass, replace
from typing import ClassVar

from likewise.scoring import Results, overfitting
from likewise.studies.answer import Answer, Table
from likewise.studies.base import Study

UNSURE = "a mean over pairs that share models; each score has its own interval"
"""Why means have no interval."""

FOLDS = 5
"""Of the held-out fits that an answer proposes."""


@dataclass(frozen=True)
class Overfitting(Study):
    """Sets scores of fits to all inputs beside those on held-out inputs."""

    name: ClassVar[str] = "overfitting"
    question: ClassVar[str] = "Overfitting: training inputs against held-out inputs"

    def answer(self, given: Results) -> Answer | None:
        """Return by how much each fit does worse on held-out inputs, and which held-out fits to ask for."""
        found = overfitting(given)
        alone = [
            replace(c, parameters={**c.parameters, "folds": FOLDS}).label
            for c in given.configurations.values()
            if c.parameters.get("folds") == 0
        ]
        lacking = [label for label in alone if label not in {gap.held_out for gap in found}]
        if not found and not lacking:
            return None
        limits = []
        if lacking:
            labels = ", ".join(f"`{label}`" for label in lacking)
            limits = [
                "These scores are on the prompts that were fitted to. For scores on held-out prompts, add "
                f"{labels} to the measures."
            ]
        if not found:
            return Answer(self.question, "No measure here that fits has a held-out score.", limits=tuple(limits))
        widest = max(found, key=lambda gap: gap.gap)
        columns = ("data set", "fitted to all", "held out", "pairs", "items", "mean score", "mean held-out score",
                   "gap", "chance", "held-out chance")  # fmt: skip
        return Answer(
            self.question,
            f"Scores on the fitted inputs are more alike than on held-out inputs, by up to {widest.gap:.3g} "
            f"({widest.held_out} on {widest.dataset or 'inputs'}; mean over "
            f"{widest.n_pairs:,} score{'' if widest.n_pairs == 1 else 's'})."
            if widest.gap > 0
            else "No mean score is more alike on the fitted inputs than on held-out inputs.",
            "Some measures fit one representation to the other. The table compares their score on the prompts that "
            "they were fitted to with their score on held-out prompts. Expect the held-out score on new prompts.",
            tables=(
                Table("overfitting", columns, tuple(map(astuple, found)), unsure=dict.fromkeys(columns[5:], UNSURE)),
            ),
            unsure=UNSURE,
            limits=tuple(limits),
            values={"largest_gap": widest.gap},
        )
