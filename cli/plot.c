#include "plot.h"
#include "cli.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#ifdef SAC_CAIRO
#  include <cairo-svg.h>

enum { PANEL_WIDTH = 340, PANEL_HEIGHT = 260, LEGEND_WIDTH = 210, NAMES_MAX = 64, TICKS_MAX = 24 };
enum { LEFT = 62, RIGHT = 14, TOP = 30, BOTTOM = 46 }; /* a panel's margins */

/* Okabe and Ito's colours, told apart by the colour-blind too; dashes after the first eight */
static const double colours[8][3] = {{0.00, 0.45, 0.70}, {0.84, 0.37, 0.00}, {0.00, 0.62, 0.45},
                                     {0.80, 0.47, 0.65}, {0.90, 0.62, 0.00}, {0.34, 0.71, 0.91},
                                     {0.00, 0.00, 0.00}, {0.60, 0.60, 0.60}};

/* ---- an axis: from numbers to points -------------------------------------------------------- */

typedef struct axis {
  double low, high; /* of the numbers, or of their decimal logs */
  double from, to;  /* in points */
  int log;
  int broken; /* some of the numbers are not whole */
} axis;

static int shown(const axis *a, double x) {
  return isfinite(x) && (!a->log || x > 0.0);
}
static double scaled(const axis *a, double x) {
  return a->log ? log10(x) : x;
}
static double at(const axis *a, double x) {
  return a->from + (a->to - a->from) * (scaled(a, x) - a->low) / (a->high - a->low);
}

static void widen(axis *a, size_t n, const double x[]) {
  for (size_t i = 0; x && i < n; i++) {
    if (!shown(a, x[i])) continue;
    if (x[i] != floor(x[i])) a->broken = 1;
    a->low = fmin(a->low, scaled(a, x[i]));
    a->high = fmax(a->high, scaled(a, x[i]));
  }
}

/* leave some air; an empty or single-valued axis gets a range of its own */
static void settle(axis *a, double air) {
  if (!(a->low <= a->high)) a->low = 0.0, a->high = 1.0;
  if (a->low == a->high) {
    const double half = a->log ? 0.5 : 0.5 * fabs(a->low) + 1e-12;
    a->low -= half;
    a->high += half;
  }
  const double gap = air * (a->high - a->low);
  a->low -= gap;
  a->high += gap;
}

/* the step 1, 2 or 5 times a power of ten that gives about `count` ticks */
static double nice_step(double range, int count) {
  const double raw = range / count, unit = pow(10.0, floor(log10(raw))), x = raw / unit;
  return unit * (x < 1.5 ? 1.0 : x < 3.5 ? 2.0 : x < 7.5 ? 5.0 : 10.0);
}

/* 1, 2 and 5 times the powers of ten within a logarithmic axis */
static size_t mantissa_ticks(const axis *a, double out[TICKS_MAX]) {
  static const double logs[3] = {0.0, 0.30102999566398120, 0.69897000433601880};
  size_t count = 0;
  for (double decade = floor(a->low); decade <= a->high; decade += 1.0)
    for (int k = 0; k < 3 && count < TICKS_MAX; k++)
      if (decade + logs[k] >= a->low && decade + logs[k] <= a->high)
        out[count++] = decade + logs[k];
  return count;
}

/* round numbers between two numbers; whole ones on an axis of whole numbers */
static size_t even_ticks(const axis *a, double low, double high, double out[TICKS_MAX]) {
  const double nice = nice_step(high - low, 5), step = a->broken ? nice : fmax(1.0, nice);
  size_t count = 0;
  for (double k = ceil(low / step); k * step <= high && count < TICKS_MAX; k += 1.0)
    out[count++] = k * step == 0.0 ? 0.0 : k * step;
  return count;
}

static size_t decade_ticks(const axis *a, double out[TICKS_MAX]) {
  const double step = fmax(1.0, ceil(nice_step(a->high - a->low, 5)));
  size_t count = 0;
  for (double k = ceil(a->low / step); k * step <= a->high && count < TICKS_MAX; k += 1.0)
    out[count++] = k * step;
  return count;
}

/* where the ticks are, in the axis' own scale; a long logarithmic axis has whole decades, a short
 * one round numbers */
static size_t ticks(const axis *a, double out[TICKS_MAX]) {
  if (!a->log) return even_ticks(a, a->low, a->high, out);
  if (a->high - a->low > 2.5) return decade_ticks(a, out);
  if (a->high - a->low > 0.7) return mantissa_ticks(a, out);
  const size_t count = even_ticks(a, pow(10.0, a->low), pow(10.0, a->high), out);
  for (size_t k = 0; k < count; k++) out[k] = log10(out[k]);
  return count;
}

