"""Windows of all modalities, from their topics into a file that `mmbind replay` reads."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from deploy.errors import WrongInput
from deploy.topics.windows import ends_of, windows_of
from streams.messages.codec import encode
from streams.messages.topic_names import TopicNames
from streams.records import SensorWindow
from streams.settings import StreamSettings


@dataclass(slots=True)
class Recorded:
    """How many windows a file has got, and how many records were none."""

    n_windows: int = 0
    n_unreadable: int = 0


def record(
    settings: StreamSettings, file: Path, wait: Callable[[], object] | None = None, keeps_labels: bool = False
) -> Recorded:
    """Writes windows as JSON Lines: all that the topics have, or what comes while `wait` does not return.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        LogError: If a topic is not there, or its end cannot be read.
        WrongInput: If the file is there already.
    """
    if file.exists():
        raise WrongInput(f"{file} is there already, wanted a new file")
    names = [TopicNames(settings.topics.prefix).windows(name) for name in settings.modalities]
    starts = {name: ends_of(settings, name) for name in names} if wait else {}
    if wait:
        wait()
    recorded = Recorded()
    windows = (window for name in names for window in _read(settings, name, starts.get(name), recorded))
    write_windows(file, windows if keeps_labels else map(_unlabelled, windows))
    return recorded


def write_windows(file: Path, windows: Iterator[SensorWindow]) -> None:
    """Windows as JSON Lines."""
    with file.open("wb") as lines:
        for window in windows:
            lines.write(encode(window, "json") + b"\n")


def _read(
    settings: StreamSettings, topic: str, starts: dict[int, int] | None, recorded: Recorded
) -> Iterator[SensorWindow]:
    for windows, n_unreadable in windows_of(settings, topic, starts):
        recorded.n_windows += len(windows)
        recorded.n_unreadable += n_unreadable
        yield from windows


def _unlabelled(window: SensorWindow) -> SensorWindow:
    return msgspec.structs.replace(window, label=None)
