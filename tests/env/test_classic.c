/* Pendulum-v1, MountainCarContinuous-v0 and CartPole-v1 against their equations of motion, written
 * out here in double from gymnasium's documentation; the last bits are compared with Gymnasium
 * itself by tests/oracle/test_env_gymnasium.py. */
#include "play.h"

#include "env/builtin.h"

/* The saved state of both tasks: two numbers and the steps of the episode (docs/env.md). */
struct classic {
  double x, v;
  uint64_t elapsed;
};

static void put(struct player *p, double x, double v, uint64_t elapsed) {
  const struct classic state = {x, v, elapsed};
  assert_int_equal(p->task->state_size(p->env), sizeof state);
  player_load(p, &state);
}

static struct classic get(const struct player *p) {
  struct classic state;
  p->task->save(p->env, &state);
  return state;
}

static const double PI = 3.14159265358979323846;

/* thdot' = thdot + (3g/2l sin th + 3/ml^2 u) dt, th' = th + thdot' dt, g = 10, m = l = 1, dt =
 * 0.05; reward = -(th^2 + 0.1 thdot^2 + 0.001 u^2) of the state before; obs = cos, sin, thdot in
 * float32 */
static void pendulum_follows_its_equation(void **state) {
  (void)state;
  struct player p;
  player_open(&p, &sac_pendulum);
  put(&p, 0.5, 1.0, 0);
  player_step(&p, (float[]){1.5f});
  const double v = 1.0 + (15.0 * sin(0.5) + 3.0 * 1.5) * 0.05, x = 0.5 + v * 0.05;
  assert_close(get(&p).v, v, 1e-14, 0.0);
  assert_close(get(&p).x, x, 1e-14, 0.0);
  assert_close(p.reward, -(0.25 + 0.1 + 0.001 * 2.25), 1e-9, 0.0);
  assert_true(p.obs[0] == (double)(float)cos(x) && p.obs[1] == (double)(float)sin(x));
  assert_true(p.obs[2] == (double)(float)v);
  player_close(&p);
}

/* The angle costs by its distance from upright, whole turns apart; torque and speed are clipped. */
static void pendulum_wraps_and_clips(void **state) {
  (void)state;
  struct player p;
  player_open(&p, &sac_pendulum);
  const double turns[] = {0.3, 0.3 + 2.0 * PI, 0.3 - 6.0 * PI};
  for (size_t i = 0; i < 3; i++) {
    put(&p, turns[i], 0.0, 0);
    player_step(&p, (float[]){0.0f});
    assert_close(p.reward, -0.09, 1e-12, 0.0);
  }
  put(&p, 0.0, 7.9, 0);
  player_step(&p, (float[]){50.0f}); /* acts and costs like 2 */
  assert_close(p.reward, -(0.1 * 7.9 * 7.9 + 0.001 * 4.0), 1e-9, 0.0);
  assert_true(get(&p).v == 8.0);
  player_close(&p);
}

/* It never terminates; the 200th step truncates. */
static void pendulum_ends_after_200_steps(void **state) {
  (void)state;
  struct player p;
  player_open(&p, &sac_pendulum);
  player_reset(&p, 1);
  for (int i = 1; i <= 200; i++) {
    player_step(&p, (float[]){0.1f});
    assert_int_equal(p.terminated, 0);
    assert_int_equal(p.truncated, i == 200);
  }
  player_close(&p);
}

/* v' = v + 0.0015 a - 0.0025 cos(3x), x' = x + v'; reward -0.1 a^2 */
static void car_follows_its_equation(void **state) {
  (void)state;
  struct player p;
  player_open(&p, &sac_mountain_car);
  for (uint64_t elapsed = 0; elapsed < 2; elapsed++) { /* the first step is in double */
    put(&p, -0.5, 0.01, elapsed);
    player_step(&p, (float[]){0.5f});
    const double v = 0.01 + 0.0015 * 0.5 - 0.0025 * cos(-1.5), x = -0.5 + v;
    assert_close(p.obs[0], x, 6e-8, 0.0);
    assert_close(p.obs[1], v, 2e-9, 0.0);
    assert_close(p.reward, -0.025, 1e-15, 0.0);
    assert_true(get(&p).x == p.obs[0] && get(&p).v == p.obs[1]); /* the state is float32 now */
  }
  player_close(&p);
}

/* An action of 3 drives like 1 and costs like 3. */
static void car_pays_for_the_raw_action(void **state) {
  (void)state;
  struct player p, q;
  player_open(&p, &sac_mountain_car);
  player_open(&q, &sac_mountain_car);
  put(&p, -0.5, 0.0, 5);
  put(&q, -0.5, 0.0, 5);
  player_step(&p, (float[]){3.0f});
  player_step(&q, (float[]){1.0f});
  assert_close(p.obs[1], q.obs[1], 1e-10, 0.0);
  assert_close(p.reward, -0.9, 1e-15, 0.0);
  assert_close(q.reward, -0.1, 1e-15, 0.0);
  player_close(&p);
  player_close(&q);
}

