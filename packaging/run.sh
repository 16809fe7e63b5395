#!/usr/bin/env bash
# Installs what is missing, builds, and starts the workbench on the built-in lab. Without a display it runs the lab's
# default recipes on the command line, and prints where the report is.
#   packaging/run.sh                     the workbench, or the default job
#   packaging/run.sh -- inspect FOLDER   any verb of the command line
set -euo pipefail
. "$(dirname "$0")/prepare.sh"

install_packages build
build_preset release all

bin="$root/build/release/bin"
if [ "${1:-}" = -- ]; then
  shift
  exec "$bin/espalier" "$@"
fi
if [ $# -gt 0 ]; then
  say "espalier: unknown argument '$1'. Arguments for the command line go after --, as in: packaging/run.sh -- --help"
  exit 2
fi
if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
  exec "$bin/espalier-workbench" lab
fi
say "espalier: no display, running the lab's default recipes on the command line"
output="$root/build/release/lab-report"
mkdir -p "$output"
exec "$bin/espalier" run --default --report "$output/report.html" --svg "$output/tradeoff.svg"
