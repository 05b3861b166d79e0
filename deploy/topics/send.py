"""Windows into Kafka, as sensors would send them."""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping

from deploy.errors import CommandError, WrongInput
from deploy.recordings.recordings import NS_PER_S, Recordings
from deploy.topics.admin import admin_client
from streams.intake.validation import year_ns
from streams.messages.codec import JSON_TYPE, decode_window, split
from streams.messages.rejects import InvalidRecord
from streams.messages.signature import read_keys
from streams.messages.topic_names import TopicNames
from streams.producer import WindowProducer
from streams.records import SensorWindow
from streams.settings import StreamSettings

START_YEAR = 2020


def producer_of(
    settings: StreamSettings, batch: int = 1, signing_keys: Mapping[str, bytes] | None = None
) -> WindowProducer:
    """A producer for the broker and topics of the settings, which signs with the keys of its sources.

    Raises:
        BrokerUnreachable: Saying which step of the connection failed.
    """
    broker = settings.broker
    return WindowProducer(
        broker.bootstrap_servers,
        settings.topics.prefix,
        batch=batch,
        max_bytes=settings.topics.max_message_bytes,
        signing_key=signing_keys,
        **broker.model_dump(exclude={"bootstrap_servers"}),
    )


def play(
    windows: Iterable[SensorWindow],
    producer: WindowProducer,
    speed: float,
    stop: threading.Event,
    on_sent: Callable[[SensorWindow], None] = lambda window: None,
    shift_ns: int = 0,
) -> None:
    """Sends windows in their own rhythm, `speed` times as fast (0: at once), until all are sent or `stop` is set.

    Their time is left as it was recorded, but for `shift_ns`: they may be old.
    """
    started_s, first_ns = time.monotonic(), None
    for window in windows:
        first_ns = window.start_ns if first_ns is None else first_ns
        due_s = started_s + (window.start_ns - first_ns) / NS_PER_S / speed if speed else started_s
        if stop.wait(max(0.0, due_s - time.monotonic())):
            return
        producer.send(
            window.source_id,
            window.modality,
            window.start_ns + shift_ns,
            window.values,
            label=window.label,
            window_id=window.window_id,
        )
        on_sent(window)
    producer.flush()


def require_topics(settings: StreamSettings, modalities: Collection[str]) -> None:
    """Returns if the broker has their topics of windows: a producer would wait a minute for each that is missing.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        CommandError: If one is missing; names the modalities that have one.
    """
    names = TopicNames(settings.topics.prefix)
    with admin_client(settings.broker) as admin:
        topics = set(admin.list_topics())
    if missing := sorted(one for one in modalities if names.windows(one) not in topics):
        begin = names.windows("")
        there = ", ".join(sorted(one.removeprefix(begin) for one in topics if one.startswith(begin))) or "none"
        lacking = f"the broker has no topic of windows of {', '.join(missing)}, but of {there}"
        raise CommandError(f"{lacking}: `mmbind topics create` makes it")


def send_recordings(recordings: Recordings, settings: StreamSettings, speed: float) -> None:
    """Plays recordings with a progress bar. Labels stay at home, unless they bind; what is hidden is not sent.

    Recordings that count time from their own beginning are sent as if they had begun in START_YEAR.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        CommandError: If it refused windows, or the settings lack a modality or a source's key.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from deploy.recordings.truth import as_seen

    windows = list(as_seen(recordings.visible, settings))
    if unknown := {window.modality for window in windows} - set(settings.modalities):
        raise CommandError(f"{recordings.name} has {', '.join(sorted(unknown))}; the settings know no such modality")
    is_relative = bool(windows) and windows[0].start_ns < year_ns(settings.ingest.earliest_year)
    shift_ns = year_ns(START_YEAR) if is_relative else 0
    require_topics(settings, {window.modality for window in windows})
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    keys = signing_keys_of({window.source_id for window in windows}, settings)
    with producer_of(settings, signing_keys=keys) as producer, Progress(*columns) as progress:
        task = progress.add_task(f"{recordings.name}: sending windows", total=len(windows))
        play(windows, producer, speed, threading.Event(), lambda window: progress.advance(task), shift_ns)
    complain(producer)


def send_json(text: bytes, settings: StreamSettings) -> int:
    """Sends window records: one, an array, or one a line. Returns how many.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        WrongInput: If one is no window, or is of an unknown modality; nothing is sent then.
        CommandError: If the broker refused one, or there is no key of its source; nothing is sent then.
    """
    windows = [_window(raw, number, settings) for number, raw in enumerate(_records(text))]
    require_topics(settings, {window.modality for window in windows})
    keys = signing_keys_of({window.source_id for window in windows}, settings)
    with producer_of(settings, signing_keys=keys) as producer:
        for one in windows:
            producer.send(
                one.source_id, one.modality, one.start_ns, one.values, label=one.label, window_id=one.window_id
            )
    complain(producer)
    return len(windows)


def _records(text: bytes) -> list[bytes]:
    stripped = text.strip()
    if not stripped:
        raise WrongInput("nothing to send: wanted a window record as JSON, such as those that README.md shows")
    if stripped.startswith(b"{"):
        lines = [line for line in stripped.splitlines() if line.strip()]
        if all(line.lstrip().startswith(b"{") and line.rstrip().endswith(b"}") for line in lines):
            return lines
    try:
        return split(stripped, JSON_TYPE)
    except InvalidRecord as error:
        raise WrongInput(f"this is not JSON: {error.detail}") from error


def _window(raw: bytes, number: int, settings: StreamSettings) -> SensorWindow:
    try:
        window = decode_window(raw)
    except InvalidRecord as error:
        raise WrongInput(f"record {number}: {error.detail}") from error
    if window.modality not in settings.modalities:
        known = ", ".join(settings.modalities)
        raise WrongInput(f"record {number}: modality is {window.modality!r}, wanted one of {known}")
    return window


def signing_keys_of(source_ids: Collection[str], settings: StreamSettings) -> dict[str, bytes] | None:
    """The keys of `ingest.keys_file`, which must hold one for each source; None where nothing is signed.

    Raises:
        CommandError: If there is none of a source.
    """
    if settings.ingest.keys_file is None:
        return None
    keys = read_keys(settings.ingest.keys_file)
    if strangers := sorted(set(source_ids) - keys.keys()):
        shown = ", ".join(strangers[:3]) + (f" and {len(strangers) - 3} more" if len(strangers) > 3 else "")
        raise CommandError(f"ingest.keys_file is {settings.ingest.keys_file!r}, and has no key of {shown}")
    return keys


def complain(producer: WindowProducer) -> None:
    """Returns if all that the producer was given was sent.

    Raises:
        CommandError: If the broker refused a window.
    """
    if producer.n_failed:
        raise CommandError(f"{producer.n_failed} windows were not sent; the last: {producer.errors[-1]}")
