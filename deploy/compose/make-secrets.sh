#!/bin/sh
# Makes the secrets that compose.yaml names: those that are missing, and no other. The folder is for its owner alone; the
# files in it are read by the containers' user, which is another. An argument names another folder than secrets/.
set -eu
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"
umask 022
random() { openssl rand -hex 24; }
make() { [ -s "$1" ] || printf '%s\n' "$2" > "$1"; }
url() { printf 'postgres://%s:%s@postgres:5432/%s' "$1" "$2" "$3"; }
make postgres-password "$(random)"
make postgres-admin-url "$(url postgres "$(cat postgres-password)" postgres)"
make core-database-url "$(url bulkhead_core "$(random)" bulkhead)"
make signer-database-url "$(url bulkhead_signer "$(random)" bulkhead)"
make netflow-database-url "$(url bulkhead_netflow_consumer "$(random)" bulkhead)"
make signer-keys "compose:$(openssl rand -base64 32)"
make core-api-token "$(random)"
make grafana-password "$(random)"
