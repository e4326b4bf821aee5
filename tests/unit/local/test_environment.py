"""The environment of every program: whole, and no more secrets than it needs."""

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from photomesh_local import environment
from photomesh_local.configuration import registry
from photomesh_local.configuration.environment import as_lines
from photomesh_local.configuration.stack import ROOT, Stack
from photomesh_local.services import SERVICES
from photomesh_shared.outbound import OutboundPolicy
from photomesh_shared.settings import OutboundSettings, ServiceSettings
from tests.support.services import settings_from

SETTINGS = {name: program.settings_class() for name, program in registry.PROGRAMS.items() if program.runs_locally}
every = pytest.mark.parametrize("program", SETTINGS)
each = pytest.mark.parametrize("program", SERVICES)


def _fields(kind: type[BaseSettings]) -> set[str]:
    return {f"PHOTOMESH_{name.upper()}" for name in kind.model_fields}


def _secrets(kind: type[BaseSettings]) -> set[str]:
    return {
        f"PHOTOMESH_{name.upper()}"
        for name, field in kind.model_fields.items()
        if field.annotation in (SecretStr, dict[str, SecretStr])
    }


def _all_secrets() -> set[str]:
    return {name for kind in SETTINGS.values() for name in _secrets(kind)}


@each
@pytest.mark.parametrize("stack", ["dev", "test"])
def test_a_program_starts_with_its_environment(stack: str, program: str) -> None:
    kind = SETTINGS[program]
    assert issubclass(kind, ServiceSettings)
    settings = settings_from(kind, environment(stack, program))
    assert settings.env == {"dev": "local", "test": "test"}[stack]
    assert settings.host == "127.0.0.1"


@every
def test_a_program_has_exactly_the_secrets_that_it_needs(program: str) -> None:
    assert set(environment("test", program)) & _all_secrets() == _secrets(SETTINGS[program])


def test_every_variable_is_read_by_somebody() -> None:
    known = {name for kind in SETTINGS.values() for name in _fields(kind)}
    assert {name for program in SETTINGS for name in environment("test", program)} <= known


def test_no_two_programs_share_a_port_or_a_trace_file() -> None:
    for name in ("PHOTOMESH_PORT", "PHOTOMESH_TRACE_FILE"):
        assert len({environment("test", program)[name] for program in SERVICES}) == len(SERVICES)


def test_the_stacks_have_nothing_in_common() -> None:
    """A test that writes to the dev stack would be a bad surprise."""
    for program in SETTINGS:
        dev, test = environment("dev", program), environment("test", program)
        same = {name for name in dev if "18" in dev[name] and dev[name] == test.get(name)}
        assert not same
        assert not {dev[name] for name in _secrets(SETTINGS[program])} & set(test.values())


def test_an_unknown_program_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="gateway"):
        environment("test", "gatewya")
    with pytest.raises(ValueError, match="dev, test"):
        environment("prod", "gateway")


def test_lines_can_be_read_by_a_shell() -> None:
    assert as_lines({"B": "two words", "A": '{"x": 1}'}) == "A='{\"x\": 1}'\nB='two words'"


def test_a_stack_may_call_its_own_receiver_and_nothing_else_of_this_machine() -> None:
    for name, kind in SETTINGS.items():
        settings = settings_from(kind, environment("dev", name)) if issubclass(kind, OutboundSettings) else None
        assert ("PHOTOMESH_OUTBOUND_TEST_RECEIVERS" in environment("dev", name)) is (settings is not None)
        if settings is not None:
            policy = OutboundPolicy.of(settings)
            assert policy.receivers == {("127.18.0.1", 8443)}
            assert not policy.allows("127.0.0.1", 8443)
    assert Stack("dev").receiver != Stack("test").receiver
    assert f"--receiver {Stack('dev').receiver} " in (ROOT / "Makefile").read_text()