static void tick_text(const axis *a, double tick, char *text, size_t size) {
  const double x = a->log ? pow(10.0, tick) : tick;
  snprintf(text, size, fabs(x) >= 999.5 && fabs(x) < 99999.5 ? "%.0f" : "%.3g", x);
}

/* ---- drawing -------------------------------------------------------------------------------- */

typedef enum align { START, MIDDLE, END } align;

static void words(cairo_t *c, double x, double y, align where, const char *text) {
  cairo_text_extents_t e;
  if (!text) return;
  cairo_text_extents(c, text, &e);
  cairo_move_to(c, x - (where == START ? 0.0 : where == MIDDLE ? 0.5 : 1.0) * e.x_advance, y);
  cairo_show_text(c, text);
}

static void segment(cairo_t *c, double x0, double y0, double x1, double y1) {
  cairo_move_to(c, x0, y0);
  cairo_line_to(c, x1, y1);
  cairo_stroke(c);
}

static void grey(cairo_t *c, double level) {
  cairo_set_source_rgb(c, level, level, level);
}

static void draw_axes(cairo_t *c, const plot_panel *p, const axis *x, const axis *y) {
  double place[TICKS_MAX];
  char text[32];
  cairo_set_line_width(c, 0.7);
  cairo_set_font_size(c, 10.0);
  size_t count = ticks(x, place);
  for (size_t k = 0; k < count; k++) {
    const double at_x = x->from + (x->to - x->from) * (place[k] - x->low) / (x->high - x->low);
    grey(c, 0.88);
    segment(c, at_x, y->from, at_x, y->to);
    grey(c, 0.2);
    tick_text(x, place[k], text, sizeof text);
    words(c, at_x, y->from + 14.0, MIDDLE, text);
  }
  count = ticks(y, place);
  for (size_t k = 0; k < count; k++) {
    const double at_y = y->from + (y->to - y->from) * (place[k] - y->low) / (y->high - y->low);
    grey(c, 0.88);
    segment(c, x->from, at_y, x->to, at_y);
    grey(c, 0.2);
    tick_text(y, place[k], text, sizeof text);
    words(c, x->from - 5.0, at_y + 3.5, END, text);
  }
  cairo_set_line_width(c, 1.0);
  cairo_rectangle(c, x->from, y->to, x->to - x->from, y->from - y->to);
  cairo_stroke(c);
  const double middle = 0.5 * (x->from + x->to);
  cairo_set_font_size(c, 11.0);
  words(c, middle, y->from + 32.0, MIDDLE, p->x_label);
  cairo_save(c);
  cairo_translate(c, x->from - LEFT + 13.0, 0.5 * (y->from + y->to));
  cairo_rotate(c, -1.57079632679489662);
  words(c, 0.0, 0.0, MIDDLE, p->y_label);
  cairo_restore(c);
  cairo_set_font_size(c, 12.0);
  words(c, middle, y->to - 9.0, MIDDLE, p->title);
}

static void use_style(cairo_t *c, size_t index, double alpha) {
  const double *rgb = colours[index % 8], dash[2] = {5.0, 3.0};
  cairo_set_source_rgba(c, rgb[0], rgb[1], rgb[2], alpha);
  cairo_set_dash(c, dash, index < 8 ? 0 : 2, 0.0);
}

static void draw_band(cairo_t *c, const plot_line *l, const axis *x, const axis *y, size_t style) {
  if (!l->low || !l->high) return;
  use_style(c, style, 0.18);
  for (size_t i = 1; i < l->n; i++) { /* a quadrilateral a step, so that a gap stays one */
    if (!shown(x, l->x[i - 1]) || !shown(x, l->x[i]) || !shown(y, l->low[i - 1]) ||
        !shown(y, l->low[i]) || !shown(y, l->high[i - 1]) || !shown(y, l->high[i]))
      continue;
    cairo_move_to(c, at(x, l->x[i - 1]), at(y, l->low[i - 1]));
    cairo_line_to(c, at(x, l->x[i]), at(y, l->low[i]));
    cairo_line_to(c, at(x, l->x[i]), at(y, l->high[i]));
    cairo_line_to(c, at(x, l->x[i - 1]), at(y, l->high[i - 1]));
    cairo_close_path(c);
  }
  cairo_fill(c);
}

