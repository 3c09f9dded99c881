/* Compiled once for each CPU level: MLK_LEVEL is generic, v3 or v4. Each file fills its part of that level's table. */
#ifndef MLK_LEVEL_H
#define MLK_LEVEL_H

#include "kernels/kernels.h"

#define MLK_PASTE2(a, b) a##_##b
#define MLK_PASTE(a, b)  MLK_PASTE2(a, b)
#define AT_LEVEL(name)   MLK_PASTE(name, MLK_LEVEL)

void AT_LEVEL(mlk_fill_pointwise)(ml_kernels *k);
void AT_LEVEL(mlk_fill_functions)(ml_kernels *k);
void AT_LEVEL(mlk_fill_sums)(ml_kernels *k);
void AT_LEVEL(mlk_fill_rows)(ml_kernels *k);
void AT_LEVEL(mlk_fill_gemm)(ml_kernels *k);
void AT_LEVEL(mlk_fill_steps)(ml_kernels *k);
void AT_LEVEL(mlk_fill_conv)(ml_kernels *k);
void AT_LEVEL(mlk_fill_norm)(ml_kernels *k);
void AT_LEVEL(mlk_fill_pool)(ml_kernels *k);
void AT_LEVEL(mlk_fill_recurrent)(ml_kernels *k);
void AT_LEVEL(mlk_fill_attention)(ml_kernels *k);

/* The widest vectors of the level, in bytes. */
#if defined(__AVX512F__)
#define MLK_VECTOR 64
#elif defined(__AVX__)
#define MLK_VECTOR 32
#else
#define MLK_VECTOR 16
#endif

#endif
