#!/usr/bin/env bash
# From a fresh Debian 12 or Ubuntu 24.04 to a running lab: sudo scripts/quickstart.sh
#
# Installs the system packages that are missing, puts netlab into /opt/netlab and a link to it into
# /usr/local/bin, brings the default lab up and runs the NodePort demonstration. Twice is once.
set -euo pipefail

checkout=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
environment=/opt/netlab
links=/usr/local/bin
# shellcheck source=scripts/provision.sh
source "$checkout/scripts/provision.sh"

install_netlab() {
  local copy print
  begin "Python environment $environment"
  make_environment "$environment"
  finish
  begin "netlab and its Python packages"
  print=$(fingerprint "$checkout/netlab" "$checkout/pyproject.toml")
  if [[ $(cat "$environment/installed" 2>/dev/null) == "$print" ]]; then
    finish "already there;"
    return
  fi
  rm -f "$environment/installed"
  # Built from a copy: a build in the checkout would leave root's files in it.
  copy=$(mktemp -d)
  tar -C "$checkout" --exclude=./.git --exclude=./.venv --exclude=./build --exclude='./*.egg-info' \
    -cf - . | tar -C "$copy" -xf -
  quietly "$environment/bin/python" -m pip install --quiet --upgrade "$copy" || {
    rm -rf "$copy"
    die "pip could not install netlab; what it said is above. It needs to reach a package index."
  }
  rm -rf "$copy"
  printf '%s\n' "$print" >"$environment/installed"
  finish
}

# link NAME: into the directory where sudo finds it; another tool's command of that name stays.
link() {
  local at=$links/$1
  if [[ -L $at && $(readlink "$at") == "$environment/bin/$1" ]]; then
    return
  fi
  if [[ -e $at || -L $at ]]; then
    return 1
  fi
  mkdir -p "$links"
  ln -s "$environment/bin/$1" "$at"
}

link_commands() {
  local found
  begin "Commands in $links"
  link k8s-netlab || die "$links/k8s-netlab is in the way; move it and run this again."
  command=k8s-netlab
  if link netlab; then
    found=$(PATH="${PATH#"$environment/bin:"}" command -v netlab)
    if [[ $found == "$links/netlab" || $(readlink -f "$found") == "$environment"/* ]]; then
      command=netlab
      finish "netlab, k8s-netlab;"
    else
      finish "netlab, k8s-netlab;"
      say "    $found is another command called netlab and comes first on the PATH:" \
        "use k8s-netlab for this one."
    fi
  else
    finish "k8s-netlab;"
    say "    $links/netlab belongs to another tool and stays: use k8s-netlab for this one."
  fi
}

require_root scripts/quickstart.sh
cd /
say "netlab: a Kubernetes Service network in this kernel"
# curl is for callers in labs, nginx and busybox for the images of those names.
system_packages ip:iproute2 iptables-restore:iptables curl:curl ps:procps \
  nginx:'nginx-light|nginx' busybox:busybox
install_netlab
link_commands
version=$("$links/$command" --version)
say "  $version"
say ""
say "\$ sudo $command up"
"$links/$command" up
say ""
say "\$ sudo $command demo nodeport"
"$links/$command" demo nodeport
cat >&2 <<END

The lab is running. What next:

  sudo $command status                                    hosts, Services and where they lead
  sudo $command demo nodeport-local                       the same calls, now with the client's address kept
  sudo $command exec node1 -- iptables-save -t nat        the rules, as kube-proxy lays them
  sudo $command shell client                              a shell on the internet side
  sudo $command down                                      remove all of it
END
