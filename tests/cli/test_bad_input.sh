#!/usr/bin/env bash
# What the program says to a command that cannot be: what was given, what is near or legal, exit 2; a
# file that is missing or damaged is named, exit 1, and nothing on the disk changes.
source "$SAC_SOURCE_DIR/tests/cli/lib.sh"

# the command line
refuses 2 "usage: sac" "$sac"
refuses 2 "did you mean train" "$sac" trian
refuses 2 "unknown command 'xyzzy'" "$sac" xyzzy
refuses 2 "did you mean --set, --seed" "$sac" train Pendulum-v1 --sed 1
refuses 2 "--seed needs a value" "$sac" train Pendulum-v1 --seed
refuses 2 "ENV is missing" "$sac" train
refuses 2 "'more' is too many" "$sac" train Pendulum-v1 more
refuses 2 "'more' is too many" "$sac" envs more
refuses 2 "did you mean --json" "$sac" options --jsn
refuses 2 "DIR is missing" "$sac" eval
refuses 2 "--episodes = 0: must be an integer in [1, " "$sac" eval . --episodes 0
refuses 2 "--episodes = ten: must be an integer" "$sac" eval . --episodes ten
refuses 2 "--threads = 1000: must be an integer in [0, 256]" "$sac" train Pendulum-v1 --threads 1000

# names
refuses 2 "Pendulum-v1" "$sac" train Pendulm-v1
refuses 2 "did you mean sac-fast" "$sac" train Pendulum-v1 --preset sac-fats
refuses 2 "did you mean gamma" "$sac" train Pendulum-v1 --set gama=1
refuses 2 "unknown option 'qqqqqq'" "$sac" train Pendulum-v1 --set qqqqqq=1
refuses 2 "must be KEY=VALUE" "$sac" train Pendulum-v1 --set gamma
refuses 2 "must be KEY=VALUE" "$sac" train Pendulum-v1 --set =1

# values: option, value, legal range
refuses 2 "gamma = 1.5: must be in [0, 1]" "$sac" train Pendulum-v1 --set gamma=1.5
refuses 2 "gamma = nan: must be in [0, 1]" "$sac" train Pendulum-v1 --set gamma=nan
refuses 2 "gamma = abc: must be in [0, 1]" "$sac" train Pendulum-v1 --set gamma=abc
refuses 2 "steps = 0: must be an integer in [1, 1000000000000]" "$sac" train Pendulum-v1 --steps 0
refuses 2 "steps = 1.5: must be an integer" "$sac" train Pendulum-v1 --steps 1.5
refuses 2 "noise = blue: must be one of white, held, pink" "$sac" train Pendulum-v1 --set noise=blue
refuses 2 "hidden = 0,1: must be" "$sac" train Pendulum-v1 --set hidden=0,1
refuses 2 "replay_capacity = 10: with envs = 100 it must be at least 200" \
  "$sac" train Pendulum-v1 --envs 100 --set replay_capacity=10
refuses 2 "seed = -1: must be an integer in [0, " "$sac" train Pendulum-v1 --seed -1
[ ! -e runs ] || fail "a refused command left a folder behind"

# files that are not there, or not what they should be
refuses 1 "none/config.json" "$sac" train --resume none
refuses 1 "none/config.json" "$sac" eval none
refuses 1 "none.so" "$sac" envs --check none.so
refuses 1 "none.so" "$sac" train Pendulum-v1 --plugin none.so
touch a-file
refuses 1 "a-file" "$sac" train Pendulum-v1 --out a-file/run
printf 'not a library' >bad.so
refuses 1 "bad.so" "$sac" train Pendulum-v1 --plugin bad.so

# a run is not overwritten, and a resume changes its length only
train Pendulum-v1 run --steps 400 --eval-every 200 --checkpoint-every 300
cp -r run kept
refuses 2 "run: holds a run already" "$sac" train Pendulum-v1 --out run
refuses 2 "option seed cannot change" "$sac" train --resume run --seed 2
refuses 2 "option gamma cannot change" "$sac" train --resume run --set gamma=0.5
refuses 2 "--preset cannot change" "$sac" train --resume run --preset sac
refuses 2 "'Pendulum-v1' is too many" "$sac" train Pendulum-v1 --resume run
refuses 2 "has done 400 already" "$sac" train --resume run
refuses 2 "has done 400 already" "$sac" train --resume run --steps 400
diff -r run kept || fail "a refused resume changed the run"

# one damaged file of a run: named, exit 1, nothing changed
damaged() { # damaged FILE WORDS COMMAND: copy the run, apply COMMAND (sees $f), resume
  rm -rf hurt before
  cp -r kept hurt
  # shellcheck disable=SC2034 # the command uses it
  f=hurt/$1
  eval "$3"
  cp -r hurt before
  refuses 1 "$2" "$sac" train --resume hurt --steps 500
  diff -r hurt before || fail "a refused resume changed the run"
}
replay_file=$(cd kept && find checkpoint/replay -type f | head -n 1)
state=checkpoint/state.safetensors
damaged config.json config.json 'rm $f'
damaged config.json config.json 'truncate -s 100 $f'
damaged config.json "option gamma" "sed -i 's/\"gamma\": .*/\"gamma\": 7,/' \$f"
damaged config.json "option gamma" "sed -i 's/\"gamma\": .*/\"gamma\": null,/' \$f"
damaged config.json config.json "sed -i 's/\"format\": 1/\"format\": 2/' \$f"
damaged $state "$state" 'rm $f'
# config.json of another run: what the checkpoint was trained with is named, also by eval
other() { # other NAME HERE THERE: config.json says THERE, the checkpoint HERE
  damaged config.json "$1 = $2, config.json has $3" "sed -i 's/\"${1#option.}\": .*/\"${1#option.}\": $3,/' \$f"
  refuses 1 "$1 = $2, config.json has $3" "$sac" eval hurt
}
other option.gamma 0.99 0.5
other option.batch 16 32
other seed 1 2
damaged $state "$state" 'truncate -s 1000 $f'
damaged $state "$state" "printf X | dd of=\$f bs=1 seek=\$((\$(stat -c %s \$f) - 50)) conv=notrunc 2>/dev/null"
damaged "$replay_file" "$(basename "$replay_file")" 'rm $f'
damaged "$replay_file" "$(basename "$replay_file")" 'truncate -s 100 $f'
damaged "$replay_file" "$(basename "$replay_file")" \
  'printf X | dd of=$f bs=1 seek=300 conv=notrunc 2>/dev/null'
damaged eval.csv eval.csv 'rm $f'
damaged metrics.csv metrics.csv 'echo hello >$f'

# a task that is not there any more; a path in config.json is shown and not loaded
rm -rf hurt
cp -r kept hurt
sed -i 's/"task": "Pendulum-v1"/"task": "Mine-v0"/; s|"plugin": null|"plugin": "/x/mine.so"|' hurt/config.json
refuses 2 "--plugin /x/mine.so" "$sac" train --resume hurt --steps 500
refuses 2 "--plugin /x/mine.so" "$sac" eval hurt

# the run of another task's sizes
sed -i 's/"task": "Mine-v0"/"task": "MountainCarContinuous-v0"/' hurt/config.json
refuses 1 "observation 3 and action 1" "$sac" train --resume hurt --steps 500
echo ok
