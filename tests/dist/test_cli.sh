#!/usr/bin/env bash
# sac dist: rows in, rows out; the numbers are those of closed forms, and bad input is named.
source "$SAC_SOURCE_DIR/tests/cli/lib.sh"

# gives INPUT WANT ARGS...: the program's row is WANT, number by number within 1e-14
gives() {
  local input=$1 want=$2 got
  shift 2
  got=$(printf '%s\n' "$input" | "$sac" dist "$@") || fail "dist $* ends with $?"
  awk -v got="$(echo $got)" -v want="$want" 'BEGIN {
    n = split(got, g, " "); m = split(want, w, " ")
    if (n != m) exit 1
    for (i = 1; i <= m; i++) { d = g[i] - w[i]; if (d < 0) d = -d
      s = w[i] < 0 ? -w[i] : w[i]; if (d > 1e-14 * (s + 1e-300)) exit 1 } }' ||
    fail "dist $*: '$got', not '$want'"
}

gives "1 2 0.25" 0.1931471805599453 gamma logpdf       # log 2 - 2/4
gives "1 2 0.25" 1.2130613194252668 gamma pdf          # 2 e^-1/2
gives "1, 2, 0.25" 0.3934693402873666 gamma cdf        # 1 - e^-1/2; commas
gives "1 2 0.25" 0.6065306597126334 gamma cdf --upper
gives "1 2 0.3934693402873666" 0.25 gamma quantile
gives "5 1 3" "0.79185673480243416 -3" gamma velocity  # quoted in the literature's tables
gives "2 3 0.25" "0.13514287545146452 -0.063360906697654156" beta velocity
gives "2 4" "0.5" gamma mean
gives "2 4" "0.125" gamma variance
gives "2 4" "0.25" gamma mode
gives "2" "0.3068528194400547" exponential entropy     # 1 - log 2
gives "1 2" "0.3068528194400547" exponential kl        # 2 - 1 - log 2
gives "0 1 2" "2 3" normal score
gives $'0 1 0\n0 2 0' "-0.9189385332046727 -1.612085713764618" normal logpdf
gives "0.2 0.3 0.5" "0.6931471805599453" dirichlet logpdf --dim 3 --theta 1,1,1
gives "0.3 0.3 0 1 0 1 0.5" "0 0 0.5 0.25 0.5 0.25" mixture:normal velocity

gives "0.2 0.2 3 1 -2 1 3 1 -2 1" "3 -2" mixture:normal mode --dim 2
[ -z "$("$sac" dist gamma cdf </dev/null)" ] || fail "no rows in, but rows out"

# draws: as many as asked for, the same for a seed, and another seed differs
[ "$("$sac" dist gamma sample --theta 2,1 --n 1000 --seed 3 | wc -l)" -eq 1000 ] || fail "not 1000 draws"
one=$("$sac" dist beta sample --theta 2,1 --n 5 --seed 3)
[ "$one" = "$("$sac" dist beta sample --theta 2,1 --n 5 --seed 3)" ] || fail "a seed's draws differ"
[ "$one" != "$("$sac" dist beta sample --theta 2,1 --n 5 --seed 4)" ] || fail "two seeds agree"
"$sac" dist gamma sample --theta 1e-6,1 --n 100 --latent | awk 'NF != 2 || $2 > 0 { exit 1 }' ||
  fail "no log z beside a z of 0"

"$sac" dist | grep "^student_t .*df \[1e-100, 1e+100\]" >/dev/null || fail "the list has no student_t"
"$sac" dist --json | grep '"name": "von_mises"' >/dev/null || "$sac" dist --json | grep -q '"name":"von_mises"' ||
  fail "the JSON list has no von_mises"

refuses 2 "did you mean gamma" "$sac" dist gama pdf
refuses 2 "did you mean logpdf" "$sac" dist gamma logpd
refuses 2 "poisson has no velocity" "$sac" dist poisson velocity
refuses 2 "NAME and WHAT" "$sac" dist gamma
refuses 2 "must be in [2, 64]" "$sac" dist dirichlet mean --dim 1
refuses 1 "must have 2" "$sac" dist gamma mean --theta 1
refuses 2 "sac: --n = 0: must be an integer" "$sac" dist gamma sample --theta 2,1 --n 0
refuses 2 "has no entropy in 5 dimensions" "$sac" dist mixture:normal entropy --dim 5

# a bad row: nothing is written, not even the good rows before it
says() { # says WORDS INPUT ARGS...
  local words=$1 input=$2 status=0
  shift 2
  printf '%b' "$input" | "$sac" dist "$@" >out 2>err || status=$?
  [ "$status" -eq 1 ] || fail "dist $*: exit $status, not 1"
  grep -qF -- "$words" err || fail "dist $*: '$(cat err)' does not say '$words'"
  [ ! -s out ] || fail "dist $*: prints data"
}
says "row 1, column 0, shape = -1: must be in [1e-100, 1e+100]" "1 1 1\n-1 1 1\n" gamma cdf
says "column 2, z = 2: must be in [0, 1]" "1 1 2\n" beta pdf
says "rate = nan" "1 nan 2\n" gamma pdf
says "line 2: 'x' is not a number" "1 1 1\n1 x 1\n" gamma pdf
says "line 1 has 2 numbers: must have 3" "1 1\n" gamma pdf
says "the mean does not exist" "0 1\n" cauchy mean
echo passed
