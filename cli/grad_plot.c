/* sac grad --plot: the variance of every estimator against one number, a parameter of the
 * distribution or the cost's constant k. */
#include "cli.h"
#include "grad.h"
#include "plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 25, LINES_MAX = 32, PANELS_MAX = 6 };

/* what is moved, and between which ends */
typedef struct sweep {
  const char *name;
  double *where; /* in the job */
  double low, high;
  int log;
} sweep;

/* one estimator with one baseline: a variance for each panel and point */
typedef struct curve {
  char name[2 * GRAD_NAME];
  double y[PANELS_MAX][POINTS];
} curve;

typedef struct figure {
  grad_job *job;
  sweep s;
  size_t point, panels, curves;
  double x[POINTS];
  curve curve[LINES_MAX];
} figure;

/* ---- what to move --------------------------------------------------------------------------- */

/* a decade to both sides of what must be positive, 3 to both sides of what need not, all but the
 * ends of a finite range */
static void usual_range(const sac_dist *d, size_t j, double x, sweep *s) {
  const sac_dist_param *p = sac_dist_parameter(d, j);
  const int whole = isinf(p->low), half = !whole && p->low < 1e-50 && p->high > 1e50;
  s->low = half ? 0.1 * x : whole ? x - 3.0 : p->low + 0.02 * (p->high - p->low);
  s->high = half ? 10.0 * x : whole ? x + 3.0 : p->high - 0.02 * (p->high - p->low);
}

/* "NAME=LOW:HIGH"; -1, or the exit code after a message */
static int read_sweep(grad_job *job, const char *text, sweep *s) {
  static char name[64];
  const size_t length = strcspn(text, "=");
  char *end = NULL;
  if (!text[length] || length >= sizeof name)
    return usage_error("grad: --sweep %s: must be NAME=LOW:HIGH", text);
  memcpy(name, text, length);
  name[length] = '\0';
  s->name = name;
  s->low = strtod(text + length + 1, &end);
  if (end > text + length + 1 && *end == ':') s->high = strtod(end + 1, &end);
  if (*end || !(s->low < s->high) || !isfinite(s->low) || !isfinite(s->high))
    return usage_error("grad: --sweep %s: must be NAME=LOW:HIGH, LOW below HIGH", text);
  if (!strcmp(name, "k")) {
    if (job->cost.library) return usage_error("grad: --sweep k: the cost of a plug-in has no k");
    s->where = &job->cost.k;
    return -1;
  }
  const char *names[GRAD_PARAMS_MAX + 1] = {"k"};
  for (size_t j = 0; j < job->d.params; j++) {
    names[j + 1] = sac_dist_parameter(&job->d, j)->name;
    if (!strcmp(names[j + 1], name) && !s->where) s->where = &job->theta[j];
  }
  if (s->where) return -1;
  char near[160];
  sac_nearest(name, names, job->d.params + 1, near, sizeof near);
  return usage_error("grad: --sweep: %s has no parameter '%s'%s%s", job->d.name, name,
                     *near ? ": did you mean " : "", near);
}

static int choose_sweep(grad_job *job, const char *text, sweep *s) {
  *s = (sweep){.name = sac_dist_parameter(&job->d, 0)->name};
  if (text) {
    const int code = read_sweep(job, text, s);
    if (code != -1) return code;
  } else {
    s->where = &job->theta[0];
    usual_range(&job->d, 0, job->theta[0], s);
  }
  s->log = s->low > 0.0 && s->high >= 10.0 * s->low;
  return -1;
}

static double point_at(const sweep *s, size_t i) {
  const double t = (double)i / (POINTS - 1);
  return s->log ? s->low * pow(s->high / s->low, t) : s->low + (s->high - s->low) * t;
}

/* ---- the numbers ---------------------------------------------------------------------------- */

