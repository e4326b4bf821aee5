"""Redis is set up for feeds wherever it runs."""

import re

import pytest

from photomesh_feed.domain.timelines import FEED_POSTS
from photomesh_local.configuration.stack import ROOT

FILES = ("deploy/local/config/redis.conf", "docker-compose.yml", "deploy/k8s/data-plane/feed-redis.conf")


@pytest.mark.parametrize("file", FILES)
def test_a_whole_feed_fits_a_listpack(file: str) -> None:
    """Beyond that Redis would turn it into a skip list, which takes seven times the memory."""
    (entries,) = re.findall(r"zset-max-listpack-entries (\d+)", (ROOT / file).read_text())
    assert int(entries) > FEED_POSTS * 1.1  # with its markers, and what it grows by before it is cut


@pytest.mark.parametrize("file", [*FILES, "deploy/k8s/data-plane/redis.conf"])
def test_nothing_is_thrown_out_to_make_room(file: str) -> None:
    """Leases and limits must stay, and keys of feeds speak of each other."""
    assert re.findall(r"maxmemory-policy (\S+)", (ROOT / file).read_text()) == ["noeviction"]
