"""A service with a fault that nobody knows of: `python -m tests.support.faulty_service stream --config ...`.

Given a number it is the process that binds. Ingest raises at each message that holds INGEST_FAULT, binding at each
sample of the source BIND_FAULT.
"""

import sys
from collections.abc import Sequence
from typing import Any

from deploy.cli.main import main
from streams.binder import Binder
from streams.intake.messages import Ingest
from streams.messages.message import Message
from streams.records import Sample
from streams.worker import bind_process

INGEST_FAULT = b"the-one-that-ingest-cannot-bear"
BIND_FAULT = "the-one-that-binding-cannot-bear"


def break_the_core() -> None:
    accept, observe = Ingest.accept, Binder.observe

    def faulty_accept(self: Ingest, message: Message, now_ns: int) -> Any:
        if message.refusal is None and INGEST_FAULT in (message.value or b""):
            raise ZeroDivisionError("an ingest that nobody thought of")
        return accept(self, message, now_ns)

    def faulty_observe(self: Binder, samples: Sequence[Sample]) -> Any:
        if any(one.source_id == BIND_FAULT for one in samples):
            raise ZeroDivisionError("a binding that nobody thought of")
        return observe(self, samples)

    Ingest.accept, Binder.observe = faulty_accept, faulty_observe  # type: ignore[method-assign]


if __name__ == "__main__":
    break_the_core()
    if sys.argv[1].isdecimal():
        bind_process.main()
    bind_process.MODULE = "tests.support.faulty_service"
    main()
