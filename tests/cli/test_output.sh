#!/usr/bin/env bash
# What the program prints: data on stdout, words on stderr, JSON of the documented form, and the tables
# of a run's folder.
source "$SAC_SOURCE_DIR/tests/cli/lib.sh"

# the plan comes first: an actor of (3+1)*16 + (16+1)*8 + (8+1)*2 = 218 parameters and two critics of
# (4+1)*16 + (16+1)*8 + 8+1 = 225; the folder is all of stdout
"$sac" train Pendulum-v1 --out run --steps 600 --eval-every 300 --eval-episodes 2 --seed 3 \
  --set warmup=100 --set hidden=16,8 --set batch=16 --set log_every=200 >out 2>err
[ "$(cat out)" = run ] || fail "stdout is not the folder"
plan=$(head -n 1 err)
echo "$plan"
for words in "Pendulum-v1: observation 3, action 1" "actor 3-16-8-2" "2 critics 4-16-8-1" \
  "(668 parameters)" "task defaults" "600 steps" "seed 3" "replay" "MB" "[0-9] thread" "avx\|amx\|neon\|generic"; do
  grep -q -- "$words" <<<"$plan" || fail "the plan does not say $words"
done
tail -n 1 err | grep -q '^done: 600 steps, 500 updates' || fail "the last line: $(tail -n 1 err)"
! grep -q $'\x1b' err || fail "escape codes though stderr is no terminal"

# what other networks learn: weights, norms, gains, biases; here of 1 block of 8 and 2 of 4, 11 outputs a
# critic. simbav2 has a constant beside the input and gains, and a last layer a part of the policy:
#   actor  (3+1)*8+8 + 2*8*32+32+8 + 2*(8*8+8) + 2*(8+1) = 754
#   critic (4+1)*4+4 + 2*(2*4*16+16+4) + 4*4+4 + (4+1)*11 = 395
# of discrete actions, one part, and critics of two outputs that do not see the action:
#   actor  (4+1)*8+8 + 552 + 8*8+8 + (8+1)*2 = 690, critic (4+1)*4+4 + 296 + 20 + (4+1)*2 = 350
# flash has gamma and beta of each batch norm, gamma alone before the outputs:
#   actor  3*(8+2) + 2*8*32 + 2*(32+8) + 8 + (8+1)*2 = 648
#   critic 4*(4+2) + 2*(2*4*16 + 2*(16+4)) + 4 + (4+1)*11 = 419
# value=v has a third network, 3-4-4-1 of 41, beside an actor of 50 and critics of 45
learns() { # learns COUNT TASK FLAG...: the plan says so many parameters
  local count=$1 task=$2
  shift 2
  "$sac" train "$task" --out learns --steps 1 --eval-episodes 1 "$@" --set actor_hidden=8 \
    --set critic_hidden=4,4 >/dev/null 2>err || fail "no run: $(cat err)"
  head -n 1 err | grep -q "($count parameters)" || fail "not $count: $(head -n 1 err)"
  rm -r learns
}
learns $((754 + 2 * 395)) Pendulum-v1 --preset simbav2 --set critic_atoms=11
learns $((690 + 2 * 350)) CartPole-v1 --set body=simbav2 --set weight_projection=unit --set init=body
learns $((648 + 2 * 419)) Pendulum-v1 --preset flashsac --set critic_atoms=11
learns $((50 + 2 * 45 + 41)) Pendulum-v1 --set value=v

# small and large replays
for size in "100 kB" "100000 MB"; do
  "$sac" train Pendulum-v1 --out "replay-$size" --steps 1 --eval-episodes 1 \
    --set replay_capacity="${size% *}" >/dev/null 2>err
  head -n 1 err | grep -q "replay [1-9][0-9.]* ${size#* }" || fail "the plan's replay: $(head -n 1 err)"
done

# random actions are the warm-up's, whether there are updates or not
lines() { # lines WARMUP: what is shown of a run without updates
  "$sac" train Pendulum-v1 --out "lines-$1" --steps 400 --eval-every 200 --eval-episodes 1 --set utd=0 \
    --set warmup="$1" 2>&1 >/dev/null | grep '^step 200 '
}
lines 1000 | grep "random actions" >/dev/null || fail "the warm-up is not shown: $(lines 1000)"
! lines 100 | grep "random actions" >/dev/null || fail "shown as the warm-up: $(lines 100)"

# --quiet says nothing
"$sac" train Pendulum-v1 --out quiet --steps 10 --eval-episodes 1 --quiet >out 2>err
[ ! -s err ] || fail "--quiet said: $(cat err)"

# the default folder: runs/ENV/DATE-seedS
dir=$("$sac" train Pendulum-v1 --steps 10 --eval-episodes 1 --seed 7 --quiet)
[[ $dir == runs/Pendulum-v1/????????-??????-seed7 ]] || fail "the default folder is $dir"
[ -s "$dir/config.json" ] || fail "$dir has no config.json"

