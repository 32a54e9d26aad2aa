import pytest

from proofwatch.connectors.aws.settings import AwsSettings, read_settings
from proofwatch.connectors.base import ConnectorError


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"regions": ["eu-wset-1"]}, "regions: there is no AWS region 'eu-wset-1'; did you mean eu-west-1?"),
        ({"regions": []}, "name at least one region, or 'all'"),
        ({"regions": 7}, "regions: Input should be a valid list"),
        (
            {"accounts": ["12345678901"]},
            "'12345678901' is not an AWS account id, which has exactly twelve digits",
        ),
        ({"region": ["eu-west-1"]}, "region: no such setting; did you mean regions?"),
        (
            {"role_arn": "ProofwatchReadOnly"},
            "is not a role ARN; it looks like arn:aws:iam::123456789012:role/Name",
        ),
        ({"member_role": "arn:aws:iam::123456789012:role/x"}, "is not a role name"),
        ({"exclude_regions": [{"id": "eu-west-1"}]}, "exclude_regions.0.reason: Field required"),
        ({"exclude_accounts": [{"id": "1", "reason": "old"}]}, "'1' is not an AWS account id"),
        ({"endpoint_url": "localhost:4566"}, "is not an http:// or https:// address"),
        ({"max_concurrency": 0}, "max_concurrency: Input should be greater than or equal to 1"),
        ({"external_id": "env:"}, "env: needs the name of a variable"),
        ({"external_id": "file:relative"}, "file: needs an absolute path"),
    ],
)
def test_a_wrong_setting_is_named_with_what_would_be_right(given, words):
    with pytest.raises(ConnectorError) as caught:
        read_settings(given)
    assert words in caught.value.problem
    assert caught.value.remedy


def test_lists_may_be_written_with_commas_and_lose_repetitions():
    settings = read_settings({"regions": "eu-west-1, us-east-1,eu-west-1", "accounts": "012345678901"})
    assert settings.regions == ["eu-west-1", "us-east-1"]
    assert settings.accounts == ["012345678901"]


def test_the_words_all_and_organization_stay_words():
    settings = read_settings({"regions": "all", "accounts": "organization"})
    assert (settings.regions, settings.accounts) == ("all", "organization")


def test_an_external_id_is_found_where_its_reference_says(tmp_path, monkeypatch):
    secret = tmp_path / "external-id"
    secret.write_text("from-a-file\n")
    monkeypatch.setenv("PW_EXTERNAL_ID", "from-the-environment")
    assert read_settings({"external_id": f"file:{secret}"}).resolved_external_id() == "from-a-file"
    assert (
        read_settings({"external_id": "env:PW_EXTERNAL_ID"}).resolved_external_id() == "from-the-environment"
    )
    assert read_settings({"external_id": "plain-text"}).resolved_external_id() == "plain-text"


def test_a_reference_that_leads_nowhere_says_which(tmp_path, monkeypatch):
    monkeypatch.delenv("PW_EXTERNAL_ID", raising=False)
    with pytest.raises(ConnectorError, match="PW_EXTERNAL_ID, which is not set"):
        read_settings({"external_id": "env:PW_EXTERNAL_ID"}).resolved_external_id()
    with pytest.raises(ConnectorError, match="No such file"):
        read_settings({"external_id": f"file:{tmp_path}/none"}).resolved_external_id()


def test_the_external_id_is_not_shown():
    assert "plain-text" not in repr(AwsSettings(external_id="plain-text"))
