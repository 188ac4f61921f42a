"""Which commit a name on the hub stands for now: asked of the hub, or of its cache on this machine."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from likewise.errors import InputError, MissingDependencyError, ModelError
from likewise.models.says import NOTHING, Says, says_of
from likewise.models.spec import AtCommit, ModelSpec

FOLDERS = {"model": "", "dataset": "datasets/"}
"""Kinds of repositories, with what stands before an id in an address of the hub."""

WAYS_OUT = {
    "model": "a model that is on this machine is given by its folder or .gguf file",
    "dataset": "prompts that are on this machine are given by their file: source: PATH.jsonl",
}
"""What helps where the hub does not."""


@dataclass(frozen=True)
class Resolved(AtCommit):
    """A hub model at the commit that its revision stands for, and its size where its config says it."""

    commit: str
    says: Says = NOTHING
    """Of how it is used."""


def resolve_model(hub_id: str, revision: str) -> Resolved:
    """Return the commit of a model's revision, with its size, and what it says of its use there.

    Parameters
    ----------
    hub_id : str
        For example ``EleutherAI/pythia-70m``.
    revision : str
        Branch, tag or commit.

    Returns
    -------
    Resolved
        From the hub; from its cache on this machine where the hub cannot be reached.

    Raises
    ------
    ModelError
        If there is no such repository or revision, its terms were not accepted, or neither hub nor cache has it.
    """
    commit = _resolve("model", hub_id, revision, "config.json")
    # The config is in the cache now, if the repository has one.
    size = ModelSpec(model=hub_id, revision=commit).size() or {}
    return Resolved(commit, size.get("width"), size.get("blocks"), says_on_hub(hub_id, commit))


def says_on_hub(hub_id: str, revision: str | None) -> Says:
    """Return what a hub model says of its use; where the hub cannot be reached, what its cache on this machine has."""
    from huggingface_hub import errors, hf_hub_download, try_to_load_from_cache

    def fetched(name: str) -> Path | None:
        found = try_to_load_from_cache(hub_id, name, revision=revision)
        if found is not None:
            return Path(found) if isinstance(found, str) else None  # else it is known not to be there
        try:
            return Path(hf_hub_download(hub_id, name, revision=revision))
        except (errors.EntryNotFoundError, errors.LocalEntryNotFoundError):
            return None

    with _explained("model", hub_id, revision or "main"), _without_bars():
        return says_of(fetched)


def resolve_dataset(hub_id: str, revision: str) -> str:
    """Return the commit of a data set's revision; as `resolve_model` does."""
    return _resolve("dataset", hub_id, revision, "README.md")


def _resolve(kind: str, hub_id: str, revision: str, file: str) -> str:
    """The commit of a revision, and at that commit a small file, which tells whether the content may be had."""
    with _explained(kind, hub_id, revision), _without_bars():
        from huggingface_hub import constants, errors, hf_hub_download, resolve_revision

        # Offline, the cache tells what the revision stood for when it was last asked for.
        offline = constants.is_offline_mode()
        resolved = resolve_revision(hub_id, repo_type=kind, revision=revision, local_files_only=offline)
        commit = str(resolved.resolved)
        try:
            hf_hub_download(hub_id, file, repo_type=kind, revision=commit)
        except errors.LocalEntryNotFoundError:
            # Not every repository has that file; but a commit of which nothing is here is of no use offline.
            folder = f"{kind}s--{hub_id.replace('/', '--')}"
            if not (Path(constants.HF_HUB_CACHE) / folder / "snapshots" / commit).exists():
                raise
        except errors.EntryNotFoundError:
            pass
    return commit


@contextlib.contextmanager
def _explained(kind: str, hub_id: str, revision: str) -> Iterator[None]:
    """Say what was looked for and what helps, whatever the hub's client raises."""
    try:
        from huggingface_hub import constants, errors
    except ImportError as error:
        raise MissingDependencyError("huggingface_hub", "extract") from error
    what = f"the {'data set' if kind == 'dataset' else kind} {hub_id}"
    try:
        yield
    except InputError:
        raise
    except errors.GatedRepoError as error:
        page = f"{constants.ENDPOINT}/{FOLDERS[kind]}{hub_id}"
        raise ModelError(
            f"{what} is only for users who accept its terms: accept them at {page}, log in here with "
            "'hf auth login', and run again"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ModelError(
            f"{what} is not on the hub, or is private: check its id, or log in with 'hf auth login'; {WAYS_OUT[kind]}"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(f"{what} has no revision {revision!r}; expected a branch, a tag or a commit") from error
    except (errors.RevisionResolutionError, errors.LocalEntryNotFoundError) as error:
        raise ModelError(
            f"{what} at {revision!r} is not in the cache {constants.HF_HUB_CACHE}, and the hub {constants.ENDPOINT} "
            f"cannot be reached: run again where it can; {WAYS_OUT[kind]}"
        ) from error
    except Exception as error:
        first = next(filter(None, str(error).splitlines()), "no reason given")
        raise ModelError(
            f"{what} at {revision!r} could not be loaded from the hub {constants.ENDPOINT} "
            f"({type(error).__name__}: {first}); {WAYS_OUT[kind]}"
        ) from error


@contextlib.contextmanager
def _without_bars() -> Iterator[None]:
    """Keep the client's bars out of our progress."""
    from huggingface_hub import utils

    if utils.are_progress_bars_disabled():
        yield
        return
    utils.disable_progress_bars()
    try:
        yield
    finally:
        utils.enable_progress_bars()
