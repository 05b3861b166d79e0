"""`mmbind rejects`: what could not be used, and sending it again."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.cli.output import ConfigOption, JsonOption, duration_of, print_json, print_table, utc
from deploy.errors import WrongInput
from deploy.printable import printable

if TYPE_CHECKING:
    from deploy.rejects.record import Filter, RefusedRecord

app = typer.Typer(no_args_is_help=True, help="What could not be used: look at it, send it again.")

ReasonOption = Annotated[
    list[str] | None, typer.Option("--reason", help="Refused for this. Repeatable.", show_default=False)
]
TopicOption = Annotated[
    list[str] | None,
    typer.Option("--topic", help="That came from this topic, such as windows.gravity. Repeatable.", show_default=False),
]
SourceOption = Annotated[
    list[str] | None, typer.Option("--source", help="Of this source. Repeatable.", show_default=False)
]
PlaceOption = Annotated[
    list[str] | None,
    typer.Option("--place", metavar="TOPIC[PARTITION]@OFFSET#RECORD", help="This one. Repeatable.", show_default=False),
]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", help="Refused since 90s, 30m, 2h or 1d ago, or since an ISO time.", show_default=False),
]
COLUMNS = ("place", "source", "reason", "field", "got", "wanted")


@app.command("list")
def list_rejects(
    reason: ReasonOption = None,
    topic: TopicOption = None,
    source: SourceOption = None,
    place: PlaceOption = None,
    since: SinceOption = None,
    n_records: Annotated[int, typer.Option("--count", "-n", help="The last so many.", min=1)] = 50,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Lists what could not be used, the newest last."""
    from deploy.rejects.listing import newest
    from deploy.settings.config import load

    last, by_reason = newest(load(config), _filter(reason, topic, source, place, since), n_records)
    if as_json:
        print_json({"by_reason": dict(by_reason), "rejects": [_told(one) for one in last]})
        return
    title = f"{by_reason.total()} rejects: " + (", ".join(f"{n} {why}" for why, n in by_reason.most_common()) or "none")
    typer.echo(title)  # longer than the table is wide
    print_table("", ("when", *COLUMNS), ([utc(one.sent_ms), *map(printable, _cells(one))] for one in last))


@app.command()
def replay(
    reason: ReasonOption = None,
    topic: TopicOption = None,
    source: SourceOption = None,
    place: PlaceOption = None,
    since: SinceOption = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also what was sent again before and was refused again.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Sends what was refused to its topic again, after the fix; each once, however often this is run."""
    from deploy.rejects.resend import resend
    from deploy.settings.config import load

    done = resend(load(config), _filter(reason, topic, source, place, since), again, dry_run)
    if as_json:
        print_json({"dry_run": dry_run, "sent": dict(done.sent), "skipped": dict(done.skipped)})
        return
    word = "would be sent" if dry_run else "sent"
    rows = [(word, name, n) for name, n in sorted(done.sent.items())]
    rows += [("not sent", why, n) for why, n in sorted(done.skipped.items())]
    print_table(f"{done.sent.total()} {word}", ("", "topic, or why not", "records"), rows)


def _filter(
    reason: list[str] | None,
    topic: list[str] | None,
    source: list[str] | None,
    place: list[str] | None,
    since: str | None,
) -> "Filter":
    from deploy.rejects.record import Filter, place_from

    places = [place_from(one) for one in place or ()]
    return Filter(reason or (), topic or (), source or (), places, _since_ms(since) if since else 0)


def _since_ms(text: str) -> int:
    try:
        ago = duration_of(text)
        moment = datetime.fromisoformat(text) if ago is None else datetime.now(UTC) - ago
        return int(moment.timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise WrongInput(f"--since {text}: wanted 90s, 30m, 2h, 1d or a time such as 2026-01-31T12:00") from error


def _cells(one: "RefusedRecord") -> tuple[str, ...]:
    return str(one.place), one.source, one.reason, one.field, one.got, one.wanted


def _told(one: "RefusedRecord") -> dict[str, Any]:
    cells = dict(zip(COLUMNS, _cells(one), strict=True))
    return cells | {"time": utc(one.sent_ms), "n_bytes": one.n_bytes}
