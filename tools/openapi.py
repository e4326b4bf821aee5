"""Generate the gateway's files from the services: the merged OpenAPI document, problem types and the routing table::

    python -m tools.openapi            # openapi.json, problems.json and routing/routes.json of photomesh_gateway
    python -m tools.openapi --check    # writes nothing; fails if a file is out of date

Each service describes its own operations and their policies. This merges them, and adds what the gateway implements for
all: rate limits, request ids, tokens, and its own responses.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from photomesh_gateway.app import create_app
from photomesh_gateway.settings import Settings
from photomesh_local.configuration.registry import PROGRAMS, UPSTREAMS
from photomesh_shared.errors import all_problem_types, explanation
from photomesh_shared.http import Auth, RoutePolicy
from photomesh_shared.http.policy import POLICY
from tools import openapi_schemas as schemas
from tools import openapi_text as text

__all__ = ["FILES", "document", "generated", "main", "operations", "problem_types", "routes"]

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
_PACKAGE = ROOT / "gateway/src/photomesh_gateway"
FILES = (_PACKAGE / "openapi.json", _PACKAGE / "problems.json", _PACKAGE / "routing/routes.json")
SERVICES = tuple(service.name for service in UPSTREAMS)
_METHODS = ("get", "put", "post", "delete", "patch")


def service_app(service: str) -> FastAPI:
    """Create a service's app. `model_construct` uses the settings' defaults and ignores the environment."""
    program = PROGRAMS[service]
    settings: BaseModel = program.settings_class().model_construct()
    # A package's main program has its app in a module of its own; another program's entry point makes it.
    module = f"{program.module}.app" if program.module == program.deployable.package else program.module
    app: FastAPI = import_module(module).create_app(settings)
    return app


def service_documents() -> dict[str, Json]:
    """Return each service's own document."""
    documents = {name: service_app(name).openapi() for name in SERVICES}
    documents["gateway"] = create_app(Settings.model_construct()).pages.openapi()
    return documents


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Yield method, path and operation of a document."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def document() -> Json:
    """Return the merged document."""
    merged: Json = {
        "openapi": "3.1.0",
        "info": {"title": "Photomesh API", "version": "1", "description": text.DESCRIPTION},
        "servers": text.SERVERS,
        "tags": list(text.TAGS),
        "paths": {},
        "components": {
            "schemas": {},
            "headers": text.HEADERS,
            "parameters": text.PARAMETERS,
            "responses": {},
            "securitySchemes": text.SECURITY_SCHEMES,
        },
    }
    for name, own in service_documents().items():
        schemas.rename(own, name, merged["components"]["schemas"])
        merged["components"]["schemas"] |= own["components"]["schemas"]
        for path, item in own["paths"].items():
            merged["paths"].setdefault(path, {}).update(item)
        for tag in sorted(_tags(own) - {tag["name"] for tag in merged["tags"]}):
            merged["tags"].append({"name": tag, "description": own["info"]["description"]})
    merged["components"]["responses"] = text.common_responses()
    defined: Json = merged["components"]["schemas"]
    for _, _, operation in operations(merged):
        operation["operationId"] = operation["operationId"].partition("_v1_")[0].partition("__well_known")[0]
        _lift_examples(operation, defined)
        _add_what_the_gateway_does(operation)
    for schema in defined.values():
        if "examples" in schema:
            schema["examples"] = [schemas.with_nulls(value, schema, defined) for value in schema["examples"]]
    merged["components"]["schemas"] = dict(sorted(defined.items()))
    schemas.declare_formats(merged)
    used = {node.get("$ref") for node in schemas.nodes(merged["paths"])}
    merged["components"]["responses"] = {
        name: response
        for name, response in merged["components"]["responses"].items()
        if f"#/components/responses/{name}" in used
    }
    return merged


def _tags(document: Json) -> set[str]:
    return {tag for _, _, operation in operations(document) for tag in operation.get("tags", ())}


