"""What changes at Azure while the process lives is seen by the next sweep."""

import pytest

from proofwatch.connectors.base import Unread
from proofwatch.demo.fakes.azure_shapes import PRODUCTION, SANDBOX
from proofwatch.demo.fakes.base import Said

TABLE = "azure_subscription"


def test_a_subscription_that_appears_later_is_read_by_the_next_sweep(connected, read, azure):
    connector = connected()
    connector.begin("one")
    assert len(read(TABLE, connector=connector)) == 1
    known = azure.data.subscriptions[PRODUCTION]
    azure.data.subscriptions[SANDBOX] = {**known, "subscriptionId": SANDBOX}
    row = {"id": f"/subscriptions/{SANDBOX}", "subscriptionId": SANDBOX, "name": "sandbox", "properties": {}}
    azure.data.rows["microsoft.resources/subscriptions"].append(row)
    connector.begin("two")
    (found,) = read(TABLE, account=SANDBOX, connector=connector)
    assert found["resource"].endswith(SANDBOX)


def test_subscriptions_that_could_not_be_listed_are_told_and_listed_again(connected, read, azure):
    connector = connected()
    connector.begin("one")
    azure.broken["/subscriptions"] = Said({"error": {"code": "AuthorizationFailed", "message": "no"}}, 403)
    with pytest.raises(Unread, match="Azure denies it: no"):
        read(TABLE, connector=connector)
    del azure.broken["/subscriptions"]
    assert len(read(TABLE, connector=connector)) == 1


@pytest.mark.parametrize("body", [None, {}, {"value": {}}, {"value": [1]}, {"value": [{"id": "x"}]}])
def test_an_answer_without_its_list_is_no_tenant_without_subscriptions(connected, azure, body):
    azure.broken["/subscriptions"] = Said(body)
    scope = connected().scope()
    assert scope.places == () and "does not document" in scope.unknown[0]
