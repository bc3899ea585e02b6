/* Evaluation: the numbers of known episodes, and streams of their own. */
#define _GNU_SOURCE /* mkdtemp */
#include "toy.h"

#include "train/evaluate.h"

/* An actor that plays zero, or the noise that it is given. */
static sac_status noise_or_zero(void *actor, const float obs[], const float noise[], float act[],
                                sac_error *err) {
  (void)obs;
  (void)err;
  size_t *calls = actor;
  (*calls)++;
  for (int i = 0; i < TOY_ACT; i++) act[i] = noise ? noise[i] : 0.0f;
  return SAC_OK;
}

/* Evaluate `episodes` episodes; the actor's calls are counted. */
static sac_status evaluate(size_t episodes, uint64_t seed, uint64_t series, int stochastic,
                           size_t *calls, sac_eval_result *r, sac_error *err) {
  sac_env *env = NULL;
  *calls = 0;
  if (toy_create(&env, err)) return SAC_ERR_NOMEM;
  const sac_evaluation v = {.task = &toy_task,
                            .env = env,
                            .act = noise_or_zero,
                            .actor = calls,
                            .episodes = episodes,
                            .seed = seed,
                            .series = series,
                            .stochastic = stochastic};
  const sac_status status = sac_evaluate(&v, r, err);
  toy_destroy(env);
  return status;
}

/* The return of one toy episode with action 0 from x0: -x0^2 sum_{t=1..L} 0.81^t, so with x0
 * uniform on (0,1) and L = 5 the returns' mean is -c/3, and their variance c^2 (1/5 - 1/9), c = sum
 * 0.81^t. 4,000 episodes: within 5 standard errors. */
static void the_summary_is_right(void **state) {
  (void)state;
  enum { EPISODES = 4000, LENGTH = 5 };
  toy = (struct toy_plan){.limit = LENGTH};
  sac_error err;
  sac_eval_result r;
  size_t calls;
  assert_ok(evaluate(EPISODES, 1, 0, 0, &calls, &r, &err), err);
  double c = 0.0;
  for (int t = 1; t <= LENGTH; t++) c += pow(0.81, t);
  const double deviation = c * sqrt(1.0 / 5 - 1.0 / 9);
  assert_int_equal(r.episodes, EPISODES);
  assert_int_equal(calls, EPISODES * LENGTH);
  assert_close(r.length_mean, LENGTH, 0, 0);
  assert_close(r.return_mean, -c / 3, 5 * deviation / sqrt(EPISODES), 0);
  assert_close(r.return_std, deviation, 0.05 * deviation, 0);
  assert_true(r.return_min >= -c && r.return_min < -0.99 * c);
  assert_true(r.return_max <= 0 && r.return_max > -0.001 * c);
}

/* Equal seeds and series are equal episodes; another seed or series are others; one episode of a
 * longer evaluation is that of a shorter one. */
static void episodes_are_named_by_seed_and_series(void **state) {
  (void)state;
  toy = (struct toy_plan){.limit = 5};
  sac_error err;
  sac_eval_result a, b;
  size_t calls;
  assert_ok(evaluate(3, 1, 7, 1, &calls, &a, &err), err);
  assert_ok(evaluate(3, 1, 7, 1, &calls, &b, &err), err);
  assert_memory_equal(&a, &b, sizeof a);
  assert_ok(evaluate(3, 2, 7, 1, &calls, &b, &err), err);
  assert_true(a.return_mean != b.return_mean);
  assert_ok(evaluate(3, 1, 8, 1, &calls, &b, &err), err);
  assert_true(a.return_mean != b.return_mean);
  assert_ok(evaluate(3, 1, 7, 0, &calls, &b, &err), err);
  assert_true(a.return_mean != b.return_mean); /* the noise is used */
}

/* One episode has no spread, and its own return as minimum and maximum. */
static void one_episode(void **state) {
  (void)state;
  toy = (struct toy_plan){.limit = 3};
  sac_error err;
  sac_eval_result r;
  size_t calls;
  assert_ok(evaluate(1, 1, 0, 0, &calls, &r, &err), err);
  assert_close(r.return_std, 0, 0, 0);
  assert_close(r.return_min, r.return_mean, 0, 0);
  assert_close(r.return_max, r.return_mean, 0, 0);
}

/* A task without a time limit that never ends is cut, not played for ever. */
static void an_endless_task_is_cut(void **state) {
  (void)state;
  toy = (struct toy_plan){.limit = 0};
  sac_error err;
  sac_eval_result r;
  size_t calls;
  assert_ok(evaluate(1, 1, 0, 0, &calls, &r, &err), err);
  assert_int_equal(calls, 100000);
}

/* Faults of the task end the evaluation and leave the result alone. The eighth step of all is
 * number 2 of episode 1, both counted from 0, in episodes of five steps. */
static void faults_are_named(void **state) {
  (void)state;
  sac_error err;
  sac_eval_result r = {.episodes = 99};
  size_t calls;
  toy = (struct toy_plan){.limit = 5, .nan_reward_at = 8};
  assert_int_equal(evaluate(3, 1, 0, 0, &calls, &r, &err), SAC_ERR_DIVERGED);
  assert_non_null(strstr(err.msg, "evaluation, episode 1, step 2: reward"));
  toy = (struct toy_plan){.limit = 5, .fail_at = 8};
  assert_int_equal(evaluate(3, 1, 0, 0, &calls, &r, &err), SAC_ERR_ENV);
  assert_non_null(strstr(err.msg, "evaluation, episode 1, step 2: the spring broke"));
  assert_int_equal(r.episodes, 99);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_summary_is_right),
      cmocka_unit_test(episodes_are_named_by_seed_and_series),
      cmocka_unit_test(one_episode),
      cmocka_unit_test(an_endless_task_is_cut),
      cmocka_unit_test(faults_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
