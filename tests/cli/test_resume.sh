#!/usr/bin/env bash
# N steps and a resume for N more leave the same bytes as 2N steps in one go: every file of the
# checkpoint, and eval.csv but for the clock. On Pendulum, on several environments in threads, after
# SIGKILL between two checkpoints, and on a MuJoCo task where the plug-in is there.
source "$SAC_SOURCE_DIR/tests/cli/lib.sh"

halves() { # halves TASK NAME FIRST ALL [flags]: FIRST steps, then up to ALL, against ALL at once
  local task=$1 name=$2 first=$3 all=$4
  shift 4
  train "$task" "$name-whole" --steps "$all" "$@"
  train "$task" "$name-halves" --steps "$first" "$@"
  "$sac" train --resume "$name-halves" --steps "$all" --quiet >/dev/null
  same_run "$name-whole" "$name-halves"
  echo "ok: $name, $first + $((all - first)) steps"
}

halves Pendulum-v1 even 600 1200 --eval-every 300 --checkpoint-every 300
# N in the middle of an episode, and of no evaluation, line or checkpoint: the end's own evaluation goes
halves Pendulum-v1 odd 777 1554 --eval-every 500 --checkpoint-every 400
halves Pendulum-v1 rows 808 1616 --envs 4 --set noise=pink --set utd=0.5 --eval-every 400
halves Pendulum-v1 blocks 650 1300 --set noise=held --set update_every=60 --set policy_delay=2
halves MountainCarContinuous-v0 hill 700 1400 --preset cleanrl --set warmup=200 --set hidden=16
halves Pendulum-v1 nsteps 700 1400 --envs 2 --set n_step=5 --set obs_norm=running --set replay_capacity=500
halves CartPole-v1 choices 600 1200 --envs 3 --set alpha_sample=fresh
halves Pendulum-v1 matrices 650 1300 --envs 2 --set policy=gsde --set sde_sample_freq=64
halves Pendulum-v1 values 600 1200 --set value=v
# a full ring: what was overwritten is not needed
halves Pendulum-v1 ring 900 1800 --set replay_capacity=300 --checkpoint-every 250

# three sittings
train Pendulum-v1 thirds --steps 400 --eval-every 300 --checkpoint-every 300
"$sac" train --resume thirds --steps 777 --quiet >/dev/null
"$sac" train --resume thirds --steps 1200 --quiet >/dev/null
same_run even-whole thirds
[ "$(grep -c from_step thirds/config.json)" -eq 3 ] || fail "config.json does not list three sittings"

# the clock goes on: seconds never fall
for table in thirds/eval.csv thirds/metrics.csv; do
  tail -n +2 $table | cut -d, -f2 | sort -g -c || fail "seconds fall in $table"
done

# SIGKILL between two checkpoints; the tables have rows beyond the last one then
killed() { # killed NAME TASK STEPS flags: kill once, resume, against one go
  local name=$1 task=$2 steps=$3 pid
  shift 3
  train "$task" "$name-whole" --steps "$steps" "$@"
  "$sac" train "$task" --out "$name" --quiet --threads 1 --eval-episodes 2 --set warmup=100 --set hidden=16,16 \
    --set batch=16 --steps "$steps" "$@" >/dev/null &
  pid=$!
  # wait for a row beyond the first checkpoint
  until [ -s "$name/checkpoint/state.safetensors" ] && [ "$(tail -n +2 "$name/eval.csv" | wc -l)" -ge 4 ]; do
    kill -0 $pid 2>/dev/null || fail "$name ended before it could be killed"
    sleep 0.01
  done
  kill -KILL $pid
  wait $pid 2>/dev/null || true
  local rows
  rows=$(tail -n +2 "$name/eval.csv" | wc -l)
  [ "$(tail -n 1 "$name/eval.csv" | cut -d, -f1)" != "$steps" ] || fail "$name was done when killed"
  "$sac" train --resume "$name" --quiet >/dev/null
  same_run "$name-whole" "$name"
  echo "ok: $name, killed after $rows evaluations"
}
# SIGKILL before the first checkpoint of the schedule: the one of step 0 is there
train Pendulum-v1 early-whole --steps 8000 --eval-every 500 --checkpoint-every 0
"$sac" train Pendulum-v1 --out early --quiet --threads 1 --eval-episodes 2 --set warmup=100 --set hidden=16,16 \
  --set batch=16 --steps 8000 --eval-every 500 --checkpoint-every 0 >/dev/null &
pid=$!
until [ "$(tail -n +2 early/eval.csv 2>/dev/null | wc -l)" -ge 2 ]; do
  kill -0 $pid 2>/dev/null || fail "early ended before it could be killed"
  sleep 0.01
done
"$sac" eval early --episodes 1 >/dev/null || fail "the checkpoint of step 0 cannot be evaluated"
kill -KILL $pid
wait $pid 2>/dev/null || true
"$sac" train --resume early --quiet >/dev/null
grep -q '"from_step": 0' early/config.json || fail "not the checkpoint of step 0"
same_run early-whole early
echo "ok: killed before the first checkpoint of the schedule"

# SIGKILL between config.json and the first checkpoint, at each place: the run begins as it was meant to
for left in "config.json" "config.json metrics.csv" "config.json metrics.csv eval.csv"; do
  rm -rf unborn kept
  train Pendulum-v1 unborn --steps 300 --eval-every 300
  mkdir -p kept/checkpoint/replay
  for file in $left; do head -n 1 "unborn/$file" >"kept/$file"; done
  cp unborn/config.json kept
  refuses 2 "resume it, or choose another folder" "$sac" train Pendulum-v1 --out kept
  "$sac" train --resume kept --steps 1200 --quiet >/dev/null
  "$sac" train --resume unborn --steps 1200 --quiet >/dev/null
  same_run unborn kept
done
# but not where something was trained, whose checkpoint is lost
rm -r kept/checkpoint
refuses 1 "checkpoint/state.safetensors" "$sac" train --resume kept
echo "ok: killed before the first checkpoint"

killed kill Pendulum-v1 8000 --eval-every 500 --checkpoint-every 1200
killed kill-rows Pendulum-v1 8000 --envs 4 --eval-every 500 --checkpoint-every 1200

# any number of threads: the same bytes
for threads in 1 2 3; do
  train Pendulum-v1 threads-$threads --envs 4 --threads $threads --steps 400 --eval-every 200
  same_run threads-1 threads-$threads
done
echo "ok: threads"

# evaluation does not move training
train Pendulum-v1 often --steps 1000 --eval-every 100
train Pendulum-v1 once --steps 1000 --eval-every 0
cmp often/checkpoint/state.safetensors once/checkpoint/state.safetensors ||
  fail "evaluation moved training"
echo "ok: evaluation"

# another seed is another run: the comparison can fail
train Pendulum-v1 other --steps 1000 --eval-every 0 --seed 2
! cmp -s other/checkpoint/state.safetensors once/checkpoint/state.safetensors ||
  fail "two seeds gave one run"

if "$sac" envs 2>/dev/null | grep '^HalfCheetah-v5' >/dev/null; then
  halves HalfCheetah-v5 cheetah 1100 2200 --eval-every 1000
  halves InvertedPendulum-v5 pole 333 666 --eval-every 300 --envs 3
  killed kill-cheetah HalfCheetah-v5 3000 --eval-every 200 --checkpoint-every 500
else
  echo "skipped: the MuJoCo tasks, which are not there"
fi
