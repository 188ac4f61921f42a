"""Whether a model was derived from another one, or whether that cannot be told."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from likewise.progress import Watch, unwatched
from likewise.studies.answer import Answer
from likewise.studies.base import Study
from likewise.studies.lineage import said
from likewise.studies.lineage.reading import Reading
from likewise.studies.lineage.scores import Place, check_places, scored
from likewise.studies.names import Names


@dataclass(frozen=True)
class Lineage(Study):
    """Asks whether a model was derived from a base: by the axes that they share, and by a panel of unrelated models.

    Copies and descendants of a model number their features as it does; models that were trained apart number them by
    chance. So the correlation of like-numbered features, beside all orders of the features, tells relatives without
    any panel, where widths are equal. A copy can hide that by a rotation. What a rotation cannot hide is how alike the
    rows are after one; but strangers are alike too, as they see the same prompts. So that is judged by its rank among
    unrelated trained models.

    Parameters
    ----------
    seed : int
        Of orders that are drawn.

    Notes
    -----
    ``derived``: the shared axes have p at or below 0.001, corrected by Holm over all places; or the mean over places of
    the held-out cosine has a panel p at or below 0.05. Models of the panel that share axes with the base are no
    strangers and are left out; those that share axes with one another are one family, and count once.

    ``independent``: known relatives were given, all are more alike than the whole panel, which can reach 0.05; and the
    model is neither: it shares no axes, and some of the panel is as alike. It holds against relatives like those given.

    ``cannot tell``: everything else.
    """

    name: ClassVar[str] = "lineage"
    question: ClassVar[str] = "Was the model derived from the base?"
    needs: ClassVar[Literal["scores", "rows"]] = "rows"

    seed: int = 0

    def names(self, panel: bool = True, relatives: bool = True) -> Names:
        """Return the names of its values, with a panel and known relatives or without."""
        absent = {} if panel else dict.fromkeys(said.OF_PANEL, said.NO_PANEL)
        absent |= {} if relatives else {"relatives.lowest": said.NO_RELATIVES}
        tables = {"places": said.PLACES, "models": said.MODELS}
        if not (panel or relatives):
            del tables["models"]
            absent["models.*"] = "there is neither a panel nor a known relative"
        return Names(tuple(name for name in said.VALUES if name not in absent), tables, absent)

    def answer(self, given: Sequence[Place], watch: Watch = unwatched) -> Answer:
        """Return the verdict, and the scores of all models at all places.

        Parameters
        ----------
        given : sequence of Place
            All with the same models; at least one.

        Raises
        ------
        InputError
            If there is no place, places have other models, or rows do not describe the same prompts.

        Examples
        --------
        >>> import numpy as np
        >>> from likewise.representation import Representation
        >>> rng = np.random.default_rng(0)
        >>> base = rng.normal(size=(80, 40))
        >>> rows = {"base": base, "model": base + rng.normal(size=(80, 40))}
        >>> place = Place(**{name: Representation(x, name=name) for name, x in rows.items()})
        >>> Lineage().answer([place]).values["verdict"]
        'derived'
        """
        places = list(given)
        check_places(places)
        of = Reading(places, scored(places, self.seed, watch))
        return Answer(
            self.question,
            f"{of.verdict}: {of.because}.",
            "Shared axes: the correlation of like-numbered features; chance is any other order of the features. "
            "Matched: features matched one to one on one half of the prompts, scored on the other. Rotation: the "
            "cosine of rows after the rotation that fits other prompts best; chance is another prompt of the group.",
            tables=(said.places_table(of), *([said.models_table(of)] if places[0].others else [])),
            drawings=said.drawings(of),
            limits=tuple(said.limits(of)),
            values=said.values(of),
            reasons=said.reasons(of),
        )
