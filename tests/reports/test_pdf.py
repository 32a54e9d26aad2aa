"""PDFs: what an auditor reads in them, the same bytes twice, and nothing lost of what a cloud may answer."""

import hashlib
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pikepdf
import pypdfium2
import pytest

from proofwatch.reports import pdf, typeset
from proofwatch.reports.glyphs import BREAK, HIDDEN, LINE_BREAK, breakable, face
from proofwatch.reports.looks import LOOKS, SIGNS
from proofwatch.reports.pdf import write_pdf
from proofwatch.reports.tables import ReportError
from tests.reports.pdfs import numbered, text_of

AT = datetime(2026, 11, 28, 9, 0, 0, 123456, tzinfo=UTC)
GOLDEN = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class Column:
    name: str
    title: str
    kind: str = "text"


COLUMNS = (
    Column("alert", "Alert", "name"), Column("state", "State", "status"),
    Column("severity", "Severity", "severity"), Column("headline", "What"),
    Column("failing", "Failing", "number"), Column("late", "Late", "flag"), Column("flags", "Flags", "names"),
    Column("opened_at", "Opened", "moment"), Column("evidence", "Evidence", "digest"),
)  # fmt: skip
META = {
    "system": "Proofwatch 0.1.0",
    "organization": "Acme GmbH",
    "mark": "DEMO DATA",
    "subject": "alerts",
    "title": "Alerts",
    "question": "Which controls failed, who was told, and when were they restored?",
    "where": "https://proofwatch.example.com/export/alerts?format=pdf&state=open",
    "generated_at": AT,
    "generated_by": "lea",
    "role": "lead",
    "filter": {"state": "open"},
    "matching": 2,
    "population": 14,
    "includes_silenced_and_accepted": "yes",
    "data_as_of": [
        {
            "connection": "prod", "sweep": "0191-77", "observed_at": AT - timedelta(minutes=5),
            "state": "partial", "manifest": "ab" * 32, "places_not_read": 2,
        },
    ],
    "control_list": {"version": 3, "sha256": "cd" * 32},
}  # fmt: skip


def rows(number, **more):
    for item in range(1, number + 1):
        yield {
            "alert": f"AL-{item}", "state": "failing" if item % 2 else "verified restored",
            "severity": "high", "headline": f"vol-{item} is not encrypted", "failing": 1234 * item,
            "late": bool(item % 2), "flags": ["drill", "silenced"][: item % 3], "evidence": f"{item:064x}",
            "opened_at": AT - timedelta(hours=item), **more,
        }  # fmt: skip


def one(tmp_path, value, **meta):
    """Return the text of a PDF with one row, whose second cell is this value."""
    columns = (Column("id", "Id"), Column("value", "Value"))
    (made,) = write_pdf(tmp_path, "one", columns, [{"id": "row-1", "value": value}], {**META, **meta})
    return text_of(made)


def test_what_an_auditor_reads(tmp_path):
    made = write_pdf(tmp_path / "new", "alerts", COLUMNS, rows(2), META)
    assert [path.name for path in made] == ["alerts.pdf"] and made.rows == 2
    assert text_of(made[0]) + "\n" == (GOLDEN / "alerts.pdf.txt").read_text("utf-8")


def test_the_same_rows_give_the_same_bytes(tmp_path):
    made = [write_pdf(tmp_path / name, "a", COLUMNS, rows(60), META) for name in ("one", "two")]
    assert made[0][0].read_bytes() == made[1][0].read_bytes()
    assert made[0].digests() == {"a.pdf": hashlib.sha256(made[0][0].read_bytes()).hexdigest()}
    later = write_pdf(tmp_path / "three", "a", COLUMNS, rows(60), {**META, "generated_at": AT + timedelta(1)})
    assert later[0].read_bytes() != made[0][0].read_bytes()


def test_fonts_and_zone_of_the_machine_change_nothing(tmp_path):
    made = write_pdf(tmp_path, "a", COLUMNS, rows(3), META)
    script = (
        "import sys, pathlib; from tests.reports.test_pdf import COLUMNS, META, rows, write_pdf;"
        "write_pdf(pathlib.Path(sys.argv[1]), 'a', COLUMNS, rows(3), META)"
    )
    env = {"TZ": "Asia/Tokyo", "LANG": "C", "PYTHONPATH": ":".join(sys.path), "FONTCONFIG_PATH": "/none"}
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "there")], env=env, check=True)
    assert (tmp_path / "there" / "a.pdf").read_bytes() == made[0].read_bytes()


