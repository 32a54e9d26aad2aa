"""Google's own descriptions of its interfaces, as OpenAPI: google-api-python-client ships them all.

An object that the description gives members gets no others here, so that a fake cannot invent any.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests import servers

CLIENT = "google-api-python-client==2.202.0"
FOLDER = "googleapiclient/discovery_cache/documents/"
Json = dict[str, Any]


def _wheel() -> Path:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--retries", "1"]

    def fill(fresh: Path) -> None:
        servers._run([*pip, "--only-binary", ":all:", "--dest", str(fresh), CLIENT], fresh)

    return next(servers._once("google-api-python-client-2.202.0", fill).glob("*.whl"))


@cache
def document(name: str) -> Json:
    """Return one discovery document, e.g. `cloudasset.v1`."""
    with zipfile.ZipFile(_wheel()) as wheel:
        found: Json = json.loads(wheel.read(f"{FOLDER}{name}.json"))
    return found


def openapi(*names: str, only: str = "") -> Json:
    """Return one OpenAPI description of several interfaces of one host, of paths that match `only`."""
    paths: Json = {}
    schemas: Json = {}
    for name in names:
        whole = document(name)
        prefix = re.sub(r"\W", "_", name) + "_"
        schemas |= {prefix + key: schema(value, prefix) for key, value in whole["schemas"].items()}
        for method in _methods(whole):
            path = "/" + (whole.get("servicePath") or "") + (method.get("flatPath") or method["path"])
            if re.search(only, path):
                operation = _operation(method, whole, path, prefix)
                paths.setdefault(path, {})[method["httpMethod"].lower()] = operation
    return {
        "openapi": "3.0.3",
        "info": {"title": " ".join(names), "version": "1"},
        "paths": paths,
        "security": [{"token": []}],
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def schema(found: Mapping[str, Any], prefix: str = "", root: str = "#/components/schemas/") -> Json:
    """Return a schema of a discovery document as JSON Schema wants it."""
    if "$ref" in found:
        return {"$ref": f"{root}{prefix}{found['$ref']}"}
    if found.get("type") == "any":
        return {}
    made: Json = {"type": found["type"]} if "type" in found else {}
    if found.get("format") == "date-time":
        made["format"] = "date-time"
    if "items" in found:
        made["items"] = schema(found["items"], prefix, root)
    if "properties" in found:
        made["properties"] = {key: schema(item, prefix, root) for key, item in found["properties"].items()}
        made["additionalProperties"] = False
    elif isinstance(found.get("additionalProperties"), Mapping):
        made["additionalProperties"] = schema(found["additionalProperties"], prefix, root)
    made |= {key: found[key] for key in ("enum", "pattern") if key in found}
    return made


def _methods(part: Mapping[str, Any]) -> Iterator[Json]:
    yield from part.get("methods", {}).values()
    for inner in part.get("resources", {}).values():
        yield from _methods(inner)


def _operation(method: Json, whole: Json, path: str, prefix: str) -> Json:
    known = {**whole.get("parameters", {}), **method.get("parameters", {})}
    params = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{\+?(\w+)\}", path)
    ]
    for name, found in known.items():
        if found.get("location") != "query":
            continue
        kind: Json = {key: found[key] for key in ("type", "enum", "pattern") if key in found}
        for end in ("minimum", "maximum"):
            if end in found and found["type"] == "integer":
                kind[end] = int(found[end])
        if found.get("repeated"):
            kind = {"type": "array", "items": kind}
        required = bool(found.get("required"))
        params.append({"name": name, "in": "query", "required": required, "schema": kind})
    made: Json = {"parameters": params, "responses": {"200": {"description": "success"}}}
    if "response" in method:
        made["responses"]["200"]["content"] = _content(method["response"], prefix)
    made["responses"]["default"] = {"description": "error", "content": {"application/json": {"schema": {}}}}
    if "request" in method:
        made["requestBody"] = {"content": _content(method["request"], prefix)}
    return made


def _content(found: Json, prefix: str) -> Json:
    return {"application/json": {"schema": schema(found, prefix)}}
