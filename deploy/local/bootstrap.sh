#!/usr/bin/env bash
# Makes a checkout ready to run. Harmless and quick when it is ready already.
#
#   bootstrap.sh python    the Python environment (.venv): enough for `make check`
#   bootstrap.sh           that, and what the servers need: packages of the system, and jars (.photomesh/lib)
#
# As root on Debian or Ubuntu it installs missing packages; anyone else is told what to install.
set -euo pipefail

UV_VERSION=0.13.9
MAVEN_COPY=org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies

cd "$(dirname "$0")/../.."
root=$PWD
wanted=${1:-all}
state=$root/.photomesh
mkdir -p "$state"

bold= plain=
if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
say() { printf '%s==>%s %s\n' "$bold" "$plain" "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# One setup at a time: a second one waits, and then finds everything done.
exec 9>"$state/bootstrap.lock"
flock 9

# --- what the system must have ---------------------------------------------------------------------------------

# The oldest Python that we support comes first: it is the one that the lock was made and tried with.
find_python() {
  local candidate
  for candidate in python3.11 /usr/bin/python3 python3 python3.12 python3.13; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

has() { PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null 2>&1; }

has_java17() {
  local java
  for java in ${JAVA_HOME:+"$JAVA_HOME/bin/java"} /usr/lib/jvm/*17*/bin/java; do
    [ -x "$java" ] && return
  done
  has java && java -version 2>&1 | grep -q 'version "17\.'
}

has_postgres() { compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || has postgres; }

missing_for_python() {
  find_python >/dev/null || echo python3 python3-venv
  [ ! -e /etc/debian_version ] || compgen -G '/usr/lib/*/libgomp.so.1' >/dev/null || echo libgomp1  # of LightGBM
}

missing_for_servers() {
  has_java17 || echo openjdk-17-jre-headless
  has mvn || jars_complete || echo maven
  has_postgres || echo postgresql
  has psql || echo postgresql-client
  has redis-server || echo redis-server
  has varnishd || echo varnish
  has curl || echo curl  # the walk-through of the README speaks it
}

install_packages() {
  local policy=/usr/sbin/policy-rc.d
  say "Installing $* with apt"
  # Debian starts a daemon as soon as it is installed, unless this script says no. We run our own.
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  export DEBIAN_FRONTEND=noninteractive
  # (9>&- everywhere: nothing that these start may hold on to our lock)
  apt-get -qq -o Acquire::Retries=3 update 9>&-
  apt-get -qq -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 install --yes --no-install-recommends ca-certificates "$@" \
    >"$state/apt.log" 2>&1 9>&- || { tail -n 30 "$state/apt.log" >&2; fail "apt-get failed (all of it: $state/apt.log)"; }
  if [ -e "$policy" ] && [ -n "$(trap -p EXIT)" ]; then
    rm -f "$policy"
    trap - EXIT
  fi
  # Nor shall they start with the machine, where there is an init system.
  if [ -d /run/systemd/system ]; then
    local unit
    for unit in postgresql redis-server varnish varnishncsa; do
      systemctl disable --quiet "$unit" 2>/dev/null || true
    done
  fi
}

# Installs what the given function still misses, or says what to install.
require() {
  local packages still
  packages=$("$1" | xargs)
  [ -n "$packages" ] || return 0
  if [ "$(id -u)" != 0 ] || ! has apt-get; then
    fail "please install these (the names are Debian's), then run this again:
  sudo apt-get install --no-install-recommends $packages"
  fi
  # shellcheck disable=SC2086  # a list of words
  install_packages $packages
  still=$("$1" | xargs)
  [ -z "$still" ] || fail "still missing after the installation: $still (the names are Debian 12's)"
}

# --- Python ---------------------------------------------------------------------------------------------------

require missing_for_python

# The path belongs to the key: a checkout that was moved has scripts that point to where it was.
python_key=$({ echo "$root $UV_VERSION"; cat requirements.lock requirements-dev.lock pyproject.toml shared/pyproject.toml \
  gateway/pyproject.toml services/*/pyproject.toml deploy/local/pyproject.toml; } | sha256sum | cut -d' ' -f1)
python_stamp=.venv/.complete

if [ "$(cat "$python_stamp" 2>/dev/null)" != "$python_key" ]; then
  python=$(find_python)
  uv=$(command -v uv || true)
  if [ -z "$uv" ] || ! "$uv" --version >/dev/null 2>&1; then
    uv=$root/.tools/bin/uv
    if [ "$("$uv" --version 2>/dev/null | cut -d' ' -f2)" != "$UV_VERSION" ]; then
      say "Installing uv $UV_VERSION"
      "$python" -m venv .tools
      .tools/bin/python -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION"
    fi
  fi
  export UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=${UV_LINK_MODE:-copy} VIRTUAL_ENV=$root/.venv
  .venv/bin/python -c '' >/dev/null 2>&1 || "$uv" venv --quiet --clear --python "$python" .venv
  say "Installing the Python packages of the lock"
  # Compiled here, once: programs that may not write (PYTHONDONTWRITEBYTECODE) would compile all of it at every start.
  "$uv" pip install --require-hashes --compile-bytecode -r requirements.lock -r requirements-dev.lock
  say "Installing the members of the workspace"
  mapfile -t members < <(.venv/bin/python -c '
import tomllib
for member in tomllib.load(open("pyproject.toml", "rb"))["tool"]["uv"]["workspace"]["members"]:
    print("--editable", member, sep="\n")')
  "$uv" pip install --quiet --no-deps "${members[@]}"
  echo "$python_key" >"$python_stamp"
fi
[ "$wanted" = python ] && exit 0

# --- servers: in a container engine, or as programs of this machine ---------------------------------------------

pom=deploy/local/config/pom.xml
jars_key=$(sha256sum "$pom" | cut -d' ' -f1)
jar_stamp() { cat "$state/lib/$1/.complete" 2>/dev/null; }
jars_complete() {
  local server
  for server in kafka cassandra opensearch; do [ "$(jar_stamp "$server")" = "$jars_key" ] || return 1; done
}

if [ -z "$(missing_for_servers)" ] && jars_complete; then
  exit 0
fi
# Where the stack runs in containers, their images bring the servers.
engine=$(.venv/bin/python -m photomesh_local engine)
[ "$engine" = native ] || exit 0
require missing_for_servers

declare -A megabytes=([kafka]=45 [cassandra]=67 [opensearch]=53)
for server in kafka cassandra opensearch; do
  folder=$state/lib/$server
  [ "$(jar_stamp "$server")" = "$jars_key" ] && continue
  say "Fetching the jars of $server (about ${megabytes[$server]} MB)"
  rm -rf "$folder.new"
  # Maven complains about \${jmc5.path} in a pom of Cassandra's; that is harmless, so its log is shown on failure only.
  mvn --batch-mode --no-transfer-progress -f "$pom" -P"$server" "$MAVEN_COPY" \
    -DincludeScope=runtime -DoutputDirectory="$folder.new" >"$state/maven-$server.log" 2>&1 ||
    { tail -n 30 "$state/maven-$server.log" >&2; fail "Maven failed (all of it: $state/maven-$server.log)"; }
  echo "$jars_key" >"$folder.new/.complete"
  rm -rf "$folder"
  mv "$folder.new" "$folder"
done
