/* The body of gemm.c, included once for f32 and once for f64: T is the type, S its suffix. No include guard: on purpose. */
#include "kernels/tile.h"

/* What a tile needs to know of its place. */
typedef struct {
    const mlk_gemm *g;
    int64_t kc;          /* of this block of k */
    bool    first, last; /* block of k: start from zero; apply bias and activation */
} FN(place);

/* --- packing: panel p holds columns p NR.. as kc rows of NR, padded with zeros ------------------------------------ */
static void FN(pack)(const mlk_gemm *g, int64_t k0, int64_t kc, int64_t n0, int64_t nc, T *to)
{
    for (int64_t j = 0; j < nc; j += NR, to += kc * NR) {
        int64_t  width = nc - j < NR ? nc - j : NR;
        const T *from  = (const T *)g->b + k0 * g->b_row + (n0 + j) * g->b_col;
        if (width < NR) memset(to, 0, (size_t)(kc * NR) * sizeof(T));
        if (g->b_col == 1 && width == NR) {
            for (int64_t k = 0; k < kc; k++) {
                *(VEC *)(to + k * NR)      = *(const VEC *)(from + k * g->b_row);
                *(VEC *)(to + k * NR + VL) = *(const VEC *)(from + k * g->b_row + VL);
            }
        } else if (g->b_row == 1) { /* columns are contiguous: read along them, four rows of the panel at a time */
            int64_t k = 0;
            for (; k + 4 <= kc; k += 4)
                for (int64_t l = 0; l < width; l++) {
                    const T *column = from + l * g->b_col + k;
                    to[k * NR + l]       = column[0];
                    to[(k + 1) * NR + l] = column[1];
                    to[(k + 2) * NR + l] = column[2];
                    to[(k + 3) * NR + l] = column[3];
                }
            for (; k < kc; k++)
                for (int64_t l = 0; l < width; l++) to[k * NR + l] = from[l * g->b_col + k];
        } else {
            for (int64_t k = 0; k < kc; k++)
                for (int64_t l = 0; l < width; l++) to[k * NR + l] = from[k * g->b_row + l * g->b_col];
        }
    }
}

/* --- one tile -------------------------------------------------------------------------------------------------------- */
static __attribute__((noinline)) void FN(finish_row)(const FN(place) *at, int64_t n0, int64_t width, T *c)
{
    const T *bias = at->g->bias;
    if (bias)
        for (int64_t j = 0; j < width; j++) c[j] += bias[n0 + j];
    switch (at->g->act) {
    case MLK_ACT_RELU:
        for (int64_t j = 0; j < width; j++) c[j] = c[j] < 0 ? 0 : c[j];
        break;
    case MLK_ACT_TANH:
        for (int64_t j = 0; j < width; j++) c[j] = ACT_TANH(c[j]);
        break;
    case MLK_ACT_SIGMOID:
        for (int64_t j = 0; j < width; j++) c[j] = ACT_SIGMOID(c[j]);
        break;
    case MLK_ACT_NONE: break;
    }
}

/* mr rows of A from a, one panel of B; mr is a constant wherever this is inlined, so the tile lives in registers. */
static inline __attribute__((always_inline)) void
FN(tile)(const FN(place) *at, int mr, const T *a, const T *b, int64_t m0, int64_t n0, int64_t width)
{
    const int64_t rs = at->g->a_row, cs = at->g->a_col;
    VEC acc[MR][2];
    for (int i = 0; i < mr; i++) acc[i][0] = acc[i][1] = (VEC){ 0 };
    for (int64_t k = 0; k < at->kc; k++, a += cs, b += NR) {
        const VEC b0 = *(const VEC *)b, b1 = *(const VEC *)(b + VL);
#pragma GCC unroll 12
        for (int i = 0; i < mr; i++) {
            const T x = a[i * rs];
            acc[i][0] += x * b0;
            acc[i][1] += x * b1;
        }
    }
#pragma GCC unroll 12
    for (int i = 0; i < mr; i++) {
        T *c = (T *)at->g->c + (m0 + i) * at->g->c_row + n0;
        if (width == NR) {
            VEC c0 = acc[i][0], c1 = acc[i][1];
            if (!at->first) c0 += *(VEC *)c, c1 += *(VEC *)(c + VL);
            *(VEC *)c        = c0;
            *(VEC *)(c + VL) = c1;
            if (at->last && (at->g->bias || at->g->act)) FN(finish_row)(at, n0, NR, c);
        } else {
            T row[NR];
            *(VEC *)row        = acc[i][0];
            *(VEC *)(row + VL) = acc[i][1];
            for (int64_t j = 0; j < width; j++) c[j] = at->first ? row[j] : c[j] + row[j];
            if (at->last) FN(finish_row)(at, n0, width, c);
        }
    }
}

static void FN(rows)(const FN(place) *at, int64_t mr, const T *a, const T *b, int64_t m0, int64_t n0, int64_t width)
{
#if MR == 12
    if (mr > 6 && mr < 12) { /* edges in two steps: six more variants are not worth compiling */
        FN(tile)(at, 6, a, b, m0, n0, width);
        a += 6 * at->g->a_row, m0 += 6, mr -= 6;
    }
#endif
    switch (mr) {
#define CASE(r) case r: FN(tile)(at, r, a, b, m0, n0, width); break;
    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#if MR == 12
    CASE(12)
#endif
#undef CASE
    default: break;
    }
}

