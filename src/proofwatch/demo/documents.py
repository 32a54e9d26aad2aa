"""Policy documents of the simulated company, good and bad, as JSON text."""

from __future__ import annotations

import json
from typing import Any


def policy(*statements: dict[str, Any]) -> str:
    """Return a policy document of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(
    actions: str | list[str], resources: str | list[str], principal: Any = None, **more: Any
) -> dict[str, Any]:
    """Return one Allow statement."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": actions, "Resource": resources, **more}
    if principal is not None:
        statement["Principal"] = principal
    return statement


def trust(principal: Any, **more: Any) -> str:
    """Return a role's trust policy for `principal`."""
    return policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more})


def trust_service(service: str) -> str:
    """Return a trust policy for one AWS service, such as `ec2`."""
    return trust({"Service": f"{service}.amazonaws.com"})


def tls_only(bucket: str) -> dict[str, Any]:
    """Return the statement that refuses requests to `bucket` without TLS."""
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        # AWS takes "*" alone as well; moto's log delivery does not.
        "Principal": {"AWS": "*"},
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def specification(kind: str, name: str, owner: str = "platform") -> list[dict[str, Any]]:
    """Return EC2's form of tags for a new resource of `kind`."""
    return [
        {"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}, {"Key": "owner", "Value": owner}]}
    ]
