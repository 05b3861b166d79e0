"""A command that cannot do what it was asked, and one that was asked wrongly: see the tree in `encoders.errors`."""

from encoders.errors import MmbindError, UsageError


class CommandError(MmbindError):
    """A command cannot do what it was asked; the message says why."""


class WrongInput(UsageError):  # noqa: N818 - it says what is so
    """An argument, or what was given to send, is not what was wanted; the message says what was."""