# the tables
[ "$(head -n 1 run/eval.csv)" = \
  step,seconds,episodes,return_mean,return_std,return_min,return_max,length_mean ] || fail "eval.csv"
[ "$(cut -d, -f1 run/eval.csv | tr '\n' ' ')" = "step 300 600 " ] || fail "steps of eval.csv"
[ "$(cut -d, -f1 run/metrics.csv | tr '\n' ' ')" = "step 200 400 600 " ] || fail "steps of metrics.csv"
awk -F, 'NR == 1 {n = NF} NF != n {exit 1}' run/metrics.csv || fail "a row of metrics.csv"
# one episode of 200 steps a line, one update a step after 100
[ "$(cut -d, -f3,5,15 run/metrics.csv | tail -n +2 | tr '\n' ' ')" = \
  "1,200,100 1,200,300 1,200,500 " ] || fail "episodes, length, updates of metrics.csv"

# a preset stands over the task's settings, --set over the preset, wherever it stands
"$sac" train Pendulum-v1 --out order --set batch=32 --preset spinup --steps 5 --eval-episodes 1 \
  --set batch=16 --quiet >/dev/null
grep -q '"batch": 16' order/config.json || fail "--set does not win over the preset"
grep -q '"lr_actor": 0.001' order/config.json || fail "the preset was not applied"
grep -q '"actor_hidden": "256,256"' order/config.json || fail "the task's network is under the preset"
grep -q '"origin": "preset spinup"' order/config.json || fail "config.json does not name the preset"

# JSON
python=${SAC_TEST_PYTHON:-$(command -v python3 || true)}
if [ -z "$python" ]; then
  echo "skipped: JSON, no Python here"
  exit 0
fi
for words in "eval run --episodes 3 --json" "eval run --episodes 3 --json --stochastic" "envs --json" \
  "presets --json" "options --json" "version --json"; do
  # shellcheck disable=SC2086
  "$sac" $words >out 2>err || fail "$words: $(cat err)"
  "$python" - "$words" out <<'P' || fail "$words"
import json, sys
words, data = sys.argv[1].split(), json.load(open(sys.argv[2]))
number = (int, float)
if words[0] == "eval":
    assert list(data) == ["env", "episodes", "return_mean", "return_std", "return_min", "return_max", "length_mean"]
    assert data["env"] == "Pendulum-v1" and data["episodes"] == 3 and data["length_mean"] == 200
    assert all(isinstance(v, number) for k, v in data.items() if k != "env")
    assert data["return_min"] <= data["return_mean"] <= data["return_max"] < 0
elif words[0] == "envs":
    one = {e["id"]: e for e in data}["Pendulum-v1"]
    assert (one["obs_dim"], one["act_dim"], one["max_steps"]) == (3, 1, 200)
    assert one["act_low"] == [-2] and one["act_high"] == [2]
    assert one["exact_resume"] is True and one["deterministic"] is True and one["plugin"] == "built-in"
elif words[0] == "presets":
    assert {"sac", "sac-fast", "spinup", "cleanrl", "sb3"} <= {p["name"] for p in data["presets"]}
    assert "Pendulum-v1" in {p["name"] for p in data["tasks"]}
elif words[0] == "options":
    rows = {o["name"]: o for o in data}
    assert rows["gamma"]["low"] == 0 and rows["gamma"]["high"] == 1 and rows["gamma"]["kind"] == "real"
    assert rows["noise"]["choices"] == "white|held|pink|zeta" and rows["steps"]["group"] == "train"
    assert rows["lr"]["group"] == "alias" and rows["lr"]["default"] == 0.0003
    assert rows["hidden"]["sets"] == ["actor_hidden", "critic_hidden"]
    sets = [name for o in data if o["group"] == "alias" for name in o["sets"]]
    assert set(sets) <= {o["name"] for o in data if o["group"] in ("train", "agent")}
    assert all("sets" not in o for o in data if o["group"] != "alias")
    assert rows["data"]["kind"] == "text" and rows["data"]["default"] == ""
    assert rows["gamma"]["default"] == 0.99 and rows["actor_hidden"]["default"] == "256,256"
else:
    assert set(data) == {"version", "commit", "isa"}
P
done

# equal seeds are equal episodes; another seed, or noise, are others
a=$("$sac" eval run --json) b=$("$sac" eval run --json --seed 1) c=$("$sac" eval run --json --seed 2)
d=$("$sac" eval run --json --stochastic)
[ "$a" = "$b" ] && [ "$a" != "$c" ] && [ "$a" != "$d" ] || fail "seeds of an evaluation"
echo ok
