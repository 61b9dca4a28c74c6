# What quickstart.sh and test.sh share: system packages, a Python, an environment. Sourced, not run.
# shellcheck shell=bash

# Root's PATH lacks these after a plain `su`; cron's and CI's may too.
export PATH="$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
export DEBIAN_FRONTEND=noninteractive PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# Without it, apt-get on Ubuntu stops to ask which services to restart.
export NEEDRESTART_MODE=l

say() { printf '%s\n' "$*" >&2; }

in_step=false

# die SENTENCE...: one line each, exit code 4, as netlab itself says "this host cannot".
die() {
  if $in_step; then printf '\n' >&2; fi
  printf '%s\n' "$@" >&2
  exit 4
}

# begin TEXT, then finish [REMARK]: one line a step, with its time.
begin() {
  printf '  %-58s ' "$*" >&2
  in_step=true
  started=$EPOCHREALTIME
}
# shellcheck disable=SC2120  # the remark is given by those who source this
finish() {
  local us=$((${EPOCHREALTIME/[.,]/} - ${started/[.,]/}))
  in_step=false
  printf '%s %d.%d s\n' "${1:-done}" $((us / 1000000)) $((us / 100000 % 10)) >&2
}

# quietly CMD...: silent unless it fails; then all it printed, and its exit code.
quietly() {
  local log code=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 </dev/null || code=$?
  if ((code)); then
    printf 'failed\n\n' >&2
    cat "$log" >&2
    printf '\n' >&2
  fi
  rm -f "$log"
  return "$code"
}

require_root() {
  [[ $(id -u) == 0 ]] || die "This needs root: network namespaces and packages are root's." \
    "Type: sudo $1"
  [[ $(uname -s) == Linux ]] || die "This needs Linux: a lab is made of Linux network namespaces."
}

# missing_packages COMMAND:PACKAGE...: the packages of the commands that are not there.
missing_packages() {
  local pair
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || printf '%s\n' "${pair#*:}"
  done
}

# install_packages PACKAGE...: with apt-get, after one update. The name left of a | is preferred.
install_packages() {
  (($#)) || return 0
  command -v apt-get >/dev/null || die \
    "This system has no apt-get, so these packages are yours to install: ${*//|*/}" \
    "(Debian's names.) Then run this script again."
  quietly apt-get -q -o DPkg::Lock::Timeout=180 update || die \
    "apt-get update failed. Is there a network, and does /etc/apt name a mirror that answers?" \
    "Packages that are needed: ${*//|*/}"
  local name names=()
  for name in "$@"; do
    names+=("$(available "$name")")
  done
  without_starting_services quietly apt-get -q -y -o DPkg::Lock::Timeout=180 \
    --no-install-recommends install "${names[@]}" || die \
    "apt-get could not install: ${names[*]}" "What it said is above." \
    "Is there a network, and does /etc/apt name a mirror that has these packages?"
  # Labs have an nginx and an HAProxy of their own; the host's nginx would take port 80 at boot.
  for name in nginx haproxy; do
    if [[ " ${names[*]} " == *" $name"* ]]; then
      quietly update-rc.d "$name" disable
    fi
  done
}

# available FIRST|SECOND: the first of the two that apt knows.
available() {
  local name
  for name in ${1//|/ }; do
    if apt-cache show "$name" >/dev/null 2>&1; then
      printf '%s\n' "$name"
      return
    fi
  done
  printf '%s\n' "${1%%|*}"
}

# Run CMD while packages may not start daemons: nginx would take the host's port 80.
without_starting_services() {
  local policy=/usr/sbin/policy-rc.d
  if [[ -e $policy ]]; then
    "$@"
    return
  fi
  (
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    "$@"
  )
}

# system_packages COMMAND:PACKAGE...: install those that are missing, and say which.
system_packages() {
  local packages
  mapfile -t packages < <(
    python_packages
    missing_packages "$@"
  )
  if ((${#packages[@]} == 0)); then
    begin "System packages: nothing missing"
  else
    say "  Missing: ${packages[*]//|*/}"
    begin "System packages, by apt-get"
    install_packages "${packages[@]}"
    mapfile -t packages < <(missing_packages "$@")
    ((${#packages[@]} == 0)) || die "apt-get calls these packages installed, but their commands are" \
      "not on the PATH: ${packages[*]//|*/}" "Type: apt-get install --reinstall ${packages[*]//|*/}"
  fi
  finish
}

# find_python CHECK: the first Python 3.11 or later that passes the Python code CHECK.
# The system's own comes first: it outlives any user's.
find_python() {
  local candidate
  for candidate in /usr/bin/python3 python3 python3.{14,13,12,11} /usr/local/bin/python3; do
    "$candidate" -c "import sys
assert sys.version_info >= (3, 11)
$1
print(sys.executable)" 2>/dev/null && return
  done
  return 1
}

# python_packages: what must be installed before `make_environment` can work.
python_packages() {
  if find_python "import ensurepip, venv" >/dev/null || find_python "import virtualenv" >/dev/null
  then return; fi
  if find_python "" >/dev/null; then
    printf '%s\n' python3-venv
  else
    # Ubuntu 22.04's python3 is 3.10; it has 3.11 beside it.
    printf '%s\n' 'python3.11-venv|python3-venv'
  fi
}

# make_environment DIRECTORY: a virtual environment there, unless a working one is there already.
make_environment() {
  local python
  "$1/bin/python" -c 'import sys, pip; assert sys.version_info >= (3, 11)' 2>/dev/null && return
  rm -rf "$1"
  if python=$(find_python "import ensurepip, venv"); then
    quietly "$python" -m venv "$1"
  elif python=$(find_python "import virtualenv"); then
    quietly "$python" -m virtualenv "$1"
  else
    die "No Python 3.11 or later with venv was found (python3 here: $(python3 -V 2>&1 || true))." \
      "Debian 12 and Ubuntu 24.04 have one: apt-get install python3 python3-venv"
  fi
}

# fingerprint PATH...: a digest of the files under these paths, and of the Python that runs them.
fingerprint() {
  {
    find "$@" -type f -not -name '*.pyc' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
    find_python ""
  } | sha256sum | cut -d' ' -f1
}
