/* The transport quadrature and the vector kernels around it: docs/transport_quadrature.md. One
 * table per instruction set, chosen once by the CPU and $SAC_ISA.
 *
 * With p the density of a coordinate y and s = d log p/dtheta, the velocity of y is
 *   dy/dtheta = 1/p(y) int_y^inf s p  =  -1/p(y) int_-inf^y s p,
 * and `mills` is the tail's own integral on the side taken: +(1 - F)/p upwards, -F/p downwards.
 * The kernels take n points, but read and write whole registers: every array holds n rounded up to
 * a multiple of SAC_VECTOR_PAD, with legal numbers behind the n-th. Input is legal and finite;
 * inputs may not overlap outputs. Threads: safe. */
#ifndef SAC_SPECIAL_TRANSPORT_H
#define SAC_SPECIAL_TRANSPORT_H

#include "sac/random.h"

#include <stddef.h>

enum { SAC_VECTOR_PAD = 8 };

/* Up to this z the gamma kernels take their power series: a caller may sort its points by it. */
#define SAC_GAMMA_EDGE      1.5
#define SAC_GAMMA_EDGE_FAST 2.5
/* The same for beta, of b x (x <= 1/2) or a (1 - x). */
#define SAC_BETA_EDGE 1.5

typedef struct sac_transport {
  const char *isa;
  /* d log z/da of Gamma(a, 1) at z = e^y, and mills in log z */
  void (*gamma)(size_t n, const double a[], const double z[], const double y[], double v[],
                double mills[]);
  /* the same without mills, relative error 1e-6 */
  void (*gamma_fast)(size_t n, const double a[], const double z[], const double y[], double v[]);
  /* d logit x/da and /db of Beta(a, b); xm = 1 - x, lx = log x, lxm = log(1 - x); mills in logit x
   */
  void (*beta)(size_t n, const double a[], const double b[], const double x[], const double xm[],
               const double lx[], const double lxm[], double va[], double vb[], double mills[]);
  /* dt/dnu of Student's t for nu >= 2, t >= 0; mills in t, upwards always: (1 - F)/p, or 0 where
   * the kernel did not look there */
  void (*student)(size_t n, const double nu[], const double t[], double v[]);
  /* dz/dkappa of von Mises(0, kappa), 0 <= z <= pi; mills: +int_z^pi or -int_0^z of p, over p(z) */
  void (*von_mises)(size_t n, const double kappa[], const double z[], double v[], double mills[]);
  /* the next n uniforms of the stream, of whole blocks: what sac_stream_uniform gives after the
   * present block's rest is dropped */
  void (*uniforms)(sac_stream *stream, size_t n, double out[]);
  /* the same by Box-Muller in pairs */
  void (*normals)(sac_stream *stream, size_t n, double out[]);
  void (*log)(size_t n, const double x[], double out[]); /* x > 0 normal and finite */
  void (*exp)(size_t n, const double x[], double out[]); /* clamped to -708 ... 709 */
} sac_transport;

/* One value, padded to what the kernels read. */
#define SAC_LANE(value) ((double[SAC_VECTOR_PAD]){(value), 1, 1, 1, 1, 1, 1, 1})

/* The table that this process uses; chosen at first use. */
const sac_transport *sac_transport_get(void);

extern const sac_transport sac_transport_generic;
#if defined __x86_64__
extern const sac_transport sac_transport_avx2, sac_transport_avx512;
#elif defined __aarch64__
extern const sac_transport sac_transport_neon;
#endif

#endif
