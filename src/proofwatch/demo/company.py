"""Acme Robotics, a simulated company. All of it is DEMO DATA.

It is furnished with boto3 over HTTP, exactly as a real company is at AWS: an organization, an administrator
who enters the member accounts through their roles, and resources that are partly tidy and partly not.
What the demo shows is the well-kept form of it: `seeds.kept` lists the faults that are left.
What moto cannot hold is left out, never faked.
"""

from __future__ import annotations

import http.client
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from proofwatch.demo.account import FORGOTTEN, HOME, REGIONS, Account, Login
from proofwatch.demo.errors import DemoError
from proofwatch.demo.seeds import compute, data, iam, kept, network, storage, watch

DOING = "furnishing the simulated company"
MANAGEMENT = "123456789012"
"""The account that moto gives to whoever comes without credentials of its own."""

ENTRY_ROLE = "OrganizationAccountAccessRole"
"""AWS makes this role in every account that an organization creates."""

_RANDOM_SEED = 20260101
"""moto draws ids from this, so that the same company has the same ids every time."""

Progress = Callable[[str, int, int], None]
"""Called before each step with its name, its number from 0 on, and how many there are; once at the end."""


@dataclass(frozen=True, slots=True)
class Company:
    """The furnished company and the way in.

    Attributes:
        name: for headings.
        endpoint: where its AWS answers.
        access_key_id: of the user `proofwatch` in the management account, which may only read.
        secret_access_key: its secret, made by the simulated AWS; worthless elsewhere.
        accounts: account id by name: management, production, staging, research.
        connected: ids of the accounts to connect; `research` is left out, so that the gap shows.
        regions: the regions to connect; `forgotten_region` holds something and is not among them.
        member_role: the role to assume in each connected account.
        counts: what was made, by AWS operation ("CreateBucket": 12).
        calls: successful calls that it took.
    """

    name: str
    endpoint: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    accounts: MappingProxyType[str, str]
    connected: tuple[str, ...]
    regions: tuple[str, ...]
    forgotten_region: str
    member_role: str
    counts: MappingProxyType[str, int]
    calls: int

    @property
    def resources(self) -> int:
        """How many things were made, apart from what AWS itself puts into every account."""
        return sum(self.counts.values())

    def administrator(self, name: str) -> Account:
        """Return the account `name` as its administrator sees it, to change something."""
        management = _management(self.endpoint)
        if name == "management":
            return management
        return management.enter(self.accounts[name], name, ENTRY_ROLE)


def seed(url: str, progress: Progress, well_kept: bool = False) -> Company:
    """Furnish the server at `url`, which must be new and empty.

    Args:
        url: as `proofwatch.demo.server.start` gives it.
        progress: told about each step.
        well_kept: with the faults that `seeds.kept` lists only, as the demo shows it; else nearly every
            check fails somewhere, as the tests need it.

    Raises:
        DemoError: the server did not answer, refused a call, or is furnished already.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    management = _management(url)
    try:
        _same_ids_every_time(url)
        members = _organization(management, well_kept)
        key, secret = iam.connecting_user(management)
        steps = _steps(management, members)
        for number, (name, step) in enumerate(steps):
            progress(name, number, len(steps))
            step()
        progress("furnished", len(steps), len(steps))
    except (BotoCoreError, ClientError, OSError, http.client.HTTPException) as error:
        raise DemoError(
            DOING, str(error), "Start a new server: this one is not empty, or not moto as pinned."
        ) from error
    return _company(url, key, secret, management, members)


def environment(company: Company) -> dict[str, str]:
    """Return the variables with which any AWS client reaches the company, and nothing else does.

    The person's own AWS configuration, profile and session are shut out: a file of ours with one empty
    profile takes their place. Variables named after one service (`AWS_ENDPOINT_URL_S3`) would still win;
    whoever sets these should first drop every other `AWS_` variable.
    """
    return {
        "AWS_ENDPOINT_URL": company.endpoint,
        "AWS_ACCESS_KEY_ID": company.access_key_id,
        "AWS_SECRET_ACCESS_KEY": company.secret_access_key,
        "AWS_SESSION_TOKEN": "",
        "AWS_SECURITY_TOKEN": "",
        "AWS_DEFAULT_REGION": HOME,
        "AWS_REGION": HOME,
        # botocore refuses a profile that no file holds, so /dev/null is not enough beside AWS_PROFILE.
        "AWS_PROFILE": "default",
        "AWS_DEFAULT_PROFILE": "default",
        "AWS_CONFIG_FILE": str(files("proofwatch.demo").joinpath("aws.ini")),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


def _management(url: str) -> Account:
    # Any key id that moto did not make itself means the management account; it checks no signature here.
    return Account(MANAGEMENT, "management", Login(url, "AKIAACMEROBOTICSADMIN", "unused"))


def _same_ids_every_time(url: str) -> None:
    """Seed moto's own random numbers: the one call that AWS does not know."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        connection.request("POST", f"/moto-api/seed?a={_RANDOM_SEED}")
        connection.getresponse().read()
    finally:
        connection.close()


