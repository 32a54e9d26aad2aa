from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from proofwatch.connectors.aws.collect import read_table
from proofwatch.connectors.aws.declare import AwsTable, Call
from proofwatch.connectors.aws.schema import build_tables
from proofwatch.connectors.aws.second import GIVE_UP_AFTER
from proofwatch.connectors.aws.tables import declaration
from proofwatch.connectors.base import ReadStats, Row, Unread
from tests.connectors.aws.scripted import Answer, ec2, ec2_failure, json_failure, scripted, volumes

Connect = Callable[..., Any]
ACCOUNT = "123456789012"
PLACE = (ACCOUNT, "eu-west-1")

SNAPSHOTS = ec2(
    "DescribeSnapshots",
    "<snapshotSet>"
    + "".join(f"<item><snapshotId>s-{n}</snapshotId><encrypted>true</encrypted></item>" for n in range(8))
    + "</snapshotSet>",
)
SHARED = ec2(
    "DescribeSnapshotAttribute",
    "<createVolumePermission><item><group>all</group></item></createVolumePermission>",
)


def read(
    connect: Connect,
    url: str,
    declared: AwsTable,
    stats: ReadStats | None = None,
    cache: dict[Any, Any] | None = None,
) -> list[Row]:
    clients = connect(url, read_timeout=1)
    clients.caller = {"Account": ACCOUNT}
    region = "global" if declared.place == "global" else PLACE[1]
    typed = build_tables([declared]).get(declared.name) if not declared.parent else None
    return list(
        read_table(
            declared, clients, ACCOUNT, region, stats or ReadStats(), {} if cache is None else cache, typed
        )
    )


def test_rows_have_every_column_in_order_and_their_place(connect: Connect) -> None:
    with scripted(lambda *_: volumes(["v1", "v2"])) as server:
        rows = read(connect, server.url, declaration("aws_ec2_volume"))
    assert [row["resource"] for row in rows] == [
        f"arn:aws:ec2:eu-west-1:{ACCOUNT}:volume/v{n}" for n in (1, 2)
    ]
    first = rows[0]
    assert list(first)[:4] == ["account_id", "region", "resource", "_unread"]
    assert (first["account_id"], first["region"], first["_unread"]) == (*PLACE, None)
    assert (first["size"], first["encrypted"], first["kms_key_id"]) == (8, True, None)
    assert first["create_time"].isoformat() == "2026-01-02T03:04:05+00:00"


def test_rows_come_before_the_last_page_is_asked_for(connect: Connect) -> None:
    """So that memory does not grow with the table."""
    tokens = iter(["a", "b", ""])
    with scripted(lambda *_: volumes(["v"], next(tokens))) as server:
        clients = connect(server.url)
        clients.caller = {"Account": ACCOUNT}
        rows = read_table(declaration("aws_ec2_volume"), clients, *PLACE, ReadStats(), {})
        next(rows)
        assert len(server.asked) == 1
        assert len(list(rows)) == 2


def test_a_listing_that_breaks_half_way_raises(connect: Connect) -> None:
    def script(_: str, params: dict[str, str]) -> Answer:
        return ec2_failure("InternalError", status=500) if "NextToken" in params else volumes(["v1"], "a")

    with scripted(script) as server, pytest.raises(Unread, match="AWS failed on its side"):
        read(connect, server.url, declaration("aws_ec2_volume"))


def test_a_page_without_its_list_is_not_an_empty_table(connect: Connect) -> None:
    with (
        scripted(lambda *_: (200, "<html><body>proxy</body></html>")) as server,
        pytest.raises(Unread) as caught,
    ):
        read(connect, server.url, declaration("aws_ec2_volume"))
    assert "it has no Volumes" in caught.value.problem


def test_a_denied_second_call_leaves_the_row_with_the_missing_permission(connect: Connect) -> None:
    def script(op: str, params: dict[str, str]) -> Answer:
        if op == "DescribeSnapshots":
            return SNAPSHOTS
        return ec2_failure("UnauthorizedOperation") if params["SnapshotId"] == "s-3" else SHARED

    stats = ReadStats()
    with scripted(script) as server:
        rows = read(connect, server.url, declaration("aws_ec2_snapshot"), stats)
    assert [row["snapshot_id"] for row in rows] == [f"s-{n}" for n in range(8)]
    for row in rows:
        if row["snapshot_id"] == "s-3":
            assert row["_unread"] == {
                "create_volume_permissions": "UnauthorizedOperation, needs ec2:DescribeSnapshotAttribute"
            }
            assert row["create_volume_permissions"] is None
        else:
            assert row["_unread"] is None
            assert row["create_volume_permissions"] == [{"group": "all"}]
        assert row["encrypted"] is True
    assert (stats.calls, stats.pages) == (9, 1)


