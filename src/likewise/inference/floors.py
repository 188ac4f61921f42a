"""Beyond numeric noise: the errors of a copy beside those of the base that was run again."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from likewise.errors import InputError
from likewise.inference.differences import CONFIDENCE
from likewise.inference.estimates import DRAWS, Estimates, step_down_max
from likewise.inference.leftout import LeftOut


@dataclass(frozen=True, eq=False)
class Floors:
    """A copy beside the noise floor, for each layer.

    Parameters
    ----------
    copy, floor : array, shape (layers,)
        The error of the copy, and the largest of the re-runs.
    ratio : array, shape (layers,)
        How many times the floor; NaN where the floor is 0.
    low, high : array, shape (layers,)
        Intervals of copy minus floor, which hold together for all layers with 95 %.
    moved : array of bool, shape (layers,)
        Whether the copy lies outside the floor: the interval is on the side that is less alike.
    """

    copy: Float[np.ndarray, " layers"]
    floor: Float[np.ndarray, " layers"]
    ratio: Float[np.ndarray, " layers"]
    low: Float[np.ndarray, " layers"]
    high: Float[np.ndarray, " layers"]
    moved: Bool[np.ndarray, " layers"]

    @property
    def first_moved(self) -> int | None:
        """The first layer that moved; None where none did."""
        return int(np.argmax(self.moved)) if self.moved.any() else None


def noise_floor(
    copy: Sequence[LeftOut],
    reruns: Sequence[Sequence[LeftOut]],
    *,
    more_alike: int = -1,
    coverage: float = CONFIDENCE,
    draws: int = DRAWS,
    seed: int = 0,
) -> Floors:
    r"""Compare a copy with every re-run of the base, in all layers at once, on the same prompts.

    With d_lr the error of the copy minus that of re-run r in layer l, and c the quantile of the largest abs(t) over all
    layers and re-runs,

    .. math:: [\min_r (d_{lr} - c\,s_{lr}), \min_r (d_{lr} + c\,s_{lr})]

    holds copy minus floor, for the floor is the largest re-run.

    Parameters
    ----------
    copy : sequence of LeftOut
        The error of the copy against the base for each layer: a mean over prompts (`LeftOut.of_mean`), or a score.
    reruns : sequence of sequence of LeftOut
        The same of each re-run of the base: other precision, batch size, thread count.
    more_alike : {-1, 1}
        1 where a higher number means more alike, as of cka: the floor is then the lowest re-run.
    coverage : float
        Probability that all intervals hold together; of several copies, 1 - 0.05 / copies holds those of all with 95 %.
    draws, seed : int
        Of the joint law.

    Raises
    ------
    InputError
        If there is no re-run, or layers or left-out parts differ.

    Notes
    -----
    A re-run like the others is said to have moved, in any layer, with a probability of 2.5 % or less: half of what
    ``coverage`` leaves. Where nothing varies, as between two identical runs, any difference beyond rounding is one.
    Cost: as `all_differences`, for as many scores as there are layers times re-runs.

    References
    ----------
    The largest re-run is passed where all are: Berger (1982), doi:10.1080/00401706.1982.10487790.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> def errors(size):
    ...     return [LeftOut.of_mean(size * rng.chisquare(5, size=50)) for _ in range(2)]
    >>> found = noise_floor([errors(1.0)[0], errors(9.0)[1]], [errors(1.0), errors(1.0)])
    >>> found.moved.tolist(), found.first_moved
    ([False, True], 1)
    """
    layers = len(copy)
    if (
        not layers
        or not reruns
        or {len(run) for run in reruns} != {layers}
        or more_alike not in (1, -1)
        or not 0 < coverage < 1
    ):
        raise InputError(
            f"{layers} layers of a copy, re-runs of {[len(run) for run in reruns]} layers, more_alike={more_alike}, "
            f"coverage={coverage}; expected one re-run or more, of as many layers, 1 or -1, and a share between 0 and 1"
        )
    away = -more_alike
    apart = [own.minus(rerun) for run in reruns for own, rerun in zip(copy, run, strict=True)]
    all_of_them = Estimates.of(apart).against(0.0)
    _, largest = step_down_max(np.abs(all_of_them.t), (np.abs(t) for t in all_of_them.draws(draws, seed)))
    half = all_of_them.half(float(np.quantile(largest, coverage, method="higher"))).reshape(-1, layers)
    value = away * all_of_them.value.reshape(-1, layers)
    near, far = (value - half).min(axis=0), (value + half).min(axis=0)
    own = np.asarray([score.value for score in copy])
    floor = away * np.max([[away * score.value for score in run] for run in reruns], axis=0)
    ratio = np.divide(own, floor, out=np.full(layers, np.nan), where=floor != 0)
    low, high = (near, far) if away > 0 else (-far, -near)
    return Floors(own, floor, ratio, low, high, near > 0)
