# What quickstart.sh and vm/provision share: netlab in /opt/netlab, its commands on sudo's PATH.
# Sourced after provision.sh, with `checkout` set; not run.
# shellcheck shell=bash

: "${checkout:?}"
environment=/opt/netlab
links=/usr/local/bin

install_netlab() {
  local copy print build=()
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
  # Without a second environment to build in, where this one has what that would get.
  if "$environment/bin/python" -c 'import setuptools
assert int(setuptools.__version__.split(".")[0]) >= 77' 2>/dev/null; then
    build=(--no-build-isolation)
  fi
  # Built from a copy: a build in the checkout would leave root's files in it.
  copy=$(mktemp -d)
  tar -C "$checkout" --exclude=./.git --exclude=./.venv --exclude=./build --exclude='./*.egg-info' \
    -cf - . | tar -C "$copy" -xf -
  quietly "$environment/bin/python" -m pip install --quiet --upgrade "${build[@]}" "$copy" || {
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

# install_all [COMMAND:PACKAGE...]: what a lab runs and these packages; netlab; its commands. `command`
# is then the name under which netlab is called here.
install_all() {
  # curl and ping are for callers in labs, nginx, busybox and HAProxy for the images of those names
  # and for load balancers, nft for its mode of kube-proxy, tcpdump (with libpcap) for captures.
  system_packages ip:iproute2 iptables-restore:iptables nft:nftables curl:curl ps:procps \
    ping:iputils-ping tcpdump:tcpdump nginx:'nginx-light|nginx' haproxy:haproxy busybox:busybox "$@"
  install_netlab
  link_commands
  say "  $("$links/$command" --version)"
}