def test_it_is_declared_for_keeping_and_tagged(tmp_path):
    (made,) = write_pdf(tmp_path, "a", COLUMNS, rows(2), META)
    with pikepdf.open(made) as document:
        assert not document.check_pdf_syntax()
        root = document.Root
        assert root.MarkInfo.Marked and str(root.Lang).startswith("en")
        with document.open_metadata() as xmp:
            assert (xmp["pdfaid:part"], xmp["pdfaid:conformance"]) == ("2", "A")
            assert xmp["pdfuaid:part"] == "1"
            assert xmp["dc:title"] == "Alerts" and xmp["dc:language"]
            assert xmp["xmp:CreateDate"].startswith("2026-11-28T09:00:00")
        kinds = [str(item.S) for item in elements(root.StructTreeRoot)]
        assert kinds.count("/Table") == 1 and kinds.count("/TR") == 3 and "/H1" in kinds
        assert kinds.count("/TH") == kinds.count("/TD") / 2 == len(COLUMNS) + 1
        assert root.OutputIntents and root.ViewerPreferences.DisplayDocTitle
        assert "/AA" not in root and "/OpenAction" not in root and "/Encrypt" not in document.trailer
        fonts = [item for item in document.objects if is_font(item)]
        assert fonts and all({"/FontFile2", "/FontFile3"} & set(item.keys()) for item in fonts)
        assert {str(item.FontName).split("+")[-1][:5] for item in fonts} == {"Inter", "DejaV"}


def is_font(item):
    return isinstance(item, pikepdf.Dictionary) and item.get("/Type") == "/FontDescriptor"


def elements(item):
    """Yield every element of a structure tree."""
    children = item.get("/K", [])
    for child in children if isinstance(children, pikepdf.Array) else [children]:
        if isinstance(child, pikepdf.Dictionary) and "/S" in child:
            yield child
            yield from elements(child)


def test_headings_titles_and_ranges_stand_on_each_page(tmp_path):
    (made,) = write_pdf(tmp_path, "a", COLUMNS, rows(120), META)
    document = pypdfium2.PdfDocument(made)
    pages = [page.get_textpage().get_text_bounded() for page in document]
    assert len(pages) > 2
    for number, page in enumerate(pages, 1):
        assert "Alerts · Acme GmbH" in page and "DEMO DATA" in page and "2026-11-28 09:00:00Z" in page
        assert f"page {number} of {len(pages)}" in page and "Factual export, not an opinion." in page
        assert "Rows 1–120 of 120: AL-1 – AL-120" in page
        assert "# Alert State Severity What" in page.replace("\r\n", " ")
    assert all(page.get_size() == pytest.approx((841.89, 595.28), abs=0.1) for page in document)
    assert numbered([made]) == list(range(1, 121))


HOSTILE = {
    "#import \"/etc/passwd\": *": None,
    "#panic(1) $x^2$ \\u{41} `raw` *b* _e_ = h <l> @r // c /* d */ [x] ~": None,
    "</script><script>alert(1)</script>": None,
    "=HYPERLINK(\"http://evil.example\")": None,
    "https://evil.example/a?b=c#d": None,
    "a -> b --- c ... 10x20 fi ffi 1/2": None,
    "Zürich Łódź Αθήνα Москва ﬁ": "Zürich Łódź Αθήνα Москва ⟨U+FB01⟩",
    "東京": "⟨U+6771⟩⟨U+4EAC⟩",
    "ok 🔥!": "ok ⟨U+1F525⟩!",
    "👩\u200d💻": "⟨U+1F469⟩⟨U+200D⟩⟨U+1F4BB⟩",
    "abc\u202egpj.exe": "abc⟨U+202E⟩gpj.exe",
    "שלום": "⟨U+05E9⟩⟨U+05DC⟩⟨U+05D5⟩⟨U+05DD⟩",
    "a\u200bb\u00adc\ufeffd\ufe0fe\u034ff": "a⟨U+200B⟩b⟨U+00AD⟩c⟨U+FEFF⟩d⟨U+FE0F⟩e⟨U+034F⟩f",
    "a\0b\x1b[31mc\x7fd\x85e": "a⟨U+0000⟩b⟨U+001B⟩[31mc⟨U+007F⟩d⟨U+0085⟩e",
    "one\r\ntwo\nthree\tfour": "one↵two↵three⟨U+0009⟩four",
    "\ud800 lone": "⟨U+D800⟩ lone",
    "\ue000\uffff\U0010ffff": "⟨U+E000⟩⟨U+FFFF⟩⟨U+10FFFF⟩",
}  # fmt: skip


