/* Convolutions for one CPU level, f32 and f64, without a matrix of columns.
 *
 * The input lies padded, rows of one pitch. Then the values that one weight meets at all positions of the result are one
 * run of memory: the whole input, shifted by the place of the weight (its tap). The columns that im2col would copy are
 * these runs, read where they are; a tile of results stays in registers as in gemm.c. At the end of each row the runs meet
 * values of the next one; what comes of them is computed and not used.
 *
 * Repeatable: each result is a sum in one order, whatever the tiling. */
#include "kernels/level.h"

#include <string.h>

#define KC 256 /* taps summed in registers: part of the result's definition */

#define T float
#define S f32
#include "kernels/conv_body.h"
#undef T
#undef S

#define T double
#define S f64
#include "kernels/conv_body.h"

void AT_LEVEL(mlk_fill_conv)(ml_kernels *k)
{
    k->taps_f32          = taps_f32;
    k->taps_f64          = taps_f64;
    k->tap_sums_pack_f32 = tap_sums_pack_f32;
    k->tap_sums_pack_f64 = tap_sums_pack_f64;
    k->tap_sums_f32      = tap_sums_f32;
    k->tap_sums_f64      = tap_sums_f64;
    k->plane_fill_f32    = plane_fill_f32;
    k->plane_fill_f64    = plane_fill_f64;
    k->plane_store_f32   = plane_store_f32;
    k->plane_store_f64   = plane_store_f64;
}
