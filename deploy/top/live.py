"""Reads what there is to see of a running stream, and shows it until it is told to stop."""

import threading
import time
from collections.abc import Callable

from kafka.errors import KafkaError
from rich.console import Console
from rich.live import Live

from deploy.top.pages import ask
from deploy.top.picture import Picture
from deploy.top.plain_lines import PlainLines
from deploy.top.screen import screen
from deploy.top.tails import Tails
from encoders.errors import MmbindError
from streams.broker.connection import connect_or_explain
from streams.settings import StreamSettings

# A third of the time at most goes into reading: on a busy stream that is not all.
REFRESH_S, READ_S = 0.5, 0.15
PAGES_EVERY_S = 2.0
PLAIN_EVERY_S = 10.0
AGAIN_AFTER_S = 3.0
# Of each partition; a message holds up to some hundred samples.
KEPT = 200

Show = Callable[[Picture], None]


def one_picture(settings: StreamSettings) -> Picture:
    """What is to be seen now.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        LogError: If there is no such topic.
    """
    picture = Picture(settings)
    picture.note_time(time.time_ns() // 1_000_000)
    with _tails(picture) as tails:
        _note_past(picture, tails)
    _note_pages(picture)
    return picture


def follow(settings: StreamSettings, show: Show, stop: threading.Event, every_s: float = REFRESH_S) -> None:
    """Shows a picture every `every_s` until `stop` is set; a broker that is away is waited for, and said to be."""
    while not stop.is_set():
        # A new one each time: what is read again is not counted twice.
        picture = Picture(settings)
        try:
            with _tails(picture) as tails:
                _note_past(picture, tails)
                _watch(picture, tails, show, stop, every_s)
        except (MmbindError, KafkaError) as error:
            picture.trouble = str(error)
            picture.note_time(time.time_ns() // 1_000_000)
            _note_pages(picture)
            show(picture)
            stop.wait(AGAIN_AFTER_S)


def show_live(settings: StreamSettings, stop: threading.Event, whole_screen: bool = False) -> None:
    """A screen that is drawn anew until `stop` is set.

    Args:
        settings: Of the stream.
        stop: Ends it.
        whole_screen: Whether the terminal is as it was before, afterwards; else the last picture stays.
    """
    console = Console()
    with Live(console=console, auto_refresh=False, screen=whole_screen) as live:

        def show(picture: Picture) -> None:
            width, height = console.size
            live.update(screen(picture, width, height - 1), refresh=True)

        follow(settings, show, stop)


def show_lines(settings: StreamSettings, stop: threading.Event, say: Callable[[str], None]) -> None:
    """A line every PLAIN_EVERY_S, where something has changed, until `stop` is set."""
    lines = PlainLines()

    def show(picture: Picture) -> None:
        if line := lines.line(picture):
            say(f"{time.strftime('%H:%M:%S')}  {line}")

    follow(settings, show, stop, PLAIN_EVERY_S)


def _watch(picture: Picture, tails: Tails, show: Show, stop: threading.Event, every_s: float) -> None:
    asked_s = float("-inf")
    while not stop.is_set():
        picture.note_time(time.time_ns() // 1_000_000)
        if time.monotonic() - asked_s >= PAGES_EVERY_S:
            _note_pages(picture)
            asked_s = time.monotonic()
        show(picture)
        stop.wait(every_s - READ_S)
        for message in tails.read(READ_S):
            picture.note(message)
        for topic, n in tails.skipped():
            picture.note_skipped(topic, n, is_past=False)


def _tails(picture: Picture) -> Tails:
    names = picture.names
    kept = {names.samples: KEPT, names.pairs: KEPT, names.rejects: KEPT, names.models: None, names.followers: None}
    broker = picture.settings.broker
    return connect_or_explain(lambda: Tails(broker, kept), broker)


def _note_past(picture: Picture, tails: Tails) -> None:
    for topic, n in tails.skipped():
        picture.note_skipped(topic, n, is_past=True)
    for message in tails.read_past():
        picture.note(message)


def _note_pages(picture: Picture) -> None:
    runtime = picture.settings.runtime
    picture.note_pages(ask(runtime, runtime.stream_port), ask(runtime, runtime.trainer_port))
