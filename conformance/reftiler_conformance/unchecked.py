"""The clauses that nothing asks about, each with the reason."""

UNCHECKED: dict[str, str] = {
    "VERSION-001": "it is about this specification, and no tiler can break it",
}
