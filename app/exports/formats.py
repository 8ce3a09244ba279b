"""The formats of files, each declared once: its media type, the ending of its name, and what writes it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.exports.arrow import ArrowWriter, ParquetWriter, is_installed
from app.exports.columns import FileColumn, Notes, Writer
from app.exports.csv import CsvWriter


@dataclass(frozen=True, slots=True)
class Format:
    """A format. name: of metrics and logs. needs_arrow: whether it is there only with the extra `export`."""

    name: str
    media_type: str
    ending: str
    needs_arrow: bool
    writer: Callable[[Sequence[FileColumn], Notes], Writer]

    @property
    def is_available(self) -> bool:
        """Whether this process can write it."""
        return not self.needs_arrow or is_installed()


FORMATS: tuple[Format, ...] = (
    Format("csv", "text/csv", "csv", needs_arrow=False, writer=lambda columns, _: CsvWriter(columns)),
    Format("parquet", "application/vnd.apache.parquet", "parquet", needs_arrow=True, writer=ParquetWriter),
    Format("arrow", "application/vnd.apache.arrow.stream", "arrows", needs_arrow=True, writer=ArrowWriter),
)
"""Every format. The first is written when the client does not care."""
