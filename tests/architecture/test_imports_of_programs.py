"""What programs load: every pod pays for a longer start, and every test that starts one."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

import photomesh_shared.http as toolkit

CONSUMERS = (
    "photomesh_export.worker",
    "photomesh_feed.consumer",
    "photomesh_feed.fanout",
    "photomesh_identity.consumer",
    "photomesh_media_worker.__main__",
    "photomesh_notification.collector",
    "photomesh_notification.push_sender",
    "photomesh_notification.writer",
    "photomesh_post.consumer",
    "photomesh_post.engagement",
    "photomesh_social_graph.consumer",
)


def test_consumers_do_not_load_fastapi() -> None:
    """They have no API: FastAPI takes half a second of a start, and 30 MB."""
    script = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "    assert 'fastapi' not in sys.modules, f'{name} loads FastAPI'\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *CONSUMERS], stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", toolkit.__all__)
def test_the_toolkit_has_each_name_from_its_module(name: str) -> None:
    module = import_module(f"photomesh_shared.http.{toolkit._MODULE_OF[name]}")
    assert getattr(toolkit, name) is getattr(module, name)


def test_the_toolkit_has_no_other_names() -> None:
    assert sorted(toolkit._MODULE_OF) == sorted(toolkit.__all__)
    assert not hasattr(toolkit, "nonsense")