def test_a_denial_is_each_rows_own_so_every_row_is_asked_about(connect: Connect) -> None:
    def script(op: str, _: dict[str, str]) -> Answer:
        return SNAPSHOTS if op == "DescribeSnapshots" else ec2_failure("UnauthorizedOperation")

    with scripted(script) as server:
        rows = read(connect, server.url, declaration("aws_ec2_snapshot"))
    assert server.count("DescribeSnapshotAttribute") == 8
    assert all(row["_unread"] for row in rows)


def test_a_call_that_fails_for_the_whole_service_is_given_up(connect: Connect) -> None:
    def script(op: str, _: dict[str, str]) -> Answer:
        return SNAPSHOTS if op == "DescribeSnapshots" else (501, "<html>not implemented</html>")

    declared = declaration("aws_ec2_snapshot")
    with scripted(script) as server:
        rows = read(connect, server.url, declared)
    assert len(rows) == 8
    assert all("create_volume_permissions" in row["_unread"] for row in rows)
    # Those that other threads had already begun still come.
    assert GIVE_UP_AFTER <= server.count("DescribeSnapshotAttribute") < 8


def test_what_vanished_between_list_and_second_call_is_unread_not_a_failure(connect: Connect) -> None:
    def script(op: str, params: dict[str, str]) -> Answer:
        if op == "DescribeSnapshots":
            return SNAPSHOTS
        gone = params["SnapshotId"] == "s-0"
        return ec2_failure("InvalidSnapshot.NotFound", "gone", 400) if gone else SHARED

    with scripted(script) as server:
        rows = read(connect, server.url, declaration("aws_ec2_snapshot"))
    assert rows[0]["_unread"]["create_volume_permissions"].endswith("InvalidSnapshot.NotFound: gone")
    assert rows[1]["_unread"] is None


def test_second_calls_of_several_rows_run_at_once_and_keep_the_order(connect: Connect) -> None:
    together = threading.Barrier(3, timeout=10)

    def script(op: str, params: dict[str, str]) -> Answer:
        if op == "DescribeSnapshots":
            return SNAPSHOTS
        if params["SnapshotId"] in ("s-0", "s-1", "s-2"):
            together.wait()
        return SHARED

    with scripted(script) as server:
        rows = read(connect, server.url, declaration("aws_ec2_snapshot"))
    assert [row["snapshot_id"] for row in rows] == [f"s-{n}" for n in range(8)]


def kms(answers: dict[str, Any]) -> Callable[[str, dict[str, Any]], Answer]:
    def script(op: str, _: dict[str, Any]) -> Answer:
        answer = answers[op]
        return answer if isinstance(answer, tuple) else (200, json.dumps(answer))

    return script


KEY = {"KeyId": "k-1", "KeyArn": "arn:aws:kms:eu-west-1:123456789012:key/k-1"}
ALL = {
    "ListKeys": {"Keys": [KEY]},
    "DescribeKey": {
        "KeyMetadata": {"KeyId": "k-1", "KeyManager": "CUSTOMER", "KeyState": "Enabled", "Enabled": True}
    },
    "GetKeyRotationStatus": {"KeyRotationEnabled": True, "KeyId": "other"},
    "GetKeyPolicy": {"Policy": '{"Statement": [{"Effect": "Allow"}]}'},
    "ListAliases": {"Aliases": [{"AliasName": "alias/a"}]},
    "ListResourceTags": {"Tags": [{"TagKey": "team", "TagValue": "core"}]},
}


def test_answers_are_merged_typed_and_parsed(connect: Connect) -> None:
    with scripted(kms(ALL)) as server:
        (row,) = read(connect, server.url, declaration("aws_kms_key"))
    assert row["_unread"] is None
    assert row["key_id"] == "k-1"
    assert (row["key_state"], row["enabled"], row["key_rotation_enabled"]) == ("Enabled", True, True)
    assert row["policy"] == {"Statement": [{"Effect": "Allow"}]}
    assert row["aliases"] == [{"alias_name": "alias/a"}]
    assert row["tags"] == {"team": "core"}


