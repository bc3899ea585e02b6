/* Line plots as SVG, drawn by cairo: axes, a legend, logarithmic axes, bands, several panels. */
#ifndef CLI_PLOT_H
#define CLI_PLOT_H

#include <stddef.h>

/* One line. Points whose x or y is not finite, or not positive on a logarithmic axis, leave a gap.
 */
typedef struct plot_line {
  const char *name; /* for the legend; lines of the same name in several panels share a colour */
  size_t n;
  const double *x, *y;
  const double *low, *high; /* (n) each: a band around the line, or NULL */
} plot_line;

/* One panel: a pair of axes. The axes end where the finite points do. */
typedef struct plot_panel {
  const char *title, *x_label, *y_label; /* any may be NULL */
  int log_x, log_y;
  const plot_line *line;
  size_t lines;
} plot_panel;

/* Draw panels, `columns` a row, with one legend on the right, into the SVG file `path`. Returns the
 * exit code: EXIT_DONE, or EXIT_FAILED after a message (no cairo, no file, no memory). */
int plot_svg(const char *path, const plot_panel panel[], size_t panels, size_t columns);

/* Whether the program was built with cairo; if not, a message says how to get it. */
int plot_available(void);

#endif
