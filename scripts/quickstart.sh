#!/usr/bin/env bash
# From a fresh Debian 12 or 13, Ubuntu 22.04 or 24.04, to a running lab: sudo scripts/quickstart.sh
#
# Installs the system packages that are missing, puts netlab into /opt/netlab and a link to it into
# /usr/local/bin, brings the default lab up and runs the NodePort demonstration. Twice is once.
set -euo pipefail

checkout=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck source=scripts/provision.sh
source "$checkout/scripts/provision.sh"
# shellcheck source=scripts/install.sh
source "$checkout/scripts/install.sh"

require_root scripts/quickstart.sh
cd /
say "netlab: a Kubernetes Service network in this kernel"
# shellcheck disable=SC2119  # no packages but a lab's own
install_all
say ""
say "\$ sudo $command up"
"$links/$command" up
say ""
say "\$ sudo $command demo nodeport --draw 0"
"$links/$command" demo nodeport --draw 0
cat >&2 <<END

The lab is running. What next:

  sudo $command demo nodeport --draw 2   step 2 drawn: packets and rules
  sudo $command demo nodeport-local      the client's address is kept
  sudo $command status                   hosts, and where Services lead
  sudo $command exec node1 -- iptables-save -t nat
                                       the rules, as kube-proxy lays them
  sudo $command shell client             a shell on the internet side
  sudo $command down                     remove all of it
END
