#!/usr/bin/env bash
# Installs this build into an empty folder, moves that folder, and builds a project of somebody else
# against it: by find_package and by pkg-config, shared and static. Each program must run and say the
# same as the others; the installed `sac` must find its plug-ins where they now are.
set -euo pipefail
if [ -n "$SAC_SANITIZE" ]; then
  echo "a sanitized library needs a sanitized program: skipped"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$SAC_BINARY_DIR" --prefix "$work/first" >"$work/log"
mv "$work/first" "$work/prefix"
prefix=$work/prefix
libdir=$(dirname "$(find "$prefix" -name libsac.a)")

# nothing that is installed may point back into the tree or the build; a path begins after a character
# that is none of a path, so that a tree in /sac is not seen in lib/cmake/sac
for folder in "$SAC_SOURCE_DIR" "$SAC_BINARY_DIR"; do
  quoted=$(sed 's/[][\.*^$+?(){}|]/\\&/g' <<<"$folder")
  if grep -rIlE "(^|[^A-Za-z0-9_./}-])$quoted(/|[^A-Za-z0-9_.-]|$)" "$prefix"; then
    echo "these files name $folder"
    exit 1
  fi
done

cmake -S "$SAC_SOURCE_DIR/tests/package/consumer" -B "$work/consumer" -G Ninja \
  -DCMAKE_C_COMPILER="$CC" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" || { cat "$work/log"; exit 1; }
cmake --build "$work/consumer"
said=$("$work/consumer/with_shared")
echo "$said"
[ "$("$work/consumer/with_static")" = "$said" ]

export PKG_CONFIG_PATH=$libdir/pkgconfig
read -ra flags <<<"$(pkg-config --cflags --libs sac)"
"$CC" -std=c17 -Wall -Werror "$SAC_SOURCE_DIR/tests/package/consumer/main.c" -o "$work/by_pkg_config" \
  "${flags[@]}"
[ "$(LD_LIBRARY_PATH=$libdir "$work/by_pkg_config")" = "$said" ]
# --static adds the private libraries; the archive is named, or the linker would take libsac.so
read -ra flags <<<"$(pkg-config --static --cflags --libs sac | sed "s|-lsac|$libdir/libsac.a|")"
"$CC" -std=c17 -Wall -Werror "$SAC_SOURCE_DIR/tests/package/consumer/main.c" -o "$work/by_pkg_config" \
  "${flags[@]}"
[ "$("$work/by_pkg_config")" = "$said" ]

# the program, far from its build folder: every task that it has there it has here
tasks() { "$@" envs --json | python3 -c 'import json, sys; print(*[t["id"] for t in json.load(sys.stdin)])'; }
there=$(tasks "$SAC_PROGRAM")
here=$(tasks "$prefix/bin/sac")
echo "tasks: $here"
[ "$here" = "$there" ]
