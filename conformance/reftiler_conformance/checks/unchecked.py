"""The clauses that nothing asks about, each with the reason."""

UNCHECKED: dict[str, str] = {}
