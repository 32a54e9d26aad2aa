"""The parts of both verifiers against what they must be: the product's own rules, RFC 8785, WebCrypto."""

import ast
import base64
import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
import rfc8785
from axe_playwright_python.sync_playwright import Axe
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proofwatch.evidence import merkle
from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.entry import Entry, named_objects
from proofwatch.evidence.occurrences import Occurrences
from proofwatch.evidence.policy import parse_policy
from proofwatch.reports import verifiers
from tests.reports.binders import OTHER, SIGNER, object_name, witness_vkey
from tests.reports.verifying import ONLY_OPENSSL, by_python

SOURCE = verifiers.path("verify.py").read_text("utf-8")
PAGE = verifiers.path("verify.html").read_text("utf-8")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("verify_alone", verifiers.path("verify.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_script_needs_python_3_9_the_standard_library_and_cryptography():
    tree = ast.parse(SOURCE, feature_version=(3, 9))
    names = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert names - sys.stdlib_module_names == {"cryptography"}
    with pytest.raises(ValueError, match="other"):
        verifiers.path("other")


def test_the_page_can_load_nothing_and_names_no_address():
    def digest(tag):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", PAGE, re.DOTALL)
        return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"

    policy = re.search(r'Security-Policy" content="([^"]+)"', PAGE)[1]
    expected = f"default-src 'none'; script-src '{digest('script')}'; style-src '{digest('style')}'"
    assert policy == f"{expected}; base-uri 'none'; form-action 'none'"
    assert not re.search(
        r"https?://|\bsrc=|href=|fetch\(|XMLHttp|innerHTML|insertAdjacent|document\.write", PAGE
    )


def test_the_browser_holds_the_page_to_that(browser):
    asked = """async () => { const fell = [];
      document.addEventListener("securitypolicyviolation", (event) => fell.push(event.effectiveDirective));
      await fetch("http://127.0.0.1:9/").catch(() => {});
      await new Promise((go) => setTimeout(go, 50)); return fell; }"""
    assert browser.page.evaluate(asked) == ["connect-src"]
    browser.odd.clear()


JSON = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(JSON)
def test_json_is_written_as_rfc_8785_has_it(script, value):
    expected = rfc8785.dumps(value)
    read = json.loads(expected)
    if rfc8785_can(read):
        assert script.canonical(read).encode() == expected


def rfc8785_can(value):
    try:
        return rfc8785.dumps(value) is not None
    except rfc8785.CanonicalizationError:
        return False


def test_the_page_writes_json_as_rfc_8785_has_it(browser):
    values = [
        0.1,
        1e-7,
        1e21,
        5e-324,
        -0.000001,
        1 / 3,
        '\u20ac\r\x0f\n"\\/\x7f',
        {"\ufb01": 1, "\U0001f600": 2, "": []},
    ]
    written = browser.page.evaluate("values => values.map((value) => canonical(value))", values)
    assert [text.encode() for text in written] == [rfc8785.dumps(value) for value in values]


KINDS = [
    "schedule.slot", "schedule.missed", "schedule.skipped", "sweep.planned", "sweep.started",
    "sweep.finished", "sweep.failed", "connection.created", "connection.changed", "connection.removed",
]  # fmt: skip
TIMES = st.integers(0, 6).map(
    lambda hours: (NOON + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")
)
STORIES = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.fixed_dictionaries(
            {"connection": st.sampled_from(["a", "b"])},
            optional={
                "sweep": st.sampled_from(["1", "2", "3"]), "slot": TIMES, "first": TIMES, "last": TIMES,
                "interval_minutes": st.sampled_from([60, 120, 0, "60"]),
                "changes": st.sampled_from([{"interval_minutes": [60, 120]}, {}, {"interval_minutes": [1]}]),
            },
        ),
    ),
    max_size=14,
)  # fmt: skip


CHANGED_BY_NOTHING = [
    ("connection.created", {"connection": "a", "interval_minutes": 60}),
    ("connection.changed", {"connection": "a", "interval_minutes": 120}),  # what changed stands in `changes`
    ("schedule.slot", {"connection": "a", "slot": "2026-11-23T12:00:00Z"}),
    ("schedule.slot", {"connection": "a", "slot": "2026-11-23T14:00:00Z"}),
]


def told(story):
    found = []
    rules = Occurrences(found.append)
    for index, (kind, data) in enumerate(story):
        rules.take(index, Entry(kind, "system", NOON, data))
    rules.finish()
    return [line.replace("+00:00", "Z") for line in found]


@settings(max_examples=300, deadline=None)
@given(STORIES)
@example(CHANGED_BY_NOTHING)
def test_the_script_finds_the_gaps_that_the_product_finds(script, story):
    found = []
    rules = script.Story(found.append)
    for index, (kind, data) in enumerate(story):
        rules.take(index, kind, data)
    rules.finish()
    assert found == told(story)


@settings(max_examples=10, deadline=None)
@given(st.lists(STORIES, min_size=30, max_size=60))
@example([CHANGED_BY_NOTHING])
def test_the_page_finds_the_gaps_that_the_product_finds(browser, stories):
    tell = """stories => stories.map((story) => {
      const found = [], rules = new Story((line) => found.push(line));
      story.forEach(([kind, data], index) => rules.take(index, kind, data));
      rules.finish(); return found; })"""
    assert browser.page.evaluate(tell, stories) == [told(story) for story in stories]


DIGESTS = st.sampled_from(["a" * 64, "b" * 64, "c" * 63, "D" * 64])
NAMES = st.sampled_from(["manifest", "object", "sha256", "role", "other", "base", "tables"])
NAMING = st.recursive(
    DIGESTS | st.integers(0, 3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=14,
)


@settings(max_examples=15, deadline=None)
@given(st.lists(NAMING, min_size=50, max_size=80))
def test_objects_are_named_by_the_product_s_own_rule(script, browser, values):
    expected = [
        sorted(f"objects/{digest[:2]}/{digest[2:]}" for digest in named_objects(value, "object"))
        for value in values
    ]
    assert [sorted(script.named_objects(value, "object")) for value in values] == expected
    ask = "values => values.map((value) => namedObjects(value, 'object').sort())"
    assert browser.page.evaluate(ask, values) == expected


def test_the_page_s_own_sha_256_is_the_browser_s(browser):
    ask = """async () => { const bytes = crypto.getRandomValues(new Uint8Array(5000)), wrong = [];
      for (let size = 0; size < 300; size++) {
        const part = bytes.subarray(size, size * 3), hash = new Sha256();
        const step = 1 + size % 71;
        for (let at = 0; at < part.length; at += step) hash.update(part.subarray(at, at + step));
        const expected = new Uint8Array(await crypto.subtle.digest("SHA-256", part));
        if (!same(hash.digest(), expected)) wrong.push(size); }
      return wrong; }"""
    assert browser.page.evaluate(ask) == []


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 700])
def test_the_tree_is_that_of_rfc_6962(script, browser, size):
    leaves = [hashlib.sha256(str(number).encode()).digest() for number in range(size)]
    tree = script.Tree()
    for leaf in leaves:
        tree.append(leaf)
    assert tree.root() == merkle.root(leaves)
    ask = """leaves => { const tree = new Tree(); leaves.forEach((leaf) => tree.append(decode64(leaf)));
      return hex(tree.root()); }"""
    encoded = [base64.b64encode(leaf).decode() for leaf in leaves]
    assert browser.page.evaluate(ask, encoded) == merkle.root(leaves).hex()


