/* The body of attention.c, included once for f32 and once for f64: T is the type, S its suffix. No include guard: on purpose. */
#define FN(name) MLK_PASTE(name, S)
#define VEC      FN(att_vec)

typedef T VEC __attribute__((vector_size(64), aligned(sizeof(T)), may_alias));
typedef T FN(att_half) __attribute__((vector_size(32)));
typedef T FN(att_quarter) __attribute__((vector_size(16)));

static inline __attribute__((always_inline)) T FN(across)(const VEC *v)
{
    union { VEC all; FN(att_half) half[2]; } u = { *v };
    union { FN(att_half) all; FN(att_quarter) half[2]; } w = { u.half[0] + u.half[1] };
    FN(att_quarter) sums = w.half[0] + w.half[1];
    return LANES == 16 ? (sums[0] + sums[1]) + (sums[LANES / 8] + sums[LANES / 4 - 1]) : sums[0] + sums[1];
}

/* c (m, n) = a (m, width) x b (n, width) transposed */
static void FN(dots)(const mlk_dots *t)
{
    const int64_t m = t->m, n = t->n, width = t->width, a_row = t->a_row, b_row = t->b_row, whole = width / LANES * LANES;
    const T      *a = t->a;
    T            *c = t->c;
    for (int64_t i = 0; i < m; i++, a += a_row, c += n) {
        const T *b = t->b;
        for (int64_t j = 0; j < n; j++, b += b_row) {
            VEC sum = { 0 };
            for (int64_t k = 0; k < whole; k += LANES) sum += *(const VEC *)(a + k) * *(const VEC *)(b + k);
            T rest = 0;
            for (int64_t k = whole; k < width; k++) rest += a[k] * b[k];
            c[j] = FN(across)(&sum) + rest;
        }
    }
}

/* y (m, width) = p (m, n) x (n, width), or that added to y */
static void FN(weigh)(const mlk_weigh *t)
{
    const int64_t n = t->n, width = t->width, p_col = t->p_col, x_row = t->x_row;
    for (int64_t i = 0; i < t->m; i++) {
        const T *p = (const T *)t->p + i * t->p_row;
        T       *y = (T *)t->y + i * t->y_row;
        int64_t  k = 0;
        for (; k + LANES <= width; k += LANES) {
            const T *x   = (const T *)t->x + k;
            VEC      sum = { 0 };
            if (t->add) sum = *(const VEC *)(y + k);
            for (int64_t j = 0; j < n; j++, x += x_row) sum += p[j * p_col] * *(const VEC *)x;
            *(VEC *)(y + k) = sum;
        }
        for (; k < width; k++) {
            T sum = t->add ? y[k] : 0;
            for (int64_t j = 0; j < n; j++) sum += p[j * p_col] * ((const T *)t->x)[j * x_row + k];
            y[k] = sum;
        }
    }
}

/* --- softmax ----------------------------------------------------------------------------------------------------------------- */
static inline T FN(larger)(T a, T b) { return a > b || a != a ? a : b; } /* NaN is the largest */

static T FN(largest)(int64_t n, const T *x)
{
    T       max[64 / sizeof(T)], most = x[0];
    int64_t i = 0;
    if (n >= LANES) {
        memcpy(max, x, sizeof max);
        for (i = LANES; i + LANES <= n; i += LANES)
            for (int64_t l = 0; l < LANES; l++) max[l] = FN(larger)(x[i + l], max[l]);
        for (int64_t l = 0; l < LANES; l++) most = FN(larger)(max[l], most);
    }
    for (; i < n; i++) most = FN(larger)(x[i], most);
    return most;
}

/* sum of x y, y NULL: of x */
static inline __attribute__((always_inline)) T FN(total)(int64_t n, const T *x, const T *y)
{
    const int64_t whole = n / LANES * LANES;
    VEC           sums  = { 0 };
    T             rest  = 0;
    if (y) for (int64_t i = 0; i < whole; i += LANES) sums += *(const VEC *)(x + i) * *(const VEC *)(y + i);
    else for (int64_t i = 0; i < whole; i += LANES) sums += *(const VEC *)(x + i);
    for (int64_t i = whole; i < n; i++) rest += y ? x[i] * y[i] : x[i];
    return n < LANES ? rest : FN(across)(&sums) + rest;
}

/* Row i of s (m, n) becomes the softmax of scale times its first seen + i more values, 0 behind them. */
static void FN(attend)(int64_t m, int64_t n, int64_t seen, int64_t more, double factor, void *in_out)
{
    const T scale = (T)factor;
    T      *s     = in_out;
    for (int64_t i = 0; i < m; i++) {
        T      *row = s + i * n;
        int64_t k   = seen + i * more < n ? seen + i * more : n;
        for (int64_t j = 0; j < k; j++) row[j] *= scale;
        const T max = FN(largest)(k, row);
        for (int64_t j = 0; j < k; j++) row[j] -= max;
        for (int64_t j = k; j < n; j++) row[j] = 0; /* not -inf: its power is computed by way of denormals, which are slow */
    }
    for (int64_t i = 0; i < m * n; i++) s[i] = EXP(s[i]); /* all rows together: short ones make no vector */
    for (int64_t i = 0; i < m; i++) {
        T      *row = s + i * n;
        int64_t k   = seen + i * more < n ? seen + i * more : n;
        const T by  = 1 / FN(total)(k, row, NULL);
        for (int64_t j = 0; j < k; j++) row[j] *= by;
        for (int64_t j = k; j < n; j++) row[j] = 0;
    }
}

/* ds (m, n), at first the slopes of p: becomes p (ds - sum of p ds) scale, those of what the softmax was of. */
static void FN(attend_dx)(int64_t m, int64_t n, const void *weights, double factor, void *in_out)
{
    const T *p = weights, scale = (T)factor;
    T       *ds = in_out;
    for (int64_t i = 0; i < m; i++, p += n, ds += n) {
        const T sum = FN(total)(n, p, ds);
        for (int64_t j = 0; j < n; j++) ds[j] = p[j] * (ds[j] - sum) * scale;
    }
}
#undef FN
#undef VEC