/* The left end stops the car; the speed has a limit; the goal pays 100 and terminates. */
static void car_meets_the_ends(void **state) {
  (void)state;
  struct player p;
  player_open(&p, &sac_mountain_car);
  put(&p, (double)-1.19f, (double)-0.05f, 9);
  player_step(&p, (float[]){0.0f});
  assert_true(p.obs[0] == (double)-1.2f && p.obs[1] == 0.0);
  put(&p, (double)0.1f, (double)0.0699f, 9); /* 0.0699 + 0.0015 - 0.0025 cos 0.3 < 0.07 */
  player_step(&p, (float[]){1.0f});
  assert_close(p.obs[1], 0.0699 + 0.0015 - 0.0025 * cos(0.3), 1e-8, 0.0);
  put(&p, (double)-0.9f, (double)0.0699f, 9); /* here the slope pushes, too */
  player_step(&p, (float[]){1.0f});
  assert_true(p.obs[1] == (double)0.07f && !p.terminated);
  put(&p, (double)0.42f, (double)0.05f, 998);
  player_step(&p, (float[]){0.5f});
  assert_int_equal(p.terminated, 1);
  assert_int_equal(p.truncated, 1); /* at once, the two are independent */
  assert_close(p.reward, 100.0 - 0.025, 1e-13, 0.0);
  player_close(&p);
}

/* The saved state of CartPole-v1 (docs/env.md). */
struct cart {
  double x, v, angle, turn;
  uint64_t elapsed, over;
};

static void put_cart(struct player *p, double x, double v, double angle, double turn,
                     uint64_t elapsed) {
  const struct cart state = {x, v, angle, turn, elapsed, 0};
  assert_int_equal(p->task->state_size(p->env), sizeof state);
  player_load(p, &state);
}

static struct cart get_cart(const struct player *p) {
  struct cart state;
  p->task->save(p->env, &state);
  return state;
}

/* The equations of motion without friction, as the two linear equations that they come from, with
 * M = 1.1 kg in all, pole m = 0.1 kg of half length l = 0.5 m, F = +-10 N, g = 9.8 m/s^2:
 *   M x'' + m l cos(a) a'' = F + m l a'^2 sin(a)       (momentum of cart and pole)
 *   cos(a) x'' + 4/3 l a'' = g sin(a)                  (the pole about its joint)
 * solved here by Cramer's rule; positions move by dt = 0.02 s of the old speeds. */
static void cart_pole_follows_its_equations(void **state) {
  (void)state;
  struct player p;
  player_open(&p, &sac_cart_pole);
  assert_int_equal(sac_env_actions(&sac_cart_pole, p.env), 2);
  for (int push = 0; push < 2; push++) {
    const double x = 0.3, v = -0.4, a = 0.11, w = 0.7, F = push ? 10.0 : -10.0;
    put_cart(&p, x, v, a, w, 7);
    player_step(&p, (float[]){(float)push});
    const double m11 = 1.1, m12 = 0.05 * cos(a), m21 = cos(a), m22 = 4.0 / 3.0 * 0.5;
    const double b1 = F + 0.05 * w * w * sin(a), b2 = 9.8 * sin(a), det = m11 * m22 - m12 * m21;
    const double xx = (b1 * m22 - b2 * m12) / det, aa = (m11 * b2 - m21 * b1) / det;
    const struct cart s = get_cart(&p);
    assert_close(s.x, x + 0.02 * v, 1e-14, 0.0);
    assert_close(s.v, v + 0.02 * xx, 1e-14, 0.0);
    assert_close(s.angle, a + 0.02 * w, 1e-14, 0.0);
    assert_close(s.turn, w + 0.02 * aa, 1e-14, 0.0);
    assert_int_equal(s.elapsed, 8);
    assert_true(p.obs[0] == (double)(float)s.x && p.obs[3] == (double)(float)s.turn);
    assert_true(p.reward == 1.0 && !p.terminated && !p.truncated);
  }
  player_close(&p);
}

/* It ends past 2.4 m or 12 degrees on either side, with the reward of any step; the 500th step
 * truncates, and both may be true at once. Past the end a step earns nothing. */
