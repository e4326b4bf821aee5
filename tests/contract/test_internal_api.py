"""The services' internal routes are those that `photomesh_shared.internal_api` declares, with its models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from types import ModuleType

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts

from photomesh_local import environment
from photomesh_local.configuration import registry
from photomesh_shared.clock import SystemClock
from photomesh_shared.internal_api import Operation, confirmation, explore, export, feed, identity, post, social_graph
from photomesh_shared.internal_api.credentials import CallSigner, CallVerifier
from photomesh_shared.settings import CalleeSettings, CallerSettings
from tests.support.internal_calls import operations_of
from tests.support.services import settings_from
from tools.openapi import SERVICES, service_app

CONTRACTS: Mapping[str, Sequence[ModuleType]] = {
    "feed": (feed, export),
    "identity": (identity, confirmation, export),
    "notification": (export,),
    "post": (post, export),
    "social-graph": (social_graph, export),
    "upload": (export,),
    "webhook": (export,),
    "story": (export,),
    "explore": (explore, export),
}


def operations_with(service: str) -> list[Operation[object]]:
    return [operation for contract in CONTRACTS.get(service, ()) for operation in operations_of(contract)]


def routes_of(service: str) -> list[RouteContext]:
    routes = iter_route_contexts(service_app(service).routes)
    return [route for route in routes if route.path is not None and route.path.startswith("/internal")]


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
        callers=frozenset(),
    )


def _model(dependant: Dependant, place: str) -> type | None:
    fields = getattr(dependant, place)
    assert len(fields) <= 1, f"{place} are declared one by one instead of by a model"
    return fields[0].field_info.annotation if fields else None


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_serves_what_its_contract_declares(service: str) -> None:
    assert sorted(map(served, routes_of(service)), key=str) == sorted(operations_with(service), key=str)


def test_the_registry_declares_the_callers_of_the_contracts() -> None:
    used = {
        (caller, service)
        for service in CONTRACTS
        for operation in operations_with(service)
        for caller in operation.callers
    }
    assert used == {
        (program.name, service) for program in registry.PROGRAMS.values() for service in program.internal_calls
    }
    for program in registry.PROGRAMS.values():
        assert set(program.internal_calls) <= set(program.calls)


@pytest.mark.parametrize(("program", "service"), list(product(registry.PROGRAMS, CONTRACTS)))
async def test_a_program_may_call_what_it_needs_and_nothing_else(program: str, service: str) -> None:
    app = service_app(service)
    callee = settings_from(CalleeSettings, environment("test", service))
    app.state.call_verifier = CallVerifier(callee.program, callee.caller_keys, SystemClock())
    caller = settings_from(CallerSettings, {"PHOTOMESH_CALL_KEYS": "{}"} | environment("test", program))
    attempts = [CallSigner(program, service, key, SystemClock()) for key in caller.call_keys.values()]
    admitted: set[Operation[object]] = set()
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        for operation in operations_with(service):
            url = operation.url(user_id="u_1", account_id="u_1")
            answers = [(await client.request(operation.method, url)).status_code]
            for signer in attempts:
                headers = {"Authorization": signer.authorization()}
                answers.append((await client.request(operation.method, url, headers=headers)).status_code)
            assert answers[0] == 401
            # Without its stores, the service fails behind the check, or refuses the missing body.
            if any(status not in (401, 403) for status in answers):
                admitted.add(operation)
    assert admitted == {operation for operation in operations_with(service) if program in operation.callers}
