"""Prompts: what every model is given, with the name of each and one fingerprint of all."""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from likewise.errors import InputError, MissingDependencyError
from likewise.naming import did_you_mean
from likewise.store import content_key


@dataclass(frozen=True)
class Prompts:
    """Texts in a fixed order, their unique ids, and the template that made them."""

    name: str
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    template: str

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash of all ids and texts: equal fingerprints are equal inputs."""
        return content_key([list(self.ids), list(self.texts)])


def _present(value: Any) -> Any:
    """Refuse a missing value, which would be printed as the word None."""
    if value is None:
        raise ValueError("a field that the template asks for is null")
    return value


def make_prompts(
    name: str,
    records: Iterable[Mapping[str, Any]],
    template: str,
    *,
    id_column: str | None,
    limit: int | None,
) -> Prompts:
    """Fill the template with the fields of each record.

    Parameters
    ----------
    name : str
        The data set's name in messages and tables.
    records : iterable of mapping
        Fields by name.
    template : str
        A jinja2 template over the fields, for example ``"{{ prompt }}"``; it cannot run code.
    id_column : str or None
        The field that names a record; the position by default.
    limit : int or None
        How many records to take, from the first.

    Raises
    ------
    InputError
        If a field that is asked for is missing, a prompt is empty, or ids repeat.
    """
    try:
        import jinja2.sandbox
    except ImportError as error:
        raise MissingDependencyError("jinja2", "extract") from error
    environment = jinja2.sandbox.SandboxedEnvironment(
        undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True, finalize=_present
    )
    try:
        compiled = environment.from_string(template)
    except jinja2.TemplateSyntaxError as error:
        raise InputError(f"the template of {name} cannot be read: {error}") from error
    ids, texts = [], []
    for position, fields in enumerate(records):
        if limit is not None and position >= limit:
            break
        try:
            texts.append(compiled.render(fields))
        except Exception as error:  # a template computes, so anything can go wrong in it
            raise InputError(
                f"record {position} of {name}: {error}; its fields are {', '.join(sorted(fields))}"
            ) from error
        if id_column is not None and id_column not in fields:
            raise InputError(
                f"record {position} of {name} has no field {id_column!r} to be named by; "
                f"{did_you_mean(id_column, fields)}"
            )
        ids.append(str(fields[id_column]) if id_column is not None else f"{position:05d}")
        if not texts[-1].strip():
            raise InputError(f"prompt {ids[-1]!r} of {name} is empty; an empty prompt has no last token")
    if not texts:
        raise InputError(f"{name} has no records")
    if len(set(ids)) != len(ids):
        twice = next(i for k, i in enumerate(ids) if i in ids[:k])
        raise InputError(f"{name} has two records called {twice!r}; name another field as the id, or none")
    return Prompts(name, tuple(ids), tuple(texts), template)
