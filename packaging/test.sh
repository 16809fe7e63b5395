#!/usr/bin/env bash
# Installs what is missing, builds, checks the format of the code, and runs every test that needs no GPU.
# Ends with ctest's own summary.
set -euo pipefail
. "$(dirname "$0")/prepare.sh"

install_packages build test
cd "$root"
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
  git ls-files '*.h' '*.cpp' | xargs -r clang-format --dry-run --Werror
fi
build_preset ci all
export OMP_WAIT_POLICY=passive
ctest --preset ci --label-exclude gpu "$@"
