/* The body of gemm.c, included once for f32 and once for f64: T is the type, S its suffix. No include guard: on purpose. */
#include "kernels/tile.h"

/* What a tile needs to know of its place. */
typedef struct {
    const mlk_gemm *g;
    int64_t kc;          /* of this block of k */
    bool    first, last; /* block of k: start from zero; apply bias and activation */
    bool    turned;      /* the result is written with its rows as columns */
    mlk_act act;         /* to be applied by the tile */
} FN(place);

/* --- packing: a panel holds columns n0.. as kc rows of NR, padded with zeros -------------------------------------- */
/* 4 x 4 values, whose columns are `step` apart, as 4 rows of the panel. */
static inline __attribute__((always_inline)) void FN(turn)(const T *from, int64_t step, T *to)
{
    typedef T four __attribute__((vector_size(4 * sizeof(T)), aligned(sizeof(T)), may_alias));
    four a = *(const four *)from, b = *(const four *)(from + step), c = *(const four *)(from + 2 * step), d = *(const four *)(from + 3 * step);
    four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    *(four *)to        = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(four *)(to + NR) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    ab = __builtin_shufflevector(a, b, 2, 6, 3, 7), cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(four *)(to + 2 * NR) = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(four *)(to + 3 * NR) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

static void FN(pack_panel)(const mlk_gemm *g, int64_t k0, int64_t kc, int64_t n0, int64_t width, T *to)
{
    const T *from = (const T *)g->b + k0 * g->b_row + n0 * g->b_col;
    if (width < NR) memset(to, 0, (size_t)(kc * NR) * sizeof(T));
    if (g->b_col == 1 && width == NR) {
        for (int64_t k = 0; k < kc; k++) {
            *(VEC *)(to + k * NR)      = *(const VEC *)(from + k * g->b_row);
            *(VEC *)(to + k * NR + VL) = *(const VEC *)(from + k * g->b_row + VL);
        }
    } else if (g->b_row == 1) { /* columns are contiguous: read along them */
        int64_t k = 0;
        for (; k + 4 <= kc; k += 4) {
            int64_t l = 0;
            for (; l + 4 <= width; l += 4) FN(turn)(from + l * g->b_col + k, g->b_col, to + k * NR + l);
            for (; l < width; l++)
                for (int64_t i = 0; i < 4; i++) to[(k + i) * NR + l] = from[l * g->b_col + k + i];
        }
        for (; k < kc; k++)
            for (int64_t l = 0; l < width; l++) to[k * NR + l] = from[l * g->b_col + k];
    } else {
        for (int64_t k = 0; k < kc; k++)
            for (int64_t l = 0; l < width; l++) to[k * NR + l] = from[k * g->b_row + l * g->b_col];
    }
}

static void FN(pack)(const mlk_gemm *g, int64_t k0, int64_t kc, int64_t n0, int64_t nc, T *to)
{
    for (int64_t j = 0; j < nc; j += NR, to += kc * NR) FN(pack_panel)(g, k0, kc, n0 + j, nc - j < NR ? nc - j : NR, to);
}

/* --- one tile -------------------------------------------------------------------------------------------------------- */
static __attribute__((noinline)) void FN(activate)(mlk_act act, int64_t n, T *c)
{
    switch (act) {
    case MLK_ACT_RELU:
        for (int64_t j = 0; j < n; j++) c[j] = c[j] < 0 ? 0 : c[j];
        break;
    case MLK_ACT_TANH:
        for (int64_t j = 0; j < n; j++) c[j] = ACT_TANH(c[j]);
        break;
    case MLK_ACT_SIGMOID:
        for (int64_t j = 0; j < n; j++) c[j] = ACT_SIGMOID(c[j]);
        break;
    case MLK_ACT_NONE: break;
    }
}

/* Bias and activation on part of a row. */
static inline void FN(finish_row)(const FN(place) *at, int64_t n0, int64_t width, T *c)
{
    const T *bias = at->g->bias;
    if (bias)
        for (int64_t j = 0; j < width; j++) c[j] += bias[n0 + j];
    if (at->act) FN(activate)(at->act, width, c);
}

/* Part of a row of a tile to its place, or a whole one turned: added to what the blocks of k before it gave, finished after the last. */
static __attribute__((noinline)) void FN(store_part)(const FN(place) *at, const T *row, int64_t m, int64_t n0, int64_t width)
{
    const int64_t step = at->g->c_row;
    T            *c    = at->turned ? (T *)at->g->c + n0 * step + m : (T *)at->g->c + m * step + n0;
    if (at->turned) {
        for (int64_t j = 0; j < width; j++) c[j * step] = row[j];
        return;
    }
    for (int64_t j = 0; j < width; j++) c[j] = at->first ? row[j] : c[j] + row[j];
    if (at->last) FN(finish_row)(at, n0, width, c);
}

/* mr rows of A from a, nv vectors of rows of B, which lie `step` apart; mr and nv are constants wherever this is inlined, so the
 * tile lives in registers. */
static inline __attribute__((always_inline)) void
FN(tile)(const FN(place) *at, int mr, int nv, const T *a, const T *b, int64_t step, int64_t m0, int64_t n0, int64_t width)
{
    const int64_t rs = at->g->a_row, cs = at->g->a_col;
    VEC acc[MR][2];
    for (int i = 0; i < mr; i++) acc[i][0] = acc[i][1] = (VEC){ 0 };
    for (int64_t k = 0; k < at->kc; k++, a += cs, b += step) {
        const VEC b0 = *(const VEC *)b, b1 = nv > 1 ? *(const VEC *)(b + VL) : b0;
#pragma GCC unroll 12
        for (int i = 0; i < mr; i++) {
            const T x = a[i * rs];
            acc[i][0] += x * b0;
            if (nv > 1) acc[i][1] += x * b1;
        }
    }
    if (width < nv * VL || at->turned) {
#pragma GCC unroll 12
        for (int i = 0; i < mr; i++) {
            T row[NR];
            *(VEC *)row        = acc[i][0];
            *(VEC *)(row + VL) = acc[i][1];
            FN(store_part)(at, row, m0 + i, n0, width);
        }
        return;
    }
    T            *c0   = (T *)at->g->c + m0 * at->g->c_row + n0, *c = c0;
    const T      *bias = at->last && at->g->bias ? (const T *)at->g->bias + n0 : NULL;
    const int64_t row  = at->g->c_row;
#pragma GCC unroll 12
    for (int i = 0; i < mr; i++, c += row)
        for (int v = 0; v < nv; v++) {
            if (!at->first) acc[i][v] += *(VEC *)(c + v * VL);
            if (bias) acc[i][v] += *(const VEC *)(bias + v * VL);
            *(VEC *)(c + v * VL) = acc[i][v];
        }
    if (at->last && at->act)
        for (int i = 0; i < mr; i++) FN(activate)(at->act, nv * VL, c0 + i * row);
}

#define CASE(r, nv) case r: FN(tile)(at, r, nv, a, b, step, m0, n0, width); break;
static void FN(rows)(const FN(place) *at, int64_t mr, const T *a, const T *b, int64_t step, int64_t m0, int64_t n0, int64_t width)
{
#if MR == 12
    if (mr > 6 && mr < 12) { /* edges in two steps: six more variants are not worth compiling */
        FN(tile)(at, 6, 2, a, b, step, m0, n0, width);
        a += 6 * at->g->a_row, m0 += 6, mr -= 6;
    }
#endif
    switch (mr) {
    CASE(1, 2) CASE(2, 2) CASE(3, 2) CASE(4, 2) CASE(5, 2) CASE(6, 2)
#if MR == 12
    CASE(12, 2)
#endif
    default: break;
    }
}

/* The same for at most VL columns. */
static void FN(slim_rows)(const FN(place) *at, int64_t mr, const T *a, const T *b, int64_t step, int64_t m0, int64_t n0, int64_t width)
{
    switch (mr) {
    CASE(1, 1) CASE(2, 1) CASE(3, 1) CASE(4, 1) CASE(5, 1) CASE(6, 1)
#if MR == 12
    CASE(7, 1) CASE(8, 1) CASE(9, 1) CASE(10, 1) CASE(11, 1) CASE(12, 1)
#endif
    default: break;
    }
}
#undef CASE

/* --- a rectangle of the result: rows m0..m1, columns n0..n1 ----------------------------------------------------------- */
static void FN(rectangle)(const mlk_gemm *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, T *packed)
{
    for (int64_t nb = n0; nb < n1; nb += NC) {
        int64_t nc = n1 - nb < NC ? n1 - nb : NC;
        for (int64_t k0 = 0; k0 < g->k || k0 == 0; k0 += KC) { /* k = 0 still writes zeros, bias, activation */
            int64_t   kc = g->k - k0 < KC ? g->k - k0 : KC;
            FN(place) at = { g, kc, k0 == 0, k0 + kc >= g->k, false, g->act };
            FN(pack)(g, k0, kc, nb, nc, packed);
            for (int64_t mb = m0; mb < m1; mb += MC) {
                int64_t mc = m1 - mb < MC ? m1 - mb : MC;
                for (int64_t j = 0; j < nc; j += NR) {
                    int64_t width = nc - j < NR ? nc - j : NR;
                    for (int64_t i = 0; i < mc; i += MR) {
                        const T *a  = (const T *)g->a + (mb + i) * g->a_row + k0 * g->a_col;
                        int64_t  mr = mc - i < MR ? mc - i : MR;
                        FN(rows)(&at, mr, a, packed + j * kc, NR, mb + i, nb + j, width);
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
    FN(place) at = { g, 1, true, true, false, g->act };
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

/* --- small products: what fits into the first caches is not worth moving there ----------------------------------------------- */
/* One panel after the other, read where it is when its rows are whole vectors; at most VL columns make a slimmer tile. */
static void FN(panels)(const mlk_gemm *g, bool turned)
{
    _Alignas(64) T packed[KC * NR];
    for (int64_t n0 = 0; n0 < g->n; n0 += NR) {
        const int64_t width = g->n - n0 < NR ? g->n - n0 : NR;
        const bool    slim  = width <= VL, whole = g->b_col == 1 && width == (slim ? VL : NR);
        for (int64_t k0 = 0; k0 < g->k || k0 == 0; k0 += KC) {
            const int64_t kc = g->k - k0 < KC ? g->k - k0 : KC, step = whole ? g->b_row : NR;
            const T      *b  = whole ? (const T *)g->b + k0 * g->b_row + n0 : packed;
            FN(place)     at = { g, kc, k0 == 0, k0 + kc >= g->k, turned, MLK_ACT_NONE };
            if (!whole) FN(pack_panel)(g, k0, kc, n0, width, packed);
            for (int64_t i = 0, mr; i < g->m; i += mr) {
                const int64_t left = g->m - i;
                const T      *a    = (const T *)g->a + i * g->a_row + k0 * g->a_col;
                mr = left <= MR ? left : slim && left < 2 * MR ? (left + 1) / 2 : MR; /* few sums at a time wait for each other */
                (slim ? FN(slim_rows) : FN(rows))(&at, mr, a, b, step, i, n0, width);
            }
        }
    }
}

/* A narrow result with many rows that lie side by side, the gradient of a weight of few inputs: its rows fill vectors, its columns
 * would not. */
static void FN(small)(const mlk_gemm *g)
{
    if (2 * g->n <= VL && g->m >= VL && g->a_row == 1 && g->k <= KC && !g->bias && !g->act) {
        mlk_gemm t = *g;
        t.m = g->n, t.a = g->b, t.a_row = g->b_col, t.a_col = g->b_row;
        t.n = g->m, t.b = g->a, t.b_row = g->a_col, t.b_col = g->a_row;
        FN(panels)(&t, true);
        return;
    }
    FN(panels)(g, false);
    if (!g->act) return;
    if (g->c_row == g->n) FN(activate)(g->act, g->m * g->n, g->c);
    else for (int64_t i = 0; i < g->m; i++) FN(activate)(g->act, g->n, (T *)g->c + i * g->c_row);
}

static bool FN(gemm)(const mlk_gemm *g)
{
    if (g->k == 1 && g->b_col == 1 && (double)g->m * (double)g->n < SMALL) {
        FN(outer)(g);
        return true;
    }
    if ((double)g->m * (double)g->n * (double)g->k < SMALL) {
        FN(small)(g);
        return true;
    }
    FN(job) job = { g, 1, 1, 0 };
    FN(share)(&job, ml_threads());
    ml_parallel(job.m_parts * job.n_parts, FN(part), &job);
    return !job.failed;
}

#include "kernels/tile_end.h"