def test_the_memory_of_the_script_does_not_grow_with_the_binder(whole, tmp_path):
    binder, each = whole.copy(), 3 << 20
    block = os.urandom(each)
    for number in range(100):
        data = number.to_bytes(4, "big") + block[4:]
        binder.files[object_name(data)] = data
    path = binder.seal().write(tmp_path / "large.zip", zipfile.ZIP_STORED)
    assert path.stat().st_size > 300 << 20
    del binder
    measure = """import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True)
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"""
    asked = [sys.executable, "-c", measure, sys.executable, "-I", verifiers.path("verify.py"), path]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    code, kibibytes = map(int, done.stdout.split())
    assert code == 0
    assert kibibytes < 200 << 10


def test_without_openssl_it_says_how_to_check_a_time_stamp(whole, tmp_path):
    path = whole.write(tmp_path / "binder.zip")
    found = by_python(path, env={"PATH": ""})
    assert found.code == 0
    (line,) = [line for line in found.unproven if line.startswith("log/kept/120-tsa.tsr")]
    asked = "openssl ts -verify -data log/checkpoints/120.txt -in log/kept/120-tsa.tsr"
    assert f"not checked: {asked} -CAfile log/authorities/tsa.pem -attime " in line


def test_a_time_stamp_with_another_signature_or_authority_is_not_proven(whole, browser, tmp_path, authority):
    name, binder = "log/kept/120-tsa.tsr", whole.copy()
    token = binder.files[name]
    binder.files[name] = token[:-1] + bytes([token[-1] ^ 1])
    path = binder.seal().write(tmp_path / "binder.zip")
    assert by_python(path).wrong == [f"{name}: {ONLY_OPENSSL}"]
    found = browser.verify(path)
    assert (found.code, found.wrong) == (0, [])
    assert any(line.startswith(name) and "does not check its signature" in line for line in found.unproven)
    binder = whole.copy()
    binder.files["log/authorities/tsa.pem"] = (authority.folder / "conf").read_bytes()
    found = by_python(binder.seal().write(tmp_path / "binder.zip"))
    assert found.code == 0
    assert any(line.startswith(name) and "was not checked" in line for line in found.unproven)