@pytest.mark.parametrize("said", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_a_cloud_answers_is_seen(tmp_path, said):
    text = one(tmp_path, said)
    (line,) = [line for line in text.splitlines() if line.startswith("1 row-1 ")]
    seen = line.removeprefix("1 row-1 ")
    assert squeezed(seen) == squeezed(HOSTILE[said] or said)


def test_marks_do_not_pile_up_over_other_rows(tmp_path):
    text = one(tmp_path, "a" + "\u0301" * 200)
    assert text.count("⟨U+0301⟩") > 50 and "⟨U+0301⟩" not in one(tmp_path, "a\u0301\u0302\u0303")


def squeezed(text):
    """Return a text without spaces, with letters and their marks in one form."""
    import unicodedata

    return unicodedata.normalize("NFC", text).replace(" ", "").replace("\u00a0", "")


def test_hostile_words_everywhere_else(tmp_path):
    evil = '#eval("1") 🔥\u202e $ \\ ` </script>'
    meta = dict.fromkeys(("system", "organization", "mark", "title", "question", "where", "role"), evil)
    meta |= {"generated_by": evil, "filter": {evil: evil}, "control_list": {"version": evil, "sha256": evil}}
    meta["data_as_of"] = [{"connection": evil, "sweep": evil, "observed_at": evil, "state": evil}]
    columns = [Column(kind, evil, kind) for kind in ("name", "status", "moment", "names", "digest", "code")]
    row = {
        "name": evil,
        "status": evil,
        "moment": evil,
        "names": [evil],
        "digest": evil,
        "code": {evil: evil},
    }
    (made,) = write_pdf(tmp_path, "evil", columns, [row], {**META, **meta})
    text = text_of(made)
    assert text.count("⟨U+1F525⟩") > 20 and "⟨U+202E⟩" in text and "#eval" in text
    with pikepdf.open(made) as document:
        assert "U+1F525" in str(document.docinfo["/Title"])


def test_every_character_that_our_fonts_have_can_be_drawn(tmp_path):
    """typst refuses a PDF/A with a missing glyph, so what we take for covered must be."""
    covered = [chr(code) for code in sorted(face().advances) if not face().unknown.match(chr(code))]
    assert len(covered) > 2000
    assert set(face("Inter-SemiBold").advances) == set(face().advances)
    text = [" ".join(covered[start : start + 50]) for start in range(0, len(covered), 50)]
    columns = (Column("id", "Id"), Column("text", "Text"), Column("bold", "Bold", "status"))
    row = ({"id": number, "text": line, "bold": line} for number, line in enumerate(text))
    (made,) = write_pdf(tmp_path, "all", columns, row, META)
    seen = text_of(made)
    missing = [item for item in covered if item not in seen and item.isalpha() and ord(item) < 0x300]
    assert not missing
    assert all(face().unknown.match(chr(code)) for code in HIDDEN)


def test_signs_are_drawn_for_each_status(tmp_path):
    assert {look.icon for look in LOOKS.values()} <= set(SIGNS)
    columns = (Column("state", "State", "status"),)
    (made,) = write_pdf(tmp_path, "s", columns, [{"state": word} for word in LOOKS], META)
    text = text_of(made)
    for word, its_look in LOOKS.items():
        first = word.split(" ")[0]
        assert re.search(rf"{re.escape(SIGNS[its_look.icon])}\s{re.escape(first)}", text), word


def test_a_long_word_wraps_inside_its_column(tmp_path):
    arn = "arn:aws:iam::111111111111:role/" + "Q" * 300 + "/" + "é" * 40
    columns = [Column("id", "Id"), *(Column(f"c{item}", f"C{item}") for item in range(9))]
    row = {"id": "row-1", **{f"c{item}": arn for item in range(9)}}
    (made,) = write_pdf(tmp_path, "long", columns, [row], META)
    document = pypdfium2.PdfDocument(made)
    page = document[0].get_textpage()
    text = page.get_text_range()
    lefts = [page.get_charbox(text.index(f" C{item}") + 1)[0] for item in range(9)] + [841.89 - 28]
    boxes = [page.get_charbox(place) for place, item in enumerate(text) if item == "Q"]
    assert len(boxes) == 9 * 300
    for left, _, right, _ in boxes:
        (own,) = [place for place in range(9) if lefts[place] - 0.5 <= left < lefts[place + 1]]
        assert right <= lefts[own + 1], "it reaches into the next column"
    assert BREAK not in text


def test_breaks_are_where_they_help():
    assert breakable(face(), "a short text", 20) == "a short text"
    word = "arn:aws:s3:::bucket-of-ours/" + "x" * 40
    broken = breakable(face(), word, 8)
    assert broken.replace(BREAK, "") == word
    assert all(face().width(piece) <= 8 for piece in broken.split(BREAK))


def test_a_very_long_cell_is_cut_and_says_so(tmp_path):
    text = one(tmp_path, "x " * 5_000)
    assert "… (9\u202f400 more)" in text
    assert "… (" in one(tmp_path, "🔥" * 2_000)


def test_digests_are_short_and_it_says_where_they_are_whole(tmp_path):
    (made,) = write_pdf(tmp_path, "a", COLUMNS, rows(1), META)
    text = text_of(made)
    assert "000000000000…" in text and f"{1:064x}" not in text
    assert "the CSV and the JSON lines of the same export hold them whole" in text.replace("\n", "")


def test_nothing_to_show_is_a_report_too(tmp_path):
    made = write_pdf(tmp_path, "none", COLUMNS, [], {**META, "matching": 0})
    text = text_of(made[0])
    assert made.rows == 0 and "No rows match." in text and "0 rows in this file (no rows)" in text
    assert "No rows" in text and "page 1 of 1" in text


def test_it_says_how_many_rows_it_wrote_not_how_many_were_counted(tmp_path):
    (made,) = write_pdf(tmp_path, "a", COLUMNS, rows(3), {**META, "matching": 5})
    text = text_of(made)
    assert "3 rows in this file (rows 1–3 of 3: AL-1 – AL-3)" in text
    assert "5 matched when they were counted, before they were read" in text


@pytest.mark.parametrize(("number", "names"), [(5000, ["a.pdf"]), (5001, ["a-1-of-2.pdf", "a-2-of-2.pdf"])])
def test_it_is_split_above_five_thousand_rows(tmp_path, number, names):
    columns = (Column("alert", "Alert"),)
    made = write_pdf(tmp_path, "a", columns, rows(number), META)
    assert [path.name for path in made] == names and made.rows == number
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert numbered(made) == list(range(1, number + 1))
    if number > 5000:
        first, second = map(text_of, made)
        assert "Part 1 of 2, rows 1–5\u202f000 of 5\u202f001: AL-1 – AL-5000" in first
        assert "Part 2 of 2, rows 5\u202f001–5\u202f001 of 5\u202f001: AL-5001" in second
        assert "Alerts, part 2 of 2" in second and "1 row in this file" in second


def test_it_is_split_by_text_too(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "MOST_TEXT", 2_000)
    columns = (Column("id", "Id"), Column("text", "Text"))
    made = write_pdf(tmp_path, "a", columns, ({"id": n, "text": "x" * 550} for n in range(7)), META)
    assert len(made) == 3 and numbered(made) == list(range(1, 8))


def test_a_failure_half_way_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "MOST_ROWS", 2)

    def broken():
        yield from rows(5)
        raise OSError(28, "No space left on device")

    with pytest.raises(ReportError, match="No space left"):
        write_pdf(tmp_path, "a", COLUMNS, broken(), META)
    assert list(tmp_path.iterdir()) == []


