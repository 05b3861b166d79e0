"""The key of a record in `scalings`: whose scaling it is. Performs no I/O."""


def scaling_key(source_id: str, modality: str) -> bytes:
    """The key of a source's modality."""
    return f"{source_id}/{modality}".encode()


def owner_of(key: bytes | None) -> tuple[str, str]:
    """The source's id and the modality of a key; of one that is none something that nobody has."""
    source_id, _, modality = (key or b"").decode(errors="replace").rpartition("/")
    return source_id, modality
