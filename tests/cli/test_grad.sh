#!/usr/bin/env bash
# sac grad: the table and the JSON say what the library computed, plug-ins are loaded, plots are
# drawn, and bad input is named.
source "$SAC_SOURCE_DIR/tests/cli/lib.sh"
grad() { "$sac" grad "$@"; }

# --- the issue's own line: every estimator within five standard errors of the exact (5, -12)
grad --dist gamma --theta 2,1 --cost square --estimator all --n 20000 --seed 1 >table
awk 'NR == 1 { next }
  { rows++; seen[$1]++; bias = $6 < 0 ? -$6 : $6
    if ($5 != ($3 == "shape" ? 5 : -12) || bias > 5) { print "bad row: " $0; bad = 1 } }
  END { for (k in seen) kinds++; exit bad || kinds != 8 || rows < 18 }' table ||
  fail "the table of gamma: $(cat table)"
grep -q "^score *optimal " table || fail "no optimal baseline"
# what SAC uses has the least variance without a control variate
awk '$1 == "score" && $2 == "none" && $3 == "shape" { s = $7 } $1 == "implicit" && $3 == "shape" { i = $7 }
  END { exit !(i * 4 < s) }' table || fail "implicit is not four times below score"

# --- JSON: one array of objects with the promised keys
grad --dist gamma --theta 2,1 --cost square --n 2000 --json >out.json
python3 - <<'END' || fail "the JSON of gamma"
import json
rows = json.load(open("out.json"))
names = {row["estimator"] for row in rows}
assert names == {"score", "explicit", "implicit", "generalized", "rejection", "measure_valued",
                 "measure_valued_uncoupled", "finite_difference"}, names
for row in rows:
    assert {"estimator", "baseline", "gradient", "exact", "variance", "std_error", "calls",
            "seconds"} <= set(row), row
    assert len(row["gradient"]) == len(row["variance"]) == len(row["std_error"]) == 2
    assert all(abs(a - b) < 1e-8 for a, b in zip(row["exact"], [5, -12]))
    assert row["parameters"] == ["shape", "rate"] and row["n"] == 2000
explicit = [row for row in rows if row["estimator"] == "explicit"]
assert explicit[0]["gradient"][0] is None and explicit[0]["gradient"][1] is not None
assert explicit[0]["calls"] == 0 and explicit[0]["slope_calls"] == 2000
END
grad --dist mvn --dim 2 --theta 0,0,1,0,1 --cost critic --n 200 --json | python3 -c '
import json, sys
assert all(row["exact"] is None for row in json.load(sys.stdin))' || fail "exact is not null for mvn"

# --- several dimensions: exact for sums over the coordinates, and the estimates are near
for what in "mvn --dim 2 --theta 0.3,-0.2,1,0.5,0.8" "mvn_diagonal --dim 2 --theta 0.3,-0.2,1,0.8" \
  "dirichlet --dim 3 --theta 1,2,3" "mixture:normal --dim 2 --theta 0.1,-0.3,0,1,0.5,0.7,-1,0.6,1,0.9"; do
  # shellcheck disable=SC2086
  grad --dist $what --cost tanh --n 20000 --json | python3 -c '
import json, sys
for row in json.load(sys.stdin):
    for got, want, error in zip(row["gradient"], row["exact"], row["std_error"]):
        assert abs(got - want) <= 5 * error + 1e-5, (row["estimator"], row["baseline"], got, want, error)
' || fail "$what"
done

# --- parameters of one name are told apart, and their column is as wide as its widest
grad --dist mvn --dim 2 --theta 0,0,1,0.5,1 --n 50 >table
grep "^explicit" table | awk '{ print $3, $4 }' | paste -sd, |
  grep "^mean\[0\] .*,mean\[1\] .*,diagonal of,L below,diagonal of$" >/dev/null || fail "labels: $(cat table)"
[ "$(awk '{ print length($0) }' table | sort -u | wc -l)" -eq 1 ] || fail "columns: $(cat table)"

# --- the same seed gives the same numbers, another one others
once() { grad --dist beta --theta 2,3 --cost exp --n 500 --estimator implicit --seed "$1" --json | grep -A3 '"gradient"'; }
[ "$(once 3)" = "$(once 3)" ] || fail "a seed's answers differ"
[ "$(once 3)" != "$(once 4)" ] || fail "two seeds agree"

# --- each cost, and each kind of distribution
for cost in square exp cos tanh step critic; do
  grad --dist normal --theta 0.5,1 --cost $cost --n 200 >out || fail "cost $cost"
done
# d/dmean P(z > 0) = phi(1/2); pathwise gradients miss it, auto does not use them
grad --dist normal --theta 0.5,1 --cost step --n 200 --estimator auto |
  awk '$1 != "estimator" && ($1 != "measure_valued" || ($3 == "mean" && $5 < 0.352 || $5 > 0.353 && $3 == "mean")) { exit 1 }' ||
  fail "auto on a step"
grad --dist poisson --theta 3 --cost square --n 500 >/dev/null
grad --dist dirichlet --dim 3 --theta 1,2,3 --cost square --n 500 | grep "^gamma_ratio" >/dev/null || fail dirichlet
grad --dist mixture:normal --theta 0,0,-1,0.5,1,0.5 --cost tanh --n 500 | grep "^implicit" >/dev/null || fail mixture
grad --dist normal --theta 1,1 --n 500 --antithetic --estimator implicit >/dev/null
grad --dist gamma --theta 2,1 --n 500 --estimator rejection --set rejection_boost=4 >/dev/null

