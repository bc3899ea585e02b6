#!/usr/bin/env bash
# The variational example: both gradients climb, the implicit one further in as many steps, and its
# numbers are the same at every call. Counts of two kinds of rows, made here.
set -euo pipefail
gamma_def=$SAC_BINARY_DIR/examples/gamma_def
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() {
  echo "FAILED: $*"
  exit 1
}

for i in $(seq 40); do
  if [ $((i % 2)) -eq 0 ]; then echo "9,$((i % 5 + 6)),7,0,0,1,0,$((i % 3))"; else
    echo "0,1,0,$((i % 7 + 5)),8,9,$((i % 4 + 4)),0"; fi
done >counts.csv

for estimator in implicit local generalized; do
  "$gamma_def" counts.csv --estimator $estimator --steps 300 --eta 0.1 >$estimator.csv
  echo "$estimator: $(tail -n 1 $estimator.csv)"
done
bound() { cut -d, -f3 "$1" | sed -n "$2p"; }
more() { awk -v a="$1" -v b="$2" 'BEGIN {exit !(a > b)}'; }
for estimator in implicit local generalized; do
  more "$(bound $estimator.csv '$')" "$(bound $estimator.csv 2)" || fail "$estimator does not climb"
done
# by far more than the bound's own error, and than the others gain
for estimator in local generalized; do
  more "$(bound implicit.csv '$')" "$(awk -v a="$(bound $estimator.csv '$')" 'BEGIN {print a + 100}')" ||
    fail "implicit is not ahead of $estimator"
done
"$gamma_def" counts.csv --estimator implicit --steps 300 --eta 0.1 | cut -d, -f1,3,4 |
  diff - <(cut -d, -f1,3,4 implicit.csv) || fail "two calls differ"

echo "1,2,x" >bad.csv
printf '1,2,3\n4,5\n' >short.csv
for file in bad.csv short.csv none.csv; do
  ! "$gamma_def" $file --steps 1 >/dev/null 2>err || fail "$file is accepted"
  grep -q "$file" err || fail "no word about $file: $(cat err)"
done
