import time
from datetime import UTC, datetime

import pytest

from proofwatch.connectors.aws import errors
from proofwatch.connectors.aws.clients import (
    MAX_FAILED_ATTEMPTS,
    MAX_SILENT_ATTEMPTS,
    parse_timestamp,
)
from proofwatch.connectors.base import ConnectorError
from tests.connectors.aws.servers import ec2_error, fault_server

REGIONS = b"<DescribeRegionsResponse><regionInfo/></DescribeRegionsResponse>"


def describe_regions(clients):
    return clients.client("", "eu-west-1", "ec2").describe_regions()


def failure(clients):
    with pytest.raises(errors.failures()) as caught:
        describe_regions(clients)
    return errors.unread(caught.value, "listing regions", "ec2:DescribeRegions")


def test_clients_are_made_once_and_shared(moto, connect):
    clients = connect(moto.url)
    first = clients.client("", "eu-west-1", "ec2")
    assert clients.client("", "eu-west-1", "ec2") is first
    assert clients.client("", "us-east-1", "ec2") is not first
    assert clients.client("", "global", "iam").meta.region_name == "us-east-1"


def test_our_name_stands_in_the_user_agent(moto, connect):
    assert "proofwatch/" in connect(moto.url).client("", "eu-west-1", "ec2").meta.config.user_agent_extra


@pytest.mark.parametrize(
    ("regions", "partition", "place"),
    [
        (["eu-west-1"], "aws", "us-east-1"),
        (["us-gov-east-1"], "aws-us-gov", "us-gov-west-1"),
        (["cn-northwest-1"], "aws-cn", "cn-north-1"),
    ],
)
def test_the_partition_follows_the_regions(moto, connect, regions, partition, place):
    clients = connect(moto.url, regions=regions)
    assert clients.partition == partition
    assert clients.client("", "global", "iam").meta.region_name == place
    assert clients.member_role_arn("222222222222").startswith(f"arn:{partition}:iam::222222222222:role/")


def test_another_account_is_read_through_its_member_role(moto, connect):
    clients = connect(moto.url, member_role="audit/Reader")
    answer = clients.client("222222222222", "eu-west-1", "sts").get_caller_identity()
    assert answer["Account"] == "222222222222"
    assert ":assumed-role/" in answer["Arn"]
    assert answer["Arn"].endswith("/proofwatch")
    own = clients.client(clients.caller["Account"], "eu-west-1", "sts").get_caller_identity()
    assert own["Account"] == "123456789012"


def test_a_first_role_is_assumed_before_everything_else(moto, connect):
    clients = connect(moto.url, role_arn="arn:aws:iam::333333333333:role/Entry", external_id="x" * 20)
    assert clients.caller["Account"] == "333333333333"
    assert ":assumed-role/Entry/proofwatch" in clients.caller["Arn"]


def test_assumed_credentials_renew_themselves(moto, connect, monkeypatch):
    clients = connect(moto.url)
    clients.enter("222222222222")
    credentials = clients._session("222222222222").get_credentials()
    first = credentials.get_frozen_credentials().access_key
    # As if an hour had passed: botocore keeps the answer of STS in two places.
    credentials._refresh_using.__self__._cache.clear()
    monkeypatch.setattr(credentials, "_expiry_time", datetime(2020, 1, 1, tzinfo=UTC))
    second = credentials.get_frozen_credentials().access_key
    assert first != second
    assert credentials._expiry_time > datetime(2020, 1, 1, tzinfo=UTC)


def test_a_profile_that_does_not_exist_is_named(connect):
    with pytest.raises(ConnectorError, match="prod-typo"):
        _ = connect("http://127.0.0.1:9", profile="prod-typo").caller


def test_missing_credentials_are_told_without_a_call(connect, monkeypatch):
    clients = connect("http://127.0.0.1:9")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ConnectorError, match="there are none") as caught:
        _ = clients.caller
    assert "AWS_ACCESS_KEY_ID" in caught.value.remedy


def test_a_wrong_secret_is_told_as_credentials(moto, connect):
    key, _ = moto.user("someone")
    with moto.enforced(), pytest.raises(ConnectorError) as caught:
        _ = connect(moto.url, (key, "wrong-secret-of-someone")).caller
    assert "the credentials are not usable: SignatureDoesNotMatch" in caught.value.problem
    assert "wrong-secret" not in str(caught.value)


def test_expired_credentials_are_not_retried(connect):
    with fault_server((400, ec2_error("RequestExpired", "Request has expired."))) as faults:
        found = failure(connect(faults.url))
    assert len(faults.seen) == 1
    assert (found.code, found.permanent) == ("RequestExpired", True)
    assert "Renew or correct the credentials" in found.remedy


def test_throttling_is_waited_out(connect):
    slow = (503, ec2_error("RequestLimitExceeded", "Request limit exceeded."))
    with fault_server(slow, slow, (200, REGIONS)) as faults:
        assert describe_regions(connect(faults.url))["Regions"] == []
    assert len(faults.seen) == 3


def test_throttling_without_end_is_told(connect, monkeypatch):
    monkeypatch.setattr("proofwatch.connectors.aws.clients.MAX_ATTEMPTS", 3)
    with fault_server((503, ec2_error("RequestLimitExceeded", "Request limit exceeded."))) as faults:
        found = failure(connect(faults.url))
    assert len(faults.seen) == 3
    assert "throttled" in found.problem
    assert found.permanent is False


def test_a_failing_service_is_asked_three_times(connect, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with fault_server((500, ec2_error("InternalError", "An internal error has occurred"))) as faults:
        found = failure(connect(faults.url))
    assert len(faults.seen) == MAX_FAILED_ATTEMPTS
    assert "AWS failed on its side" in found.problem
    assert found.permanent is False


def test_a_web_page_is_believed_at_once(connect):
    page = b"<!doctype html><title>500 Internal Server Error</title>"
    with fault_server((500, page)) as faults:
        found = failure(connect(faults.url))
    assert len(faults.seen) == 1
    assert "a web page instead of an answer" in found.problem


def test_a_silent_region_ends_in_bounded_time(connect):
    with fault_server(5.0) as faults:
        began = time.monotonic()
        found = failure(connect(faults.url, read_timeout=0.3))
        took = time.monotonic() - began
    assert len(faults.seen) == MAX_SILENT_ATTEMPTS
    assert took < 4
    assert "no answer in time" in found.problem
    assert found.permanent is False


def test_nothing_listening_is_a_connection_failure(connect):
    found = failure(connect("http://127.0.0.1:9"))
    assert found.problem.startswith("no connection")
    assert "endpoint_url" in found.remedy


def test_an_answer_cut_in_the_middle_is_malformed(connect):
    with fault_server((200, REGIONS[:40])) as faults:
        found = failure(connect(faults.url))
    assert "broke off" in found.problem


@pytest.mark.parametrize(
    "text", ["2026-11-23T06:00:00Z", "2026-11-23T06:00:00.000Z", "2026-11-23T07:00:00+01:00", 1795413600]
)
def test_times_are_utc_whatever_their_spelling(text):
    assert parse_timestamp(text) == datetime(2026, 11, 23, 6, tzinfo=UTC)


def test_times_in_words_fall_back_to_the_slow_parser():
    assert parse_timestamp("Mon, 23 Nov 2026 06:00:00 GMT") == datetime(2026, 11, 23, 6, tzinfo=UTC)
