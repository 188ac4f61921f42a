"""All configurations that tests go through."""

from likewise.measures import REGISTRY, Configuration

EVERY = [Configuration(m.name, v) for m in REGISTRY.values() for v in m.variants]
CONFIGURATIONS = [c for c in EVERY if not c.facts.needs]  # the others: measures/test_outputs.py
