from __future__ import annotations

import pytest

from proofwatch.connectors.naming import MissingMember, column_name, dig, fill, holes, quoted


@pytest.mark.parametrize(
    ("member", "column"),
    [
        ("DBInstanceIdentifier", "db_instance_identifier"),
        ("KmsKeyId", "kms_key_id"),
        ("clusterArn", "cluster_arn"),
        ("CidrIpv6", "cidr_ipv6"),
        ("AccountMFAEnabled", "account_mfa_enabled"),
        ("AccountId", "item_account_id"),
        ("region", "item_region"),
        ("Resource", "item_resource"),
        ("TagList", "tags"),
        ("TagSet", "tags"),
        ("max-items", "max_items"),
    ],
)
def test_a_member_has_one_column(member: str, column: str) -> None:
    assert column_name(member) == column


def test_reserved_and_odd_fields_are_quoted() -> None:
    assert [quoted(name) for name in ("size", "group", "9lives", 'a"b')] == [
        "size",
        '"group"',
        '"9lives"',
        '"a""b"',
    ]


def test_a_single_placeholder_passes_the_value_itself() -> None:
    values = {"Ids": [1, 2], "Name": "x", "Inner": {"Arn": "a"}}
    template = {"A": "{Ids}", "B": ["{Name}", 7], "C": "arn:{Name}/{Inner.Arn}", "D": True}
    assert fill(template, values) == {"A": [1, 2], "B": ["x", 7], "C": "arn:x/a", "D": True}
    assert holes(template) == {"Ids", "Name", "Inner"}


def test_a_placeholder_without_value_is_an_error_that_names_it() -> None:
    with pytest.raises(MissingMember) as caught:
        fill("arn:{Inner.Arn}", {"Inner": {"Arn": None}})
    assert str(caught.value) == "Inner.Arn"


def test_digging_through_lists_flattens_them() -> None:
    answer = {
        "Reservations": [{"Instances": [{"Id": 1}, {"Id": 2}]}, {}, {"Instances": [{"Id": 3}]}],
        "N": {"T": 4},
    }
    assert dig(answer, "Reservations[].Instances[].Id") == [1, 2, 3]
    assert dig(answer, "N.T") == 4
    assert dig(answer, "") is answer
    assert dig(answer, "Absent[]") == []
    assert dig(answer, "Absent.T") is None
    assert dig(answer, "N.T.Deeper") is None
    assert dig([1], "N") is None