def test_a_document_that_typst_refuses_is_an_error_with_its_words(tmp_path, monkeypatch):
    template = tmp_path / "list.typ"
    template.write_text('#panic("nothing works")')
    monkeypatch.setattr(typeset, "TEMPLATE", template)
    with pytest.raises(typeset.TypesettingFailed, match="nothing works"):
        serve_here(tmp_path, {"timestamp": 0})


def serve_here(folder, job):
    """Do in this process what the child does, so that the test may change it."""
    (folder / typeset.JOB).write_text(json.dumps(job))
    typeset.serve(folder)
    if (folder / typeset.FAILED).exists():
        raise typeset.TypesettingFailed((folder / typeset.FAILED).read_text())


def test_a_document_that_is_too_large_ends_only_its_own_process(tmp_path, monkeypatch):
    def small(folder, job):
        return typeset.typeset(folder, job, memory=300 * 2**20)

    monkeypatch.setattr(pdf, "typeset", small)
    with pytest.raises(ReportError, match=r"(?s)writing .*a\.pdf.*want of memory.*fewer rows"):
        write_pdf(tmp_path, "a", COLUMNS, rows(3_000), META)
    assert list(tmp_path.iterdir()) == []


def test_a_document_that_takes_too_long_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(typeset, "SECONDS", 0.05)
    with pytest.raises(ReportError, match="stopped after"):
        write_pdf(tmp_path, "a", COLUMNS, rows(1), META)
    assert list(tmp_path.iterdir()) == []


def test_facts_that_somebody_added_stand_with_what_was_asked(tmp_path):
    text = one(tmp_path, "x", as_of=AT, sampled=True, seed="77", nested={"not": "plain"})
    assert "as of: 2026-11-28 09:00:00Z" in text and "sampled: yes" in text and "seed: 77" in text
    assert "nested" not in text


def test_line_breaks_have_a_sign_that_the_font_has():
    assert ord(LINE_BREAK) in face().advances