/* --- a rectangle of the result: rows m0..m1, columns n0..n1 ----------------------------------------------------------- */
static void FN(rectangle)(const mlk_gemm *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, T *packed)
{
    for (int64_t nb = n0; nb < n1; nb += NC) {
        int64_t nc = n1 - nb < NC ? n1 - nb : NC;
        for (int64_t k0 = 0; k0 < g->k || k0 == 0; k0 += KC) { /* k = 0 still writes zeros, bias, activation */
            int64_t   kc = g->k - k0 < KC ? g->k - k0 : KC;
            FN(place) at = { g, kc, k0 == 0, k0 + kc >= g->k };
            FN(pack)(g, k0, kc, nb, nc, packed);
            for (int64_t mb = m0; mb < m1; mb += MC) {
                int64_t mc = m1 - mb < MC ? m1 - mb : MC;
                for (int64_t j = 0; j < nc; j += NR) {
                    int64_t width = nc - j < NR ? nc - j : NR;
                    for (int64_t i = 0; i < mc; i += MR) {
                        const T *a  = (const T *)g->a + (mb + i) * g->a_row + k0 * g->a_col;
                        int64_t  mr = mc - i < MR ? mc - i : MR;
                        FN(rows)(&at, mr, a, packed + j * kc, mb + i, nb + j, width);
                    }
                }
            }
        }
    }
}

/* --- sharing among threads ----------------------------------------------------------------------------------------------- */
typedef struct {
    const mlk_gemm *g;
    int64_t m_parts, n_parts;
    int     failed;
} FN(job);

static int64_t FN(cut)(int64_t total, int64_t unit, int64_t parts, int64_t i) /* where part i starts, in whole tiles */
{
    int64_t tiles = (total + unit - 1) / unit;
    int64_t at    = tiles * i / parts * unit;
    return at < total ? at : total;
}

static void FN(part)(void *ctx, int64_t i)
{
    FN(job)        *job = ctx;
    const mlk_gemm *g   = job->g;
    int64_t mi = i / job->n_parts, ni = i % job->n_parts;
    int64_t m0 = FN(cut)(g->m, MR, job->m_parts, mi), m1 = FN(cut)(g->m, MR, job->m_parts, mi + 1);
    int64_t n0 = FN(cut)(g->n, NR, job->n_parts, ni), n1 = FN(cut)(g->n, NR, job->n_parts, ni + 1);
    int64_t kc = g->k < KC ? g->k : KC, nc = n1 - n0 < NC ? n1 - n0 : NC;
    size_t  bytes = (size_t)(kc * ((nc + NR - 1) / NR * NR)) * sizeof(T);
    if (m0 == m1 || n0 == n1) return;
    T *packed = ml_block_take(bytes);
    if (!packed) {
        __atomic_store_n(&job->failed, 1, __ATOMIC_RELAXED);
        return;
    }
    FN(rectangle)(g, m0, m1, n0, n1, packed);
    ml_block_give(packed, bytes);
}

/* The grid of parts whose slowest part is quickest, counting that each part packs its own columns of B. */
static void FN(share)(FN(job) *job, int threads)
{
    const mlk_gemm *g = job->g;
    double best = 0;
    for (int tn = 1; tn <= threads; tn++) {
        int     tm = threads / tn;
        int64_t m_tiles = ((g->m + MR - 1) / MR + tm - 1) / tm, n_tiles = ((g->n + NR - 1) / NR + tn - 1) / tn;
        double  cost = (double)(n_tiles * NR) * (double)(m_tiles * MR + 8);
        if (tn > 1 && cost >= best) continue;
        best         = cost;
        job->m_parts = tm;
        job->n_parts = tn;
    }
}

/* k = 1, the gradient of a weight by one sample: nothing to pack, nothing to sum. Adding to 0 makes -0 what the tiles make of it. */
static void FN(outer)(const mlk_gemm *g)
{
    FN(place) at = { g, 1, true, true };
    const int64_t m = g->m, n = g->n, a_row = g->a_row, c_row = g->c_row; /* not read again for each element, as c could be g */
    const bool    finish = g->bias || g->act;
    const T      *a = g->a, *b = g->b;
    T            *c = g->c;
    for (int64_t i = 0; i < m; i++, a += a_row, c += c_row) {
        const T x = *a;
        int64_t j = 0;
        for (; j + VL <= n; j += VL) *(VEC *)(c + j) = 0 + x * *(const VEC *)(b + j);
        for (; j < n; j++) c[j] = 0 + x * b[j];
        if (finish) FN(finish_row)(&at, 0, n, c);
    }
}

static bool FN(gemm)(const mlk_gemm *g)
{
    if (g->k == 1 && g->b_col == 1 && (double)g->m * (double)g->n < SMALL) {
        FN(outer)(g);
        return true;
    }
    FN(job) job = { g, 1, 1, 0 };
    if ((double)g->m * (double)g->n * (double)g->k >= SMALL) FN(share)(&job, ml_threads());
    ml_parallel(job.m_parts * job.n_parts, FN(part), &job);
    return !job.failed;
}

#include "kernels/tile_end.h"
