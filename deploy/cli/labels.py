"""`mmbind labels`: few labels in, labels of all samples out; once, or as samples come."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.output import ConfigOption, file_to_write
from deploy.errors import WrongInput

app = typer.Typer(no_args_is_help=True, help="Few labels in, labels of all samples out.")

FORM = "CSV with the columns sample_id,label or source_id,start_s,end_s,label; or .jsonl."


@app.command()
def spread(
    file: Annotated[Path | None, typer.Argument(help=f"{FORM} Without it: what was sent.", show_default=False)] = None,
    out: Annotated[
        Path, typer.Option("--out", help="The CSV to write, a line for each sample.", callback=file_to_write)
    ] = Path("labelled.csv"),
    min_probability: Annotated[
        float | None,
        typer.Option(
            "--min-probability",
            help="What is less probable is not known; else the settings'.",
            min=0,
            max=1,
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Spreads labels along the pairs to all samples of the log, with a probability each."""
    if out.suffix != ".csv":
        raise WrongInput(f"--out {out}: wanted a name that ends in .csv")
    from deploy.labelling.label_file import read_labels, write_labels
    from deploy.labelling.spread import spread_labels
    from deploy.settings.config import load

    settings = load(config)
    given = None if file is None else read_labels(file)
    least = settings.labelling.min_probability if min_probability is None else min_probability
    found = spread_labels(settings, given, least)
    write_labels(found.labels, out)
    typer.echo(f"{found.told}: {out}")


@app.command()
def send(
    file: Annotated[Path, typer.Argument(help=FORM)],
    config: ConfigOption = None,
) -> None:
    """Sends labels to their topic, where `labels serve` and `labels spread` find them."""
    from deploy.labelling.label_file import read_labels
    from deploy.labelling.spread import send_labels
    from deploy.settings.config import load

    labels = read_labels(file)
    send_labels(load(config), labels)
    typer.echo(f"sent {len(labels)} label{'s' * (len(labels) != 1)}")


@app.command()
def serve(config: ConfigOption = None) -> None:
    """Labels samples as they come: the topic of labels in, the topic of labelled samples out; Ctrl-C ends it."""
    import torch

    from deploy.labelling.serve import serve_labels
    from deploy.machine.logs import set_up_logging
    from deploy.settings.config import load

    settings = load(config)
    torch.set_num_threads(settings.runtime.threads)
    set_up_logging(settings.runtime.log_format)
    sys.exit(serve_labels(settings))
