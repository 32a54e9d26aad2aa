# ruff: noqa: E501 - what is shown to the user stands here on one line
"""Every mistake in a check file is reported with its line and the nearest right name."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofwatch.checks.base import CheckError
from proofwatch.checks.load import load_catalog
from tests.checks.kit import CASES, CRITERIA, TABLES, catalog, text, write_checks


def problems(folder: Path, body: str) -> list[str]:
    """Return the problems of one check file, without the path."""
    with pytest.raises(CheckError) as caught:
        catalog(folder, aws__ec2__x=body)
    head, *lines = caught.value.problem.splitlines()
    assert head == ("one problem" if len(lines) == 1 else f"{len(lines)} problems")
    prefix = str(folder / "checks/aws/ec2/x.yaml") + ":"
    assert all(line.startswith(prefix) for line in lines)
    return [line.removeprefix(prefix) for line in lines]


def test_a_good_check_is_loaded_whole(tmp_path: Path) -> None:
    body = text(
        applies="state <> 'deleting' AND size < $max_size",
        params="{max_size: {type: integer, default: 100, about: GiB}}",
        same_as="{aws_config: [ENCRYPTED_VOLUMES]}",
    )
    check = catalog(tmp_path, aws__ec2__volume_encrypted=body).checks["aws.ec2.volume-encrypted"]
    assert check.columns == ("encrypted", "state", "size")
    assert check.params == {"max_size": 100}
    assert check.same_as == {"aws_config": ("ENCRYPTED_VOLUMES",)}
    assert [case.expect for case in check.cases] == ["pass", "fail", "inconclusive"]
    assert len(check.version) == 64 and check.source == body


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"tabel": "volume"}, "10: tabel: unknown field; did you mean 'table'?"),
        ({"why": None}, "1: why: is missing"),
        ({"why": "''"}, "5: why: must not be empty"),
        ({"fix": "' '"}, "9: fix: must not be empty"),
        ({"title": "[a]"}, "1: title: expected text, got a list"),
        ({"title": None, "table": "volume"}, "1: title: is missing"),
        ({"passes": "3"}, "6: passes: expected text, got a number"),
        ({"severity": "hgih"},
         "4: severity: must be one of critical, high, medium, low, not 'hgih'; did you mean 'high'?"),
        ({"criteria": "[CC6.11]"}, "3: criteria[0]: there is no criterion 'CC6.11'; did you mean 'CC6.1'?"),
        ({"criteria": "[]"}, "3: criteria: must not be empty"),
        ({"table": "volumes"}, "2: table: there is no table or view 'volumes'; did you mean 'volume'?"),
        ({"passes": "encrpted"}, "6: passes: there is no column 'encrpted' in volume; did you mean 'encrypted'?"),
        ({"applies": "sate = 'x'"}, "10: applies: there is no column 'sate' in volume; did you mean 'state'?"),
        ({"passes": "size"}, "6: passes: must be true or false, but is BIGINT: `size`"),
        ({"passes": "encrypted AND"}, '6: passes: does not parse: syntax error at or near ")"'),
        ({"passes": "encrypted) OR (true"}, "6: passes: must be one expression"),
        ({"passes": "encrypted, true"}, "6: passes: must be one expression"),
        ({"passes": "encrypted; DROP TABLE volume"}, '6: passes: does not parse: syntax error at or near ";"'),
        ({"passes": "(SELECT true)"}, "6: passes: a subquery cannot be used here: write a view for a join"),
        ({"passes": "EXISTS (FROM read_csv('/etc/passwd'))"},
         "6: passes: a subquery cannot be used here: write a view for a join"),
        ({"passes": "count(*) > 1"},
         "6: passes: count_star() is an aggregate and cannot be used here: a check judges one row"),
        ({"passes": "row_number() OVER () = 1"},
         "6: passes: a window function cannot be used here: a check judges one row"),
        ({"passes": "read_text('/etc/passwd') IS NULL"},
         "6: passes: read_text() cannot be used here: it reads a table or file"),
        ({"passes": "lenn(state) > 1"}, "6: passes: there is no function lenn(); did you mean 'len'?"),
        ({"passes": "now() > created"},
         "6: passes: now() gives another answer at every run: use $now, the time of observation"),
        ({"passes": "current_date > created"},
         "6: passes: current_date gives another answer at every run: use $now, the time of observation"),
        ({"passes": "random() > 0.5"}, "6: passes: random() cannot be used here: it gives another answer at every run"),
        ({"passes": "repeat(state, 3000000000) = ''"},
         "6: passes: repeat() cannot be used here: it can build a value of any size"),
        ({"passes": "size = NULL"},
         "6: passes: comparing with NULL is never true or false: write IS NULL or IS NOT NULL"),
        ({"passes": "state NOT IN ('a', NULL)"},
         "6: passes: NULL in the list of IN makes every other value unknown: leave it out"),
        ({"passes": "account_id = 123456789012"},
         "6: passes: compares VARCHAR with BIGINT in `account_id = 123456789012`: compare like with like, "
         "or write CAST if that is meant"),
        ({"passes": "encrypted = 'yes'"},
         "6: passes: compares BOOLEAN with VARCHAR in `encrypted = 'yes'`: compare like with like, "
         "or write CAST if that is meant"),
        ({"passes": "created > '2024-01-01'"},
         "6: passes: compares TIMESTAMPTZ with VARCHAR in `created > '2024-01-01'`: compare like with like, "
         "or write CAST if that is meant"),
        ({"passes": "\"len(list_filter(attached, lambda a: a.count = '3')) = 0\""},
         "6: passes: compares BIGINT with VARCHAR: compare like with like, or write CAST if that is meant"),
        ({"passes": "coalesce(size, '') <> 'x'"},
         "6: passes: turns VARCHAR into BIGINT unasked: write CAST if that is meant"),
        ({"passes": "NOT state"}, "6: passes: turns VARCHAR into BOOLEAN unasked: write CAST if that is meant"),
        ({"passes": "_unread IS NULL"}, "6: passes: _unread is the engine's own column and cannot be used here"),
        ({"passes": "size < $max"}, "6: passes: there is no parameter $max"),
        ({"passes": "size < $max_sise", "params": "{max_size: 3}"},
         "6: passes: there is no parameter $max_sise; did you mean 'max_size'?"),
        ({"params": "{max_size: 3}"},
         "10: params.max_size: is not used: write $max_size in applies or passes, or remove it"),
        ({"passes": "size < $m", "params": "{m: {type: integer, default: soon}}"},
         "10: params.m.default: expected integer, got text"),
        ({"passes": "size < $m", "params": "{m: {type: intger, default: 3}}"},
         "10: params.m.type: there is no type 'intger' (only integer, number, text, boolean, texts, integers); "
         "did you mean 'integer'?"),
        ({"passes": "size < $m", "params": "{m: {default: 3, abuot: x}}"},
         "10: params.m.abuot: unknown field; did you mean 'about'?"),
        ({"passes": "state = $m", "params": "{m: 3}"},
         "6: passes: compares VARCHAR with BIGINT in `state = TRY_CAST(NULL AS BIGINT)`: compare like with "
         "like, or write CAST if that is meant"),
        ({"passes": "created < $now", "params": "{now: 3}"},
         "10: params.now: is no name: use lower-case letters, digits and _ (and not 'now')"),
        ({"on_fail": '"{volumeid} is bad"'},
         "8: on_fail: there is no column 'volumeid' in volume; did you mean 'volume_id'?"),
        ({"on_pass": '"{volume_id is good"'},
         "7: on_pass: a brace is not closed or not opened: a placeholder is {column}"),
        ({"same_as": "[a]"}, "10: same_as: expected names with values, got a list"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_with_its_line(
    tmp_path: Path, fields: dict[str, str | None], expected: str
) -> None:
    assert expected in problems(tmp_path, text(**fields))


def test_a_field_alone_is_one_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, text(passes="encrpted")) == [
        "6: passes: there is no column 'encrpted' in volume; did you mean 'encrypted'?"
    ]


CASE = "cases:\n  - {name: good, given: {encrypted: true}, expect: pass}\n"


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        (CASE, [
            "10: cases: no case expects 'fail': show pass, fail and inconclusive",
            "10: cases: no case expects 'inconclusive': show pass, fail and inconclusive",
        ]),
        (CASES + "  - {name: good, given: {}, expect: pass}\n",
         ["14: cases[3].name: two cases are called 'good'"]),
        (CASES + "  - {name: b, given: {encryptd: true}, expect: pass}\n",
         ["14: cases[3].given.encryptd: there is no column 'encryptd' in volume; did you mean 'encrypted'?"]),
        (CASES + "  - {name: b, given: {encrypted: 1}, expect: pass}\n",
         ["14: cases[3].given.encrypted: encrypted: expected true or false, got a number"]),
        (CASES + "  - {name: b, given: {account_id: 112345678901}, expect: pass}\n",
         ["14: cases[3].given.account_id: account_id: expected text, got a number"]),
        (CASES + "  - {name: b, given: {attached: [{count: x}]}, expect: pass}\n",
         ["14: cases[3].given.attached: attached[0].count: expected a whole number, got text"]),
        (CASES + "  - {name: b, given: {}, unread: [sizes], expect: inconclusive}\n",
         ["14: cases[3].unread: there is no column 'sizes' in volume; did you mean 'size'?"]),
        (CASES + "  - {name: b, given: {}, expect: passed}\n",
         ["14: cases[3].expect: must be one of pass, fail, inconclusive, not_applicable, not 'passed'; "
          "did you mean 'pass'?"]),
        (CASES + "  - {name: b, given: {}, expects: pass}\n",
         ["14: cases[3].expect: is missing",
          "14: cases[3].expects: unknown field; did you mean 'expect'?"]),
    ],
)  # fmt: skip
def test_a_wrong_case_is_named_with_its_line(tmp_path: Path, cases: str, expected: list[str]) -> None:
    assert problems(tmp_path, text(cases=cases)) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", "1: the file is empty"),
        ("- a\n", "1: expected the fields of a check"),
        ("title: a\ntitle: b\n", "2: the key 'title' stands here twice"),
        ("title: &a x\nwhy: *a\n", "1: anchors and aliases (& and *) cannot be used: write it out"),
        ("title: !!python/object/apply:os.system [id]\n",
         "1: the tag tag:yaml.org,2002:python/object/apply:os.system cannot be used"),
        ("title: 'x\n", "2: not valid YAML: found unexpected end of stream"),
        ("title: x\n\tpasses: y\n", "2: not valid YAML: found a tab character that violates indentation"),
        ("a: " + "[" * 30 + "]" * 30, "1: nested deeper than 20 levels"),
        ("title: " + "x" * 70_000, "1: larger than 64 kB"),
        ("<<: {title: x}\n", "1: a key must be plain text"),
    ],
)  # fmt: skip
def test_what_is_no_plain_yaml_is_refused_at_its_line(tmp_path: Path, body: str, expected: str) -> None:
    assert problems(tmp_path, body) == [expected]


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    folder = write_checks(tmp_path / "checks", aws__ec2__x="")
    (folder / "aws/ec2/x.yaml").write_bytes(b"title: \xff\xfe")
    with pytest.raises(CheckError, match=r"x\.yaml:1: not UTF-8 text"):
        load_catalog([folder], None, TABLES, CRITERIA)


def test_very_deep_nesting_does_not_kill_the_process(tmp_path: Path) -> None:
    with pytest.raises(CheckError):
        catalog(tmp_path, aws__ec2__x="a: " + "[" * 30_000)


def test_all_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    with pytest.raises(CheckError) as caught:
        catalog(
            tmp_path, aws__a__x=text(passes="nope", severity="huge"), aws__b__y=text(applies="size", fix="''")
        )
    assert caught.value.problem.splitlines()[0] == "2 problems"
    assert "aws/a/x.yaml:4: severity" in str(caught.value)
    assert "aws/b/y.yaml:9: fix" in str(caught.value)
    assert str(caught.value).startswith("loading the checks: 2 problems\n")
    assert str(caught.value).endswith("→ Mend the files at the lines named.")


def test_an_id_exists_once_in_all_folders(tmp_path: Path) -> None:
    ours = write_checks(tmp_path / "ours", aws__ec2__x=text())
    theirs = write_checks(tmp_path / "theirs", aws__ec2__x=text(), aws__ec2__own=text())
    with pytest.raises(CheckError) as caught:
        load_catalog([ours, theirs], None, TABLES, CRITERIA)
    assert caught.value.problem.splitlines()[1:] == [
        f"{theirs}/aws/ec2/x.yaml:1: the id aws.ec2.x is already used by {ours}/aws/ec2/x.yaml: rename the file"
    ]


def test_a_users_folder_adds_checks(tmp_path: Path) -> None:
    ours = write_checks(tmp_path / "ours", aws__ec2__x=text())
    theirs = write_checks(tmp_path / "theirs", own__volumes=text())
    found = load_catalog([ours, theirs], None, TABLES, CRITERIA)
    assert list(found.checks) == ["aws.ec2.x", "own.volumes"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("aws/ec2/x.yml", "1: the name of a check file ends in .yaml"),
        ("aws/ec2/My_Check.yaml",
         "1: 'aws.ec2.My_Check' is no id: use lower-case letters, digits and - in a folder"),
        ("lonely.yaml", "1: 'lonely' is no id: use lower-case letters, digits and - in a folder"),
    ],
)  # fmt: skip
def test_a_file_must_have_a_proper_name(tmp_path: Path, name: str, expected: str) -> None:
    path = tmp_path / "checks" / name
    path.parent.mkdir(parents=True)
    path.write_text(text(), encoding="utf-8")
    with pytest.raises(CheckError) as caught:
        load_catalog([tmp_path / "checks"], None, TABLES, CRITERIA)
    assert caught.value.problem.splitlines()[1:] == [f"{path}:{expected}"]


def test_the_first_folder_may_be_named_as_a_connector_of_two_words(tmp_path: Path) -> None:
    path = tmp_path / "checks" / "two_words" / "ec2" / "x.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text(), encoding="utf-8")
    assert list(load_catalog([tmp_path / "checks"], None, TABLES, CRITERIA).checks) == ["two_words.ec2.x"]


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CheckError, match="there is no such folder"):
        load_catalog([tmp_path / "none"], None, TABLES, CRITERIA)


class TestVersion:
    """The version changes with what decides the verdict, and with nothing else."""

    def version(self, tmp_path: Path, **fields: str | None) -> str:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        return catalog(folder, aws__ec2__x=text(**fields)).checks["aws.ec2.x"].version

    def test_words_do_not_change_it(self, tmp_path: Path) -> None:
        first = self.version(tmp_path)
        assert first == self.version(
            tmp_path,
            title="Other",
            why="Other.",
            fix="Other.",
            severity="low",
            on_fail="Other",
            criteria="[CC7.2]",
        )

    @pytest.mark.parametrize(
        "fields",
        [{"passes": "encrypted AND true"}, {"applies": "size > 0"}, {"table": "key", "passes": "enabled"}],
    )
    def test_logic_changes_it(self, tmp_path: Path, fields: dict[str, str]) -> None:
        cases = CASES.replace("encrypted", "enabled") if "table" in fields else CASES
        extra = {"on_pass": "a", "on_fail": "b"} if "table" in fields else {}
        assert self.version(tmp_path) != self.version(tmp_path, cases=cases, **fields, **extra)

    def test_a_default_changes_it(self, tmp_path: Path) -> None:
        one, two, real = (
            self.version(tmp_path, passes="size < $m", params=f"{{m: {default}}}")
            for default in ("1", "2", "1.0")
        )
        assert len({one, two, real}) == 3