def _organization(management: Account, well_kept: bool) -> dict[str, Account]:
    """Make the organization with its member accounts; return those to furnish, and `research`."""
    client = management.client("organizations")
    client.create_organization(FeatureSet="ALL")
    members: dict[str, Account] = {}
    for name in ("production", "staging", "research"):
        answer = client.create_account(AccountName=name, Email=f"aws-{name}@acme-robotics.example")
        account_id = str(answer["CreateAccountStatus"]["AccountId"])
        members[name] = management.enter(account_id, name, ENTRY_ROLE)
        members[name].kept = well_kept and name != "research"
    return members


def _steps(management: Account, members: dict[str, Account]) -> list[tuple[str, Callable[[], None]]]:
    production, staging, research = (members[name] for name in ("production", "staging", "research"))
    areas: tuple[tuple[str, Any], ...] = (
        ("people and roles", iam),
        ("networks", network),
        ("storage", storage),
        ("machines and functions", compute),
        ("databases and messages", data),
        ("logs, trails and alarms", watch),
    )
    steps: list[tuple[str, Callable[[], None]]] = [
        ("roles to read with", partial(_member_roles, management, (production, staging))),
        ("keys", partial(watch.keys, production)),
    ]
    tidy = [item for item in (production, staging) if item.kept]
    steps += [(f"{item.name}: keys everywhere", partial(kept.keys, item)) for item in tidy]
    for title, area in areas:
        steps.append((f"production: {title}", partial(area.production, production)))
        steps.append((f"staging: {title}", partial(area.staging, staging)))
    steps += [(f"{item.name}: what AWS made by itself", partial(kept.order, item)) for item in tidy]
    steps.append(("a forgotten region", partial(compute.forgotten, production, FORGOTTEN)))
    steps.append(("an account nobody connected", partial(compute.forgotten, research, HOME)))
    return steps


def _member_roles(management: Account, accounts: tuple[Account, ...]) -> None:
    for account in accounts:
        iam.member_role(account, management.id)


def _company(url: str, key: str, secret: str, management: Account, members: dict[str, Account]) -> Company:
    everyone = [management, *members.values()]
    counts: Counter[str] = Counter()
    for account in everyone:
        counts.update(account.made)
    return Company(
        name="Acme Robotics (DEMO DATA)",
        endpoint=url,
        access_key_id=key,
        secret_access_key=secret,
        accounts=MappingProxyType({account.name: account.id for account in everyone}),
        connected=(members["production"].id, members["staging"].id),
        regions=REGIONS,
        forgotten_region=FORGOTTEN,
        member_role=iam.MEMBER_ROLE,
        counts=MappingProxyType(dict(sorted(counts.items()))),
        calls=sum(account.calls for account in everyone),
    )
