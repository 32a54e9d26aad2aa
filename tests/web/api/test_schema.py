"""Requests made from the API's own description, fitting and hostile: each answer is as it says."""

import json

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from proofwatch.web.api import root

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance, negative_data_rejection,
]  # fmt: skip
EXAMPLES = 12


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("method", ["get", "other"])
def test_every_operation_answers_as_it_is_described(world, caller, method):
    headers = {
        "Authorization": f"Bearer {caller('olga', 'administer').secret}",
        "Accept-Encoding": "identity",
    }
    description = json.loads(root.description())
    schema = schemathesis.openapi.from_dict(description)
    schema.app = get_wsgi_application()
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if (operation.method == "get") == (method == "get"):
            tried += 1
            attack(operation, headers)
    assert tried > 15


def attack(operation, headers):
    # The shortest example that fails is found by us; that every run asks the same makes it a test.
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def run(case):
        answer = case.call(headers=headers)
        case.validate_response(answer, checks=CHECKS, headers=headers)

    run()
