"""Text from elsewhere, made fit for a terminal. Performs no I/O."""


def printable(text: str) -> str:
    """The text without what a terminal would obey."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
