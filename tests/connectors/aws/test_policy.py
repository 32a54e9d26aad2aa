import pytest

from proofwatch.connectors.aws.policy import decide, make_document, matches, parse


def document(*statements):
    return make_document("p", "inline", {"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions, resource="*", **more):
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


def deny(actions, resource="*", **more):
    return {"Effect": "Deny", "Action": actions, "Resource": resource, **more}


MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


@pytest.mark.parametrize(
    ("statements", "answer"),
    [
        ([allow("s3:PutObject")], "allowed"),
        ([allow("s3:put*")], "allowed"),
        ([allow("s3:P?tObject")], "allowed"),
        ([allow("*")], "allowed"),
        ([allow("s3:Get*")], "not allowed"),
        ([], "not allowed"),
        ([allow("s3:*"), deny("s3:Put*")], "denied"),
        ([deny("*"), allow("s3:*")], "denied"),
        ([allow("s3:*", "arn:aws:s3:::one/*")], "partly"),
        ([allow("s3:*"), deny("s3:*", "arn:aws:s3:::one/*")], "partly"),
        ([allow("s3:*", Condition=MFA)], "conditional"),
        ([allow("s3:*"), deny("s3:*", Condition=MFA)], "conditional"),
        ([allow("s3:*", Condition=MFA), allow("s3:PutObject")], "allowed"),
        ([{"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}], "allowed"),
        ([{"Effect": "Allow", "NotAction": ["s3:*"], "Resource": "*"}], "not allowed"),
        ([allow("*"), {"Effect": "Deny", "NotAction": ["iam:*"], "Resource": "*"}], "denied"),
        ([{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::one"}], "partly"),
    ],
)
def test_decisions_follow_the_order_of_aws(statements, answer):
    assert decide([document(*statements)], "s3:PutObject").answer == answer


@pytest.mark.parametrize(
    ("limit", "answer"),
    [
        ([allow("s3:*")], "allowed"),
        ([allow("ec2:*")], "denied"),
        ([allow("s3:*", Condition=MFA)], "conditional"),
        ([deny("s3:PutObject"), allow("*")], "denied"),
    ],
)
def test_a_permissions_boundary_limits(limit, answer):
    boundary = make_document("edge", "boundary", {"Statement": limit})
    assert decide([document(allow("s3:*"))], "s3:PutObject", boundary).answer == answer


def test_a_boundary_gives_nothing():
    boundary = make_document("edge", "boundary", {"Statement": [allow("*")]})
    assert decide([document()], "s3:PutObject", boundary).answer == "not allowed"


def test_brackets_in_a_pattern_are_plain_characters():
    assert not matches("s3:[PG]*", "s3:PutObject")


@pytest.mark.parametrize("text", ['{"Version": "2012-10-17"}', "[]", '{"Statement": [{"Action": "*"}]}', "{"])
def test_what_is_no_policy_is_refused(text):
    with pytest.raises(ValueError):
        parse(text)