def test_an_absent_code_is_a_reading(connect: Connect) -> None:
    answers = {**ALL, "GetKeyRotationStatus": json_failure("UnsupportedOperationException")}
    with scripted(kms(answers)) as server:
        (row,) = read(connect, server.url, declaration("aws_kms_key"))
    assert row["_unread"] is None
    assert row["key_rotation_enabled"] is None


def test_a_call_under_a_condition_is_not_made_where_it_does_not_hold(connect: Connect) -> None:
    metadata = {"KeyMetadata": {**ALL["DescribeKey"]["KeyMetadata"], "KeyManager": "AWS"}}
    with scripted(kms({**ALL, "DescribeKey": metadata})) as server:
        (row,) = read(connect, server.url, declaration("aws_kms_key"))
    assert server.count("ListResourceTags") == 0
    assert row["_unread"] is None
    assert row["tags"] is None


def test_a_call_whose_condition_is_unknown_is_unread_for_the_same_reason(connect: Connect) -> None:
    answers = {**ALL, "DescribeKey": json_failure("AccessDeniedException")}
    with scripted(kms(answers)) as server:
        (row,) = read(connect, server.url, declaration("aws_kms_key"))
    assert server.count("ListResourceTags") == 0
    assert row["_unread"]["tags"] == "AccessDeniedException, needs kms:DescribeKey"
    assert row["_unread"]["key_manager"] == row["_unread"]["tags"]
    assert "key_id" not in row["_unread"]
    assert row["key_rotation_enabled"] is True


def test_a_policy_that_is_not_json_is_unread(connect: Connect) -> None:
    with scripted(kms({**ALL, "GetKeyPolicy": {"Policy": "{half"}})) as server:
        (row,) = read(connect, server.url, declaration("aws_kms_key"))
    assert row["_unread"] == {"policy": "the answer has str '{half' where JSON was expected"}
    assert row["policy"] is None


def batch_table(**call: Any) -> AwsTable:
    return AwsTable(
        name="aws_ecs_cluster",
        service="ecs",
        op="ListClusters",
        rows="clusterArns[]",
        item="clusterArn",
        resource="{clusterArn}",
        about="Clusters.",
        calls=(
            Call(
                op="DescribeClusters",
                params={"clusters": "{clusterArn}", "include": ["SETTINGS"]},
                take="clusters",
                batch=2,
                match=("clusterArn", "clusterArn"),
                **call,
            ),
        ),
    )


def ecs(refuse: str = "", leave_out: str = "") -> Callable[[str, dict[str, Any]], Answer]:
    def script(op: str, params: dict[str, Any]) -> Answer:
        if op == "ListClusters":
            return 200, json.dumps({"clusterArns": ["a", "b", "c"]})
        if refuse in params["clusters"]:
            return json_failure("ClusterNotFoundException")
        found = [
            {"clusterArn": each, "status": f"S{each}"}
            for each in reversed(params["clusters"])
            if each != leave_out
        ]
        return 200, json.dumps({"clusters": found})

    return script


def test_a_batch_asks_about_several_rows_and_finds_each_answer(connect: Connect) -> None:
    with scripted(ecs()) as server:
        rows = read(connect, server.url, batch_table())
    assert [(row["resource"], row["status"]) for row in rows] == [("a", "Sa"), ("b", "Sb"), ("c", "Sc")]
    asked = sorted(params["clusters"] for op, params in server.asked if op == "DescribeClusters")
    assert asked == [["a", "b"], ["c"]]
    assert all(params["include"] == ["SETTINGS"] for op, params in server.asked if op == "DescribeClusters")


def test_what_a_batch_leaves_out_is_unread(connect: Connect) -> None:
    with scripted(ecs(leave_out="b")) as server:
        rows = read(connect, server.url, batch_table())
    assert [bool(row["_unread"]) for row in rows] == [False, True, False]
    assert rows[1]["_unread"]["status"] == "the answer of ecs:DescribeClusters leaves it out"


def test_one_that_vanished_does_not_spoil_its_batch(connect: Connect) -> None:
    with scripted(ecs(refuse="a")) as server:
        rows = read(connect, server.url, batch_table(into="cluster"))
    assert rows[0]["_unread"]["cluster"].endswith("ClusterNotFoundException: no")
    assert [row["cluster"]["status"] for row in rows[1:]] == ["Sb", "Sc"]


