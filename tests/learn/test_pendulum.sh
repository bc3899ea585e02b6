#!/usr/bin/env bash
# The learning gate: `sac train Pendulum-v1`, as it is, reaches a mean return over 20 episodes that an
# untrained agent misses by far. An agent that does nothing right earns about -1,200; the best possible
# is about -150, since the swing-up from below costs some 200 by itself. -250 is passed by no policy that
# fails to swing up even in one episode in ten. Both numbers are shown and both sides are asserted.
source "$SAC_SOURCE_DIR/tests/cli/lib.sh"
threshold=-250

# mean_of DIR: the mean return over 20 episodes
mean_of() { "$sac" eval "$1" --episodes 20 --seed 5 | sed -n 's/^return_mean //p'; }

"$sac" train Pendulum-v1 --out untrained --steps 1 --eval-episodes 1 --quiet >/dev/null
"$sac" train Pendulum-v1 --out trained --quiet >/dev/null
before=$(mean_of untrained) after=$(mean_of trained)
echo "threshold $threshold: untrained $before, trained $after"
awk -v x="$before" -v t="$threshold" 'BEGIN {exit !(x < t - 500)}' || fail "an untrained agent is too good"
awk -v x="$after" -v t="$threshold" 'BEGIN {exit !(x >= t)}' || fail "the trained agent did not learn"
