#!/usr/bin/env bash
# The libraries show the world nothing but names that begin with sac_: libsac.so by its dynamic
# symbols, and among them every function that the public headers declare with SAC_API.
set -euo pipefail
command -v nm >/dev/null || { echo "no nm here: skipped"; exit 77; }
exported=$(nm -D --defined-only "$SAC_BINARY_DIR/libsac.so" | awk '{print $3}' | sort)
foreign=$(grep -v '^sac_' <<<"$exported" || true)
if [ -n "$SAC_SANITIZE" ]; then foreign=; fi # the sanitizer has its own
# a declaration may take several lines; its name stands before the first parenthesis
declared=$(cat "$SAC_SOURCE_DIR"/include/sac/*.h | sed -n '/^SAC_API/,/;/p' | tr '\n' ' ' |
  grep -o 'SAC_API [^;(]*(' | sed 's/.*[ *]\([a-z0-9_]*\)($/\1/' | sort -u)
missing=$(comm -13 <(echo "$exported") <(echo "$declared"))
extra=$(comm -23 <(echo "$exported") <(echo "$declared"))
echo "$(wc -l <<<"$exported") symbols are exported, $(wc -l <<<"$declared") declared"
[ -z "$foreign" ] || { echo "not ours:" "$foreign"; exit 1; }
[ -z "$missing" ] || { echo "declared, not exported:" "$missing"; exit 1; }
[ -z "$extra" ] || { echo "exported, not declared:" "$extra"; exit 1; }