def query(op: str, inner: str) -> Answer:
    space = "https://iam.amazonaws.com/doc/2010-05-08/"
    return 200, f'<{op}Response xmlns="{space}"><{op}Result>{inner}</{op}Result></{op}Response>'


def query_failure(code: str, status: int) -> Answer:
    return status, f"<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"


def test_a_single_thing_that_is_not_there_is_one_row_that_says_so(connect: Connect) -> None:
    with scripted(lambda *_: query_failure("NoSuchEntity", 404)) as server:
        (row,) = read(connect, server.url, declaration("aws_iam_password_policy"))
    assert row["exists"] is False
    assert row["_unread"] is None
    assert row["minimum_password_length"] is None
    assert (row["region"], row["resource"]) == ("global", f"{ACCOUNT}/password-policy")


def test_a_single_thing_that_is_denied_is_unread_and_not_absent(connect: Connect) -> None:
    with scripted(lambda *_: query_failure("AccessDenied", 403)) as server, pytest.raises(Unread) as caught:
        read(connect, server.url, declaration("aws_iam_password_policy"))
    assert caught.value.permission == "iam:GetAccountPasswordPolicy"


def user_script(fail: str = "") -> Callable[[str, dict[str, str]], Answer]:
    def script(op: str, params: dict[str, str]) -> Answer:
        if op == "ListUsers":
            return query(op, "<Users/><IsTruncated>false</IsTruncated>")
        if op == "GetAccountAuthorizationDetails":
            users = "".join(
                f"<member><UserName>{name}</UserName><UserId>{name}</UserId><Arn>arn:{name}</Arn></member>"
                for name in ("alice", "bob")
            )
            return query(op, f"<UserDetailList>{users}</UserDetailList><IsTruncated>false</IsTruncated>")
        if params["UserName"] == "alice" and fail:
            return query_failure(fail, 404 if fail == "NoSuchEntity" else 403)
        user = params["UserName"]
        device = f"<member><UserName>{user}</UserName><SerialNumber>sn-{user}</SerialNumber></member>"
        return query(op, f"<MFADevices>{device}</MFADevices><IsTruncated>false</IsTruncated>")

    return script


def test_a_parent_is_listed_once_for_all_of_its_children(connect: Connect) -> None:
    cache: dict[Any, Any] = {}
    with scripted(user_script()) as server:
        first = read(connect, server.url, declaration("aws_iam_mfa_device"), cache=cache)
        read(connect, server.url, declaration("aws_iam_mfa_device"), cache=cache)
        assert server.count("GetAccountAuthorizationDetails") == 1
        assert server.count("ListMFADevices") == 4
    assert [row["resource"] for row in first] == ["sn-alice|alice", "sn-bob|bob"]


def test_an_old_listing_of_a_parent_is_made_again(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofwatch.connectors.aws.collect.PARENT_SECONDS", 0.0)
    cache: dict[Any, Any] = {}
    with scripted(user_script()) as server:
        for _ in range(2):
            read(connect, server.url, declaration("aws_iam_mfa_device"), cache=cache)
        assert server.count("GetAccountAuthorizationDetails") == 2
    assert len(cache) == 1


def test_children_of_a_deleted_parent_are_none_of_a_denied_one_are_unread(connect: Connect) -> None:
    declared = declaration("aws_iam_mfa_device")
    with scripted(user_script("NoSuchEntity")) as server:
        rows = read(connect, server.url, declared)
    assert [row["user_name"] for row in rows] == ["bob"]
    with scripted(user_script("AccessDenied")) as server, pytest.raises(Unread, match="ListMFADevices"):
        read(connect, server.url, declared)


def test_a_row_that_cannot_be_named_fails_the_table(connect: Connect) -> None:
    with scripted(kms({"ListKeys": {"Keys": [{"KeyId": "k"}]}})) as server, pytest.raises(Unread) as caught:
        read(
            connect,
            server.url,
            AwsTable(
                name="aws_kms_key",
                service="kms",
                op="ListKeys",
                rows="Keys[]",
                resource="{KeyArn}",
                about="Keys.",
            ),
        )
    assert "has no KeyArn" in caught.value.problem
