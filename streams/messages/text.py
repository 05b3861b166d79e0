"""What ids and labels inside records must be. Performs no I/O."""

from streams.messages.rejects import InvalidRecord
from streams.records import Label

MAX_TEXT_BYTES = 256


def utf8(text: str) -> bytes | None:
    """Its bytes; None where it is no text that can be written, as with half a surrogate pair."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None


def check_text(field: str, text: str | None, max_bytes: int = MAX_TEXT_BYTES) -> None:
    """Passes text that can be written and is not too long, and None.

    Raises:
        InvalidRecord: Of any other.
    """
    if text is None:
        return
    raw = utf8(text)
    if raw is None:
        raise InvalidRecord("undecodable", field, "no UTF-8", "text")
    if len(raw) > max_bytes:
        raise InvalidRecord("too-large", field, f"{len(raw)} bytes", f"at most {max_bytes}")


def check_label(label: Label | None) -> None:
    """Passes a label that is text or a 64-bit integer, and None.

    Raises:
        InvalidRecord: Of any other.
    """
    if isinstance(label, int):
        if not -(1 << 63) <= label < 1 << 63:
            raise InvalidRecord("too-large", "label", "a number beyond 64 bits", "text or a 64-bit integer")
    else:
        check_text("label", label)
