"""Cloud Asset Inventory as the bulk path: one paged listing reads a type over a whole organisation.

A listing succeeds or fails for the organisation as a whole. So a place is what one listing covers, and the
project of a resource is a column: places by project would claim a coverage that no answer proves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from proofwatch.connectors.base import Unread
from proofwatch.connectors.rest.collect import Place, items_of
from proofwatch.connectors.rest.declare import Col, Raw, Reader, RestTable

Shape = Callable[[Raw], Raw]
LIST = {
    "RESOURCE": "cloudasset.assets.listResource",
    "IAM_POLICY": "cloudasset.assets.listIamPolicy",
    "ORG_POLICY": "cloudasset.assets.listOrgPolicy",
}
"""Content of a listing → the permission that it needs."""
PAGE = 1000
NODES = tuple(f"cloudresourcemanager.googleapis.com/{name}" for name in ("Organization", "Folder", "Project"))
WHERE = (
    Col("project_id", about="Project that it belongs to; NULL for what stands above projects"),
    Col("project_number"),
    Col("location", about="Region or zone, as Google tells it"),
)


def asset_table(
    name: str,
    about: str,
    asset_type: str,
    columns: tuple[Col, ...],
    *,
    service: str,
    shape: Shape | None = None,
    drop: tuple[str, ...] = (),
    shared: bool = False,
    where: tuple[Col, ...] = WHERE,
) -> RestTable:
    """Declare a table of resources of one type.

    Args:
        name: of the table.
        about: one sentence.
        asset_type: by Google's name.
        columns: its own; paths are of the item: `data.x` is of the resource, `made.x` is what `shape` made.
        service: which shard reads it.
        shape: makes what is not one member of the resource.
        drop: members of the resource that are not kept.
        shared: whether it serves other tables.
        where: columns that tell where it lies.
    """
    return RestTable(
        name=name, about=about, service=service, path="/v1/{parent}/assets", rows="assets", omits_empty=True,
        resource="{asset}", permission=LIST["RESOURCE"], shared=shared,
        reader=_resources(name, asset_type, shape, {"etag", "selfLink", *drop}),
        drop=("asset_type", "node", "project_id", "project_number", "location", "made"),
        columns=(*where, *columns),
        source=f"cloudasset.assets.list of {asset_type}",
    )  # fmt: skip


def listed(place: Place, table: str, content: str, types: tuple[str, ...] = ()) -> Iterator[Raw]:
    """Yield the assets of a listing. Raises Unread where one is not as Google documents it."""
    params: dict[str, Any] = {"contentType": content, "pageSize": PAGE}
    if types:
        params["assetTypes"] = list(types)
    for page in place.pages(f"/v1/{place.names['parent']}/assets", LIST[content], params=params):
        for asset in items_of(place.tables[table], place, page):
            if not isinstance(asset.get("name"), str):
                raise odd(place, table, "an asset has no name")
            yield asset


def place_of(asset: Mapping[str, Any], projects: Mapping[str, str]) -> Raw:
    """Return where an asset lies: its ancestors name the project by its number, nearest first."""
    ancestors = [str(item) for item in asset.get("ancestors") or []]
    number = next((item.partition("/")[2] for item in ancestors if item.startswith("projects/")), None)
    return {
        "asset": asset["name"],
        "asset_type": asset.get("assetType"),
        "ancestors": ancestors,
        "node": ancestors[0] if ancestors else None,
        "project_number": number,
        "project_id": projects.get(number) if number else None,
    }


def projects_of(place: Place) -> dict[str, str]:
    """Return number → id of every project, listed once for all tables. Raises Unread."""
    found = {}
    for item in place.rows("gcp_project"):
        number, name = item["project_number"], item["data"].get("projectId")
        if number and name:
            found[str(number)] = str(name)
    return found


def odd(place: Place, table: str, what: str) -> Unread:
    """Return that an answer is not as Google documents it."""
    remedy = "Try again; check the proxy. If it stays, Google changed its interface."
    problem = f"Google Cloud answered what it does not document for {table}: {what}"
    return Unread(f"reading {table} of {place.account}", problem, remedy, code="schema")


def flag(data: Mapping[str, Any], path: str) -> Any:
    """Return a member that Google leaves out where it is false."""
    found: Any = data
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return False if found is None else found


def last(url: Any) -> str | None:
    """Return the name at the end of a link to a resource."""
    return url.rpartition("/")[2] if isinstance(url, str) else None


def _resources(table: str, asset_type: str, shape: Shape | None, drop: set[str]) -> Reader:
    def read(place: Place) -> Iterator[Raw]:
        projects = {} if table == "gcp_project" else projects_of(place)
        for asset in listed(place, table, "RESOURCE", (asset_type,)):
            found = asset.get("resource")
            data = found.get("data") if isinstance(found, Mapping) else None
            if not isinstance(found, Mapping) or not isinstance(data, Mapping):
                raise odd(place, table, f"{asset['name'][:200]} has no data")
            kept = {key: value for key, value in data.items() if key not in drop}
            try:
                made = shape(kept) if shape else {}
            except (AttributeError, TypeError) as error:
                raise odd(place, table, f"{asset['name'][:200]}: {error}") from None
            yield {**place_of(asset, projects), "location": found.get("location"), "data": kept, "made": made}

    return read
