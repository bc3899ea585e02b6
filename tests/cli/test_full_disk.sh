#!/usr/bin/env bash
# A write that fails is an error that names the file; the checkpoint before it is intact, and the run can
# go on from there. The limit on a file's size stands for a full disk: writes fail in the same place.
source "$SAC_SOURCE_DIR/tests/cli/lib.sh"
trap '' XFSZ # the limit's signal is ignored, so that write() fails instead

flags=(--eval-every 1000 --checkpoint-every 500 --set replay_capacity=100000)
train Pendulum-v1 whole --steps 3000 "${flags[@]}"

# limited KILOBYTES DIR: a run that may not write a larger file
limited() {
  local status=0
  (
    ulimit -f "$1"
    train Pendulum-v1 "$2" --steps 3000 "${flags[@]}"
  ) 2>err || status=$?
  echo "$1 kB: exit $status: $(cat err)"
  [ $status -eq 1 ] || fail "exit $status, not 1"
  grep -q "$2/" err || fail "the file is not named"
}

# room for the state and the first 1,500 steps of the replay, 24 bytes a step and more
state=$(stat -c %s whole/checkpoint/state.safetensors)
replay=$(cat whole/checkpoint/replay/* | wc -c)
[ "$replay" -gt "$state" ] || fail "the replay ($replay) must outgrow the state ($state) for this test"
limited $(((state + 4096) / 1024)) full
[ -s full/checkpoint/state.safetensors ] || fail "no checkpoint was left"
"$sac" eval full --episodes 1 >/dev/null || fail "the checkpoint that was left cannot be used"
"$sac" train --resume full --quiet >/dev/null || fail "the run cannot go on"
same_run whole full

# no room for the first checkpoint: said, and nothing is left that would refuse another start
limited $((state / 1024 / 2)) none
[ -z "$(ls -A none)" ] || fail "left in the folder: $(ls -A none)"
refuses 1 "none/config.json" "$sac" eval none
train Pendulum-v1 none --steps 10 || fail "the folder cannot be used again"

# a table that cannot grow: 1,000 lines of metrics.csv are more than all the rest
flags+=(--set log_every=3)
limited $(((state + replay) / 1024)) table
grep -q "table/metrics.csv: cannot write" err || fail "another file failed first"
[ "$(tail -c 1 table/metrics.csv | od -An -c | tr -d ' ')" = '\n' ] || fail "half a row was left"
"$sac" train --resume table --quiet >/dev/null || fail "the run cannot go on"
[ "$(tail -n 1 table/metrics.csv | cut -d, -f1)" = 3000 ] || fail "the run did not go on to its end"
# data that cannot be written
if [ -e /dev/full ]; then
  for words in "options" "eval whole --json"; do
    status=0
    # shellcheck disable=SC2086
    "$sac" $words >/dev/full 2>err || status=$?
    [ $status -eq 1 ] && grep -q "cannot write to stdout" err || fail "$words: exit $status: $(cat err)"
  done
fi
echo ok
