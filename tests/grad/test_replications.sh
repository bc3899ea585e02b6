#!/usr/bin/env bash
# The tables of gradient estimators, in short: every variance by quadrature against its closed form
# (1e-10) and the digits of an independent computation, and against the samples of sac_grad (5 standard errors; about 150
# of them with fixed streams, so a false alarm is a matter of the code and not of the day).
# script/replications has the long form.
set -euo pipefail
replications=$SAC_BINARY_DIR/replications
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for table in normal gamma transport beta; do
  "$replications" $table --samples 20000 >"$work/$table.csv" || { echo "FAILED: $table"; exit 1; }
done
rows() { awk -F, -v c="$2" 'NR > 1 && $c != ""' "$work/$1.csv" | wc -l; }
# how many numbers there are against something: closed forms (column 6), references (7), samples (8)
for expected in "normal 6 66" "normal 7 80" "normal 8 80" "gamma 6 14" "gamma 7 19" "gamma 8 19" \
  "transport 6 14" "transport 7 7" "transport 8 14" "beta 6 10" "beta 7 7" "beta 8 20"; do
  read -r table column count <<<"$expected"
  [ "$(rows "$table" "$column")" -eq "$count" ] ||
    { echo "FAILED: $table, column $column: $(rows "$table" "$column") numbers, not $count"; exit 1; }
done

# the accuracy protocol against mpmath: the published mean absolute errors are 1.48e-12 and 2.17e-6
if [ -n "${SAC_TEST_PYTHON:-}" ]; then
  "$replications" accuracy --shapes 30 --draws 5 >"$work/accuracy.csv"
  "$SAC_TEST_PYTHON" - "$SAC_SOURCE_DIR/tests/oracle" "$work/accuracy.csv" <<'PYTHON'
import csv, sys
sys.path.insert(0, sys.argv[1])
import mpmath as mp
from dist_series import gamma_lower
mp.mp.dps = 40
errors = {"": [], "_f32": []}
for row in csv.DictReader(open(sys.argv[2])):
    for kind, found in errors.items():
        shape, z, got = (float(row[name + kind]) for name in ("shape", "z", "velocity"))
        want = gamma_lower(mp.mpf(shape), mp.mpf(z))[2] * mp.mpf(z) if z > 0 else 0
        found.append(float(abs(want - mp.mpf(got))))
double, single = (sum(found) / len(found) for found in errors.values())
print(f"{len(errors[''])} points: mean absolute error {double:.2e} (double), {single:.2e} (single)")
assert len(errors[""]) == 150 and double < 1e-14 and single < 1e-6
PYTHON
fi
echo "the tables hold"
