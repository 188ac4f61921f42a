"""Paths of before: a module that has moved is found by its older path too, and is the same module.

Nothing is imported until an older path is.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

ROOMS = {
    "extract": ("prompts", "models", "oddities", "extraction", "catalogue"),
    "statistics": ("chance", "scoring"),
    "prepared": ("quantities",),
    "statistics.chance": ("chance",),
}
"""Rooms that are no more, with the rooms that have their names now."""

NAMES = {"extract": {"library_versions": "libraries", "canonical_pooling": "pooling", "tokens_to_generate": "pooling"}}
"""Names of theirs that no room but a file has now."""

MODULES = {
    "extract.adapters": "models.adapters",
    "extract.alike": "oddities.alike",
    "extract.audit": "oddities.findings",
    "extract.backends": "extraction.backends",
    "extract.backends.backend": "models.installed",
    "extract.backends.foreign": "extraction.backends.foreign",
    "extract.backends.given": "extraction.backends.given",
    "extract.backends.inside": "extraction.backends.inside",
    "extract.check": "extraction.check",
    "extract.configs": "models.configs",
    "extract.datasets": "prompts.datasets",
    "extract.extract": "extraction.rows",
    "extract.forward": "extraction.forward",
    "extract.gguf": "models.gguf",
    "extract.gguf_header": "models.gguf_header",
    "extract.hub": "models.hub",
    "extract.imported": "catalogue.imported",
    "extract.known": "catalogue.known",
    "extract.layers": "models.layers",
    "extract.libraries": "libraries",
    "extract.locate": "models.spec",
    "extract.models": "models.loading",
    "extract.pooling": "pooling",
    "extract.probe": "extraction.probe",
    "extract.prompts": "prompts.texts",
    "extract.records": "prompts.records",
    "extract.rendering": "prompts.rendering",
    "extract.repeats": "oddities.duplicates",
    "extract.says": "models.says",
    "extract.spans": "prompts.spans",
    "extract.stack": "models.decoder",
    "extract.state": "extraction.state",
    "extract.templates": "prompts.templates",
    "extract.tokens": "prompts.tokens",
    "extract.variants": "models.variants",
    "extract.ways": "extraction.ways",
    "measures.footprint": "measures.memory",
    "measures.measure": "measures.registry",
    "plan.plan": "plan.work",
    "prepared.columns": "quantities.columns",
    "prepared.descriptions": "quantities.descriptions",
    "prepared.distances": "quantities.distances",
    "prepared.factors": "quantities.factors",
    "prepared.gram": "quantities.gram",
    "prepared.graphs": "quantities.graphs",
    "prepared.heldout": "quantities.heldout",
    "prepared.kernels": "quantities.kernels",
    "prepared.neighbours": "quantities.neighbours",
    "prepared.orbits": "quantities.permutation_sums",
    "prepared.prepared": "quantities.prepared",
    "prepared.rank": "quantities.rank",
    "prepared.rotations": "quantities.rotations",
    "prepared.spectrum": "quantities.spectrum",
    "prepared.tables": "quantities.tables",
    "prepared.thin": "quantities.thin",
    "run.run": "run.loop",
    "statistics.agreement": "scoring.agreement",
    "statistics.block": "scoring.block",
    "statistics.chance.features": "chance.features",
    "statistics.chance.moments": "chance.closed_form",
    "statistics.chance.nothing": "chance.nothing",
    "statistics.chance.reference": "chance.reference",
    "statistics.chance.registry": "chance.registry",
    "statistics.chance.shuffles": "chance.shuffles",
    "statistics.compare": "scoring.compare",
    "statistics.correction": "chance.correction",
    "statistics.jackknife": "scoring.jackknife",
    "statistics.layers": "scoring.best_layers",
    "statistics.learning": "scoring.sample_size",
    "statistics.moments": "chance.moments",
    "statistics.overfitting": "scoring.overfitting",
    "statistics.pairs": "scoring.pairs",
    "statistics.permutation": "chance.permutation",
    "statistics.population": "scoring.population",
    "statistics.reasons": "chance.reasons",
    "statistics.results": "scoring.results",
    "statistics.together": "chance.together",
    "store.growing": "store.partial_rows",
    "store.store": "store.folder",
    "studies.study": "studies.base",
}
"""Modules that have moved."""


def is_older(name: str) -> bool:
    """Whether this is the name of a room that is no more."""
    return name in ROOMS


class Older(ModuleType):
    """A room that is no more: its names and files are looked for where they are now, when they are asked for."""

    def __getattr__(self, name: str) -> Any:
        """Return what the room offered under a name."""
        room = self.__name__.removeprefix("likewise.")
        homes = (import_module(f"likewise.{home}") for home in ROOMS[room])
        alone = NAMES.get(room, {})
        if name == "__all__":
            return sorted({one for home in homes for one in home.__all__} | alone.keys())
        if name in alone:
            return getattr(import_module(f"likewise.{alone[name]}"), name)
        for home in homes if not name.startswith("__") else ():
            if name in home.__all__:
                return getattr(home, name)
        if f"{room}.{name}" in {*ROOMS, *MODULES}:
            return import_module(f"{self.__name__}.{name}")
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        """Keep what is set, but for modules, which Python sets here: a name may be a function's too."""
        if not isinstance(value, ModuleType):
            super().__setattr__(name, value)


class Kept(ModuleType):
    """A room with a file that was asked for by an older path, which may be the name of a function of the room too."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Keep what the room offers where Python sets a module there."""
        if not (isinstance(value, ModuleType) and name in getattr(self, "__all__", ())):
            super().__setattr__(name, value)


class Finder:
    """Finds modules by older paths, and loads them from where they are now."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        """Return how an older path is imported; None for all other modules."""
        if not name.startswith("likewise."):
            return None
        old = name.removeprefix("likewise.")
        if old in ROOMS:
            return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type,unused-ignore]
        return ModuleSpec(name, self) if old in MODULES else None  # type: ignore[arg-type,unused-ignore]

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Return the module of a room that is no more; Python makes the others, which are replaced."""
        return Older(spec.name) if is_older(spec.name.removeprefix("likewise.")) else None

    def exec_module(self, module: ModuleType) -> None:
        """Put the module of now in the place of one of before."""
        name = module.__name__
        if new := MODULES.get(name.removeprefix("likewise.")):
            above = import_module(name.rpartition(".")[0])
            if type(above) is ModuleType:
                above.__class__ = Kept
            sys.modules[name] = import_module(f"likewise.{new}")


def follow() -> None:
    """Let older paths be imported, once in a process."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        # First: a folder that an update of a checkout leaves empty would be taken for a package.
        sys.meta_path.insert(0, Finder())  # type: ignore[arg-type,unused-ignore]
