"""Models as a command line has them, in one word each."""

import os
import re
from typing import Any

WORD = re.compile(
    r"(?:(?P<name>[^=:(/\\]+)=)?(?P<model>.+?)(?::(?P<variant>\s*[A-Za-z_]\w*\s*\(.*\)\s*|reinitialize))?", re.DOTALL
)
"""A name stands before the first sign of equality, a variant with its brackets behind the last colon before it."""


def model_written(text: str) -> dict[str, Any]:
    r"""Read ``[NAME=]MODEL[:VARIANT]``; a text that is a path of this machine is a model, whatever signs it has.

    Examples
    --------
    >>> model_written("smollm2-135m-instruct:quantize(bits=4)")
    {'model': 'smollm2-135m-instruct', 'variant': 'quantize(bits=4)'}
    >>> model_written("tuned=me/gpt2"), model_written(r"C:\\models\\a:prune(fraction=0.3)")["model"]
    ({'model': 'me/gpt2', 'name': 'tuned'}, 'C:\\\\models\\\\a')
    """
    if os.path.lexists(text):
        return {"model": text}
    found = WORD.fullmatch(text)
    if found is None:
        return {"model": text}
    said = {key: value for key, value in found.groupdict().items() if value is not None}
    return {"model": said.pop("model"), **said}
