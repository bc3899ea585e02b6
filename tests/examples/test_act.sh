#!/usr/bin/env bash
# examples/act on a policy that `sac train` has just made: acts for whole episodes and says so; a missing
# file and a policy for another task are refused by name.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
act=$SAC_BINARY_DIR/examples/act

train() { # train TASK: 60 steps, 10 of them with updates
  "$SAC_PROGRAM" train "$1" --steps 60 --out "$work/$1" --quiet --eval-episodes 1 \
    --set warmup=50 --set hidden=16,16 --set batch=16 >/dev/null
}
train Pendulum-v1
train MountainCarContinuous-v0

said=$("$act" "$work/Pendulum-v1/checkpoint/state.safetensors" 3)
echo "$said"
# a Pendulum episode costs at most 16.28 a step, over 200 steps
awk '{exit !($1 == "mean" && $3 <= 0 && $3 >= -3256 && $5 == 3)}' <<<"$said"

refuses() { # refuses FILE WORDS: exit 1, and the words on stderr
  local status=0
  "$act" "$1" >"$work/out" 2>"$work/err" || status=$?
  cat "$work/err"
  [ "$status" -eq 1 ] && grep -q "$2" "$work/err" && [ ! -s "$work/out" ]
}
refuses "$work/none.safetensors" none.safetensors
refuses "$work/MountainCarContinuous-v0/checkpoint/state.safetensors" "sees 2 numbers"
