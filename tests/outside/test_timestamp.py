"""The keeper that asks a time-stamp authority, over HTTP."""

import hashlib

import pytest
from pydantic import ValidationError

from proofwatch.evidence.timestamp import verify_token
from proofwatch.outbound.http import Client
from proofwatch.outside.base import OutsideError
from proofwatch.outside.timestamp import Settings, TimeStamp
from tests.outside.authority import Authority, serving
from tests.outside.samples import LOCAL, given


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "tsa")


@pytest.fixture
def url(authority):
    with serving(authority) as url:
        yield url


def settings(url, authority):
    return Settings(url=f"{url}/tsr", roots=str(authority.roots))


def test_the_signed_checkpoint_is_stamped(url, authority):
    checkpoint = given(12)
    answer = TimeStamp().keep(settings(url, authority), checkpoint, LOCAL)
    stamp = verify_token(answer.proof, checkpoint.note.encode(), [authority.root])
    assert answer.reference == answer.facts["at"] == stamp.at.isoformat().replace("+00:00", "Z")
    assert answer.facts["authority"] == "CN=Stamps"
    assert answer.facts["within"] == "0:00:01"
    assert abs(answer.facts["ahead_of_us_seconds"]) <= 2
    assert list(answer.also.values()) == [authority.root]
    assert answer.facts["roots_sha256"] == hashlib.sha256(authority.root).hexdigest()


def test_an_answer_that_was_kept_from_before_is_refused(url, authority):
    """Whoever stands between us and the authority cannot give us an older stamp."""
    authority.broken = TimeStamp().keep(settings(url, authority), given(12), LOCAL).proof
    with pytest.raises(OutsideError, match="answer to another question"):
        TimeStamp().keep(settings(url, authority), given(12), LOCAL)


def test_what_another_authority_signed_is_not_kept(url, authority, tmp_path):
    other = Authority(tmp_path / "other", "Others")
    with pytest.raises(OutsideError, match="no given authority vouches"):
        TimeStamp().keep(settings(url, other), given(12), LOCAL)


@pytest.mark.parametrize("answer", [b"", b"busy", b"\x30\x03\x02\x01\x00"])
def test_what_is_no_stamp_is_refused(url, authority, answer):
    authority.broken = answer
    with pytest.raises(OutsideError, match="asking for a time-stamp"):
        TimeStamp().keep(settings(url, authority), given(12), LOCAL)


def test_nothing_is_asked_without_the_authoritys_certificate(url, authority):
    wrong = Settings(url=url, roots=str(authority.folder / "missing.pem"))
    with pytest.raises(OutsideError, match=r"missing\.pem: No such file"):
        TimeStamp().keep(wrong, given(12), LOCAL)
    (authority.folder / "no.pem").write_text("nothing", "utf-8")
    wrong = Settings(url=url, roots=str(authority.folder / "no.pem"))
    with pytest.raises(OutsideError, match="not PEM"):
        TimeStamp().keep(wrong, given(12), LOCAL)
    assert authority.asked == 0


def test_an_address_inside_is_not_asked_unless_it_is_allowed(url, authority):
    with pytest.raises(OutsideError, match="not a public address"):
        TimeStamp().keep(settings(url, authority), given(12), Client())
    assert authority.asked == 0


@pytest.mark.parametrize("url", ["ftp://x/", "tsa.example.com", "https://me:secret@tsa.example.com/"])
def test_other_addresses_are_refused(url):
    with pytest.raises(ValidationError):
        Settings(url=url, roots="x")
