"""Records as Prowler 5 writes them, made by hand after its documented output (JSON-OCSF, class 2004).

Prowler's package on PyPI ships no sample of its output, so none is copied: names and places of the fields are
Prowler's, the values are made up. What is odd about them is what matters here: no `compliance` object (the
frameworks stand in `unmapped`), `time` in seconds, a muted finding is a FAIL whose status is Suppressed, and
Kubernetes records have no `cloud`.
"""

from __future__ import annotations

from typing import Any

AT = 1_790_000_000
"""2026-09-21T14:13:20Z, in seconds as Prowler counts."""


def finding(code: Any = "FAIL", check: str = "ec2_ebs_volume_encryption", **values: Any) -> dict[str, Any]:
    """Return one record."""
    return {
        "message": "EBS volume vol-1 is not encrypted.",
        "metadata": {
            "event_code": check,
            "product": {"name": "Prowler", "uid": "prowler", "vendor_name": "Prowler", "version": "5.8.0"},
            "profiles": ["cloud", "datetime"],
            "tenant_uid": "",
            "version": "1.5.0",
        },
        "severity_id": 3,
        "severity": "Medium",
        "status": "New",
        "status_code": code,
        "status_detail": "EBS volume vol-1 is not encrypted.",
        "status_id": 1,
        "unmapped": {
            "related_url": "",
            "categories": ["encryption"],
            "depends_on": [],
            "related_to": [],
            "notes": "",
            "compliance": {"SOC2": ["cc_6_1"], "CIS-3.0": ["2.2.1"]},
        },
        "activity_name": "Create",
        "activity_id": 1,
        "finding_info": {
            "created_time": AT,
            "created_time_dt": "2026-09-21T14:13:20.913874",
            "desc": "Volumes should be encrypted.",
            "product_uid": "prowler",
            "title": "Ensure that volumes are encrypted",
            "types": [],
            "uid": f"prowler-aws-{check}-111111111111-eu-west-1-vol-1",
        },
        "resources": [
            {
                "cloud_partition": "aws",
                "region": "eu-west-1",
                "data": {"details": "", "metadata": {"id": "vol-1", "encrypted": False, "snapshots": []}},
                "group": {"name": "ec2"},
                "labels": ["team:core"],
                "name": "vol-1",
                "type": "AwsEc2Volume",
                "uid": "arn:aws:ec2:eu-west-1:111111111111:volume/vol-1",
            }
        ],
        "category_name": "Findings",
        "category_uid": 2,
        "class_name": "Detection Finding",
        "class_uid": 2004,
        "cloud": {
            "account": {
                "name": "",
                "type": "AWS Account",
                "type_id": 10,
                "uid": "111111111111",
                "labels": [],
            },
            "org": {"name": "", "uid": ""},
            "provider": "aws",
            "region": "eu-west-1",
        },
        "remediation": {"desc": "Encrypt it.", "references": ["https://docs.example/volumes"]},
        "risk_details": "Whoever gets the disk can read it.",
        "time": AT,
        "time_dt": "2026-09-21T14:13:20.913874",
        "type_uid": 200401,
        "type_name": "Detection Finding: Create",
        **values,
    }


def muted() -> dict[str, Any]:
    """Return a FAIL that somebody muted."""
    return finding("FAIL", status="Suppressed", status_id=3)


def kubernetes() -> dict[str, Any]:
    """Return a record about a cluster: no account, no region."""
    found = finding("PASS", "apiserver_anonymous_requests")
    del found["cloud"]
    found["metadata"]["profiles"] = ["container", "datetime"]
    found["resources"] = [
        {
            "data": {"details": "", "metadata": {"host_pid": None}}, "group": {"name": "apiserver"},
            "labels": [], "name": "kube-apiserver", "namespace": "kube-system",
            "type": "KubernetesAPIServer", "uid": "0a4a1b0e",
        }
    ]  # fmt: skip
    return found


def security_hub(status: str = "FAILED", **values: Any) -> dict[str, Any]:
    """Return a Compliance Finding whose verdict is a word of its product."""
    found = finding("", **values)
    del found["status_code"]
    found |= {
        "class_uid": 2003, "class_name": "Compliance Finding", "type_uid": 200301, "time": AT * 1000 + 250,
        "compliance": {"control": "EC2.7", "standards": ["CIS"], "status": status},
        "metadata": {"product": {"name": "Security Hub", "vendor_name": "AWS"}, "version": "1.6.0"},
    }  # fmt: skip
    return found
