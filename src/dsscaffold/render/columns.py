"""Tables whose rows are one line each, whatever the width of the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import JustifyMethod
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

Cell = Text | Spinner
_GAP = 2
_NUMBERS = frozenset({"SECONDS", "PID", "RESTARTS"})


def make_table(
    headers: Sequence[str], rows: Sequence[Sequence[Cell]], room: int, giving: Sequence[tuple[int, int]]
) -> Table:
    """Return a table of at most `room` columns, as many of each row's cells as there are headers.

    What is too much is taken from the columns that `giving` names as (column, the least that it keeps), in that order;
    their texts end in an ellipsis then. Numbers stand at the right.
    """
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    columns = list(zip(*(row[: len(headers)] for row in rows), strict=True)) or [()] * len(headers)
    widths = [max([len(header), *map(_width, cells)]) for header, cells in zip(headers, columns, strict=True)]
    for column, least in giving:
        excess = sum(widths) + _GAP * (len(widths) - 1) - room
        if excess > 0 and column < len(widths):
            widths[column] -= min(excess, max(0, widths[column] - least))
    for header, width in zip(headers, widths, strict=True):
        justify: JustifyMethod = "right" if header in _NUMBERS else "left"
        table.add_column(header, width=width, no_wrap=True, overflow="ellipsis", justify=justify)
    for row in rows:
        table.add_row(*row[: len(headers)])
    return table


def _width(cell: Cell) -> int:
    return cell.cell_len if isinstance(cell, Text) else 1
