#!/usr/bin/env bash
# Installs what is missing, builds, checks the format of the code, and runs every test that needs no GPU.
# With ESPALIER_TIDY=1 clang-tidy runs too. Ends with ctest's own summary.
set -euo pipefail
. "$(dirname "$0")/prepare.sh"

install_packages build test
cd "$root"
# Debian 12's: later ones lay some lines out otherwise.
if ! clang-format --version | grep -q 'version 14\.'; then
  say "espalier: the format of the code is not checked: that takes clang-format 14, this is $(clang-format --version)"
elif git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
  git ls-files '*.h' '*.cpp' | xargs -r clang-format --dry-run --Werror
fi
build_preset ci all
if [ "${ESPALIER_TIDY:-}" = 1 ]; then
  # The torch-free half, without precompiled headers: clang cannot read the other compiler's.
  rooms='base|formats|text|recipe|jobs|model|inspect|data|engine|workspace|measure'
  say "espalier: clang-tidy"
  cmake --preset tidy >/dev/null && cmake --build --preset tidy
  run-clang-tidy -quiet -p build/tidy -j 2 "^$root/core/($rooms)/" >build/tidy/clang-tidy.log 2>&1 ||
    { grep -E '(error|warning):' build/tidy/clang-tidy.log | sort -u >&2; exit 3; }
fi
export OMP_WAIT_POLICY=passive
ctest --preset ci --label-exclude gpu "$@"
