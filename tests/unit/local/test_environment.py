"""The environment of every program: whole, and no more secrets than it needs."""

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from photomesh_feed.settings import ConsumerSettings as FeedConsumerSettings
from photomesh_feed.settings import FanoutSettings as FeedFanoutSettings
from photomesh_feed.settings import Settings as FeedSettings
from photomesh_gateway.settings import Settings as GatewaySettings
from photomesh_identity.settings import Settings as IdentitySettings
from photomesh_local import environment
from photomesh_local.environment import HTTP_PORTS, as_lines
from photomesh_local.services import MODULES
from photomesh_media_worker.settings import Settings as WorkerSettings
from photomesh_post.settings import ConsumerSettings as PostConsumerSettings
from photomesh_post.settings import EngagementSettings as PostEngagementSettings
from photomesh_post.settings import Settings as PostSettings
from photomesh_shared.provision import BucketSettings
from photomesh_shared.settings import CassandraSettings, KafkaSettings, ServiceSettings
from photomesh_social_graph.settings import ConsumerSettings as GraphConsumerSettings
from photomesh_social_graph.settings import Settings as GraphSettings
from photomesh_upload.settings import Settings as UploadSettings
from tests.support.services import settings_from

PROGRAMS: dict[str, type[ServiceSettings]] = {
    "gateway": GatewaySettings,
    "identity": IdentitySettings,
    "upload": UploadSettings,
    "post": PostSettings,
    "post-consumer": PostConsumerSettings,
    "post-engagement": PostEngagementSettings,
    "media-worker": WorkerSettings,
    "social-graph": GraphSettings,
    "social-graph-consumer": GraphConsumerSettings,
    "feed": FeedSettings,
    "feed-consumer": FeedConsumerSettings,
    "feed-fanout": FeedFanoutSettings,
}
each = pytest.mark.parametrize("program", PROGRAMS)


def _fields(kind: type[BaseSettings]) -> set[str]:
    return {f"PHOTOMESH_{name.upper()}" for name in kind.model_fields}


def _secrets(kind: type[BaseSettings]) -> set[str]:
    return {f"PHOTOMESH_{name.upper()}" for name, field in kind.model_fields.items() if field.annotation is SecretStr}


def test_every_program_is_looked_at() -> None:
    assert set(PROGRAMS) == set(MODULES) == set(HTTP_PORTS)


@each
@pytest.mark.parametrize("stack", ["dev", "test"])
def test_a_program_starts_with_its_environment(stack: str, program: str) -> None:
    settings = settings_from(PROGRAMS[program], environment(stack, program))
    assert settings.env == {"dev": "local", "test": "test"}[stack]
    assert settings.host == "127.0.0.1"


@each
def test_a_program_has_exactly_the_secrets_that_it_needs(program: str) -> None:
    secrets = {name for kind in PROGRAMS.values() for name in _secrets(kind)}
    assert set(environment("test", program)) & secrets == _secrets(PROGRAMS[program])


def test_provisioning_has_the_secrets_that_it_needs() -> None:
    secrets = {name for kind in PROGRAMS.values() for name in _secrets(kind)}
    assert set(environment("test", "provision")) & secrets == _secrets(BucketSettings)


def test_every_variable_is_read_by_somebody() -> None:
    kinds: list[type[BaseSettings]] = [*PROGRAMS.values(), BucketSettings, KafkaSettings, CassandraSettings]
    known = {name for kind in kinds for name in _fields(kind)}
    assert {name for program in PROGRAMS for name in environment("test", program)} <= known


def test_no_two_programs_share_a_port_or_a_trace_file() -> None:
    for name in ("PHOTOMESH_PORT", "PHOTOMESH_TRACE_FILE"):
        assert len({environment("test", program)[name] for program in PROGRAMS}) == len(PROGRAMS)


def test_the_stacks_have_nothing_in_common() -> None:
    """A test that writes to the dev stack would be a bad surprise."""
    for program in PROGRAMS:
        dev, test = environment("dev", program), environment("test", program)
        same = {name for name in dev if "18" in dev[name] and dev[name] == test.get(name)}
        assert not same
        assert not {dev[name] for name in _secrets(PROGRAMS[program])} & set(test.values())


def test_an_unknown_program_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="gateway"):
        environment("test", "gatewya")
    with pytest.raises(ValueError, match="dev, test"):
        environment("prod", "gateway")


def test_lines_can_be_read_by_a_shell() -> None:
    assert as_lines({"B": "two words", "A": '{"x": 1}'}) == "A='{\"x\": 1}'\nB='two words'"