static void cart_pole_meets_the_ends(void **state) {
  (void)state;
  struct player p;
  player_open(&p, &sac_cart_pole);
  const double lean = 12.0 * PI / 180.0;
  for (int side = -1; side <= 1; side += 2) {
    put_cart(&p, side * 2.39, side * 1.0, 0.0, 0.0, 3); /* to 2.41 */
    player_step(&p, (float[]){1.0f});
    assert_true(p.terminated && !p.truncated && p.reward == 1.0);
    player_step(&p, (float[]){1.0f});
    assert_true(p.terminated && p.reward == 0.0);
    put_cart(&p, 0.0, 0.0, side * (lean - 0.01), side * 0.49, 3); /* 0.0098 more: still there */
    player_step(&p, (float[]){1.0f});
    assert_true(!p.terminated);
    put_cart(&p, 0.0, 0.0, side * (lean - 0.01), side * 0.51, 499);
    player_step(&p, (float[]){0.0f});
    assert_true(p.terminated && p.truncated && p.reward == 1.0);
  }
  put_cart(&p, 0.0, 0.0, 0.0, 0.0, 498);
  player_step(&p, (float[]){0.0f});
  assert_true(!p.truncated);
  player_step(&p, (float[]){0.0f});
  assert_true(p.truncated && !p.terminated);
  player_close(&p);
}

/* Anything but 0 and 1 is refused by name. */
static void cart_pole_takes_two_actions(void **state) {
  (void)state;
  struct player p;
  player_open(&p, &sac_cart_pole);
  player_reset(&p, 1);
  const float wrong[] = {-1.0f, 0.5f, 2.0f, NAN};
  const struct cart before = get_cart(&p);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    sac_error err = {.msg = ""};
    assert_int_equal(
        p.task->step(p.env, &wrong[i], p.obs, &p.reward, &p.terminated, &p.truncated, &err),
        SAC_ERR_ENV);
    assert_non_null(strstr(err.msg, "must be 0 (push to the left) or 1 (to the right)"));
    const struct cart after = get_cart(&p);
    assert_memory_equal(&before, &after, sizeof before);
  }
  player_close(&p);
}

/* All four numbers begin in +-0.05, and 2,000 draws come within 1 % of both ends (below 2e-9 each
 * that they do not). */
static void cart_pole_begins_near_upright(void **state) {
  (void)state;
  struct player p;
  double least[4] = {1, 1, 1, 1}, most[4] = {-1, -1, -1, -1};
  player_open(&p, &sac_cart_pole);
  for (uint64_t seed = 0; seed < 2000; seed++) {
    player_reset(&p, seed);
    const struct cart s = get_cart(&p);
    const double x[4] = {s.x, s.v, s.angle, s.turn};
    for (int i = 0; i < 4; i++) least[i] = fmin(least[i], x[i]), most[i] = fmax(most[i], x[i]);
    assert_true(s.elapsed == 0 && s.over == 0);
  }
  for (int i = 0; i < 4; i++) {
    assert_true(-0.05 <= least[i] && least[i] <= -0.049);
    assert_true(0.05 >= most[i] && most[i] >= 0.049);
  }
  player_close(&p);
}

/* 2,000 first states lie in the range of the task and reach near both of its ends: a uniform draw
 * misses an outer 1 % of the range with probability 0.99^2000 < 2e-9. */
static void first_states_fill_their_range(void **state) {
  (void)state;
  const sac_env_api *const tasks[] = {&sac_pendulum, &sac_mountain_car};
  const double low[2][2] = {{-PI, -1.0}, {-0.6, 0.0}}, high[2][2] = {{PI, 1.0}, {-0.4, 0.0}};
  for (int t = 0; t < 2; t++) {
    double least[2] = {(double)INFINITY, (double)INFINITY},
           most[2] = {-(double)INFINITY, -(double)INFINITY};
    struct player p;
    player_open(&p, tasks[t]);
    for (uint64_t seed = 0; seed < 2000; seed++) {
      player_reset(&p, seed);
      const struct classic s = get(&p);
      least[0] = fmin(least[0], s.x), least[1] = fmin(least[1], s.v);
      most[0] = fmax(most[0], s.x), most[1] = fmax(most[1], s.v);
      assert_int_equal(s.elapsed, 0);
    }
    for (int i = 0; i < 2; i++) {
      const double margin = 0.01 * (high[t][i] - low[t][i]);
      assert_true(low[t][i] <= least[i] && least[i] <= low[t][i] + margin);
      assert_true(high[t][i] >= most[i] && most[i] >= high[t][i] - margin);
    }
    player_close(&p);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pendulum_follows_its_equation),
      cmocka_unit_test(pendulum_wraps_and_clips),
      cmocka_unit_test(pendulum_ends_after_200_steps),
      cmocka_unit_test(car_follows_its_equation),
      cmocka_unit_test(car_pays_for_the_raw_action),
      cmocka_unit_test(car_meets_the_ends),
      cmocka_unit_test(first_states_fill_their_range),
      cmocka_unit_test(cart_pole_follows_its_equations),
      cmocka_unit_test(cart_pole_meets_the_ends),
      cmocka_unit_test(cart_pole_takes_two_actions),
      cmocka_unit_test(cart_pole_begins_near_upright),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
