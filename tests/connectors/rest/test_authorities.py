"""A file of certificate authorities that is none is told in words, wherever it is named."""

from pathlib import Path

import pytest

from proofwatch.outbound.session import NoTrust, Session


@pytest.mark.parametrize("text", [None, "", "no certificate", "-----BEGIN CERTIFICATE-----\nx\n"])
def test_a_file_that_holds_no_authority_is_named(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "own.pem"
    if text is not None:
        path.write_text(text, "ascii")
    words = "No such file" if text is None else "holds no certificate"
    with pytest.raises(NoTrust, match=f"own.pem: .*{words}") as caught:
        Session(["https://github.acme.example"], ca=str(path))
    assert "ca_file" in caught.value.remedy
