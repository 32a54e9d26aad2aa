"""What cannot be read is unread, with the reason: never an empty table."""

import pytest

from proofwatch.connectors.azure.access import limited
from proofwatch.connectors.azure.graph import PATH
from proofwatch.connectors.base import ReadStats, Unread
from proofwatch.demo.fakes.azure_shapes import DEVELOPMENT, PRODUCTION, SANDBOX
from proofwatch.demo.fakes.base import Said
from proofwatch.outbound.http import Answer

GRAPH = PATH.partition("?")[0]
DENIED = {"error": {"code": "AuthorizationFailed", "message": "The client has no authorization."}}


def refused(read, table="azure_key_vault", **more):
    with pytest.raises(Unread) as raised:
        read(table, **more)
    return raised.value


def test_a_subscription_that_resource_graph_leaves_out_is_unread_and_not_empty(read, azure):
    azure.unseen = {DEVELOPMENT}
    error = refused(read, account=DEVELOPMENT)
    assert (error.code, error.permission) == ("403", "*/read") and "does not answer for" in error.problem
    assert len(read("azure_key_vault", account=PRODUCTION)) == 1


def test_a_subscription_that_we_may_not_see_is_unread(read):
    assert "does not answer for" in refused(read, account=SANDBOX).problem


def test_no_subscription_at_all_is_said_in_azures_words(read, azure):
    azure.unseen = {PRODUCTION, DEVELOPMENT}
    assert "at least one subscription" in refused(read).problem


def test_a_listing_that_is_not_whole_by_its_own_count_is_unread(read, azure):
    row = azure.data.rows["microsoft.resources/subscriptions"][0]
    whole = {"totalRecords": 3, "count": 1, "data": [row], "resultTruncated": "true"}
    azure.broken[GRAPH] = Said(whole)
    error = refused(read)
    assert (error.code, error.permanent) == ("count", False)
    assert "there are 3 rows and gave 1" in error.problem


@pytest.mark.parametrize(
    "body",
    [
        b'{"totalRecords": 1, "data": [{"id"', {"totalRecords": 0}, {"totalRecords": 1, "data": ["x"]}, [],
        {"totalRecords": 1, "data": [{"id": "/x"}]},
        {"totalRecords": 1, "data": [{"subscriptionId": PRODUCTION}]},
    ],
)  # fmt: skip
def test_half_a_page_and_another_shape_are_no_table(read, azure, body):
    azure.broken[GRAPH] = Said(body)
    assert refused(read).code in ("json", "schema")


def test_the_quota_of_resource_graph_is_waited_for(read, azure, impatient):
    headers = {"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:00:05"}
    azure.broken[GRAPH] = Said({"error": {"code": "RateLimiting", "message": "slow"}}, 429, headers)
    stats = ReadStats()
    error = refused(read, stats=stats)
    assert (error.code, error.permanent, stats.throttled) == ("429", False, 4)
    assert all(5 <= wait < 6 for wait in impatient) and len(impatient) == 3


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (200, {"x-ms-user-quota-resets-after": "00:00:05"}, None),
        (429, {"x-ms-user-quota-resets-after": "00:01:05"}, 65.0),
        (429, {"x-ms-user-quota-resets-after": "00:00:00"}, 1.0),
        (429, {"retry-after": "9"}, 9.0),
        (429, {"x-ms-user-quota-resets-after": "soon"}, None),
    ],
)
def test_when_it_answers_again(status, headers, seconds):
    assert limited(Answer(status, headers, b"")) == seconds


@pytest.mark.parametrize(("status", "code"), [(401, "401"), (403, "403"), (404, "404"), (400, "400")])
def test_a_refusal_of_resource_manager_is_said_in_its_words(read, azure, status, code):
    path = f"/subscriptions/{PRODUCTION}/providers/Microsoft.Insights/diagnosticSettings"
    azure.broken[path] = Said(DENIED, status)
    error = refused(read, "azure_diagnostic_setting")
    assert error.code == code and "no authorization" in error.problem


def test_a_server_that_fails_is_asked_again(read, azure, impatient):
    path = f"/subscriptions/{PRODUCTION}/providers/Microsoft.Authorization/roleAssignments"
    azure.broken[path] = Said({"error": {"code": "InternalServerError"}}, 500)
    assert refused(read, "azure_role_assignment").permanent is False and len(impatient) == 3


def test_a_second_call_that_is_denied_marks_its_columns_alone(read, azure):
    path = next(key for key in azure.data.details if key.endswith("acmelogs/blobservices/default"))
    group = path.replace("resourcegroups", "resourceGroups").replace("microsoft.storage", "Microsoft.Storage")
    group = group.replace("storageaccounts", "storageAccounts").replace("blobservices", "blobServices")
    azure.broken[group] = Said(DENIED, 403)
    rows = {row["name"]: row for row in read("azure_storage_account")}
    assert "blobServices/read is needed" in rows["acmelogs"]["_unread"]["blob_soft_delete"]
    assert rows["acmelogs"]["https_only"] is True and rows["acmebackups"]["_unread"] is None


def test_a_next_page_on_another_host_is_not_asked_for(read, azure):
    path = f"/subscriptions/{PRODUCTION}/providers/Microsoft.Authorization/roleAssignments"
    azure.broken[path] = Said({"value": [], "nextLink": "https://evil.example/subscriptions?x=1"})
    error = refused(read, "azure_role_assignment")
    assert error.code == "host" and "evil.example" in error.problem


def test_a_page_without_its_list_is_no_empty_table(read, azure):
    path = f"/subscriptions/{PRODUCTION}/providers/Microsoft.Authorization/roleAssignments"
    azure.broken[path] = Said({"values": []})
    assert refused(read, "azure_role_assignment").code == "schema"


def test_a_redirect_to_another_host_is_not_followed(read, azure):
    path = f"/subscriptions/{PRODUCTION}/providers/Microsoft.Authorization/roleAssignments"
    azure.broken[path] = Said(None, 302, {"Location": "https://evil.example/"})
    assert refused(read, "azure_role_assignment").code == "host"


def test_a_redirect_of_a_query_is_not_followed(read, azure):
    azure.broken[GRAPH] = Said(None, 307, {"Location": "https://evil.example/"})
    assert refused(read).code == "307"


def test_a_listing_that_fails_is_not_kept(read, azure, connected):
    connector = connected()
    azure.broken[GRAPH] = Said(DENIED, 403)
    refused(read, connector=connector)
    del azure.broken[GRAPH]
    assert len(read("azure_key_vault", connector=connector)) == 1