def test_without_the_package_no_signature_passes(whole, tmp_path):
    path = whole.write(tmp_path / "binder.zip")
    found = by_python(path, "--vkey", SIGNER.vkey, flags=("-I", "-S"))
    assert (found.code, found.wrong) == (3, [])
    assert "any signature: install the package cryptography and run this again" in found.unproven
    assert not any("signed" in line for line in found.proven)


def test_a_browser_without_ed25519_passes_no_signature(browser, whole, tmp_path):
    refuse = "SubtleCrypto.prototype.importKey = () => Promise.reject(new Error('unknown'));"
    found = browser.verify(whole.write(tmp_path / "binder.zip"), page=browser.open(refuse))
    assert (found.code, found.wrong) == (3, [])
    assert any(line.startswith("any signature: this browser does not know") for line in found.unproven)
    assert not any("signed" in line for line in found.proven)


def test_what_cannot_be_used_is_a_usage_error(whole, tmp_path):
    path = whole.write(tmp_path / "binder.zip")
    script = str(verifiers.path("verify.py"))
    for words in (["--vkey", "nonsense"], ["--checkpoint", str(tmp_path / "none")], ["--policy", str(path)]):
        done = subprocess.run([sys.executable, "-I", script, path, *words], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("usage:")


POLICY_LINES = st.lists(
    st.sampled_from(
        [
            f"log {SIGNER.vkey}", f"log {OTHER.vkey} https://log.example", "# remark", "", "quorum none",
            f"witness w {witness_vkey()}", f"\twitness v  {witness_vkey(b'1' * 32)} https://w.example ",
            f"witness u {witness_vkey(b'2' * 32)}", f"witness {SIGNER.vkey}", "other", "quorum g", "quorum w",
            "quorum h", "group g any w v", "group g 2 w v u", "group g 3 w v", "group h all u", "group g 1",
            "group g 1 h w",
        ]
    ),
    max_size=9,
)  # fmt: skip
COSIGNERS = [witness_vkey(), witness_vkey(b"1" * 32), witness_vkey(b"2" * 32)]


@settings(max_examples=400, deadline=None)
@given(POLICY_LINES, st.sets(st.sampled_from(COSIGNERS)))
def test_policies_are_read_as_the_product_reads_them(script, lines, vkeys):
    text = "".join(f"{line}\n" for line in lines)
    assert script_says(script, text, vkeys) == product_says(text, vkeys)


@settings(max_examples=4, deadline=None)
@given(st.lists(st.tuples(POLICY_LINES, st.sets(st.sampled_from(COSIGNERS))), min_size=100, max_size=150))
def test_the_page_reads_policies_as_the_product_reads_them(browser, cases):
    asked = [("".join(f"{line}\n" for line in lines), sorted(vkeys)) for lines, vkeys in cases]
    ask = """cases => cases.map(([text, vkeys]) => { try {
      return new Policy(text).met(new Set(vkeys.map((vkey) => readKey(vkey, WITNESS_KEY).whole)));
    } catch (error) { if (error instanceof Wrong) return null; throw error; } })"""
    assert browser.page.evaluate(ask, asked) == [product_says(*case) for case in asked]


def script_says(script, text, vkeys):
    try:
        policy = script.Policy(text)
    except script.Wrong:
        return None
    return policy.met({script.read_key(vkey, script.WITNESS_KEY) for vkey in vkeys})


def product_says(text, vkeys):
    """Whether the quorum is met, by the product's own reading; None where it refuses the policy."""
    try:
        policy = parse_policy(text)
    except EvidenceError:
        return None
    done = {item.name for item in policy.witnesses if item.verifier.text in vkeys}
    for group in policy.groups:
        if sum(member in done for member in group.members) >= group.threshold:
            done.add(group.name)
    return policy.quorum in done


def test_the_page_can_be_used_by_keyboard_and_is_accessible(browser, whole, tmp_path):
    path = whole.write(tmp_path / "binder.zip")
    page = browser.open()
    page.set_input_files("#binder", str(path))
    page.focus("#binder")
    for _ in range(2):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "start"
    page.keyboard.press("Enter")
    page.wait_for_selector("#report[data-exit='0']")
    assert page.evaluate("document.activeElement.id") == "report"
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.close()
    browser.odd.clear()
