"""The resources of Acme Robotics at Google Cloud, in the shape of Cloud Asset Inventory. DEMO DATA."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from proofwatch.demo.staff import DOMAIN, EMPLOYED

ORGANIZATION = "123456789012"
FOLDER = "987654321098"
PRODUCTION, DEVELOPMENT, LOGS = "acme-production", "acme-development", "acme-logs"
NUMBERS = {PRODUCTION: "111000000001", DEVELOPMENT: "111000000002", LOGS: "111000000003"}
READER = f"proofwatch@{LOGS}.iam.gserviceaccount.com"
DEPLOYER = f"deployer@{PRODUCTION}.iam.gserviceaccount.com"
RING = f"projects/{PRODUCTION}/locations/europe-west1/keyRings/main/cryptoKeys"
COMPUTE = "https://www.googleapis.com/compute/v1/projects"
MANAGER = "cloudresourcemanager.googleapis.com"
Asset = dict[str, Any]


def ancestors(project: str = "") -> list[str]:
    """Return where something stands, nearest first."""
    return [
        *([f"projects/{NUMBERS[project]}", f"folders/{FOLDER}"] if project else []),
        f"organizations/{ORGANIZATION}",
    ]


def asset(
    kind: str, name: str, project: str, data: Any, location: str = "global", version: str = "v1"
) -> Asset:
    """Return one resource as it is listed."""
    host, _, short = kind.partition("/")
    interface = host.partition(".")[0]
    return {
        "name": name,
        "assetType": kind,
        "resource": {
            "version": version,
            "discoveryDocumentUri": f"https://{interface}.googleapis.com/$discovery/rest?version={version}",
            "discoveryName": {"Instance": "DatabaseInstance" if "sql" in host else "Instance"}.get(
                short, short
            ),
            "parent": f"//{MANAGER}/{ancestors(project)[0]}",
            "data": data,
            "location": location,
        },
        "ancestors": ancestors(project),
        "updateTime": "2026-11-01T10:00:00Z",
    }


def resources(now: datetime) -> list[Asset]:
    """Return every resource."""
    return [*_nodes(), *_accounts(now), *_buckets(), *_keys(now), *_sql(), *_compute(), *_logging()]


def _nodes() -> Iterator[Asset]:
    organization = {
        "name": f"organizations/{ORGANIZATION}",
        "displayName": DOMAIN,
        "lifecycleState": "ACTIVE",
        "creationTime": "2019-03-01T08:00:00Z",
    }
    yield asset(f"{MANAGER}/Organization", f"//{MANAGER}/organizations/{ORGANIZATION}", "", organization)
    yield {
        **asset(
            f"{MANAGER}/Folder",
            f"//{MANAGER}/folders/{FOLDER}",
            "",
            {
                "name": f"folders/{FOLDER}", "displayName": "Robots", "state": "ACTIVE",
                "parent": f"organizations/{ORGANIZATION}", "createTime": "2019-03-01T09:00:00Z",
            },
            version="v3",
        ),
        "ancestors": [f"folders/{FOLDER}", f"organizations/{ORGANIZATION}"],
    }  # fmt: skip
    for name, number in NUMBERS.items():
        data = {
            "projectId": name, "projectNumber": number, "lifecycleState": "ACTIVE", "name": name,
            "createTime": "2019-03-02T08:00:00Z", "parent": {"type": "folder", "id": FOLDER},
            "labels": {"team": "platform"},
        }  # fmt: skip
        yield asset(f"{MANAGER}/Project", f"//{MANAGER}/projects/{number}", name, data)


def _accounts(now: datetime) -> Iterator[Asset]:
    for number, (email, project) in enumerate(((DEPLOYER, PRODUCTION), (READER, LOGS))):
        unique = f"10000000000000000000{number}"
        full = f"projects/{project}/serviceAccounts/{email}"
        data = {
            "name": full, "projectId": project, "uniqueId": unique, "email": email,
            "displayName": email.partition("@")[0], "oauth2ClientId": unique, "etag": "MDEwMjE5MjA=",
        }  # fmt: skip
        base = f"//iam.googleapis.com/projects/{project}/serviceAccounts/{unique}"
        yield asset("iam.googleapis.com/ServiceAccount", base, project, data)
        keys = [("SYSTEM_MANAGED", "GOOGLE_PROVIDED", 5)]
        if email == DEPLOYER:
            keys.append(("USER_MANAGED", "GOOGLE_PROVIDED", 400))
        for place, (kind, origin, age) in enumerate(keys):
            made = now - timedelta(days=age)
            ends = "9999-12-31T23:59:59Z" if kind == "USER_MANAGED" else _moment(made + timedelta(days=16))
            key = {
                "name": f"{full}/keys/demo{number}{place}", "keyType": kind, "keyOrigin": origin,
                "keyAlgorithm": "KEY_ALG_RSA_2048", "validAfterTime": _moment(made), "validBeforeTime": ends,
            }  # fmt: skip
            yield asset(
                "iam.googleapis.com/ServiceAccountKey", f"{base}/keys/demo{number}{place}", project, key
            )


def _buckets() -> Iterator[Asset]:
    for name, project, locked in (
        ("acme-production-designs", PRODUCTION, False),
        ("acme-audit-logs", LOGS, True),
        ("acme-development-site", DEVELOPMENT, False),
    ):
        public = project == DEVELOPMENT
        iam: Asset = {"publicAccessPrevention": "inherited" if public else "enforced"}
        iam["uniformBucketLevelAccess"] = {"enabled": True, "lockedTime": "2026-01-01T00:00:00Z"}
        data: Asset = {
            "kind": "storage#bucket", "id": name, "name": name, "projectNumber": NUMBERS[project],
            "location": "EUROPE-WEST1", "locationType": "region", "storageClass": "STANDARD",
            "timeCreated": "2024-02-01T10:00:00Z", "updated": "2026-06-01T10:00:00Z", "metageneration": "7",
            "iamConfiguration": iam, "etag": "CAc=", "versioning": {"enabled": True},
            "selfLink": f"https://www.googleapis.com/storage/v1/b/{name}",
            "softDeletePolicy": {"retentionDurationSeconds": "604800"}, "labels": {},
            "encryption": {"defaultKmsKeyName": f"{RING}/storage"},
        }  # fmt: skip
        if locked:
            data["retentionPolicy"] = {
                "retentionPeriod": "34560000", "isLocked": True, "effectiveTime": "2024-02-01T10:00:00Z",
            }  # fmt: skip
        yield asset(
            "storage.googleapis.com/Bucket", f"//storage.googleapis.com/{name}", project, data, "europe-west1"
        )


def _keys(now: datetime) -> Iterator[Asset]:
    for name in ("storage", "disks"):
        data = {
            "name": f"{RING}/{name}", "purpose": "ENCRYPT_DECRYPT", "createTime": "2024-01-15T10:00:00Z",
            "rotationPeriod": "7776000s", "nextRotationTime": _moment(now + timedelta(days=20)),
            "primary": {
                "name": f"{RING}/{name}/cryptoKeyVersions/9", "state": "ENABLED", "protectionLevel": "HSM",
                "algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION",
            },
            "versionTemplate": {"protectionLevel": "HSM", "algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION"},
        }  # fmt: skip
        yield asset(
            "cloudkms.googleapis.com/CryptoKey", f"//cloudkms.googleapis.com/{RING}/{name}", PRODUCTION, data,
            "europe-west1",
        )  # fmt: skip


def _sql() -> Iterator[Asset]:
    data = {
        "kind": "sql#instance", "name": "fleet", "project": PRODUCTION, "databaseVersion": "POSTGRES_17",
        "state": "RUNNABLE", "instanceType": "CLOUD_SQL_INSTANCE", "region": "europe-west1",
        "backendType": "SECOND_GEN", "connectionName": f"{PRODUCTION}:europe-west1:fleet",
        "settings": {
            "kind": "sql#settings", "tier": "db-custom-2-7680", "availabilityType": "REGIONAL",
            "activationPolicy": "ALWAYS", "deletionProtectionEnabled": True, "userLabels": {},
            "ipConfiguration": {
                "ipv4Enabled": False, "sslMode": "ALLOW_UNENCRYPTED_AND_ENCRYPTED", "authorizedNetworks": [],
                "privateNetwork": f"projects/{PRODUCTION}/global/networks/main",
            },
            "backupConfiguration": {
                "kind": "sql#backupConfiguration", "enabled": True, "pointInTimeRecoveryEnabled": True,
                "startTime": "02:00", "location": "eu",
            },
            "databaseFlags": [
                {"name": "log_connections", "value": "on"}, {"name": "log_disconnections", "value": "on"},
            ],
        },
    }  # fmt: skip
    name = f"//cloudsql.googleapis.com/projects/{PRODUCTION}/instances/fleet"
    yield asset("sqladmin.googleapis.com/Instance", name, PRODUCTION, data, "europe-west1")


def _compute() -> Iterator[Asset]:
    for project in (PRODUCTION, DEVELOPMENT):
        base, host = f"{COMPUTE}/{project}", f"//compute.googleapis.com/projects/{project}"
        zone, network = f"{base}/zones/europe-west1-b", f"{base}/global/networks/main"
        settings = {
            "kind": "compute#project", "name": project, "id": NUMBERS[project],
            "commonInstanceMetadata": {
                "kind": "compute#metadata",
                "items": [
                    {"key": "enable-oslogin", "value": "TRUE"},
                    {"key": "startup-script", "value": "export DEMO_SECRET=worthless"},
                ],
            },
        }  # fmt: skip
        yield asset("compute.googleapis.com/Project", host, project, settings)
        data: Asset = {
            "kind": "compute#network", "name": "main", "id": "1", "autoCreateSubnetworks": False,
            "routingConfig": {"routingMode": "REGIONAL"}, "selfLink": network, "subnetworks": [],
        }  # fmt: skip
        yield asset("compute.googleapis.com/Network", f"{host}/global/networks/main", project, data)
        disk: Asset = {
            "kind": "compute#disk", "name": "robot-0", "id": "2", "status": "READY", "sizeGb": "50",
            "zone": zone,
            "type": f"{zone}/diskTypes/pd-balanced", "users": [f"{zone}/instances/robot-0"],
            "creationTimestamp": "2026-01-10T03:00:00.000-08:00",
            "diskEncryptionKey": {"kmsKeyName": f"{RING}/disks/cryptoKeyVersions/9"},
        }  # fmt: skip
        yield asset(
            "compute.googleapis.com/Disk",
            f"{host}/zones/europe-west1-b/disks/robot-0",
            project,
            disk,
            "europe-west1-b",
        )
        yield _instance(project, host, zone, network)
        yield _rule(project, "allow-health-checks", ["35.191.0.0/16", "130.211.0.0/22"], "tcp", ["8080"])
    yield _rule(PRODUCTION, "allow-https", ["0.0.0.0/0"], "tcp", ["443"])
    yield _rule(DEVELOPMENT, "debugging", ["0.0.0.0/0"], "tcp", ["20-25"])


def _instance(project: str, host: str, zone: str, network: str) -> Asset:
    data = {
        "kind": "compute#instance", "name": "robot-0", "id": "3", "status": "RUNNING", "zone": zone,
        "machineType": f"{zone}/machineTypes/e2-small", "canIpForward": False, "deletionProtection": True,
        "creationTimestamp": "2026-01-10T03:00:00.000-08:00",
        "networkInterfaces": [
            {
                "kind": "compute#networkInterface", "name": "nic0", "network": network,
                "networkIP": "10.0.0.2", "stackType": "IPV4_ONLY",
            }
        ],
        "serviceAccounts": [
            {"email": DEPLOYER, "scopes": ["https://www.googleapis.com/auth/cloud-platform"]}
        ],
        "shieldedInstanceConfig": {
            "enableSecureBoot": True, "enableVtpm": True, "enableIntegrityMonitoring": True,
        },
        "metadata": {
            "kind": "compute#metadata", "fingerprint": "ZGVtbw==",
            "items": [{"key": "startup-script", "value": "export DEMO_SECRET=worthless"}],
        },
        "labels": {"fleet": "demo"},
    }  # fmt: skip
    name = f"{host}/zones/europe-west1-b/instances/robot-0"
    return asset("compute.googleapis.com/Instance", name, project, data, "europe-west1-b")


def _rule(project: str, name: str, sources: list[str], protocol: str, ports: list[str]) -> Asset:
    data = {
        "kind": "compute#firewall", "name": name, "id": "4", "direction": "INGRESS", "priority": 1000,
        "network": f"{COMPUTE}/{project}/global/networks/main", "sourceRanges": sources, "disabled": False,
        "allowed": [{"IPProtocol": protocol, "ports": ports}], "logConfig": {"enable": True},
        "creationTimestamp": "2026-01-10T03:00:00.000-08:00",
    }  # fmt: skip
    full = f"//compute.googleapis.com/projects/{project}/global/firewalls/{name}"
    return asset("compute.googleapis.com/Firewall", full, project, data)


def _logging() -> Iterator[Asset]:
    sink = {
        "name": "everything", "destination": "storage.googleapis.com/acme-audit-logs",
        "includeChildren": True,
        "writerIdentity": f"serviceAccount:service-org-{ORGANIZATION}@gcp-sa-logging.iam.gserviceaccount.com",
        "createTime": "2024-02-01T11:00:00Z", "updateTime": "2024-02-01T11:00:00Z",
    }  # fmt: skip
    full = f"//logging.googleapis.com/organizations/{ORGANIZATION}/sinks/everything"
    yield asset("logging.googleapis.com/LogSink", full, "", sink, version="v2")
    for project in NUMBERS:
        name = f"projects/{project}/locations/global/buckets/_Required"
        data = {
            "name": name, "retentionDays": 400, "locked": True, "lifecycleState": "ACTIVE",
            "description": "Audit bucket",
        }  # fmt: skip
        yield asset(
            "logging.googleapis.com/LogBucket",
            f"//logging.googleapis.com/{name}",
            project,
            data,
            version="v2",
        )


def policies() -> list[Asset]:
    """Return who may do what."""
    admins = [f"user:{person.email}" for person in EMPLOYED if person.admin]
    organization = [
        ("roles/resourcemanager.organizationAdmin", admins),
        ("roles/cloudasset.viewer", [f"serviceAccount:{READER}"]),
    ]
    made = [
        _policy(f"//{MANAGER}/organizations/{ORGANIZATION}", f"{MANAGER}/Organization", "", organization),
        _policy(
            f"//{MANAGER}/projects/{NUMBERS[PRODUCTION]}", f"{MANAGER}/Project", PRODUCTION,
            [
                ("roles/run.developer", [f"serviceAccount:{DEPLOYER}", f"group:engineers@{DOMAIN}"]),
                (
                    "roles/editor",
                    [f"serviceAccount:{NUMBERS[PRODUCTION]}@cloudservices.gserviceaccount.com"],
                ),
            ],
        ),
        _policy(
            "//storage.googleapis.com/acme-development-site", "storage.googleapis.com/Bucket", DEVELOPMENT,
            [("roles/storage.objectViewer", ["allUsers"])],
        ),
    ]  # fmt: skip
    conditional = {
        "role": "roles/compute.viewer",
        "members": [f"group:engineers@{DOMAIN}"],
        "condition": {"title": "until the end of the year", "expression": 'request.time < timestamp("2027")'},
    }
    made[1]["iamPolicy"]["bindings"].append(conditional)
    return made


def _policy(name: str, kind: str, project: str, bindings: list[tuple[str, list[str]]]) -> Asset:
    return {
        "name": name,
        "assetType": kind,
        "iamPolicy": {
            "version": 1,
            "etag": "BwYDemo=",
            "bindings": [{"role": role, "members": members} for role, members in bindings],
        },
        "ancestors": ancestors(project),
        "updateTime": "2026-11-01T10:00:00Z",
    }


def audit_policies() -> list[Asset]:
    """Return where access to data is logged: everywhere, from the folder on."""
    kinds = ("ADMIN_READ", "DATA_READ", "DATA_WRITE")
    config = {"service": "allServices", "auditLogConfigs": [{"logType": kind} for kind in kinds]}
    made = _policy(f"//{MANAGER}/folders/{FOLDER}", f"{MANAGER}/Folder", "", [])
    made["iamPolicy"]["auditConfigs"] = [config]
    made["ancestors"] = [f"folders/{FOLDER}", f"organizations/{ORGANIZATION}"]
    return [made]


def org_policies() -> list[Asset]:
    """Return the policies of the organisation."""
    on = ("iam.disableServiceAccountKeyCreation", "storage.publicAccessPrevention", "compute.requireOsLogin",
          "storage.uniformBucketLevelAccess", "compute.skipDefaultNetworkCreation",
          "iam.automaticIamGrantsForDefaultServiceAccounts", "compute.disableSerialPortAccess")  # fmt: skip
    rules: list[Asset] = [
        {"constraint": f"constraints/{name}", "booleanPolicy": {"enforced": True}, "etag": "CJDemo="}
        for name in on
    ]
    rules.append(
        {
            "constraint": "constraints/compute.vmExternalIpAccess", "etag": "CJDemo=",
            "listPolicy": {"allValues": "DENY"},
        }
    )  # fmt: skip
    off = {"constraint": "constraints/storage.publicAccessPrevention", "booleanPolicy": {}, "etag": "CJDemo="}
    kinds = (
        (f"organizations/{ORGANIZATION}", "Organization", "", rules),
        (f"projects/{NUMBERS[DEVELOPMENT]}", "Project", DEVELOPMENT, [off]),
    )
    return [
        {
            "name": f"//{MANAGER}/{name}", "assetType": f"{MANAGER}/{kind}", "orgPolicy": found,
            "ancestors": ancestors(project), "updateTime": "2026-11-01T10:00:00Z",
        }
        for name, kind, project, found in kinds
    ]  # fmt: skip


def finding(number: int, now: datetime) -> Asset:
    """Return one active finding."""
    severity = ("MEDIUM", "LOW", "HIGH")[number]
    name = f"organizations/{ORGANIZATION}/sources/1/findings/demo{number}"
    resource = f"//compute.googleapis.com/projects/{DEVELOPMENT}/global/firewalls/debugging"
    return {
        "finding": {
            "name": name, "canonicalName": name, "parent": f"organizations/{ORGANIZATION}/sources/1",
            "resourceName": resource, "state": "ACTIVE", "category": "OPEN_SSH_PORT", "severity": severity,
            "findingClass": "MISCONFIGURATION", "mute": "UNDEFINED", "eventTime": _moment(now),
            "createTime": "2026-10-01T10:00:00Z", "description": "A firewall rule is open to everyone",
        },
        "resource": {"name": resource, "projectDisplayName": DEVELOPMENT, "type": "google.compute.Firewall"},
    }  # fmt: skip


def _moment(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")
