#!/bin/sh
# Gives a machine that has no container engine what tests/container needs. For CI:
#
#   tests/container/install_engine.sh build/engine > build/engine.env && . build/engine.env
#   python -m pytest -m container tests/container
#
# Prints export lines on stdout and what it does on stderr. It changes nothing where an engine
# works already. Where none can be installed it says why and ends with 0: the tests then skip,
# with their own reason. Needs root and apt; nothing keeps running afterwards.
set -u

folder=${1:?usage: install_engine.sh SCRATCH_FOLDER}
here=$(cd "$(dirname "$0")" && pwd)
base=$(sed -n 's/^ARG BASE_IMAGE=//p' "$here/../../containers/trainer/Dockerfile")

say() { echo "install_engine: $*" >&2; }
give_up() { say "$*: the container tests will be skipped"; exit 0; }

if docker version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1; then
  say "docker works"; echo "export WARMFOLD_ENGINE=docker"; exit 0
fi

mkdir -p "$folder/storage" "$folder/run" || give_up "cannot write $folder"
folder=$(cd "$folder" && pwd)

if ! command -v podman >/dev/null; then
  [ "$(id -u)" = 0 ] || give_up "no engine, and only root can install one"
  command -v apt-get >/dev/null || give_up "no engine, and no apt-get to install one"
  say "installing podman"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
      --no-install-recommends podman runc netavark iptables; } >"$folder/apt.log" 2>&1 \
    || give_up "podman could not be installed ($folder/apt.log)"
fi

# Limits that a machine without CAP_SYS_RESOURCE may set, and a runtime that takes hybrid cgroups.
cat >"$folder/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
CONF
# Storage of our own, so that it goes with the folder.
cat >"$folder/storage.conf" <<CONF
[storage]
driver = "overlay"
graphroot = "$folder/storage"
runroot = "$folder/run"
CONF
export CONTAINERS_CONF="$folder/containers.conf" CONTAINERS_STORAGE_CONF="$folder/storage.conf"
podman info >/dev/null 2>"$folder/podman.log" || give_up "podman does not run ($folder/podman.log)"

stand_in=localhost/warmfold-base:stand-in
if podman image exists "$stand_in"; then
  base=$stand_in
elif ! podman image exists "$base" && ! timeout 120 podman pull --quiet "$base" >/dev/null 2>&1; then
  # A stand-in, since nothing else has that digest: the distribution's own Python on the smallest
  # Debian.
  say "$base cannot be pulled: making a stand-in from Debian packages"
  command -v mmdebstrap >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
    --no-install-recommends mmdebstrap >>"$folder/apt.log" 2>&1 \
    || give_up "mmdebstrap could not be installed ($folder/apt.log)"
  mmdebstrap --variant=minbase --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --include=usr-is-merged,ca-certificates,python3,python3-venv,python3-pip,python-is-python3 \
    bookworm "$folder/base.tar" >"$folder/base.log" 2>&1 \
    || give_up "the stand-in could not be made ($folder/base.log)"
  podman import --quiet --change 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin' \
    --change 'ENV LANG=C.UTF-8' --change 'CMD ["python3"]' "$folder/base.tar" "$stand_in" >/dev/null \
    || give_up "the stand-in could not be imported"
  rm -f "$folder/base.tar"
  base=$stand_in
fi

say "podman works"
echo "export WARMFOLD_ENGINE=podman WARMFOLD_BASE_IMAGE='$base'"
echo "export CONTAINERS_CONF='$CONTAINERS_CONF' CONTAINERS_STORAGE_CONF='$CONTAINERS_STORAGE_CONF'"
