/* The protocol of [IRG18]'s authors for dz/dshape of Gamma(shape, 1): shapes evenly in the
 * logarithm from 0.01 to 1000, draws at each. Prints points and velocities, in double and in single
 * precision; script/replications compares them with mpmath. */
#include "replicate.h"

#include <math.h>
#include <stdio.h>

void accuracy(size_t shapes, size_t draws) {
  const sac_dist *d = sac_dist_find("gamma");
  sac_error err;
  puts("shape,z,log_z,velocity,shape_f32,z_f32,log_z_f32,velocity_f32");
  for (size_t s = 0; s < shapes; s++) {
    const double at = shapes > 1 ? (double)s / (double)(shapes - 1) : 0.0;
    const double theta[2] = {pow(10.0, -2.0 + 5.0 * at), 1.0};
    const float thetaf[2] = {(float)theta[0], 1.0f};
    sac_stream stream = sac_stream_make(1, SAC_STREAM_USER, s);
    for (size_t i = 0; i < draws; i++) {
      double z, log_z, v[2];
      float zf, log_zf, vf[2];
      must(sac_dist_sample(d, 1, theta, 0, &z, &log_z, &stream, &err), &err);
      must(sac_dist_velocity(d, 1, theta, 0, &z, &log_z, v, NULL, &err), &err);
      must(sac_dist_sample_f32(d, 1, thetaf, 0, &zf, &log_zf, &stream, &err), &err);
      must(sac_dist_velocity_f32(d, 1, thetaf, 0, &zf, &log_zf, vf, NULL, &err), &err);
      printf("%.17g,%.17g,%.17g,%.17g,%.9g,%.9g,%.9g,%.9g\n", theta[0], z, log_z, v[0],
             (double)thetaf[0], (double)zf, (double)log_zf, (double)vf[0]);
    }
  }
}
