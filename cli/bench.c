/* sac bench: how fast a part of the library is, here and now. */
#include "bench.h"
#include "dist.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: sac bench update|loop|small|act|kernels [flags]\n"
    "       sac bench dist [NAME] [--theta A,B,..]\n"
    "\n"
    "  update    an update of an agent, at HalfCheetah's sizes\n"
    "  loop      the whole training loop on HalfCheetah-v5, one update a step\n"
    "  small     10,000 steps of Pendulum-v1, hidden 64,64, batch 100, one update a step\n"
    "  act       microseconds from one observation to its action: median and 99.9th percentile\n"
    "  kernels   each kernel of an update alone\n"
    "  dist      ns a sample for sample, log density, velocity: batches of 4,096 on one core, "
    "best\n"
    "            of 25; CSV: name, function, ns. Without --theta each row has its own parameters,\n"
    "            shapes and scales between 0.1 and 100. Without NAME: every distribution\n"
    "\n"
    "  --threads N        threads, the caller's included; auto: as sac train chooses (1)\n"
    "  --precision P      of the matrix products: fp32 or bf16 (fp32)\n"
    "  --policy NAME      the policy's distribution (tanh_normal)\n"
    "  --preset NAME      the agent's settings, of update, act and loop; see 'sac presets'\n"
    "  --set KEY=VALUE    one of its options, after the preset; see 'sac options'\n"
    "  --repeats N        timings, of which the best and the median are printed (7)\n"
    "  --seconds S        the length of one timing\n"
    "  --obs N --act N --width N --layers N --batch N\n"
    "                     sizes for update and act (17, 6, 256, 2, 256)\n"
    "  --json             a JSON object a line\n"
    "\n"
    "GFLOP/s count an update as 582 MFLOP at the default sizes. The FMA peak is that of fp32 on "
    "the\n"
    "same threads, measured between the timings.\n";

enum {
  FLAG_THETA = 256,
  FLAG_THREADS,
  FLAG_PRECISION,
  FLAG_POLICY,
  FLAG_PRESET,
  FLAG_SET,
  FLAG_REPEATS,
  FLAG_SECONDS,
  FLAG_OBS,
  FLAG_ACT,
  FLAG_WIDTH,
  FLAG_LAYERS,
  FLAG_BATCH,
  FLAG_JSON
};

