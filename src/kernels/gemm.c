/* Matrix products for one CPU level, f32 and f64.
 *
 * After Goto & van de Geijn (2008) and BLIS: B is packed in panels of NR columns, a tile of MR x NR results stays in
 * registers. Differences, for the small products this project lives on: A is read where it is, with any steps, so
 * nothing is ever transposed; bias and activation are applied while a tile is warm; products of a few microseconds
 * start no threads.
 *
 * Repeatable: an element is the sum over k in order, within blocks of KC, the blocks added in order. Tiling, edges and
 * threads change which element is computed when and where, never how. */
#include "kernels/level.h"
#include "kernels/vmath.h"

#include "moonlab/base.h"

#include <string.h>

#define KC 256 /* part of the result's definition: the same on every level */
#define MC 192 /* rows of A that stay in L2 while the panels of B pass by */
#define NC 512 /* columns of B packed at once */
#define SMALL 500000 /* multiplications (about 10 us) below which waking threads costs more than they bring */

#define T float
#define S f32
#define ACT_TANH    vtanh
#define ACT_SIGMOID vsigmoid
#include "kernels/gemm_body.h"
#undef T
#undef S
#undef ACT_TANH
#undef ACT_SIGMOID

static double sigmoid64(double x)
{
    double z = exp(-fabs(x));
    return x < 0 ? z / (1 + z) : 1 / (1 + z);
}
#define T double
#define S f64
#define ACT_TANH    tanh
#define ACT_SIGMOID sigmoid64
#include "kernels/gemm_body.h"

void AT_LEVEL(mlk_fill_gemm)(ml_kernels *k)
{
    k->gemm_f32 = gemm_f32;
    k->gemm_f64 = gemm_f64;
}
