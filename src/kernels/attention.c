/* What attention is made of where the products are too small for gemm.c, and its softmax: for one head of one sequence, rows of any step.
 *
 * Sums along a row are taken in LANES of fixed number, whatever the machine's vectors, and added in pairs at the end. */
#include "kernels/level.h"
#include "kernels/vmath.h"

#include <math.h>
#include <string.h>

#define LANES ((int64_t)(64 / sizeof(T)))

#define T float
#define S f32
#define EXP vexp
#include "kernels/attention_body.h"
#undef T
#undef S
#undef EXP

#define T double
#define S f64
#define EXP exp
#include "kernels/attention_body.h"

void AT_LEVEL(mlk_fill_attention)(ml_kernels *k)
{
#define SET(f) k->f##_f32 = f##_f32, k->f##_f64 = f##_f64;
    SET(dots) SET(weigh) SET(attend) SET(attend_dx)
}
