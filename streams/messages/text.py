"""What ids and labels inside records must be. Performs no I/O.

Ids are keys, names in logs and words on a screen: a line's end or an escape in one could say what nobody said. Labels
are data, and may hold any text.
"""

import unicodedata

from streams.messages.rejects import InvalidRecord
from streams.records import Label

MAX_TEXT_BYTES = 256
CONTROL = ("Cc", "Zl", "Zp")  # control characters, ends of lines and of paragraphs, as Unicode calls them


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


def check_id(field: str, text: str | None, max_bytes: int = MAX_TEXT_BYTES) -> None:
    """Passes text as `check_text` does, without control characters.

    Raises:
        InvalidRecord: Of any other.
    """
    check_text(field, text, max_bytes)
    if text is not None and has_control(text):
        raise InvalidRecord("undecodable", field, ascii(text), "no control characters")


def has_control(text: str) -> bool:
    """Whether a character of it is none that is written but one that steers."""
    return not text.isprintable() and any(unicodedata.category(one) in CONTROL for one in text)


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
