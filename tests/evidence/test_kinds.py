import re
from pathlib import Path

import proofwatch
from proofwatch.evidence.kinds import BEGINS, ENDS, KINDS

WRITTEN = re.compile(r'\blog\.append\(\s*f?"([a-z]+)\.([a-z_]+|\{)')


def test_every_kind_that_the_code_writes_is_in_the_vocabulary():
    source = Path(proofwatch.__file__).parent
    found = {match.groups() for path in source.rglob("*.py") for match in WRITTEN.finditer(path.read_text())}
    assert ("sweep", "finished") in found
    groups = {kind.partition(".")[0] for kind in KINDS}
    unknown = {(group, verb) for group, verb in found if verb != "{" and f"{group}.{verb}" not in KINDS}
    assert unknown == set()
    assert {group for group, _ in found} <= groups


def test_what_begins_and_ends_a_sweep_is_in_the_vocabulary():
    assert set(KINDS) >= BEGINS | ENDS
    assert not BEGINS & ENDS
