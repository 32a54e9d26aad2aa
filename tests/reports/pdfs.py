"""Reading PDFs in tests: their text by PDFium, their structure by qpdf."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pypdfium2

_ROW = re.compile(r"^([\d\u202f]+)\b", re.MULTILINE)


def text_of(path: Path | bytes) -> str:
    """Return the text of all pages; lines end with a newline."""
    document = pypdfium2.PdfDocument(path)
    try:
        return "\n".join(page.get_textpage().get_text_bounded().replace("\r\n", "\n") for page in document)
    finally:
        document.close()


def numbered(paths: Iterable[Path | bytes]) -> list[int]:
    """Return the numbers of the rows, in the order in which they stand in the files."""
    found: list[int] = []
    for path in paths:
        for said in _ROW.findall(text_of(path)):
            number = int(said.replace("\u202f", ""))
            if number == (found[-1] if found else 0) + 1:
                found.append(number)
    return found
