#!/usr/bin/env bash
# sac verify: every equation holds on the distributions and costs that were promised, and the table and
# the JSON say the same. That a wrong velocity is found is tests/cli/test_verify.c.
source "$SAC_SOURCE_DIR/tests/cli/lib.sh"

"$sac" verify >table 2>summary || fail "a row fails: $(grep 'NO$' table; cat summary)"
cat summary
! grep -q 'NO$' table || fail "exit 0 with a failed row"
rows() { # rows EQUATION COLUMN: how many different words it has there
  awk -v e="$1" -v c="$2" '$1 == e {print $c}' table | sort -u | wc -l
}
for equation in leibniz score boundary primitive order implicit final; do
  [ "$(rows $equation 2)" -ge 8 ] || fail "$equation: fewer than eight distributions"
  [ "$(rows $equation 4)" -eq 4 ] || fail "$equation: not four costs"
done
for equation in inverse path golden; do
  [ "$(rows $equation 2)" -ge 8 ] || fail "$equation: fewer than eight distributions"
done
for equation in end-boundary end-score end-final jump-implicit jump-score policy-first policy-score \
  policy-gradient; do
  [ "$(rows $equation 2)" -ge 1 ] || fail "no row of $equation"
done

# what goes wrong where the boundary term stays is no rounding error
awk '$1 == "end-score" || $1 == "jump-implicit" {if ($5 * $5 < 1e-4) exit 1}' table ||
  fail "the gap of a boundary term is not there"

# the JSON has the same rows, in the same order, and the same numbers at each call
"$sac" verify --json >json 2>/dev/null
grep -o '"equation": "[a-z-]*"' json | cut -d'"' -f4 >names
awk 'NR > 1 {print $1}' table | diff - names || fail "the JSON has other rows than the table"
[ "$(grep -c '"pass": true' json)" -eq "$(wc -l <names)" ] || fail "a row of the JSON does not pass"
grep -o '"right": [^,]*' json | cut -d' ' -f2 >right
awk 'NR > 1 {print $6}' table | paste - right |
  awk '{d = $1 - $2; if (d * d > 1e-24 * (1 + $1 * $1)) exit 1}' || fail "two calls differ"

refuses 2 "takes no word" "$sac" verify gamma
refuses 2 "--jso" "$sac" verify --jsno
echo "all rows hold"
