"""What our own fonts can draw, and how wide: so that a PDF neither fails nor loses a character.

The two files in `fonts/` are Inter 4.1 (SIL Open Font License 1.1), unpacked from the web fonts of the npm
package `inter-ui`. A PDF is made with these alone, never with what a machine happens to have installed.
"""

from __future__ import annotations

import re
import struct
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

FONTS = Path(__file__).parent / "fonts"
BREAK = "\u200b"
"""Marks a place where a long word may be broken; never in a text from outside, where it is replaced."""
HIDDEN = frozenset({0x034F, *range(0xFE00, 0xFE10)})
"""Drawn as nothing, though Unicode counts them among the marks."""
INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of what a reader cannot see or what turns a line around."""
LINE_BREAK = "↵"
MOST_MARKS = 3
"""Combining marks on one letter; more of them would be drawn over the rows above and below."""

_STACK = re.compile(f"(?<=[\u0300-\u036f]{{{MOST_MARKS}}})[\u0300-\u036f]+")
_SEPARATORS = re.compile(r"(?<=[-/:_.=,;&?@#|+])(?=[^\s])")


@dataclass(frozen=True)
class Face:
    """One font file.

    Attributes:
        advances: code point → width in parts of the font's unit.
        unit: parts of 1 em.
    """

    advances: Mapping[int, int]
    unit: int
    _widths: dict[str, float] = field(default_factory=dict)

    @cached_property
    def unknown(self) -> re.Pattern[str]:
        """Return what matches one character that cannot be drawn or would not be seen."""
        seen = sorted(
            code
            for code in self.advances
            if code not in HIDDEN and unicodedata.category(chr(code)) not in INVISIBLE
        )
        return re.compile("[^" + "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in _ranges(seen)) + "]")

    def clean(self, text: str) -> str:
        """Return a text that is drawn whole: what cannot be drawn is named, a line break is an arrow."""
        if self.unknown.search(text):
            text = text.replace("\r\n", LINE_BREAK).replace("\n", LINE_BREAK)
            text = self.unknown.sub(_named, text)
        return _STACK.sub(lambda found: "".join(map(_named, found[0])), text)

    def width(self, text: str) -> float:
        """Return how wide a text is drawn, in em."""
        kept = self._widths.get(text)
        if kept is None:
            kept = sum(self.advances.get(ord(item), self.unit) for item in text) / self.unit
            if len(self._widths) < 50_000:
                self._widths[text] = kept
        return kept


def breakable(face: Face, text: str, width: float) -> str:
    """Return a text with a `BREAK` wherever a word that is wider than a column may be broken.

    Args:
        face: how wide letters are.
        text: clean text.
        width: of the column, in em.
    """
    words = text.split(" ")
    if all(face.width(word) <= width for word in words):
        return text
    return " ".join(word if face.width(word) <= width else _broken(face, word, width) for word in words)


def _broken(face: Face, word: str, width: float) -> str:
    pieces = []
    for part in _SEPARATORS.split(word):
        rest = part
        while face.width(rest) > width and len(rest) > 1:
            taken, high = 0.0, 0
            while high < len(rest) and (not high or taken + face.width(rest[high]) <= width):
                taken += face.width(rest[high])
                high += 1
            pieces.append(rest[:high])
            rest = rest[high:]
        if rest:
            pieces.append(rest)
    return BREAK.join(pieces)


@cache
def face(name: str = "Inter-Regular") -> Face:
    """Read one of our fonts."""
    data = (FONTS / f"{name}.ttf").read_bytes()
    tables = {}
    for place in range(12, 12 + 16 * int.from_bytes(data[4:6], "big"), 16):
        tag, _, start, length = struct.unpack_from(">4sLLL", data, place)
        tables[tag] = data[start : start + length]
    (unit,) = struct.unpack_from(">H", tables[b"head"], 18)
    (number,) = struct.unpack_from(">H", tables[b"hhea"], 34)
    advances = struct.unpack_from(">" + "Hh" * number, tables[b"hmtx"])[::2]
    codes = _codes(tables[b"cmap"])
    return Face({code: advances[min(glyph, number - 1)] for code, glyph in codes.items()}, unit)


def _codes(table: bytes) -> dict[int, int]:
    """Return code point → glyph, from the subtable of format 12 (segmented coverage of all of Unicode)."""
    for place in range(4, 4 + 8 * int.from_bytes(table[2:4], "big"), 8):
        (start,) = struct.unpack_from(">L", table, place + 4)
        if table[start : start + 2] == b"\0\x0c":
            (groups,) = struct.unpack_from(">L", table, start + 12)
            found = struct.iter_unpack(">LLL", table[start + 16 : start + 16 + 12 * groups])
            return {
                code: glyph + code - low
                for low, high, glyph in found
                for code in range(low, high + 1)
                if glyph + code - low
            }
    raise ValueError("the font has no table of format 12")


def _ranges(codes: list[int]) -> Iterator[tuple[int, int]]:
    low = high = codes[0]
    for code in codes[1:]:
        if code != high + 1:
            yield low, high
            low = code
        high = code
    yield low, high


def _named(found: re.Match[str] | str) -> str:
    return f"⟨U+{ord(found if isinstance(found, str) else found[0]):04X}⟩"
