/* Chooses the kernels for this machine, once. */
#include "kernels/kernels.h"

#include "moonlab/base.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define DECLARE(level)                            \
    void mlk_fill_pointwise_##level(ml_kernels *k); \
    void mlk_fill_functions_##level(ml_kernels *k); \
    void mlk_fill_sums_##level(ml_kernels *k);      \
    void mlk_fill_rows_##level(ml_kernels *k);      \
    void mlk_fill_gemm_##level(ml_kernels *k);      \
    void mlk_fill_steps_##level(ml_kernels *k);     \
    void mlk_fill_conv_##level(ml_kernels *k);      \
    void mlk_fill_norm_##level(ml_kernels *k);      \
    void mlk_fill_pool_##level(ml_kernels *k);      \
    void mlk_fill_recurrent_##level(ml_kernels *k); \
    void mlk_fill_attention_##level(ml_kernels *k); \
    static void fill_##level(ml_kernels *k)         \
    {                                               \
        mlk_fill_pointwise_##level(k);              \
        mlk_fill_functions_##level(k);              \
        mlk_fill_sums_##level(k);                   \
        mlk_fill_rows_##level(k);                   \
        mlk_fill_gemm_##level(k);                   \
        mlk_fill_steps_##level(k);                  \
        mlk_fill_conv_##level(k);                   \
        mlk_fill_norm_##level(k);                   \
        mlk_fill_pool_##level(k);                   \
        mlk_fill_recurrent_##level(k);              \
        mlk_fill_attention_##level(k);              \
    }

DECLARE(generic)
#if defined(__x86_64__)
DECLARE(v3)
DECLARE(v4)

#if defined(__clang__) && __clang_major__ < 18 /* it knows features by their names alone: those that set the level apart */
#define HAS(feature) __builtin_cpu_supports(feature)
static bool has_v3(void) { return HAS("avx2") && HAS("fma") && HAS("bmi") && HAS("bmi2"); }
static bool has_v4(void) { return has_v3() && HAS("avx512f") && HAS("avx512bw") && HAS("avx512cd") && HAS("avx512dq") && HAS("avx512vl"); }
#else
static bool has_v3(void) { return __builtin_cpu_supports("x86-64-v3"); }
static bool has_v4(void) { return __builtin_cpu_supports("x86-64-v4"); }
#endif
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static ml_kernels     chosen;

static void choose(void)
{
    const char *wish  = getenv("MOONLAB_CPU");
    const char *level = "generic";
    void (*fill)(ml_kernels *) = fill_generic;
#if defined(__x86_64__)
    bool generic = wish && strcmp(wish, "generic") == 0;
    if (!generic && has_v3()) level = "x86-64-v3", fill = fill_v3;
    if (!generic && !(wish && strcmp(wish, "x86-64-v3") == 0) && has_v4())
        level = "x86-64-v4", fill = fill_v4;
#else
    (void)wish;
#endif
    fill(&chosen);
    chosen.level = level;
}

const ml_kernels *mlk(void)
{
    static const ml_kernels *ready; /* saves the call of pthread_once on the way of every operation */
    const ml_kernels *k = __atomic_load_n(&ready, __ATOMIC_ACQUIRE);
    if (k) return k;
    pthread_once(&once, choose);
    __atomic_store_n(&ready, &chosen, __ATOMIC_RELEASE);
    return &chosen;
}

const char *ml_cpu_level(void)
{
    return mlk()->level;
}
