#!/usr/bin/env bash
# Training on a task of a user's own plug-in: it is loaded when it is named, and only then. Variants of
# the example show what a task's faults lead to.
source "$SAC_SOURCE_DIR/tests/cli/lib.sh"

# build NAME [SED]: the example's task, changed
build() {
  sed "${2:-}" "$SAC_SOURCE_DIR/examples/plugin/sledge.c" >"$1.c"
  [ "$1" = sledge ] || ! cmp -s "$1.c" "$SAC_SOURCE_DIR/examples/plugin/sledge.c" ||
    fail "$1: the example changed, the edit does not apply"
  "$CC" -std=c17 -shared -fPIC -I "$SAC_SOURCE_DIR/include" "$1.c" -o "$1.so"
}
build sledge
sledge=(--plugin ./sledge.so)

refuses 2 "Sledge-v0" "$sac" train Sledge-v0
train Sledge-v0 whole "${sledge[@]}" --steps 1200 --eval-every 300
train Sledge-v0 halves "${sledge[@]}" --steps 600 --eval-every 300
grep -q '"plugin": "./sledge.so"' halves/config.json || fail "config.json does not name the plug-in"

# of two plug-ins it names the one that the task is from; a built-in task is from none
build second 's/Sledge-v0/Second-v0/'
two=(--plugin ./second.so --plugin ./sledge.so --steps 5)
train Sledge-v0 two-sledge "${two[@]}"
grep -q '"plugin": "./sledge.so"' two-sledge/config.json || fail "config.json names another plug-in"
train Pendulum-v1 two-pendulum "${two[@]}"
grep -q '"plugin": null' two-pendulum/config.json || fail "a built-in task is from a plug-in"

# the path in config.json is not loaded, though it is right
refuses 2 "--plugin ./sledge.so" "$sac" train --resume halves --steps 1200
refuses 2 "--plugin ./sledge.so" "$sac" eval halves
"$sac" train --resume halves --steps 1200 "${sledge[@]}" --quiet >/dev/null
same_run whole halves
"$sac" eval halves "${sledge[@]}" --json | grep '"env": "Sledge-v0"' >/dev/null || fail "eval"

# the same task with other bounds: its policy would be another one
build wide 's|act_high\[ACT\] = {1.0}|act_high[ACT] = {2.0}|'
for words in "train --steps 1500 --resume" eval; do
  # shellcheck disable=SC2086
  refuses 1 "other action bounds" "$sac" $words halves --plugin ./wide.so
done

# another task of the same sizes and bounds
build renamed 's/Sledge-v0/Sledge-v1/'
cp -r halves moved
sed -i 's/"task": "Sledge-v0"/"task": "Sledge-v1"/' moved/config.json
refuses 1 "task = Sledge-v0, config.json has Sledge-v1" "$sac" train --resume moved --steps 1500 \
  --plugin ./renamed.so

# without snapshots: it says so, and a resume goes on with a fresh episode
build plain 's/SAC_ENV_DETERMINISTIC | SAC_ENV_SNAPSHOT/SAC_ENV_DETERMINISTIC/'
"$sac" train Sledge-v0 --plugin ./plain.so --out plain --steps 250 --eval-episodes 1 --set warmup=100 \
  --set hidden=8 >/dev/null 2>err
grep -q "a resume begins with a fresh episode" err || fail "the plan does not say so: $(cat err)"
grep -q '"exact_resume": false' plain/config.json || fail "config.json does not say so"
"$sac" train --resume plain --steps 500 --plugin ./plain.so --quiet >/dev/null
"$sac" train --resume plain --steps 700 --plugin ./plain.so --quiet >/dev/null

# a fault in step 900: named with the term and the step, exit 1; the checkpoint of step 800 stays
fault() { # fault NAME SED WORDS
  local status=0
  build "$1" "$2"
  train Sledge-v0 "run-$1" --plugin "./$1.so" --steps 2000 --eval-every 0 --checkpoint-every 400 2>err ||
    status=$?
  cat err
  [ $status -eq 1 ] || fail "$1: exit $status, not 1"
  grep -q "$3" err || fail "$1: does not say $3"
  cp -r "run-$1" "before-$1"
  "$sac" train --resume "run-$1" --plugin ./sledge.so --steps 1000 --quiet >/dev/null ||
    fail "$1: the checkpoint is of no use"
  grep -q '"from_step": 800' "run-$1/config.json" || fail "$1: not the checkpoint of step 800"
}
at900='static long age; if (++age == 900)'
fault nan_reward "s|^  \*terminated = |  $at900 *reward = 0.0 / 0.0;\n&|" "step 899: .*reward"
fault inf_obs "s|^  obs\[0\] = env->x|  $at900 { obs[0] = 1e300; return; }\n&|" \
  "step 8[0-9][0-9]: .*observation 0"
fault breaks "s|^  env->elapsed++;|  $at900 return sac_fail(err, SAC_ERR_ENV, \"the ice broke\");\n&|" \
  "step 899: .*the ice broke"

# bounds that random actions cannot be drawn from: refused with advice, and no folder is made
bounds() { # bounds NAME VALUE WORDS
  build "$1" "s|act_high\[ACT\] = {1.0}|act_high[ACT] = {$2}|"
  refuses 2 "$3" "$sac" train Sledge-v0 --plugin "./$1.so" --out "run-$1"
  [ ! -e "run-$1" ] || fail "a refused run left a folder"
}
bounds infinite '1.0 / 0.0' "SAC needs finite ones"
bounds huge '1e7' "wider than 1e6"

# the check finds what is wrong, also as JSON
status=0
"$sac" envs --check ./nan_reward.so >out || status=$?
[ $status -eq 1 ] && grep -q "Sledge-v0 FAILED: .*reward" out || fail "--check passes it: $(cat out)"
status=0
"$sac" envs --check ./nan_reward.so --json >out || status=$?
[ $status -eq 1 ] && grep -q '"ok": false' out || fail "--check --json: $(cat out)"
"$sac" envs --check ./sledge.so --json | grep '"ok": true' >/dev/null || fail "--check --json fails the example"
"$sac" envs "${sledge[@]}" | grep '^Sledge-v0 *2 *1 ' >/dev/null || fail "envs --plugin does not list it"
# a file whose tasks are known already is checked as well: those of it, and no others
mkdir folder
cp sledge.so folder/libsledge.so
[ "$(SAC_PLUGIN_DIR=$PWD/folder "$sac" envs --check folder/libsledge.so --plugin ./second.so)" = \
  "Sledge-v0 ok" ] || fail "--check of a plug-in that is loaded already"
status=0
cp nan_reward.so folder/libsledge.so
SAC_PLUGIN_DIR=$PWD/folder "$sac" envs --check folder/libsledge.so >out || status=$?
[ $status -eq 1 ] || fail "--check passes a plug-in that is loaded already"
echo ok
