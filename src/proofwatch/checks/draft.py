"""A check that a person is writing: validated as the catalogue's are, before it stands in any folder."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from proofwatch.checks.base import Check, CheckError
from proofwatch.checks.expressions import open_session
from proofwatch.checks.form import CheckForm, form_problems
from proofwatch.checks.load import Catalog
from proofwatch.checks.validate import Problem, Source, columns_of, prime, validate
from proofwatch.checks.yamlfile import Unreadable, read_yaml

ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}(\.[a-z0-9][a-z0-9-]{0,59}){1,5}")
"""Ids of one's own checks. Each part is the name of a folder or file, so it holds nothing else."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The text of a check file, and the place that it would have."""

    id: str
    text: str
    path: Path


def place(folder: Path, check_id: str) -> Path:
    """Return the file of a check in a folder of one's own checks.

    Raises:
        CheckError: the id is none; the path is made from a valid one and from nothing else.
    """
    if not ID.fullmatch(check_id):
        problem = f"{check_id[:80]!r} cannot be the id of a check"
        remedy = "use lower-case letters, digits and -, in two to six parts with dots: own.s3.bucket-named"
        raise CheckError("placing a check", problem, remedy)
    *folders, name = check_id.split(".")
    path = folder.joinpath(*folders, f"{name}.yaml")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise CheckError("placing a check", f"a link leads {check_id} out of {folder}", "remove the link")
    return path


def read_draft(
    draft: Draft, catalog: Catalog, criteria: Iterable[str]
) -> tuple[Check | None, list[Problem], str]:
    """Validate a draft.

    Args:
        draft: its text.
        catalog: its tables and views are those that the check may read.
        criteria: ids of the known criteria.

    Returns:
        the check, or None and everything that is wrong, as (line, field, problem); and the name of its
        table or view, "" if it names none that there is.
    """
    with tempfile.TemporaryDirectory(prefix="proofwatch-draft-") as folder:
        path = Path(folder) / "draft.yaml"
        path.write_text(draft.text, encoding="utf-8")
        try:
            body, lines = read_yaml(path)
            if not isinstance(body, dict):
                raise Unreadable(1, "expected the fields of a check")
        except Unreadable as error:
            return None, [(error.line, "", error.problem)], ""
        table = body.get("table")
        known = isinstance(table, str) and (table in catalog.tables or table in catalog.views)
        try:
            form = CheckForm.model_validate(body)
        except ValidationError as error:
            return None, list(form_problems(error, lines)), str(table) if known else ""
        if known:
            columns = columns_of(form.table, catalog.tables, catalog.views)
            prime(kind for name, kind in columns if any(name in case.given for case in form.cases))
        with open_session() as session:
            source = Source(draft.id, path, form, lines)
            check, problems = validate(session, source, catalog.tables, catalog.views, criteria)
    return replace(check, path=draft.path) if check else None, problems, form.table if known else ""
