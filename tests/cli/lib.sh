# What the tests of the program share. Source it; it makes $work, which goes at the end.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sac=$SAC_PROGRAM
cd "$work"
# fontconfig, behind cairo's plots, keeps what it finds: no leak of ours
echo 'leak:libfontconfig' >leaks
export LSAN_OPTIONS=suppressions=$work/leaks:print_suppressions=0

fail() { # fail WORDS: the test ends here
  echo "FAILED: $*"
  exit 1
}

# refuses CODE WORDS COMMAND...: the command ends with CODE, says WORDS on stderr, prints no data
refuses() {
  local code=$1 words=$2 status=0
  shift 2
  "$@" >out 2>err </dev/null || status=$?
  printf '%s\n    %s\n' "$*" "$(cat err)"
  [ "$status" -eq "$code" ] || fail "exit $status, not $code"
  grep -qF -- "$words" err || fail "does not say '$words'"
  [ ! -s out ] || fail "prints data: $(cat out)"
}

# same_run A B: every file of both checkpoints is the same, and the tables but for the clock's columns
same_run() {
  local a b
  a=$(cd "$1/checkpoint" && find . -type f -exec sha256sum {} + | sort -k 2)
  b=$(cd "$2/checkpoint" && find . -type f -exec sha256sum {} + | sort -k 2)
  [ "$a" = "$b" ] || fail "the checkpoints of $1 and $2 differ:
$a
$b"
  diff <(cut -d, -f1,3- "$1/eval.csv") <(cut -d, -f1,3- "$2/eval.csv") ||
    fail "eval.csv of $1 and $2 differ"
  diff <(cut -d, -f1,3-15,18 "$1/metrics.csv") <(cut -d, -f1,3-15,18 "$2/metrics.csv") ||
    fail "metrics.csv of $1 and $2 differ"
}

# a run on a small network: train TASK DIR [flags]
train() {
  local task=$1 dir=$2
  shift 2
  "$sac" train "$task" --out "$dir" --quiet --threads 1 --eval-episodes 2 --set warmup=100 --set hidden=16,16 \
    --set batch=16 "$@" >/dev/null
}
