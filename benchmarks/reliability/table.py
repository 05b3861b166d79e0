"""The reliability benchmark's lines, one a stream as soon as it is done, and what they come to."""

from collections.abc import Sequence

import numpy as np

from benchmarks.reliability.comparison import N_BANDS, Comparison, bands_by_data

HEADINGS = ("stream", "pairs", "withheld", "true", "predicted", "interval", "error", "margin", "seconds")
WIDTHS = (6, 9, 7, 10, 13, 7, 8, 8)


def heading() -> str:
    """The names of the columns."""
    return _line(*HEADINGS)


def line_of(stream: Comparison) -> str:
    """One stream in percent; a `!` marks an interval that misses the truth."""
    one = stream.estimate
    interval = "" if one.low is None or one.high is None else f"{100 * one.low:.0f} to {100 * one.high:.0f}"
    return _line(
        stream.name,
        str(len(stream.right)),
        str(stream.n_withheld or ""),
        "-" if np.isnan(stream.true) else f"{100 * stream.true:.1f}",
        one.state if one.value is None else f"{100 * one.value:.1f}",
        interval + ("" if stream.is_inside is not False else " !"),
        "" if one.value is None else f"{100 * (one.value - stream.true):+.1f}",
        f"{stream.margin:.2f}",
        f"{stream.seconds:.1f}",
    )


def summary_lines(streams: Sequence[Comparison]) -> list[str]:
    """How many intervals hold the truth, and the bands of confidence of each data set."""
    judged = [one for one in streams if one.is_inside is not None]
    n_inside = sum(one.is_inside is True for one in judged)
    lines = [
        f"\n{n_inside} of {len(judged)} true shares lie in the interval of 95 %",
        f"\nbest partners in {N_BANDS} bands of confidence: predicted / true / pairs",
    ]
    for name, bands in bands_by_data(streams).items():
        cells = (f"{100 * band['predicted']:6.0f} / {100 * band['true']:3.0f} / {band['n']:4.0f}" for band in bands)
        lines.append(f"{name:18}" + "".join(cells))
    return lines


def _line(name: str, *cells: str) -> str:
    return f"{name:22}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True))