static const struct option flags[] = {
    {"theta", required_argument, NULL, FLAG_THETA},
    {"threads", required_argument, NULL, FLAG_THREADS},
    {"precision", required_argument, NULL, FLAG_PRECISION},
    {"policy", required_argument, NULL, FLAG_POLICY},
    {"preset", required_argument, NULL, FLAG_PRESET},
    {"set", required_argument, NULL, FLAG_SET},
    {"repeats", required_argument, NULL, FLAG_REPEATS},
    {"seconds", required_argument, NULL, FLAG_SECONDS},
    {"obs", required_argument, NULL, FLAG_OBS},
    {"act", required_argument, NULL, FLAG_ACT},
    {"width", required_argument, NULL, FLAG_WIDTH},
    {"layers", required_argument, NULL, FLAG_LAYERS},
    {"batch", required_argument, NULL, FLAG_BATCH},
    {"json", no_argument, NULL, FLAG_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const struct benchmark {
  const char *what;
  int (*run)(const bench_setup *setup);
  int64_t obs, act, width, layers, batch; /* where the task has its own */
} benchmarks[] = {
    {.what = "update", .run = bench_update},   {"loop", bench_loop, 17, 6, 256, 2, 256},
    {"small", bench_small, 3, 1, 64, 2, 100},  {.what = "act", .run = bench_act},
    {.what = "kernels", .run = bench_kernels},
};
enum { BENCHMARKS = sizeof benchmarks / sizeof *benchmarks };

/* The command line. */
struct command {
  bench_setup setup;
  double theta[4];
  size_t thetas;
  const char *last; /* the last flag that is not --theta, or NULL */
};

/* up to four numbers parted by commas; how many, 0 if it is none */
static size_t parse_theta(const char *text, double theta[4]) {
  size_t count = 0;
  for (char *end; count < 4; text = end + 1) {
    theta[count] = strtod(text, &end);
    if (end == text || (*end && *end != ',')) return 0;
    count++;
    if (!*end) return count;
  }
  return 0;
}

static int parse_seconds(const char *text, double *out) {
  char *end;
  *out = strtod(text, &end);
  if (end != text && !*end && *out > 0.0 && *out <= 3600.0) return 0;
  return usage_error("--seconds = %s: must be a number in (0, 3600]", text);
}

/* An integer flag's range and place. */
static int take_integer(struct command *c, int flag) {
  bench_setup *s = &c->setup;
  const struct {
    int flag;
    const char *name;
    int64_t most;
    int64_t *out;
  } rows[] = {
      {FLAG_THREADS, "threads", 256, &s->threads},
      {FLAG_REPEATS, "repeats", BENCH_REPEATS_MAX, &s->repeats},
      {FLAG_OBS, "obs", 1000000, &s->obs},
      {FLAG_ACT, "act", 1000000, &s->act},
      {FLAG_WIDTH, "width", 16384, &s->width},
      {FLAG_LAYERS, "layers", SAC_WIDTHS_MAX, &s->layers},
      {FLAG_BATCH, "batch", 65536, &s->batch},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i].flag == flag)
      return parse_integer(rows[i].name, optarg, 1, rows[i].most, rows[i].out) ? 0 : EXIT_USAGE;
  return EXIT_USAGE;
}

static int take_flag(struct command *c, int flag) {
  bench_setup *s = &c->setup;
  switch (flag) {
  case FLAG_THETA:
    c->thetas = parse_theta(optarg, c->theta);
    if (c->thetas) return 0;
    return usage_error("--theta = %s: must be up to 4 numbers and commas", optarg);
  case FLAG_PRECISION:
    s->precision = optarg;
    if (!strcmp(optarg, "fp32") || !strcmp(optarg, "bf16")) return 0;
    return usage_error("--precision = %s: must be fp32 or bf16", optarg);
  case FLAG_POLICY:
    s->policy = optarg; /* its name is checked with the other settings */
    return 0;
  case FLAG_PRESET:
    s->preset = optarg;
    return 0;
  case FLAG_SET:
    if (s->settings_count == BENCH_SETTINGS_MAX)
      return usage_error("--set: %d of them are the most", BENCH_SETTINGS_MAX);
    s->settings[s->settings_count++] = optarg;
    return 0;
  case FLAG_THREADS:
    s->threads = 0; /* auto */
    return strcmp(optarg, "auto") ? take_integer(c, flag) : 0;
  case FLAG_SECONDS:
    return parse_seconds(optarg, &s->seconds);
  case FLAG_JSON:
    s->json = 1;
    return 0;
  default:
    return take_integer(c, flag);
  }
}

/* The exit code, or -1 to go on. */
static int parse(struct command *c, int argc, char **argv) {
  for (int flag; (flag = next_flag(argc, argv, flags, help)) != -1;) {
    if (flag == 0) return EXIT_DONE;
    if (flag == '?' || take_flag(c, flag)) return EXIT_USAGE;
    if (flag != FLAG_THETA) c->last = argv[optind - 1];
  }
  return -1;
}

/* --- dist ------------------------------------------------------------------------------------ */

static int run_dist(const struct command *c, int argc, char **argv) {
  if (c->last) return usage_error("bench dist: takes --theta and no other flag");
  if (optind + 2 < argc) return usage_error("bench dist: '%s' is too many", argv[optind + 2]);
  fprintf(stderr, "instruction set %s\n", sac_isa());
  if (optind + 1 < argc) {
    const sac_dist *d = sac_dist_find(argv[optind + 1]);
    if (d && c->thetas && c->thetas != d->params)
      return usage_error("bench dist: --theta has %zu numbers: must have %zu", c->thetas,
                         d->params);
    return bench_dist(argv[optind + 1], c->thetas ? c->theta : NULL);
  }
  for (size_t i = 0; sac_dist_list(i); i++) {
    const int code = bench_dist(sac_dist_list(i)->name, NULL);
    if (code != EXIT_DONE) return code;
  }
  return EXIT_DONE;
}

/* --- the others ------------------------------------------------------------------------------ */

static int unknown(const char *word) {
  const char *names[BENCHMARKS + 1] = {"dist"};
  char near[100];
  for (size_t i = 0; i < BENCHMARKS; i++) names[i + 1] = benchmarks[i].what;
  sac_nearest(word, names, BENCHMARKS + 1, near, sizeof near);
  return usage_error("bench: no benchmark '%s'%s%s", word,
                     *near ? ": did you mean " : "; 'sac help bench' lists them", near);
}

/* Without a preset: HalfCheetah's sizes and the usual policy. */
static void fill_sizes(bench_setup *s) {
  if (s->preset) return;
  if (!s->width) s->width = 256;
  if (!s->layers) s->layers = 2;
  if (!s->batch) s->batch = 256;
  if (!s->policy) s->policy = "tanh_normal";
}

/* The precision that runs: --set may say another than --precision. */
static int settle_precision(bench_setup *s) {
  sac_run_options options;
  const int code = bench_options(s, &options);
  s->precision = options.agent.precision == SAC_PRECISION_BF16 ? "bf16" : "fp32";
  return code;
}

static int run_found(const struct benchmark *b, bench_setup *s) {
  if (s->preset && (!strcmp(b->what, "small") || !strcmp(b->what, "kernels")))
    return usage_error("bench %s: --preset is of 'bench update', 'act' and 'loop'", b->what);
  if (b->obs) s->obs = b->obs, s->act = b->act;
  if (b->obs && !s->preset) s->width = b->width, s->layers = b->layers, s->batch = b->batch;
  fill_sizes(s);
  /* it acts on a circle */
  if (s->policy && !strcmp(s->policy, "von_mises")) s->reach = 3.14159265358979323846;
  int code = settle_precision(s);
  if (code == EXIT_DONE) code = bench_auto(s);
  return code == EXIT_DONE ? b->run(s) : code;
}

static int run_benchmark(struct command *c, int argc, char **argv) {
  const char *word = argv[optind];
  if (c->thetas) return usage_error("bench %s: --theta is of 'bench dist'", word);
  if (optind + 1 < argc) return usage_error("bench: '%s' is too many", argv[optind + 1]);
  for (size_t i = 0; i < BENCHMARKS; i++)
    if (!strcmp(word, benchmarks[i].what)) return run_found(&benchmarks[i], &c->setup);
  return unknown(word);
}

int cmd_bench(int argc, char **argv) {
  struct command c = {
      .setup = {
          .threads = 1, .precision = "fp32", .repeats = 7, .reach = 1.0, .obs = 17, .act = 6}};
  const int code = parse(&c, argc, argv);
  if (code >= 0) return code;
  if (optind == argc) return usage_error("bench: what? 'sac help bench' lists what there is");
  if (!sac_bench_optimized()) {
    fputs("sac: bench: this is a Debug build, whose timings mean nothing: build with "
          "-DCMAKE_BUILD_TYPE=Release\n",
          stderr);
    return EXIT_FAILED;
  }
  if (!strcmp(argv[optind], "dist")) return run_dist(&c, argc, argv);
  return run_benchmark(&c, argc, argv);
}
