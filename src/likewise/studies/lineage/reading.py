"""What the scores mean: which models are strangers, and whether the model stands out from them."""

from collections.abc import Sequence

import numpy as np

from likewise.arrays import to_numpy
from likewise.chance import holm
from likewise.inference import PanelTest, panel_test, panel_tests
from likewise.naming import p_text
from likewise.representation import Representation
from likewise.studies.lineage.scores import ALIKE, AXES_LEVEL, Place, Scores, families_of

LEVEL = 0.05
"""False alarms of the panel."""

RANDOM = "reinitialize"
"""The variant whose models have random weights."""

DERIVED, INDEPENDENT, CANNOT_TELL = "derived", "independent", "cannot tell"


class Reading:
    """What follows from the scores."""

    def __init__(self, places: Sequence[Place], scores: Scores) -> None:
        self.places, self.scores = places, scores
        self.model, self.base = places[0].model.name, places[0].base.name
        self.relatives = list(places[0].relatives)
        self.axes_p = self._axes_p("")
        given = list(places[0].panel)
        self.random = [n for n in given if str(places[0].panel[n].source.variant or "").startswith(RANDOM)]
        self.itself = [name for name in given if all(_same(place.panel[name], place.model) for place in places)]
        trained = [name for name in given if name not in (*self.random, *self.itself)]
        self.related = [name for name in trained if self._shares(name)]
        strangers = [n for n in trained if n not in self.related and self.mean(n) is not None]
        self.families = families_of(places, strangers, 0)
        # Of a family the member that is most alike stands for all: the careful choice.
        self.panel = [max(members, key=lambda name: self.mean(name) or 0.0) for members in self.families]
        self.test = self._panel_test(self.mean(""), [self.mean(name) for name in self.panel])
        self.verdict, self.because = self._judged()

    # What the numbers are

    def _axes_p(self, name: str) -> list[float | None]:
        """P-values of shared axes at each place, corrected by Holm over the places."""
        known = [k for k, here in enumerate(self.scores) if here[name].axes_p is not None]
        corrected: list[float | None] = [None] * len(self.scores)
        if known:
            of = holm(np.asarray([self.scores[k][name].axes_p for k in known], dtype=np.float64))
            for k, p in zip(known, of, strict=True):
                corrected[k] = float(p)
        return corrected

    def _shares(self, name: str) -> bool:
        return any(p is not None and p <= AXES_LEVEL for p in self._axes_p(name))

    def mean(self, name: str) -> float | None:
        """The held-out cosine beside chance, over all places; None where one has none."""
        values = [here[name].calibrated for here in self.scores]
        return None if None in values else float(np.mean([v for v in values if v is not None]))

    def _panel_test(self, score: float | None, panel: Sequence[float | None]) -> PanelTest | None:
        known = np.asarray([v for v in panel if v is not None], dtype=np.float64)
        return panel_test(score, known) if score is not None and len(known) else None

    @property
    def best(self) -> int | None:
        """The place where the axes are shared most clearly."""
        known = [(here[""].axes_p, -(here[""].axes_z or 0.0), k) for k, here in enumerate(self.scores)]
        judged = [one for one in known if one[0] is not None]
        return min(judged)[2] if judged else None

    @property
    def controls(self) -> dict[str, float]:
        """The means of the known relatives that have one."""
        return {n: mean for n in self.relatives if (mean := self.mean(n)) is not None}

    @property
    def overlap(self) -> list[str]:
        """Known relatives that are no more alike than some stranger of the panel."""
        most = max((self.mean(name) or 0.0 for name in self.panel), default=None)
        return [] if most is None else [name for name, mean in self.controls.items() if mean <= most]

    @property
    def other_width(self) -> bool:
        """Whether the model has another number of features than the base everywhere."""
        return all(place.model.matrix.shape[1] != place.base.matrix.shape[1] for place in self.places)

    @property
    def matched(self) -> list[float]:
        """Correlations of features that were paired anew, of the places that have one."""
        return [value for here in self.scores if (value := here[""].matched) is not None]

    @property
    def reordered(self) -> float | None:
        """The highest correlation of features paired anew that nothing else explains; None where there is none.

        Where prompts have few directions, features of strangers match too, and so do those of a copy after a rotation.
        Where all features follow one, as those of any other order do, so do those that have one number.
        """
        beyond = []
        for s in (here[""] for here in self.scores):
            if s.matched is not None and s.turned is not None:
                others = max(s.turned, s.axes or 0.0)
                if s.matched - others >= ALIKE * (1 - others):
                    beyond.append(s.matched)
        return max(beyond, default=None)

    # What they mean

    def _judged(self) -> tuple[str, str]:
        best = self.best
        if best is not None and (p := self.axes_p[best]) is not None and p <= AXES_LEVEL:
            score = self.scores[best][""]
            over = f", corrected for {len(self.places)} places" if len(self.places) > 1 else ""
            z = "" if score.axes_z is None else f"z = {score.axes_z:.3g}, "
            return DERIVED, (
                f"{self.model} has the axes of {self.base}: like-numbered features correlate by {score.axes:.2g} "
                f"({z}p {_p(p)}{over})"
            )
        if self.test is None:
            return CANNOT_TELL, f"{self._axes_said}, and there is no panel of unrelated trained models"
        if self.test.limit:
            return CANNOT_TELL, f"{self._axes_said}, and {_lower(self.test.limit)[:-1]}"
        if self.overlap:
            return CANNOT_TELL, (
                f"{self._axes_said}, and the panel overlaps the known relatives: {self.overlap[0]} is no more alike "
                "than some model of the panel"
            )
        size, mean = self.test.size, self.test.score
        if self.test.pvalue <= LEVEL:
            return DERIVED, (
                f"{self.model} is more alike {self.base} than unrelated models are, after a rotation that is fitted to "
                f"other prompts: place {self.rank} of {size + 1}, cosine {mean:.2g} beside chance (panel p "
                f"{_p(self.test.pvalue)})"
            )
        inside = f"place {self.rank} of {size + 1} among unrelated models (panel p {_p(self.test.pvalue)})"
        controls = self.controls
        if controls and mean < min(controls.values()) and self.rank > 1:
            return INDEPENDENT, (
                f"{self._axes_said}, it takes {inside}, and each of {len(controls)} known "
                f"relative{'s' if len(controls) > 1 else ''} is more alike (cosine {min(controls.values()):.2g} or "
                f"more beside chance, against {mean:.2g})"
            )
        lacking = "no known relative shows what would have been found" if not controls else "it is the most alike"
        return CANNOT_TELL, f"{self._axes_said}, it takes {inside}, and {lacking}"

    @property
    def _axes_said(self) -> str:
        best = self.best
        if best is None:
            return f"the axes of {self.model} and {self.base} cannot be compared"
        return f"{self.model} does not have the axes of {self.base} (smallest p {_p(self.axes_p[best])})"

    @property
    def rank(self) -> int:
        """Among the panel and the model, from the most alike; ties count against the model."""
        return 0 if self.test is None else round(self.test.pvalue * (1 + self.test.size))

    def over(self, key: str) -> float | None:
        """The mean of a number of the model over all places; None where one has none."""
        found = [getattr(here[""], key) for here in self.scores]
        return None if None in found else float(np.mean(found))

    def place_tests(self) -> dict[str, PanelTest]:
        """Each place beside the panel, corrected over the places that have both."""
        given = {}
        for k, here in enumerate(self.scores):
            score, panel = here[""].calibrated, [here[name].calibrated for name in self.panel]
            if score is not None and panel and None not in panel:
                given[str(k)] = (score, np.asarray(panel, dtype=np.float64), 1)
        return panel_tests(given)

    def highest(self, k: int) -> float | None:
        """The highest held-out cosine of the panel at a place."""
        return max((v for n in self.panel if (v := self.scores[k][n].rotation) is not None), default=None)


def _p(p: float | None) -> str:
    shown = p_text(p)
    return f"= {shown:.2g}" if isinstance(shown, float) else str(shown)


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _same(a: Representation, b: Representation) -> bool:
    """Whether two hold the same rows, to the last bit."""
    if a.key and a.key == b.key:
        return True
    return a.matrix.shape == b.matrix.shape and bool(np.array_equal(to_numpy(a.matrix), to_numpy(b.matrix)))
