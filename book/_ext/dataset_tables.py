"""A directive that prints a table of the data set from the schema that the code obeys.

    ```{dataset-table} tweets
    ```

The data set card cannot drift from `mimic/schema.py`, because it is made from it.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from mimic.schema import TABLES


def type_name(type_: pa.DataType) -> str:
    """How the card writes an Arrow type."""
    if pa.types.is_dictionary(type_):
        return "category"
    if pa.types.is_list(type_):
        return f"list of {type_name(type_.value_type)}"
    return str(type_)


class DatasetTable(SphinxDirective):
    """Columns, types and meanings of one table of the data set."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Build the table.

        Raises:
            DirectiveError: the data set has no such table.
        """
        name = self.arguments[0]
        if name not in TABLES:
            raise self.error(f"no table {name!r}; there are: {', '.join(TABLES)}")
        rows = [
            (field.name, type_name(field.type) + (", may be null" if field.nullable else ""), _meaning(field))
            for field in TABLES[name]
        ]
        return [_table(("column", "type", "meaning"), rows)]


def _meaning(field: pa.Field[pa.DataType]) -> str:
    return (field.metadata or {}).get(b"meaning", b"").decode()


def _table(header: tuple[str, str, str], rows: list[tuple[str, str, str]]) -> nodes.table:
    widths = (20, 20, 60)
    group = nodes.tgroup("", *(nodes.colspec(colwidth=width) for width in widths), cols=len(header))
    group += nodes.thead("", _row([nodes.Text(text) for text in header]))
    body = nodes.tbody()
    for column, type_, meaning in rows:
        body += _row([nodes.literal(column, column), nodes.Text(type_), nodes.Text(meaning)])
    group += body
    return nodes.table("", group, classes=["dataset-table"])


def _row(cells: list[nodes.Node]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("dataset-table", DatasetTable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
