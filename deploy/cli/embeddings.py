"""`mmbind embeddings serve`: the embedding of each sample, as it comes."""

import sys

import typer

from deploy.cli.output import ConfigOption

app = typer.Typer(no_args_is_help=True, help="Embeddings of all samples, as they come.")


@app.callback()
def _of_all() -> None:
    """Here so that the one command keeps its name."""


@app.command()
def serve(config: ConfigOption = None) -> None:
    """Embeds samples as they come by the channel's version: samples in, embeddings out; Ctrl-C ends it.

    Waits for the first version. Any number share the partitions of samples.
    """
    import torch

    from deploy.machine.logs import set_up_logging
    from deploy.settings.config import load
    from deploy.settings.obstacles import require_usable
    from streams.worker.run import run_embedder

    settings = load(config)
    require_usable(settings, trains=False)
    torch.set_num_threads(settings.runtime.threads)
    set_up_logging(settings.runtime.log_format)
    sys.exit(run_embedder(settings))
