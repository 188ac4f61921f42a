"""No chance levels."""

from likewise.chance.reference import Reference


class NoReference(Reference):
    """Scores stand alone."""

    name = "none"
    summary = "no chance levels"
    from_vectors = True

    def planned(self, permutations: int) -> str:
        """Say that there are none."""
        return self.summary
