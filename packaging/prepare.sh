# Sourced by run.sh and test.sh: installs missing packages by name and builds a preset.
# Works as root or with sudo on Debian 12 and later.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }

# as_root COMMAND...: runs it as root.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    say "espalier: '$*' needs root and there is no sudo: run it as root, then start again."
    exit 3
  fi
}

# install_packages KIND...: installs the packages of these kinds that are missing.
install_packages() {
  local wanted=() missing=() package kinds
  kinds=$(IFS='|'; echo "$*")
  mapfile -t wanted < <(grep -E "^($kinds)[[:space:]]" "$root/packaging/packages.txt" | awk '{print $2}')
  if ! command -v dpkg-query >/dev/null; then
    say "espalier: this is not a Debian system. Install the equivalents of: ${wanted[*]}"
    return
  fi
  for package in "${wanted[@]}"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return
  say "espalier: installing ${#missing[@]} packages: ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# build_preset PRESET TARGET...: configures once and builds; quiet when there is nothing to do.
build_preset() {
  local preset=$1
  shift
  cd "$root"
  if [ ! -f "build/$preset/build.ninja" ]; then
    say "espalier: configuring build/$preset"
    cmake --preset "$preset" >/dev/null || cmake --preset "$preset"
  fi
  cmake --build --preset "$preset" --target "$@" >&2
}
