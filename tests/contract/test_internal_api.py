"""The services' internal routes are those that `photomesh_shared.internal_api` declares, with its models."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts

from photomesh_shared.internal_api import Operation, post, social_graph
from tools.openapi import SERVICES, service_app

CONTRACTS: Mapping[str, ModuleType] = {"post": post, "social-graph": social_graph}


def routes_of(service: str) -> list[RouteContext]:
    routes = iter_route_contexts(service_app(service).routes)
    return [route for route in routes if route.path is not None and route.path.startswith("/internal")]


def declared(contract: ModuleType) -> list[Operation[object]]:
    return [value for value in vars(contract).values() if isinstance(value, Operation)]


def served(route: RouteContext) -> Operation[object]:
    """The operation that a route, read for itself, amounts to."""
    assert route.path is not None
    assert route.methods is not None
    (method,) = route.methods
    return Operation(
        method=method,  # type: ignore[arg-type] # any other is a difference that the test shows
        path=route.path,
        response=route.response_model or bytes,
        query=_model(route.dependant, "query_params"),
        body=_model(route.dependant, "body_params"),
    )


def _model(dependant: Dependant, place: str) -> type | None:
    fields = getattr(dependant, place)
    assert len(fields) <= 1, f"{place} are declared one by one instead of by a model"
    return fields[0].field_info.annotation if fields else None


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_serves_what_its_contract_declares(service: str) -> None:
    contract = CONTRACTS.get(service)
    expected = declared(contract) if contract else []
    assert sorted(map(served, routes_of(service)), key=str) == sorted(expected, key=str)
