"""Drata's tests: version 2 lists them, and only version 1 says of all at once when each ran."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from proofwatch.connectors.base import Unread
from proofwatch.connectors.rest.collect import Place
from proofwatch.connectors.rest.declare import Raw

LIST = "Monitoring: List Monitors"
GET = "Monitoring: Get Monitor"
EXPAND = ["controls", "monitorInstances", "disablingUser"]
CADENCE = {
    "HOURLY": 1, "QID": 6, "DAILY": 24, "WEEKLY": 168, "BIWEEKLY": 336, "MONTHLY": 744, "QUARTERLY": 2208,
    "YEARLY": 8784,
}  # fmt: skip
"""Hours between two runs, by Drata's words; ONCE has none."""


def read_tests(place: Place) -> Iterator[Raw]:
    """Yield every test, with the time of its last run and how often it runs."""
    older = _of_version_1(place)
    path = f"/v2/workspaces/{place.account}/monitoring-tests"
    for page in place.pages(path, LIST, params={"size": 500, "expand[]": EXPAND}):
        for test in items(page.body):
            yield {**test, **_when(place, test, older)}


def read_results(place: Place) -> Iterator[Raw]:
    """Yield what fails each failing test and, where that is wished, what passes each test."""
    for test in place.rows("drata_monitoring_test"):
        if test.get("checkStatus") != "ENABLED":
            continue
        if test.get("checkResultStatus") == "FAILED":
            yield from _things(place, test, "failures", "FAILED")
        if place.names["passes"]:
            yield from _things(place, test, "passes", "PASSED")


def read_exclusions(place: Place) -> Iterator[Raw]:
    """Yield what was taken out of each test that runs."""
    for test in place.rows("drata_monitoring_test"):
        if test.get("checkStatus") != "ENABLED":
            continue
        path = f"/v2/workspaces/{place.account}/monitoring-tests/{test['testId']}/exclusions"
        for page in place.pages(path, GET, params={"size": 500, "expand[]": ["connection"]}):
            for item in items(page.body):
                yield {**item, "ofTest": test["testId"], "ofName": test.get("name")}


def _things(place: Place, test: Raw, what: str, outcome: str) -> Iterator[Raw]:
    path = f"/v2/workspaces/{place.account}/monitoring-tests/{test['testId']}/{what}"
    for page in place.pages(path, GET, params={"size": 500}):
        judged = page.body.get("lastCheck") if isinstance(page.body, Mapping) else None
        for item in items(page.body):
            yield {
                **item, "ofTest": test["testId"], "ofName": test.get("name"), "outcome": outcome,
                "judgedAt": judged,
            }  # fmt: skip


def _of_version_1(place: Place) -> dict[tuple[Any, Any], Raw]:
    """Return version 1's tests by both of their ids: workspaces share the number of a test, not its id."""
    found: dict[tuple[Any, Any], Raw] = {}
    try:
        for page in place.pages("/monitors", LIST, params={"page": 1, "limit": 50}):
            for item in items(page.body):
                found[item.get("id"), item.get("testId")] = item
    except Unread as error:
        if error.code not in ("404", "410"):
            raise
        # Version 1 ends one day; then each test is asked by itself.
        return {}
    return found


def _when(place: Place, test: Raw, older: Mapping[tuple[Any, Any], Raw]) -> Raw:
    known = older.get((test.get("id"), test.get("testId")))
    if known is not None:
        instances = [item for item in known.get("monitorInstances") or [] if isinstance(item, Mapping)]
        words = [str(item["checkFrequency"]) for item in instances if item.get("checkFrequency")]
        hours = [CADENCE[word] for word in words if word in CADENCE]
        return {
            "judgedAt": known.get("lastCheck"), "disabledMessage": known.get("disabledMessage"),
            "checkFrequency": words[0] if words else None, "cadenceHours": max(hours, default=None),
        }  # fmt: skip
    if test.get("checkStatus") != "ENABLED":
        return {}
    path = f"/v2/workspaces/{place.account}/monitoring-tests/{test['testId']}/failures"
    try:
        return {"judgedAt": place.get(path, GET, size=1).get("lastCheck")}
    except Unread as error:
        return {"_unread": {"judged_at": " ".join(error.problem.split())}}


def items(body: Any) -> list[Raw]:
    """Return the items of a page."""
    # What has another form is refused by the pager, after the page.
    found = body.get("data") if isinstance(body, Mapping) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
