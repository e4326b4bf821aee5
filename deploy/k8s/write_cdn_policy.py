"""Writes the CDN's policy for Kubernetes, from that of the local stack (deploy/local/config/cdn.vcl).

    .venv/bin/python deploy/k8s/write_cdn_policy.py

The files are committed, because kustomize reads nothing outside its own folder; a test fails when they are old.
"""

from pathlib import Path

from photomesh_local.stack import render

_FOLDER = Path(__file__).parent / "base" / "cdn"
_UPSTREAMS = {"edge": ("shield", 8080), "shield": ("seaweedfs-s3.photomesh-data.svc", 8333)}

# Where pods have their addresses. Network policies and the entrance's routes say who gets as far as sending a PURGE.
_PURGERS = '"10.0.0.0"/8; "172.16.0.0"/12; "192.168.0.0"/16; "100.64.0.0"/10; "fd00::"/8;'


def policies() -> dict[Path, str]:
    """File → what must be in it."""
    return {
        _FOLDER / f"{name}.vcl": render("cdn.vcl", NAME=name, UPSTREAM_HOST=host, UPSTREAM_PORT=port, PURGERS=_PURGERS)
        for name, (host, port) in _UPSTREAMS.items()
    }


if __name__ == "__main__":
    for path, text in policies().items():
        path.write_text(text)
