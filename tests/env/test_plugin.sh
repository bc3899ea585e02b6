#!/usr/bin/env bash
# A plug-in written against the public headers alone, linked with nothing, works with the program
# (which exports the library's functions), with a program that uses libsac.so, and where libsac.so was
# itself loaded for one module only, as Python's ctypes loads it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
plugin=$work/libsledge.so
strict="-Wall -Wextra -Wpedantic -Werror"
include=$SAC_SOURCE_DIR/include

"$CC" -std=c17 $strict -shared -fPIC -I "$include" "$SAC_SOURCE_DIR/examples/plugin/sledge.c" -o "$plugin"
# it does ask for the library's functions, or this test shows nothing
nm -D --undefined-only "$plugin" | grep sac_fail >/dev/null
nm -D --undefined-only "$plugin" | grep sac_stream_uniform >/dev/null

said=$("$SAC_PROGRAM" envs --check "$plugin")
echo "program: $said"
[ "$said" = "Sledge-v0 ok" ]

if [ -n "$SAC_SANITIZE" ]; then exit 0; fi # the library needs a sanitized program
cat >"$work/host.c" <<'END'
#include <sac/env.h>
#include <stdio.h>
int main(int argc, char **argv) {
  sac_registry *registry;
  sac_error err = {0};
  if (sac_registry_create(&registry, &err) || sac_registry_load(registry, argv[argc - 1], &err))
    return puts(err.msg), 1;
  const sac_env_api *task = sac_registry_find(registry, "Sledge-v0", &err);
  if (!task || sac_env_check(task, 1, 1000, &err)) return puts(err.msg), 1;
  puts("Sledge-v0 ok");
  sac_registry_destroy(registry);
}
END
"$CC" -std=c17 $strict -I "$include" "$work/host.c" -o "$work/host" -L "$SAC_BINARY_DIR" -lsac \
  -Wl,-rpath,"$SAC_BINARY_DIR"
said=$("$work/host" "$plugin")
echo "program with libsac.so: $said"
[ "$said" = "Sledge-v0 ok" ]

# linked with libsac.a and exporting nothing: then the plug-in brings its own copy
# shellcheck disable=SC2046 # the flags are words
"$CC" -std=c17 $strict -I "$include" "$work/host.c" -o "$work/closed" "$SAC_BINARY_DIR/libsac.a" \
  $(pkg-config --libs jansson libxxhash) -lpthread -ldl -lm
if "$work/closed" "$plugin"; then
  echo "a program that exports nothing should not have had sac_fail for the plug-in"
  exit 1
fi
"$CC" -std=c17 $strict -shared -fPIC -I "$include" "$SAC_SOURCE_DIR/examples/plugin/sledge.c" \
  -o "$work/libwhole.so" "$SAC_BINARY_DIR/libsac.a" -Wl,--exclude-libs,ALL -lm
said=$("$work/closed" "$work/libwhole.so")
echo "program with libsac.a: $said"
[ "$said" = "Sledge-v0 ok" ]

command -v python3 >/dev/null || { echo "no python3: its part is left out"; exit 0; }
python3 - "$SAC_BINARY_DIR/libsac.so" "$plugin" <<'END'
import ctypes as c, sys
lib = c.CDLL(sys.argv[1])  # RTLD_LOCAL
registry, err = c.c_void_p(), c.create_string_buffer(600)
lib.sac_registry_find.restype = c.c_void_p
assert lib.sac_registry_create(c.byref(registry), err) == 0, err.raw
assert lib.sac_registry_load(registry, sys.argv[2].encode(), err) == 0, err.raw[4:]
task = lib.sac_registry_find(registry, b"Sledge-v0", err)
assert task, err.raw[4:]
assert lib.sac_env_check(c.c_void_p(task), c.c_uint64(1), c.c_size_t(1000), err) == 0, err.raw[4:]
print("ctypes: Sledge-v0 ok")
END
