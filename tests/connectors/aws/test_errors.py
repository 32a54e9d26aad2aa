import pickle

import pytest
from botocore import exceptions as aws
from botocore.parsers import ResponseParserError

from proofwatch.connectors.aws import errors
from proofwatch.connectors.base import ConnectorError, Unread

DOING = "calling ec2:DescribeVolumes in 111111111111/eu-west-1"


def client_error(code: str, message: str = "", status: int = 400) -> aws.ClientError:
    body = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return aws.ClientError(body, "DescribeVolumes")


SCP = (
    "User: arn:aws:sts::111111111111:assumed-role/r/s is not authorized to perform: ec2:DescribeVolumes "
    "with an explicit deny in a service control policy"
)


@pytest.mark.parametrize(
    ("error", "kind", "permanent"),
    [
        (client_error("UnauthorizedOperation", status=403), "denied", True),
        (client_error("AccessDenied", status=403), "denied", True),
        (client_error("AuthorizationError", status=403), "denied", True),
        (client_error("com.amazonaws.x#Odd", status=403), "denied", True),
        (client_error("ExpiredToken"), "credentials", True),
        (client_error("SignatureDoesNotMatch", status=403), "credentials", True),
        (client_error("AuthFailure", status=401), "credentials", True),
        (client_error("OptInRequired", "You are not subscribed to this service"), "subscription", True),
        (client_error("OptInRequired", "The region is not opted in"), "region", True),
        (client_error("SubscriptionRequiredException"), "subscription", True),
        (client_error("AccessDeniedException", "The account is not subscribed to it"), "subscription", True),
        (client_error("RequestLimitExceeded", status=503), "throttled", False),
        (client_error("ThrottlingException"), "throttled", False),
        (client_error("InternalError", status=500), "server", False),
        (client_error("InvalidAction"), "not_offered", True),
        (client_error("InvalidParameterValue"), "request", True),
        (aws.NoCredentialsError(), "credentials", True),
        (aws.ProfileNotFound(profile="prod"), "credentials", True),
        (aws.ReadTimeoutError(endpoint_url="https://x"), "timeout", False),
        (aws.ConnectTimeoutError(endpoint_url="https://x"), "timeout", False),
        (aws.EndpointConnectionError(endpoint_url="https://x"), "connection", False),
        (ResponseParserError("cut"), "malformed", False),
        (aws.ParamValidationError(report="no"), "client", True),
    ],
)
def test_each_failure_is_sorted(error, kind, permanent):
    reason = errors.describe(error)
    assert (reason.kind, reason.permanent) == (kind, permanent)
    found = errors.unread(error, DOING)
    assert found.doing == DOING
    assert found.problem
    assert found.permanent is permanent


def test_a_denial_names_the_action_that_aws_names():
    message = (
        "User: arn:aws:iam::1:user/u is not authorized to perform: s3:ListAllMyBuckets "
        "because no identity-based policy allows it"
    )
    found = errors.unread(client_error("AccessDenied", message, 403), "listing buckets", "s3:ListBuckets")
    assert found.permission == "s3:ListAllMyBuckets"
    assert found.remedy == "Allow s3:ListAllMyBuckets for this identity."
    assert found.problem.startswith("AWS refused (no identity-based policy allows it): AccessDenied: User:")


def test_a_denial_without_an_action_names_the_declared_permission():
    found = errors.unread(client_error("AccessDenied", "no", 403), DOING, "ec2:DescribeVolumes")
    assert found.permission == "ec2:DescribeVolumes"
    assert "Allow ec2:DescribeVolumes" in found.remedy


def test_an_explicit_deny_says_that_allowing_does_not_help():
    found = errors.unread(client_error("UnauthorizedOperation", SCP, 403), DOING)
    assert "explicit deny in a service control policy" in found.problem
    assert found.remedy == "Change the policy that denies ec2:DescribeVolumes; a further allow does not help."


def test_credentials_and_encoded_messages_are_left_out():
    message = (
        "The key AKIAIOSFODNN7EXAMPLE with wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY failed. "
        "Encoded authorization failure message: abcDEF123"
    )
    found = errors.unread(client_error("InvalidClientTokenId", message), DOING)
    for secret in ("IOSFODNN7EXAMPLE", "wJalrXUtnFEMI", "abcDEF123"):
        assert secret not in str(found)
    assert "AKIA…" in found.problem


def test_a_web_page_is_named_as_one_and_not_quoted():
    error = ResponseParserError("invalid XML: b'<!doctype html>\\n<title>502 Bad Gateway</title>'")
    found = errors.unread(error, DOING)
    assert "a web page instead of an answer of AWS's protocol (502 Bad Gateway)" in found.problem
    assert "doctype" not in found.problem


def test_what_is_already_sorted_passes_and_survives_pickling():
    first = errors.unread(client_error("AccessDenied", SCP, 403), DOING)
    assert errors.unread(first, "something else") is first
    again = pickle.loads(pickle.dumps(first))
    assert isinstance(again, Unread)
    assert (again.code, again.permission, again.permanent) == ("AccessDenied", "ec2:DescribeVolumes", True)


def test_a_failed_set_up_becomes_unread_with_its_own_remedy():
    found = errors.unread(ConnectorError("looking for credentials", "there are none", "Set them."), DOING)
    assert (found.doing, found.problem, found.remedy) == (DOING, "there are none", "Set them.")
