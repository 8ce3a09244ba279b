"""A table on pages, as PDF, with fpdf2 (an extra): headed by a title and some lines, its header on every page.

The fonts that every reader has know Western European letters; any other is shown as a question mark.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from app.errors import DomainError

FONT = "Helvetica"
SIZE_PT = 9
MARGIN_MM = 15
LINE_MM = 5

ENCODING = "windows-1252"
"""Of the fonts, as fpdf2 writes them into a PDF."""


@dataclass(frozen=True, slots=True)
class PageColumn:
    """A column of a table on pages. share: of the width. is_number: stands to the right."""

    name: str
    share: int
    is_number: bool = False


def is_installed() -> bool:
    """Whether fpdf2 is there."""
    return find_spec("fpdf") is not None


def pages(title: str, lines: Sequence[str], columns: Sequence[PageColumn], rows: Sequence[Sequence[str]]) -> bytes:
    """The table as a PDF. Raises NOT_SUPPORTED without fpdf2."""
    try:
        from fpdf import FPDF
        from fpdf.fonts import FontFace
    except ImportError as error:
        message = "PDF needs fpdf2. Install it with: pip install 'scoville[pdf]'"
        raise DomainError("NOT_SUPPORTED", message) from error
    document = FPDF(format="A4")
    document.core_fonts_encoding = ENCODING
    document.set_margin(MARGIN_MM)
    document.set_auto_page_break(True, margin=MARGIN_MM)
    document.set_title(_shown(title))
    document.add_page()
    document.set_font(FONT, "B", SIZE_PT + 5)
    document.cell(0, 2 * LINE_MM, _shown(title), new_x="LMARGIN", new_y="NEXT")
    document.set_font(FONT, size=SIZE_PT)
    for line in lines:
        document.cell(0, LINE_MM, _shown(line), new_x="LMARGIN", new_y="NEXT")
    document.ln(LINE_MM)
    with document.table(
        col_widths=tuple(column.share for column in columns),
        text_align=tuple("RIGHT" if column.is_number else "LEFT" for column in columns),
        headings_style=FontFace(emphasis="BOLD"),
        line_height=LINE_MM,
        borders_layout="HORIZONTAL_LINES",
        repeat_headings=1,
    ) as table:
        for cells in ([column.name for column in columns], *rows):
            row = table.row()
            for cell in cells:
                row.cell(_shown(cell))
    return bytes(document.output())


def _shown(text: str) -> str:
    return text.encode(ENCODING, "replace").decode(ENCODING)
