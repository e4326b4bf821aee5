# One image per deployable from one file: docker build --build-arg SERVICE=post -t photomesh/post .
# SERVICE is the name of a folder: gateway, or one of those in services/. VERSION and REVISION (the commit) are for the
# labels, and for the metric photomesh_build_info. PYTHON is the base: the tag of deploy/servers.toml, for a release with
# its digest (docs/running-on-kubernetes.md), which a label keeps.
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS build
ARG UV_VERSION=0.13.9
RUN python -m pip install --no-cache-dir --disable-pip-version-check "uv==${UV_VERSION}"
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_NO_CACHE=1 VIRTUAL_ENV=/app
RUN uv venv --quiet --python "$(command -v python)" /app

WORKDIR /src
COPY requirements.lock ./
COPY shared shared
# The library below every deployable changes less often than they do: its dependencies are a layer of their own.
RUN uv pip install --no-sources --constraint requirements.lock ./shared

ARG SERVICE
COPY gateway gateway
COPY services services
RUN folder="$([ "$SERVICE" = gateway ] && echo gateway || echo "services/$SERVICE")" \
 && uv pip install --no-sources --constraint requirements.lock ./shared "./$folder" \
 && printf '#!/bin/sh\nexec python -m photomesh_%s\n' "$(echo "$SERVICE" | tr - _)" > /app/bin/serve \
 && chmod 755 /app/bin/serve \
 && /app/bin/python -m compileall -q /app/lib

FROM ${PYTHON}
ARG PYTHON
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin photomesh
COPY --from=build /app /app
ARG SERVICE
# LightGBM's library needs the system's OpenMP.
RUN [ "$SERVICE" != explore-trainer ] \
 || { apt-get -qq update && apt-get -qq install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*; }
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="photomesh/$SERVICE" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.base.name="$PYTHON"
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    PHOTOMESH_HOST=0.0.0.0 PHOTOMESH_PORT=8000 \
    PHOTOMESH_VERSION=$VERSION PHOTOMESH_REVISION=$REVISION
USER 10001:10001
WORKDIR /tmp
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PHOTOMESH_PORT\"]}/healthz', timeout=2)"]
CMD ["serve"]
