"""A picture as lines that fit a terminal. Performs no I/O."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group
from rich.text import Text

from deploy.printable import printable
from deploy.top.advice import advice
from deploy.top.figures import NODE_COLUMNS, figures, node_cells, versions
from deploy.top.picture import Picture

ADVICE_LINES = 3
SHOWN_NODES = 15
SHOWN_VERSIONS = 5
MAX_NAME = 24
NOTES = NODE_COLUMNS.index("")
LABEL_WIDTH = 11
LEAST = (40, 12)


def screen(picture: Picture, width: int, height: int) -> Group:
    """Not more than `height` lines of `width` cells; at least LEAST of them are taken to be there."""
    width, height = max(width, LEAST[0]), max(height, LEAST[1])
    top = [_title(picture, width), *_advice(picture, width), Text()]
    top += [_figure(name, words) for name, words in figures(picture)]
    room = height - len(top)
    lines = [*top, *_versions(picture, min(SHOWN_VERSIONS, room // 4))]
    lines += _nodes(picture, width, height - len(lines))
    return Group(*(_cut(line, width) for line in lines[:height]))


def text_of(picture: Picture, width: int = 100, height: int = 40) -> str:
    """The same without colours."""
    console = Console(width=width, height=height, force_terminal=False, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(screen(picture, width, height))
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _title(picture: Picture, width: int) -> Text:
    left = f"mmbind  {picture.settings.broker.bootstrap_servers}"
    right = f"worker {picture.worker.word}   trainer {picture.trainer.word}"
    room = max(width - cell_len(right), 0)
    return Text(set_cell_size(printable(left), room) + right, "bold")


def _advice(picture: Picture, width: int) -> list[Text]:
    text = Text("-> " + printable(advice(picture)), "bold yellow")
    lines = text.wrap(Console(width=width), width)
    kept = list(lines[:ADVICE_LINES])
    if len(lines) > ADVICE_LINES:
        kept[-1].truncate(width - 2)
        kept[-1].append(" …")
    return kept


def _figure(name: str, words: str) -> Text:
    return Text.assemble((f"{name:<{LABEL_WIDTH}}", "dim"), printable(words))


def _versions(picture: Picture, room: int) -> Iterator[Text]:
    told = list(versions(picture))
    if not told or room < 1:
        return
    for name, words in told[:room]:
        yield _figure(name, words)
    if len(told) > room:
        yield _figure("", f"and {len(told) - room} older")


def _nodes(picture: Picture, width: int, room: int) -> list[Text]:
    nodes = picture.busiest
    if not nodes or room < 3:
        return []
    n_shown = min(SHOWN_NODES, room - 2)
    if len(nodes) > n_shown:
        n_shown = min(SHOWN_NODES, room - 3)
    rows = [tuple(printable(cell) for cell in node_cells(picture, node)) for node in nodes[:n_shown]]
    widths = _widths([NODE_COLUMNS, *rows])
    lines = [Text(), Text(_row(NODE_COLUMNS, widths), "dim")]
    lines += [Text(_row(row, widths), "red" if "apart" in row[NOTES] else "") for row in rows]
    if len(nodes) > n_shown:
        lines.append(Text(f"and {len(nodes) - n_shown:,} nodes more", "dim"))
    return lines


def _widths(rows: Sequence[tuple[str, ...]]) -> list[int]:
    widths = [max(cell_len(row[at]) for row in rows) for at in range(len(NODE_COLUMNS))]
    widths[0] = min(widths[0], MAX_NAME)
    return widths


def _row(cells: tuple[str, ...], widths: Sequence[int]) -> str:
    return "  ".join(set_cell_size(_short(cell, width), width) for cell, width in zip(cells, widths, strict=True))


def _short(cell: str, width: int) -> str:
    return cell if cell_len(cell) <= width else set_cell_size(cell, width - 1) + "…"


def _cut(line: Text, width: int) -> Text:
    line.truncate(width, overflow="ellipsis")
    return line
