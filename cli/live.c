#define _DEFAULT_SOURCE
#include "cli.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LINE_TEXT = 300, PIECE_TEXT = 80, WIDTH_DEFAULT = 80 };

static const double plain_seconds = 5.0; /* between two lines where there is no terminal */

struct live {
  int quiet;
  int terminal; /* one line that is drawn again and again; else plain lines */
  int colour;
  int drawn;         /* a line stands on the terminal without its newline */
  double last;       /* seconds of training at the last plain line */
  int64_t last_eval; /* step of the last evaluation that was shown */
};

live *live_begin(int quiet) {
  live *l = calloc(1, sizeof *l);
  if (!l) return NULL;
  const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
  l->quiet = quiet;
  l->terminal = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
  l->colour = l->terminal && !(no_colour && *no_colour);
  l->last = -HUGE_VAL;
  l->last_eval = -1;
  return l;
}

static size_t terminal_width(void) {
  struct winsize w;
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) || !w.ws_col) return WIDTH_DEFAULT;
  return w.ws_col;
}

/* Add a piece to the line if all of it fits into `width` columns. */
static void add(char line[LINE_TEXT], size_t width, const char *fmt, ...) SAC_PRINTF(3, 4);
static void add(char line[LINE_TEXT], size_t width, const char *fmt, ...) {
  char piece[PIECE_TEXT];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(piece, sizeof piece, fmt, ap);
  va_end(ap);
  const size_t used = strlen(line), gap = used ? 2 : 0;
  if (used + gap + strlen(piece) > width || used + gap + strlen(piece) >= LINE_TEXT) return;
  snprintf(line + used, LINE_TEXT - used, "%s%s", gap ? "  " : "", piece);
}

static void duration(double seconds, char text[PIECE_TEXT]) {
  const long long s = (long long)(seconds + 0.5);
  if (s < 60)
    snprintf(text, PIECE_TEXT, "%llds", s);
  else if (s < 3600)
    snprintf(text, PIECE_TEXT, "%lldm%02llds", s / 60, s % 60);
  else
    snprintf(text, PIECE_TEXT, "%lldh%02lldm", s / 3600, s % 3600 / 60);
}

static void compose(char line[LINE_TEXT], size_t width, const sac_progress *p) {
  line[0] = '\0';
  add(line, width, "step %lld", (long long)p->step);
  add(line, width, "%.1f%%", 100.0 * (double)p->step / (double)p->steps);
  if (!isnan(p->return_last)) add(line, width, "return %.1f", p->return_last);
  if (p->has_eval) add(line, width, "evaluation %.1f", p->eval.return_mean);
  if (p->random_actions) add(line, width, "random actions");
  if (p->steps_per_s > 0 && p->step < p->steps && !p->random_actions) {
    char left[PIECE_TEXT];
    duration((double)(p->steps - p->step) / p->steps_per_s, left);
    add(line, width, "%s left", left);
  }
  if (p->updates_per_s > 0) add(line, width, "%.0f updates/s", p->updates_per_s);
}

static void draw(live *l, const char *line) {
  const char *bold = l->colour ? "\x1b[1m" : "", *plain = l->colour ? "\x1b[0m" : "";
  const size_t head = strcspn(line, "%") + (strchr(line, '%') != NULL);
  fprintf(stderr, "\r%s%.*s%s%s\x1b[K", bold, (int)head, line, plain, line + head);
  fflush(stderr);
  l->drawn = 1;
}

void live_update(live *l, const sac_progress *p) {
  char line[LINE_TEXT];
  if (!l || l->quiet) return;
  if (l->terminal) {
    compose(line, terminal_width() - 1, p);
    draw(l, line);
    return;
  }
  const int new_eval = p->has_eval && p->eval_step != l->last_eval;
  if (!new_eval && p->seconds - l->last < plain_seconds) return;
  compose(line, LINE_TEXT - 1, p);
  fprintf(stderr, "%s\n", line);
  l->last = p->seconds;
  if (p->has_eval) l->last_eval = p->eval_step;
}

void live_end(live *l) {
  if (!l) return;
  if (l->drawn) fputc('\n', stderr);
  free(l);
}