static curve *curve_named(figure *f, const char *name) {
  for (size_t k = 0; k < f->curves; k++)
    if (!strcmp(f->curve[k].name, name)) return &f->curve[k];
  if (f->curves == LINES_MAX) return NULL;
  curve *c = &f->curve[f->curves++];
  snprintf(c->name, sizeof c->name, "%s", name);
  for (size_t i = 0; i < PANELS_MAX * POINTS; i++) c->y[i / POINTS][i % POINTS] = (double)NAN;
  return c;
}

static void keep(void *context, const grad_row *row) {
  figure *f = context;
  char estimator[GRAD_NAME], baseline[GRAD_NAME], name[2 * GRAD_NAME];
  grad_estimator_name(row->estimator, estimator);
  grad_baseline_name(row->baseline, baseline);
  const int bare = row->baseline == SAC_GRAD_BASELINE_NONE;
  snprintf(name, sizeof name, "%.38s%s%.38s", estimator, bare ? "" : ", ", bare ? "" : baseline);
  curve *c = curve_named(f, name);
  for (size_t j = 0; j < f->job->d.params; j++) {
    const char *parameter = sac_dist_parameter(&f->job->d, j)->name;
    if (!row->wanted[j]) continue;
    const double variance = grad_variance(f->job, row, j);
    printf("%.9g,%s,%s,%s,%.9g\n", f->x[f->point], estimator, baseline, parameter, variance);
    if (c && j < f->panels) c->y[j][f->point] = variance;
  }
}

static int sample_all(figure *f) {
  int code = EXIT_DONE;
  printf("%s,estimator,baseline,parameter,variance\n", f->s.name);
  for (f->point = 0; f->point < POINTS && code == EXIT_DONE; f->point++) {
    *f->s.where = f->x[f->point] = point_at(&f->s, f->point);
    if (f->job->cost.jumps) f->job->cost.jump[0] = f->job->cost.k;
    code = grad_rows(f->job, keep, f);
  }
  return code;
}

/* ---- the figure ----------------------------------------------------------------------------- */

/* An estimator that is exact here (delta on a quadratic) has the variance of rounding errors,
 * 1e-25, and an axis that goes there shows nothing of the others: such points are in the CSV alone.
 */
static void leave_out_rounding(figure *f, size_t panel) {
  double top = 0.0;
  for (size_t k = 0; k < f->curves * POINTS; k++)
    top = fmax(top, f->curve[k / POINTS].y[panel][k % POINTS]);
  for (size_t k = 0; k < f->curves * POINTS; k++) {
    double *y = &f->curve[k / POINTS].y[panel][k % POINTS];
    if (*y < 1e-15 * top) *y = (double)NAN;
  }
}

static int draw(figure *f, const char *path) {
  plot_line line[PANELS_MAX][LINES_MAX];
  plot_panel panel[PANELS_MAX];
  char title[PANELS_MAX][96];
  for (size_t j = 0; j < f->panels; j++) {
    leave_out_rounding(f, j);
    for (size_t k = 0; k < f->curves; k++)
      line[j][k] =
          (plot_line){.name = f->curve[k].name, .n = POINTS, .x = f->x, .y = f->curve[k].y[j]};
    snprintf(title[j], sizeof title[j], "%s, %s: d/d %s", f->job->d.name, f->job->cost.name,
             sac_dist_parameter(&f->job->d, j)->name);
    panel[j] = (plot_panel){.title = title[j],
                            .x_label = f->s.name,
                            .y_label = "variance of one sample",
                            .log_x = f->s.log,
                            .log_y = 1,
                            .line = line[j],
                            .lines = f->curves};
  }
  return plot_svg(path, panel, f->panels, f->panels < 3 ? f->panels : 3);
}

int grad_plot(grad_job *job, const char *path, const char *text) {
  figure *f = calloc(1, sizeof *f);
  if (!f) return usage_error("grad: out of memory");
  f->job = job;
  f->panels = job->d.params < PANELS_MAX ? job->d.params : PANELS_MAX;
  int code = choose_sweep(job, text, &f->s);
  if (code == -1) code = sample_all(f);
  if (code == EXIT_DONE) code = draw(f, path);
  free(f);
  return code;
}
