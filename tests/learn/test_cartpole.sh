#!/usr/bin/env bash
# The learning gate of discrete actions: `sac train CartPole-v1`, as it is, reaches a mean return of 475
# over 20 episodes within its 15,000 steps, Gymnasium's threshold for a solved task (500 is the most that
# there is). An untrained policy pushes to one side or without a plan: the pole falls after 10 to 50 steps.
source "$SAC_SOURCE_DIR/tests/cli/lib.sh"
threshold=475

# mean_of DIR: the mean return over 20 episodes
mean_of() { "$sac" eval "$1" --episodes 20 --seed 5 | sed -n 's/^return_mean //p'; }

"$sac" train CartPole-v1 --threads 1 --out untrained --steps 1 --eval-episodes 1 --quiet >/dev/null
"$sac" train CartPole-v1 --threads 1 --out trained --eval-episodes 1 --quiet >/dev/null
before=$(mean_of untrained) after=$(mean_of trained)
echo "threshold $threshold: untrained $before, trained $after"
awk -v x="$before" 'BEGIN {exit !(x < 100)}' || fail "an untrained agent is too good"
awk -v x="$after" -v t="$threshold" 'BEGIN {exit !(x >= t)}' || fail "the trained agent did not learn"

# a discrete task takes no policy of continuous actions, and the reverse; both say what fits
"$sac" train CartPole-v1 --out refused --set policy=beta 2>said && fail "beta on discrete actions"
grep -q "2 discrete actions, and policy = beta is for continuous ones; what fits: policy = categorical" said ||
  fail "said: $(cat said)"
"$sac" train Pendulum-v1 --out refused --set policy=categorical 2>said && fail "a choice of torques"
grep -q "policy = categorical chooses among discrete ones; what fits: tanh_normal, normal, beta" said ||
  fail "said: $(cat said)"
"$sac" train CartPole-v1 --out refused --preset sb3 2>said && fail "a preset of continuous actions"
grep -q "what fits: policy = categorical" said || fail "said: $(cat said)"
