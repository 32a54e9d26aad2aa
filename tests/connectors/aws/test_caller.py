from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from proofwatch.connectors.aws.caller import Caller, paging
from proofwatch.connectors.base import ReadStats, Unread
from tests.connectors.aws.scripted import Answer, ec2, ec2_failure, json_failure, scripted, volumes

Connect = Callable[..., Any]
ACCOUNT = "123456789012"


@pytest.fixture
def stats() -> ReadStats:
    return ReadStats()


def caller(connect: Connect, url: str, stats: ReadStats) -> Caller:
    clients = connect(url, read_timeout=1)
    # Who we are is not the matter here; the identity's own session answers for the account.
    clients.caller = {"Account": ACCOUNT}
    return Caller(clients, ACCOUNT, "eu-west-1", stats)


def test_all_pages_are_drained_and_counted(connect: Connect, stats: ReadStats) -> None:
    def script(_: str, params: dict[str, str]) -> Answer:
        return {"": volumes(["v1"], "a"), "a": volumes(["v2"], "b"), "b": volumes(["v3"])}[
            params.get("NextToken", "")
        ]

    with scripted(script) as server:
        pages = list(caller(connect, server.url, stats).pages("ec2", "DescribeVolumes", {"MaxResults": 500}))
    assert [page["Volumes"][0]["VolumeId"] for page in pages] == ["v1", "v2", "v3"]
    assert (stats.calls, stats.pages) == (3, 3)
    assert all(params["MaxResults"] == "500" for _, params in server.asked)


@pytest.mark.parametrize("cycle", ["a", "ab", "abcde"])
def test_a_continuation_that_returns_is_refused(connect: Connect, stats: ReadStats, cycle: str) -> None:
    tokens = itertools.cycle(cycle)
    with scripted(lambda *_: volumes(["v"], next(tokens))) as server, pytest.raises(Unread) as caught:
        list(caller(connect, server.url, stats).pages("ec2", "DescribeVolumes", {}))
    assert "same continuation twice" in caught.value.problem
    assert stats.pages <= 3 * len(cycle) + 2
    assert not caught.value.permanent


def test_more_without_a_continuation_is_refused(connect: Connect, stats: ReadStats) -> None:
    inner = "<ListUsersResult><Users/><IsTruncated>true</IsTruncated></ListUsersResult>"
    page = (
        200,
        f'<ListUsersResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">{inner}</ListUsersResponse>',
    )
    with scripted(lambda *_: page) as server, pytest.raises(Unread, match="gives no continuation"):
        list(caller(connect, server.url, stats).pages("iam", "ListUsers", {}))


def test_a_second_page_that_fails_fails_the_listing(connect: Connect, stats: ReadStats) -> None:
    def script(_: str, params: dict[str, str]) -> Answer:
        return ec2_failure("UnauthorizedOperation") if "NextToken" in params else volumes(["v1"], "a")

    with scripted(script) as server, pytest.raises(Unread) as caught:
        list(caller(connect, server.url, stats).pages("ec2", "DescribeVolumes", {}))
    assert caught.value.doing == f"calling ec2:DescribeVolumes in {ACCOUNT}/eu-west-1"
    assert (caught.value.code, caught.value.permission) == ("UnauthorizedOperation", "ec2:DescribeVolumes")
    assert stats.pages == 1


def test_a_page_cut_off_in_the_middle_is_unread(connect: Connect, stats: ReadStats) -> None:
    cut = volumes(["v1", "v2"])[1][:200]
    with scripted(lambda *_: (200, cut)) as server, pytest.raises(Unread) as caught:
        list(caller(connect, server.url, stats).pages("ec2", "DescribeVolumes", {}))
    assert "broke off" in caught.value.problem


@pytest.mark.parametrize(
    "body", ["<html>Sign in to the hotel's network</html>", '{"Keys": [{"KeyId": "k-1"', '"text"']
)
def test_a_json_answer_that_is_none_is_not_an_empty_list(
    connect: Connect, stats: ReadStats, body: str
) -> None:
    with scripted(lambda *_: (200, body)) as server, pytest.raises(Unread, match="broke off"):
        list(caller(connect, server.url, stats).pages("kms", "ListKeys", {}))


def test_an_empty_json_object_is_an_empty_list(connect: Connect, stats: ReadStats) -> None:
    with scripted(lambda *_: (200, "{}")) as server:
        assert len(list(caller(connect, server.url, stats).pages("kms", "ListKeys", {}))) == 1


def test_no_answer_in_time_is_unread(connect: Connect, stats: ReadStats) -> None:
    import time

    def script(*_: Any) -> Answer:
        time.sleep(2.5)
        return ec2("DescribeVolumes", "<volumeSet/>")

    with scripted(script) as server, pytest.raises(Unread, match="no answer in time"):
        caller(connect, server.url, stats).call("ec2", "DescribeVolumes", {})


def test_throttling_that_does_not_end_is_counted(
    connect: Connect, stats: ReadStats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proofwatch.connectors.aws.clients.MAX_ATTEMPTS", 2)
    with scripted(lambda *_: json_failure("ThrottlingException")) as server, pytest.raises(Unread) as caught:
        caller(connect, server.url, stats).call("kms", "ListKeys", {})
    assert "throttled" in caught.value.problem
    assert not caught.value.permanent
    assert (stats.calls, stats.throttled) == (1, 1)
    assert server.count("ListKeys") == 2


def test_throttling_that_ends_is_waited_out(connect: Connect, stats: ReadStats) -> None:
    answers = iter([json_failure("ThrottlingException"), (200, json.dumps({"Keys": [{"KeyId": "k"}]}))])
    with scripted(lambda *_: next(answers)) as server:
        answer = caller(connect, server.url, stats).call("kms", "ListKeys", {})
    assert answer["Keys"] == [{"KeyId": "k"}]
    assert stats.throttled == 0


def test_an_attempt_gives_the_reason_as_a_row_holds_it(connect: Connect, stats: ReadStats) -> None:
    with scripted(lambda *_: json_failure("AccessDeniedException")) as server:
        found = caller(connect, server.url, stats).attempt("kms", "ListKeys", {}, permission="kms:X")
    assert found == (None, "AccessDeniedException, needs kms:X")


def test_paging_is_found_where_botocore_has_no_paginator() -> None:
    assert paging("wafv2", "ListWebACLs").pairs == (("NextMarker", "NextMarker"),)
    assert paging("cloudtrail", "ListEventDataStores").pairs == (("NextToken", "NextToken"),)
    assert paging("ec2", "DescribeAddresses").pairs == ()
    assert paging("kms", "ListKeys").pairs == (("NextMarker", "Marker"),)
