"""Figures of the embedder's benchmark, from processes whose times are known."""

from rich.console import Console

from benchmarks.speed.embedder import Figures, table


def test_the_embedder_is_told_next_to_each_loop() -> None:
    console = Console(record=True, width=140)
    console.print(table({"embedder": Figures(1000, 2.0, 300.0), "loop_1": Figures(1000, 8.0, 900.4)}, "a broker"))
    rows = [line.replace("│", " ").split()[-3:] for line in console.export_text().splitlines() if line.startswith("│")]
    assert rows == [["500", "1.00", "300"], ["125", "4.00", "900"]]