def _lift_examples(operation: Json, defined: Json) -> None:
    """Move the examples of a body's model to the body itself, where all tools look for them."""
    bodies = [operation["requestBody"]] if "requestBody" in operation else []
    for body in [*bodies, *operation["responses"].values()]:
        for content in body.get("content", {}).values():
            schema = content.get("schema", {})
            if "examples" not in content and (found := schemas.examples_of(schema, defined)):
                content["examples"] = {
                    f"example{number}" if number > 1 else "example": {
                        "value": schemas.with_nulls(value, schema, defined)
                    }
                    for number, value in enumerate(found, start=1)
                }


def _add_what_the_gateway_does(operation: Json) -> None:
    responses: Json = operation["responses"]
    routed = POLICY in operation  # the gateway's own operations have none, and need no token
    auth = RoutePolicy.of(operation).auth if routed else Auth.NONE
    operation["security"] = {
        Auth.REQUIRED: [text.TOKEN],
        Auth.STAFF: [text.TOKEN],
        Auth.OPTIONAL: [text.TOKEN, {}],
        Auth.NONE: [],
    }[auth]
    common = {"429": "TooManyRequests"}
    if routed:
        common |= {"400": "HeaderNotText", "502": "UpstreamFailed", "503": "Unavailable", "504": "UpstreamTimeout"}
    if auth is not Auth.NONE:
        common["401"] = "Unauthorized"
    if "requestBody" in operation:
        common |= {"408": "RequestTimeout", "413": "PayloadTooLarge"}
    for status, name in common.items():
        _add_response(responses, status, name)
    for status, response in responses.items():
        if "$ref" not in response:
            headers = text.headers_of(int(status), operation)
            response["headers"] = headers | response.get("headers", {})
    parameters = operation.setdefault("parameters", [])
    known = {parameter.get("name", "").lower() for parameter in parameters}
    parameters += [
        {"$ref": f"#/components/parameters/{key}"}
        for key, parameter in text.PARAMETERS.items()
        if parameter["name"].lower() not in known and text.takes(key, operation)
    ]
    if not parameters:
        del operation["parameters"]
    operation["responses"] = dict(sorted(responses.items()))


def _add_response(responses: Json, status: str, name: str) -> None:
    """Add the common response, or add its examples to those of the service."""
    if status not in responses:
        responses[status] = {"$ref": f"#/components/responses/{name}"}
        return
    own = responses[status]["content"]["application/problem+json"]["examples"]
    for code, example in text.common_responses()[name]["content"]["application/problem+json"]["examples"].items():
        own.setdefault(code, example)


def problem_types() -> list[Json]:
    """Return every problem type of the API's responses."""
    packages = ("photomesh_shared", "photomesh_gateway", *(service.deployable.package for service in UPSTREAMS))
    return [
        {
            "code": kind.code,
            "status": kind.status,
            "title": kind.title,
            "retryable": kind.retryable,
            "explanation": explanation(kind),
        }
        for kind in all_problem_types()
        if kind.__module__.partition(".")[0] in packages
    ]


def routes() -> list[Json]:
    """Return the rows of the routing table."""
    rows = []
    for service in SERVICES:
        for method, path, operation in operations(service_app(service).openapi()):
            policy = RoutePolicy.of(operation)
            rows.append(
                {
                    "method": method,
                    "path": path,
                    "upstream": service,
                    "auth": policy.auth,
                    "rate": policy.rate,
                    "max_body": policy.max_body,
                    "budget": policy.budget,
                    **({"role": policy.role} if policy.role else {}),
                }
            )
    return rows


def generated() -> dict[Path, str]:
    """Return the generated files."""
    table = ",\n".join(f"  {json.dumps(row)}" for row in routes())
    texts = (_indented(document()), _indented(problem_types()), f"[\n{table}\n]\n")
    return dict(zip(FILES, texts, strict=True))


def _indented(content: Json | list[Json]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tools.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is out of date")
    check = parser.parse_args(arguments).check
    files = generated()
    stale = [path for path, content in files.items() if not path.exists() or path.read_text() != content]
    for path in stale:
        print(f"{'out of date' if check else 'wrote'}: {path.relative_to(ROOT)}")
        if not check:
            path.write_text(files[path])
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
