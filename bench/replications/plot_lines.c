/* plot_lines FILE.svg COLUMNS: the plots of the program, for scripts. Reads lines of words parted
 * by tabs: "panel TITLE X-LABEL Y-LABEL LOG-X LOG-Y" (LOG 0 or 1) begins a panel, "line NAME" a
 * line, and "X Y" or "X Y LOW HIGH" is a point, with a band in the second form. */
#define _POSIX_C_SOURCE 200809L
#include "plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PANELS = 16, LINES = 16, POINTS = 4096, WORDS = 6 };

typedef struct series {
  double x[POINTS], y[POINTS], low[POINTS], high[POINTS];
  int band;
} series;

static plot_panel panel[PANELS];
static plot_line line[PANELS][LINES];
static series *points[PANELS][LINES];
static size_t panels;

static int stop(const char *words, size_t number) {
  fprintf(stderr, "plot_lines: line %zu: %s\n", number, words);
  return 0;
}

static int add_line(const char *name, size_t number) {
  if (!panels) return stop("a line before the first panel", number);
  plot_panel *p = panel + panels - 1;
  if (p->lines == LINES) return stop("too many lines", number);
  series *s = points[panels - 1][p->lines] = calloc(1, sizeof *s);
  if (!s) return stop("no memory", number);
  line[panels - 1][p->lines++] =
      (plot_line){.name = strdup(name), .x = s->x, .y = s->y, .low = s->low, .high = s->high};
  return 1;
}

static int add_point(char *word[WORDS], size_t words, size_t number) {
  if (!panels || !panel[panels - 1].lines) return stop("a point before the first line", number);
  const size_t last = panel[panels - 1].lines - 1;
  plot_line *l = &line[panels - 1][last];
  series *s = points[panels - 1][last];
  if (l->n == POINTS) return stop("too many points", number);
  s->x[l->n] = atof(word[0]);
  s->y[l->n] = words > 1 ? atof(word[1]) : (double)NAN;
  if (words > 3) {
    s->low[l->n] = atof(word[2]);
    s->high[l->n] = atof(word[3]);
    s->band = 1;
  }
  l->n++;
  return 1;
}

static int add(char *text, size_t number) {
  char *word[WORDS] = {NULL}, *rest = text;
  size_t words = 0;
  text[strcspn(text, "\n")] = '\0';
  while (words < WORDS && rest) {
    word[words++] = rest;
    rest = strchr(rest, '\t');
    if (rest) *rest++ = '\0';
  }
  if (!strcmp(word[0], "panel") && words == 6) {
    if (panels == PANELS) return stop("too many panels", number);
    panel[panels] = (plot_panel){.title = strdup(word[1]),
                                 .x_label = strdup(word[2]),
                                 .y_label = strdup(word[3]),
                                 .log_x = atoi(word[4]),
                                 .log_y = atoi(word[5]),
                                 .line = line[panels]};
    panels++;
    return 1;
  }
  if (!strcmp(word[0], "line") && words == 2) return add_line(word[1], number);
  return add_point(word, words, number);
}

int main(int argc, char **argv) {
  char *text = NULL;
  size_t size = 0, number = 0;
  if (argc != 3 || atoi(argv[2]) < 1) {
    fputs("usage: plot_lines FILE.svg COLUMNS\n", stderr);
    return 2;
  }
  while (getline(&text, &size, stdin) > 0)
    if (!add(text, ++number)) return 1;
  free(text);
  for (size_t p = 0; p < panels; p++)
    for (size_t l = 0; l < panel[p].lines; l++)
      if (!points[p][l]->band) line[p][l].low = line[p][l].high = NULL;
  return plot_svg(argv[1], panel, panels, (size_t)atoi(argv[2])); /* memory goes with the process */
}
