"""`mmbind embed` and `finetune`: what a model is good for, on files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from deploy.cli.data import FileArgument
from deploy.cli.output import ConfigOption, file_to_write, folder_to_write, picture_to_write, print_table
from deploy.errors import WrongInput

if TYPE_CHECKING:
    from deploy.downstream.finetune import FinetuneReport
    from deploy.downstream.labels_only import Comparison

METHODS = ("features", "linear", "centre", "full")

VersionOption = Annotated[
    int | None, typer.Option("--version", help="Of the model; else the channel's.", min=1, show_default=False)
]
ChannelOption = Annotated[
    str | None, typer.Option("--channel", help="Whose version to use; else the settings'.", show_default=False)
]
RootOption = Annotated[
    str | None, typer.Option("--root", help="Where bundles lie; else the settings' registry.root.", show_default=False)
]
ModalityOption = Annotated[
    list[str] | None,
    typer.Option("--modality", help="Use this one; else all there are. Repeatable.", show_default=False),
]


def embed(
    file: FileArgument,
    out: Annotated[Path, typer.Option("--out", help="The .npz to write.", callback=file_to_write)],
    version: VersionOption = None,
    channel: ChannelOption = None,
    root: RootOption = None,
    modality: ModalityOption = None,
    features: Annotated[
        bool, typer.Option("--features", help="Features too: to learn from labels with.", show_default=False)
    ] = False,
    scaling: Annotated[
        Literal["auto", "own", "stream"],
        typer.Option("--scaling", help="own: of the recordings; stream: as that has its nodes; auto: if it answers."),
    ] = "auto",
    config: ConfigOption = None,
) -> None:
    """Embeds recordings with a published model: an aligned unit vector for each sample, and features if asked for."""
    if out.suffix != ".npz":
        raise WrongInput(f"--out {out}: wanted a name that ends in .npz")
    from deploy.downstream.embed import write_embeddings

    recordings, settings, bundle = _inputs(file, config, version, channel, root)
    typer.echo(write_embeddings(recordings, settings, bundle, modality or (), out, features, scaling))


def finetune(
    file: FileArgument,
    labels_per_class: Annotated[int, typer.Option("--labels-per-class", help="At most so many.", min=1)],
    method: Annotated[
        str,
        typer.Option("--method", help="features, or of the aligned embedding linear, centre or full: encoders too."),
    ] = "features",
    version: VersionOption = None,
    channel: ChannelOption = None,
    root: RootOption = None,
    modality: ModalityOption = None,
    test_source: Annotated[
        list[str] | None,
        typer.Option("--test-source", help="Judge on it; else on a third. Repeatable.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of all choices.", min=0)] = 0,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write JSON.", callback=file_to_write, show_default=False)
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help="Draw the confusion.", callback=picture_to_write, show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the model.", callback=folder_to_write, show_default=False)
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Learns classes from few labels on a published model, and judges on sources that gave no label."""
    if method not in METHODS:
        raise WrongInput(f"--method {method}: wanted one of {', '.join(METHODS)}")
    if out is not None and out.exists():
        raise WrongInput(f"--out {out}: is there already, wanted a new folder")
    import msgspec

    from deploy.downstream.finetune import finetune
    from deploy.downstream.task import FinetunePlan

    recordings, settings, bundle = _inputs(file, config, version, channel, root)
    plan = FinetunePlan(labels_per_class, method, modality or (), test_source or (), seed)  # type: ignore[arg-type]
    tuned = finetune(recordings, settings, bundle, plan)
    _show(tuned.report)
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_bytes(msgspec.json.format(msgspec.json.encode(tuned.report), indent=1))
    if picture:
        from deploy.downstream.confusion_picture import draw_confusion

        draw_confusion(tuned.report, picture)
    if out:
        tuned.save(out)


def _inputs(
    file: Path, config: Path | None, version: int | None, channel: str | None, root: str | None
) -> tuple[Any, Any, Any]:
    import torch

    from deploy.downstream.published import find_bundle
    from deploy.recordings.files import read_recordings
    from deploy.replay.plan import ReplayPlan

    recordings = read_recordings(file)
    settings = ReplayPlan(recordings, config).settings()
    torch.set_num_threads(settings.runtime.threads)
    return recordings, settings, find_bundle(settings, version, channel, root)


def _show(report: "FinetuneReport") -> None:
    rows = [_row(report.method, report)]
    rows += [_row(f"same model: {one.what}", one.scores, _gain(one)) for one in report.same_model]
    rows += [_row(f"labels only: {one.what}", one.scores, _gain(one)) for one in report.labels_only]
    rows += [_row("chance", report.chance), _row("majority", report.majority)]
    n_classes = len(report.classes)
    title = (
        f"{report.recordings}, version {report.model_version}: {report.n_labelled} labels of {n_classes} classes, "
        f"{report.n_test} samples of {len(report.test_sources)} other sources"
    )
    typer.echo(title)  # longer than the table is wide
    print_table("", ("", "accuracy", "macro-F1", f"{report.method} above it, points"), rows)
    for names, (accuracy, n) in report.accuracy_by_modalities.items():
        typer.echo(f"{names}: accuracy {accuracy:.3f} of {n} samples")
    for told, labels in (
        ("never labelled, so never said", report.classes_without_label),
        ("fewer labels than asked", report.classes_short_of_labels),
    ):
        if labels:
            typer.echo(f"{told}: {', '.join(map(str, labels))}")


def _gain(one: "Comparison") -> str:
    error = "" if one.gain.error is None else f" ± {100 * one.gain.error:.1f}"
    return f"{100 * one.gain.difference:+.1f}{error}" + ", may be chance" * one.gain.may_be_chance


def _row(name: str, scores: Any, brought: str = "") -> tuple[str, str, str, str]:
    return name, f"{scores.accuracy:.3f}", f"{scores.macro_f1:.3f}", brought
