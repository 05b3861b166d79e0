"""One line of the product made wrong, and the tests that should notice. Reads a file where it is told to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from encoders.errors import MmbindError


class NotApplicable(MmbindError):  # noqa: N818 - it says what is so
    """The product's text is not what a mutation was written for."""


class Mutation(NamedTuple):
    """`old`, which occurs once in `file`, becomes `new`; one of `tests`, files or ids of tests, should then fail.

    `name` says what goes wrong.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def mutated(self, text: str) -> str:
        """The file's text with the mutation.

        Raises:
            NotApplicable: If the old text does not occur once.
        """
        if (times := text.count(self.old)) != 1:
            raise NotApplicable(f"{self.name}: {self.old!r} occurs {times} times in {self.file}, wanted once")
        return text.replace(self.old, self.new)

    @contextmanager
    def applied(self, root: Path) -> Iterator[None]:
        """For as long as this lasts the project in that folder is wrong."""
        path = root / self.file
        text = path.read_text()
        path.write_text(self.mutated(text))
        try:
            yield
        finally:
            path.write_text(text)
