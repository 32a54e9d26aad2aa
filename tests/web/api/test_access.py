"""Every operation, asked for by nobody and by each role with each scope: what it needs holds."""

import json

import pytest

from proofwatch.store.models import LogHead
from proofwatch.web.access import ALLOWED
from proofwatch.web.api import root
from proofwatch.web.tokens import ALLOWED as SCOPES
from tests.web.site import ROLES

EXAMPLES = {"name": "AL-1", "index": "0"}


def operations():
    for bound in root.api._get_bound_routers():
        for path, view in bound.path_operations.items():
            for operation in view.operations:
                for method in operation.methods:
                    yield method, path.strip("/"), operation


def address(path):
    for name, value in EXAMPLES.items():
        path = path.replace("{" + name + "}", value)
    return path


def test_each_operation_says_what_it_needs():
    found = list(operations())
    assert len(found) > 50
    for method, path, operation in found:
        needs = {item.need for item in operation.auth_callbacks}
        assert len(needs) == 1, (method, path)
        if method != "GET":
            assert needs != {"read"}, (method, path)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_strangers_get_nothing(site):
    for method, path, _ in operations():
        answer = site.nobody.generic(
            method, f"/api/v1/{address(path)}", b"{}", content_type="application/json"
        )
        assert answer.status_code == 401, (method, path, answer.content)
        assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("scope", ["read", "act", "administer"])
@pytest.mark.parametrize("name", ROLES)
def test_each_role_gets_what_it_may(world, site, caller, name, scope):
    role = ROLES[name]
    if scope not in {need.value for need in ALLOWED[role]}:
        pytest.skip("no such token can be made")
    ask = caller(name, scope)
    size = LogHead.objects.get().size
    for method, path, operation in operations():
        need = operation.auth_callbacks[0].need
        # A body that no operation takes: what is let in says 422 or 404, and nothing is changed.
        body = b"" if method == "GET" else json.dumps({"nonsense": 1}).encode()
        answer = ask.client.generic(
            method, f"/api/v1/{address(path)}", body, content_type="application/json",
            headers={"authorization": f"Bearer {ask.secret}"},
        )  # fmt: skip
        allowed = need in ALLOWED[role] and need in SCOPES[scope]
        assert (answer.status_code != 403) == allowed, (method, path, answer.status_code)
        assert answer.status_code in (200, 403, 404, 422), (method, path, answer.content)
    if role != "auditor":
        assert LogHead.objects.get().size == size