static void draw_line(cairo_t *c, const plot_line *l, const axis *x, const axis *y, size_t style) {
  int drawing = 0;
  use_style(c, style, 1.0);
  cairo_set_line_width(c, 1.6);
  for (size_t i = 0; i < l->n; i++) {
    if (!shown(x, l->x[i]) || !shown(y, l->y[i])) {
      drawing = 0;
      continue;
    }
    (drawing ? cairo_line_to : cairo_move_to)(c, at(x, l->x[i]), at(y, l->y[i]));
    drawing = 1;
  }
  cairo_stroke(c);
  cairo_set_dash(c, NULL, 0, 0.0);
}

/* ---- the figure ----------------------------------------------------------------------------- */

/* the lines' names in the order in which they first appear */
typedef struct legend {
  const char *name[NAMES_MAX];
  size_t count;
} legend;

static size_t style_of(legend *l, const char *name) {
  size_t k = 0;
  while (k < l->count && strcmp(l->name[k], name)) k++;
  if (k == l->count && l->count < NAMES_MAX) l->name[l->count++] = name;
  return k;
}

static void draw_panel(cairo_t *c, const plot_panel *p, double left, double top, legend *names) {
  axis x = {HUGE_VAL, -HUGE_VAL, left + LEFT, left + PANEL_WIDTH - RIGHT, p->log_x, 0};
  axis y = {HUGE_VAL, -HUGE_VAL, top + PANEL_HEIGHT - BOTTOM, top + TOP, p->log_y, 0};
  for (size_t k = 0; k < p->lines; k++) {
    widen(&x, p->line[k].n, p->line[k].x);
    widen(&y, p->line[k].n, p->line[k].y);
    widen(&y, p->line[k].n, p->line[k].low);
    widen(&y, p->line[k].n, p->line[k].high);
  }
  settle(&x, 0.0);
  settle(&y, 0.05);
  draw_axes(c, p, &x, &y);
  for (size_t k = 0; k < p->lines; k++)
    draw_band(c, &p->line[k], &x, &y, style_of(names, p->line[k].name));
  for (size_t k = 0; k < p->lines; k++)
    draw_line(c, &p->line[k], &x, &y, style_of(names, p->line[k].name));
}

static void draw_legend(cairo_t *c, const legend *names, double left) {
  cairo_set_font_size(c, 11.0);
  for (size_t k = 0; k < names->count; k++) {
    const double y = TOP + 8.0 + 17.0 * (double)k;
    use_style(c, k, 1.0);
    cairo_set_line_width(c, 2.0);
    segment(c, left, y, left + 22.0, y);
    cairo_set_dash(c, NULL, 0, 0.0);
    grey(c, 0.1);
    words(c, left + 28.0, y + 4.0, START, names->name[k]);
  }
}

int plot_svg(const char *path, const plot_panel panel[], size_t panels, size_t columns) {
  if (columns == 0 || columns > panels) columns = panels;
  const size_t rows = columns ? (panels + columns - 1) / columns : 0;
  const double width = (double)(columns * PANEL_WIDTH + LEGEND_WIDTH);
  cairo_surface_t *surface = cairo_svg_surface_create(path, width, (double)(rows * PANEL_HEIGHT));
  cairo_t *c = cairo_create(surface);
  legend names = {.count = 0};
  grey(c, 1.0);
  cairo_paint(c);
  cairo_select_font_face(c, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  for (size_t k = 0; k < panels; k++)
    draw_panel(c, &panel[k], (double)(k % columns * PANEL_WIDTH),
               (double)(k / columns * PANEL_HEIGHT), &names);
  draw_legend(c, &names, (double)(columns * PANEL_WIDTH) + 8.0);
  cairo_destroy(c);
  cairo_surface_finish(surface);
  const cairo_status_t status = cairo_surface_status(surface);
  cairo_surface_destroy(surface);
  if (status == CAIRO_STATUS_SUCCESS) return EXIT_DONE;
  fprintf(stderr, "sac: %s: %s\n", path, cairo_status_to_string(status));
  return EXIT_FAILED;
}

int plot_available(void) {
  return 1;
}

#else

int plot_available(void) {
  fputs("sac: this program was built without cairo, which draws the plots: install libcairo2-dev "
        "(script/setup does) and build again\n",
        stderr);
  return 0;
}

int plot_svg(const char *path, const plot_panel panel[], size_t panels, size_t columns) {
  (void)path, (void)panel, (void)panels, (void)columns;
  return plot_available() ? EXIT_DONE : EXIT_FAILED;
}

#endif
