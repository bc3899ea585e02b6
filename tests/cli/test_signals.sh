#!/usr/bin/env bash
# Ctrl-C saves, says how to go on, exits 130 (SIGTERM: 143), and the resumed run ends as if nothing had
# happened. A second one stops at once. A signal that the caller ignores stays ignored.
source "$SAC_SOURCE_DIR/tests/cli/lib.sh"

# shellcheck disable=SC2054 # a width list
flags=(--quiet --eval-episodes 2 --eval-every 2000 --checkpoint-every 0 --set warmup=100
  --set hidden=16,16 --set batch=16)
"$sac" train Pendulum-v1 --out whole --steps 20000 "${flags[@]}" >/dev/null

# wait_for DIR PID: until the run has trained a little
wait_for() {
  until [ "$(tail -n +2 "$1/metrics.csv" 2>/dev/null | wc -l)" -ge 2 ]; do
    kill -0 "$2" 2>/dev/null || fail "$1 ended too early: $(cat err)"
    sleep 0.01
  done
}

# job control gives a background job the usual SIGINT, which a script's jobs otherwise ignore
set -m
interrupted() { # interrupted SIGNAL CODE
  local dir="run $1" status=0
  "$sac" train Pendulum-v1 --out "$dir" --steps 20000 "${flags[@]}" >out.run 2>err.run &
  local pid=$!
  wait_for "$dir" $pid
  refuses 1 "another process trains in this folder" "$sac" train --resume "$dir"
  kill -s "$1" $pid
  wait $pid || status=$?
  cat err.run
  [ $status -eq "$2" ] || fail "exit $status, not $2"
  grep -qxF "go on with: $sac train --resume '$dir'" err.run || fail "does not say how to go on"
  local words
  words=$(sed -n 's/^go on with: //p' err.run)
  eval "$words --quiet" >/dev/null || fail "what it says does not work"
  same_run whole "$dir"
}
interrupted INT 130
interrupted TERM 143

# in the last evaluation, after all steps: it is made up for, and no row is there twice
# (an evaluation that takes long, and a number of steps that no other row falls on)
last=(train Pendulum-v1 --steps 1510 "${flags[@]}" --set log_every=200 --eval-episodes 30000)
"$sac" "${last[@]}" --out last-whole >/dev/null
status=0
"$sac" "${last[@]}" --out last >out 2>err &
pid=$!
until tail -n 1 last/metrics.csv 2>/dev/null | grep -q ^1510,; do
  kill -0 $pid 2>/dev/null || fail "last ended too early: $(cat err)"
  sleep 0.01
done
kill -INT $pid
wait $pid || status=$?
[ $status -eq 130 ] || fail "exit $status, not 130, for a stop in the last evaluation"
[ "$(wc -l <last/eval.csv)" -eq 1 ] || fail "the evaluation was over before the stop"
"$sac" train --resume last --quiet >/dev/null || fail "the evaluation cannot be made up for"
same_run last-whole last
refuses 2 "has done 1510 already" "$sac" train --resume last

# twice: at once, whatever it is doing (here: an evaluation that would take minutes)
status=0
"$sac" train Pendulum-v1 --out twice --steps 150 "${flags[@]}" --set log_every=50 \
  --eval-episodes 100000 >out 2>err &
pid=$!
wait_for twice $pid
kill -STOP $pid # both signals wait for it together
kill -INT $pid
kill -CONT $pid
sleep 0.05
kill -INT $pid 2>/dev/null || true
wait $pid || status=$?
[ $status -eq 130 ] || fail "exit $status after two interrupts, not 130"

# ignored by the caller: goes on to the end
status=0
(trap '' INT; exec "$sac" train Pendulum-v1 --out ignores --steps 20000 "${flags[@]}") >out 2>err &
pid=$!
wait_for ignores $pid
kill -INT $pid
wait $pid || status=$?
[ $status -eq 0 ] || fail "exit $status though SIGINT was ignored"
same_run whole ignores
echo ok
