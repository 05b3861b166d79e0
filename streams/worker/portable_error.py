"""Errors that can be told in another process."""

import pickle
import traceback


def portable(error: Exception) -> Exception:
    """The error with its traceback as a note, or where it cannot be sent another one that says the same."""
    told = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(told)
    return error