# --- a plug-in
"$CC" -std=c17 -shared -fPIC -I "$SAC_SOURCE_DIR/include" "$SAC_SOURCE_DIR/examples/cost/double_well.c" -o well.so
grad --dist normal --theta 0.5,1 --cost-plugin well.so --n 20000 --estimator implicit |
  awk '$3 == "mean" { m = $5 } $3 == "sd" { s = $5 } END { exit !(m == 4.5 && s == 11) }' || fail "double_well"
printf 'int nothing;\n' >empty.c
"$CC" -shared -fPIC empty.c -o empty.so
refuses 1 "has no sac_grad_plugin_entry" "$sac" grad --dist normal --theta 0,1 --cost-plugin ./empty.so
refuses 1 "another number of dimensions" "$sac" grad --dist mvn_diagonal --theta 0,0,1,1 --cost-plugin ./well.so
refuses 1 "missing.so" "$sac" grad --dist normal --theta 0,1 --cost-plugin ./missing.so
sed 's/SAC_GRAD_PLUGIN_ABI,/7,/' "$SAC_SOURCE_DIR/examples/cost/double_well.c" >old.c
"$CC" -std=c17 -shared -fPIC -I "$SAC_SOURCE_DIR/include" old.c -o old.so
refuses 1 "another version" "$sac" grad --dist normal --theta 0,1 --cost-plugin ./old.so

# --- bad input
refuses 2 "did you mean gamma" "$sac" grad --dist gama --theta 2,1
refuses 2 "gamma must have 2 (shape, rate)" "$sac" grad --dist gamma --theta 2
refuses 2 "has 3 numbers" "$sac" grad --dist gamma --theta 2,1,1
refuses 2 "'x' is not a number" "$sac" grad --dist gamma --theta 2,x
refuses 1 "rate = -1: must be in (0, inf)" "$sac" grad --dist gamma --theta 2,-1 --estimator implicit
refuses 2 "did you mean square" "$sac" grad --dist gamma --theta 2,1 --cost squar
refuses 2 "implicit" "$sac" grad --dist gamma --theta 2,1 --estimator implict
refuses 2 "has no estimator transport: it has score, implicit" "$sac" grad --dist gamma --theta 2,1 --estimator transport --n 10
refuses 2 "has no use for baseline leave_one_out" "$sac" grad --dist gamma --theta 2,1 --estimator implicit --baseline leave_one_out --n 10
refuses 2 "must have at least 2" "$sac" grad --dist gamma --theta 2,1 --estimator score --baseline leave_one_out --n 1
refuses 2 "must be even" "$sac" grad --dist gamma --theta 2,1 --estimator score --antithetic --n 3
refuses 2 "n = 1: baseline leave_one_out must have at least 2" "$sac" grad --dist gamma --theta 2,1 --baseline leave_one_out --n 1
refuses 2 "--k nan: must be finite" "$sac" grad --dist gamma --theta 2,1 --k nan
refuses 2 "a plug-in has no k" "$sac" grad --dist normal --theta 0,1 --k 2 --cost-plugin ./well.so
refuses 2 "did you mean --estimator" "$sac" grad --dist gamma --theta 2,1 --estimater score
refuses 2 "--dist is missing" "$sac" grad --theta 2,1
refuses 2 "--theta is missing" "$sac" grad --dist gamma
refuses 2 "--n = 0" "$sac" grad --dist gamma --theta 2,1 --n 0
refuses 2 "fd_step" "$sac" grad --dist gamma --theta 2,1 --set fd_step=3
refuses 2 "'word' is too many" "$sac" grad --dist gamma --theta 2,1 word
refuses 2 "one of --cost and --cost-plugin" "$sac" grad --dist gamma --theta 2,1 --cost exp --cost-plugin ./well.so
grad --help | grep "usage: sac grad" >/dev/null || fail "no help"
"$sac" help grad | grep "usage: sac grad" >/dev/null || fail "no help"

# --- plots, where cairo is
if "$sac" grad --dist normal --theta 1,1 --cost cos --n 100 --plot p.svg --sweep k=0.5:5 >p.csv 2>err; then
  head -n 1 p.csv | grep -x "k,estimator,baseline,parameter,variance" >/dev/null || fail "the CSV of a plot"
  [ "$(cut -d, -f1 p.csv | sort -u | wc -l)" -eq 26 ] || fail "not 25 points"
  python3 -c 'import xml.etree.ElementTree as e; assert e.parse("p.svg").getroot().tag.endswith("svg")' || fail "no SVG"
  refuses 2 "did you mean shape" "$sac" grad --dist gamma --theta 2,1 --plot q.svg --sweep shap=1:2
  refuses 2 "LOW below HIGH" "$sac" grad --dist gamma --theta 2,1 --plot q.svg --sweep shape=2:1
  refuses 2 "LOW below HIGH" "$sac" grad --dist gamma --theta 2,1 --plot q.svg --sweep shape=:1
  refuses 2 "a plug-in has no k" "$sac" grad --dist normal --theta 0,1 --cost-plugin ./well.so --plot q.svg --sweep k=1:2
  status=0
  grad --dist gamma --theta 2,1 --n 50 --plot no/such/folder.svg >/dev/null 2>err || status=$?
  [ $status -eq 1 ] && grep -q "no/such/folder.svg" err || fail "a plot that cannot be written: $(cat err)"
else
  grep -q libcairo2-dev err || fail "without cairo: $(cat err)"
  echo "built without cairo: plots are not tested"
fi
refuses 2 "--sweep is of --plot" "$sac" grad --dist gamma --theta 2,1 --sweep shape=1:2
