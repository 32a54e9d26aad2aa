"""What exists at AWS, next to what is read: every account and region left out has a name and a reason."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from proofwatch.connectors.aws import errors
from proofwatch.connectors.aws.clients import Clients
from proofwatch.connectors.base import EVERY, GLOBAL, Place, Scope

NOT_SELECTED = "not selected"
_ENABLED = ("opt-in-not-required", "opted-in")


@dataclass(frozen=True, slots=True)
class _Account:
    id: str
    name: str = ""
    status: str = "ACTIVE"


@dataclass(slots=True)
class _Found:
    places: list[Place]
    unknown: list[str]
    enabled: set[str]
    unlisted: tuple[str, ...] = ()


def read_scope(clients: Clients) -> Scope:
    """List accounts (Organizations) and their enabled regions (EC2), and compare them with the settings.

    An account that was not chosen is one place with region 'global'; a region that is not enabled in an
    account cannot hold resources and is no place at all. A chosen account that cannot be entered keeps
    its places as wanted gaps.

    Raises:
        ConnectorError: who we are is unknown, so nothing can be listed.
    """
    own = clients.caller["Account"]
    listed, unknown = _organization(clients, own)
    unlisted = [EVERY] if unknown and clients.settings.accounts == "organization" else []
    wanted = _wanted(clients, own, listed)
    everything = {**{account: _Account(account) for account in wanted}, **listed}
    with ThreadPoolExecutor(clients.settings.max_concurrency) as pool:
        found = list(pool.map(lambda account: _account(clients, account, wanted), everything.values()))
    places = [place for each in found for place in each.places]
    unknown += [reason for each in found for reason in each.unknown]
    unlisted += [account for each in found for account in each.unlisted]
    unknown += _nowhere_enabled(clients, found)
    return Scope(
        tuple(sorted(places, key=lambda p: (p.account_id, p.region))), tuple(unknown), tuple(unlisted)
    )


def selected_accounts(clients: Clients) -> tuple[list[str], list[str]]:
    """Return the accounts that the settings choose (of the organization, those active), and why not all."""
    own = clients.caller["Account"]
    chosen = clients.settings.accounts
    listed, unknown = _organization(clients, own) if chosen == "organization" else ({}, [])
    excluded = {item.id for item in clients.settings.exclude_accounts}
    selected = [
        account
        for account in sorted(_wanted(clients, own, listed))
        if account not in excluded and listed.get(account, _Account(account)).status == "ACTIVE"
    ]
    return selected, unknown


def _organization(clients: Clients, own: str) -> tuple[dict[str, _Account], list[str]]:
    try:
        pages = clients.client("", GLOBAL, "organizations").get_paginator("list_accounts").paginate()
        items = [item for page in pages for item in page["Accounts"]]
    except errors.failures() as error:
        if errors.code(error) == "AWSOrganizationsNotInUseException":
            return {}, []
        found = errors.unread(error, "listing the organization's accounts", "organizations:ListAccounts")
        return {}, [f"accounts of the organization of {own} (organizations:ListAccounts): {found.problem}"]
    return {item["Id"]: _Account(item["Id"], item.get("Name", ""), _status(item)) for item in items}, []


def _status(item: dict[str, Any]) -> str:
    # `State` replaces `Status`, which AWS retires in September 2026.
    return str(item.get("State") or item.get("Status") or "ACTIVE")


def _wanted(clients: Clients, own: str, listed: dict[str, _Account]) -> set[str]:
    chosen = clients.settings.accounts
    if chosen == "organization":
        return {own, *listed}
    return set(chosen) or {own}


def _account(clients: Clients, account: _Account, wanted: set[str]) -> _Found:
    gap = _why_not(clients, account, wanted)
    if gap:
        return _Found([Place(account.id, GLOBAL, account.name, gap)], [], set())
    gap = _enter(clients, account.id)
    if gap:
        # Chosen, yet out of reach: its tables are planned and end as unread, rather than be missing.
        shut = [Place(account.id, at, account.name, gap, wanted=True) for at in [GLOBAL, *_readable(clients)]]
        return _Found(shut, [], set())
    enabled, unknown = _enabled_regions(clients, account)
    regions = [_region(clients, account, region) for region in sorted(enabled)]
    unlisted = (account.id,) if unknown and not isinstance(clients.settings.regions, list) else ()
    return _Found([Place(account.id, GLOBAL, account.name), *regions], unknown, enabled, unlisted)


def _why_not(clients: Clients, account: _Account, wanted: set[str]) -> str:
    excluded = {item.id: item.reason for item in clients.settings.exclude_accounts}
    if account.id in excluded:
        return f"excluded: {excluded[account.id]}"
    if account.status != "ACTIVE":
        return f"{account.status.lower().replace('_', ' ')} account"
    return "" if account.id in wanted else NOT_SELECTED


def _enter(clients: Clients, account_id: str) -> str:
    if account_id == clients.caller["Account"]:
        return ""
    try:
        clients.enter(account_id)
    except errors.failures() as error:
        found = errors.unread(error, "assuming a role", "sts:AssumeRole")
        return f"role {clients.settings.member_role} could not be assumed: {found.code or found.problem}"
    return ""


def _enabled_regions(clients: Clients, account: _Account) -> tuple[set[str], list[str]]:
    try:
        ec2 = clients.client(account.id, clients.home_region, "ec2")
        items = ec2.describe_regions(AllRegions=True)["Regions"]
    except errors.failures() as error:
        found = errors.unread(error, "listing regions", "ec2:DescribeRegions")
        # What was chosen is still read; whether more exists stays unknown, and is said.
        return _readable(clients), [f"regions of account {account.id} (ec2:DescribeRegions): {found.problem}"]
    return {item["RegionName"] for item in items if item.get("OptInStatus", _ENABLED[0]) in _ENABLED}, []


def _readable(clients: Clients) -> set[str]:
    """Return the regions to try where the account does not say which are enabled."""
    chosen = clients.settings.regions
    excluded = {item.id for item in clients.settings.exclude_regions}
    return (set(chosen) if isinstance(chosen, list) else {clients.home_region}) - excluded


def _region(clients: Clients, account: _Account, region: str) -> Place:
    excluded = {item.id: item.reason for item in clients.settings.exclude_regions}
    chosen = clients.settings.regions
    gap = ""
    if region in excluded:
        gap = f"excluded: {excluded[region]}"
    elif isinstance(chosen, list) and region not in chosen:
        gap = NOT_SELECTED
    return Place(account.id, region, account.name, gap)


def _nowhere_enabled(clients: Clients, found: list[_Found]) -> list[str]:
    """Name chosen regions that no account has enabled: else a choice would vanish silently."""
    chosen = clients.settings.regions
    enabled: set[str] = set().union(*(each.enabled for each in found))
    if not isinstance(chosen, list) or not enabled:
        return []
    return [
        f"region {name} was chosen, but is not enabled in any account read"
        for name in chosen
        if name not in enabled
    ]
