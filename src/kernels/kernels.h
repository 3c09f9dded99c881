/* Loops over numbers: no tensors, no autograd, no Lua. Every kernel is compiled for several CPU levels; mlk() gives
 * the table of those that this machine runs best.
 *
 *     mlk()->exp_f32(n, x, y);                     // y[i] = exp(x[i])
 *     mlk()->add_f32(n, a, 1, b, 0, y);            // y[i] = a[i] + b[0]
 *
 * Rules. Inputs of a map are contiguous (step 1) or one repeated value (step 0); y may be an input itself. Sums have an
 * order that depends on the sizes alone: never on threads, and not on the width of the machine's vectors. Kernels do not
 * start threads, but for gemm; who calls them does, in blocks that depend on the sizes alone.
 */
#ifndef MLK_KERNELS_H
#define MLK_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- the lists; X(name) ----------------------------------------------------------------------------------------- */
#define MLK_MAP1_FLOAT(X) /* f32 f64 */                                                                              \
    X(exp) X(exp2) X(expm1) X(log) X(log2) X(log10) X(log1p) X(sqrt) X(rsqrt) X(reciprocal)                            \
    X(sin) X(cos) X(tan) X(asin) X(acos) X(atan) X(sinh) X(cosh) X(tanh) X(asinh) X(acosh) X(atanh)                    \
    X(erf) X(erfc) X(erfinv) X(sigmoid) X(softplus) X(log_sigmoid) X(gelu) X(gelu_tanh) X(silu) X(mish) X(softsign)    \
    X(floor) X(ceil) X(round) X(trunc) X(frac)
#define MLK_MAP1_ANY(X)   X(neg) X(abs) X(sign) X(square) X(relu) X(step)              /* f32 f64 i64 */
#define MLK_MAP2_FLOAT(X) X(hypot) X(atan2) X(logaddexp) X(leaky_relu) X(elu)          /* f32 f64 */
#define MLK_MAP2_ANY(X)   X(add) X(sub) X(mul) X(div) X(remainder) X(pow) X(maximum) X(minimum) /* f32 f64 i64 */
#define MLK_TEST(X)       X(isnan) X(isinf) X(isfinite) X(logical_not)                 /* f32 f64 i64 u8 -> bool */
#define MLK_COMPARE(X)    X(eq) X(ne) X(lt) X(le) X(gt) X(ge) X(logical_and) X(logical_or) X(logical_xor) /* f32 f64 i64 u8 -> bool */
#define MLK_SLOPE(X)      X(relu_dx) X(tanh_dx) X(sigmoid_dx) /* (dy, y) -> dx, f32 f64: from the output */
#define MLK_ROWS(X)       X(softmax) X(log_softmax)           /* f32 f64 */

typedef enum mlk_act { MLK_ACT_NONE, MLK_ACT_RELU, MLK_ACT_TANH, MLK_ACT_SIGMOID } mlk_act;

/* c (m, n) = act(a (m, k) x b (k, n) + bias (n)); steps in elements, c's columns are contiguous. bias may be NULL. */
typedef struct mlk_gemm {
    int64_t     m, n, k;
    const void *a;
    int64_t     a_row, a_col;
    const void *b;
    int64_t     b_row, b_col;
    void       *c;
    int64_t     c_row;
    const void *bias;
    mlk_act     act;
} mlk_gemm;

/* Convolutions by taps (conv.c). m results at n positions are sums over k taps: tap i meets at position j the value b[off[i] + j].
 * n is a multiple of MLK_PANEL, and so many values of b behind off[i] are read. */
#define MLK_PANEL 32
typedef struct mlk_taps { /* c (m, n) = sum over taps of a[tap][i] b[off[tap] + j] */
    int64_t        m, k, n;
    const void    *a; /* (k, m), rows of a_step */
    int64_t        a_step;
    const void    *b;
    const int64_t *off;
    void          *c;
    int64_t        c_step;
} mlk_taps;

typedef struct mlk_tap_sums { /* c (k, m) += sum over images and positions of b[n image + off[tap] + r pitch + j step] y[n][i][r width + j] */
    int64_t        m, k, images, image, rows, width, pitch, step;
    const void    *b;
    const int64_t *off;
    const void    *packed; /* y (images, m, rows width), by tap_sums_pack, into room for m rounded up to MLK_PANEL */
    void          *c;
    int64_t        c_step; /* at least m rounded up to MLK_PANEL */
} mlk_tap_sums;

/* A step of a recurrent cell (recurrent.c): gates and states in planes of n values. y the new states, s those before. */
typedef struct mlk_cell {
    int64_t     n;
    mlk_act     act;           /* of rnn alone */
    const void *x, *a, *s;     /* gates: from the input, from the state; the state */
    void       *y;
    const void *dy;            /* backward, of all of y, to: */
    void       *dx, *da, *ds;  /* of x; of a, where that differs (gru); of s, but for what comes through a */
} mlk_cell;

/* Products of attention with few rows (attention.c); *_row: from one row to the next, in elements. */
typedef struct mlk_dots { /* c (m, n), contiguous = a (m, width) x b (n, width) transposed */
    int64_t     m, n, width;
    const void *a, *b;
    int64_t     a_row, b_row;
    void       *c;
} mlk_dots;

typedef struct mlk_weigh { /* y (m, width) = p (m, n) x (n, width); add: y += */
    int64_t     m, n, width;
    bool        add;
    const void *p, *x;
    int64_t     p_row, p_col, x_row;
    void       *y;
    int64_t     y_row;
} mlk_weigh;

typedef struct mlk_pool { /* windows of kernel, stride apart, over planes of in with padding around; rows, columns */
    int64_t in[2], out[2], kernel[2], stride[2], padding[2];
    bool    count_padding; /* in means */
} mlk_pool;

/* What one parameter's step of Adam needs beside its arrays; see src/optim. */
typedef struct mlk_adam {
    double beta1, beta2, eps, lr;
    double step_size;    /* lr / (1 - beta1^t) */
    double root_scale;   /* 1 / sqrt(1 - beta2^t) */
    double l2, decay;    /* g += l2 w; w *= 1 - decay before the step */
} mlk_adam;

typedef struct mlk_sgd {
    double lr, momentum, l2, decay; /* as for Adam */
    bool   nesterov;
} mlk_sgd;

typedef struct mlk_rmsprop {
    double lr, alpha, eps, momentum, l2, decay;
} mlk_rmsprop;

typedef struct mlk_adagrad {
    double lr, eps, l2, decay;
} mlk_adagrad;

typedef struct mlk_lion {
    double beta1, beta2, lr, decay;
} mlk_lion;

typedef struct mlk_muon {
    double momentum, lr, decay;
} mlk_muon;

typedef struct ml_kernels {
    const char *level; /* "x86-64-v3", ... */
#define MAP1_FLOAT(f)                                      \
    void (*f##_f32)(int64_t n, const void *x, void *y);    \
    void (*f##_f64)(int64_t n, const void *x, void *y);
#define MAP1_ANY(f) MAP1_FLOAT(f) void (*f##_i64)(int64_t n, const void *x, void *y);
#define MAP2_FLOAT(f)                                                                         \
    void (*f##_f32)(int64_t n, const void *a, int sa, const void *b, int sb, void *y);        \
    void (*f##_f64)(int64_t n, const void *a, int sa, const void *b, int sb, void *y);
#define MAP2_ANY(f) MAP2_FLOAT(f) void (*f##_i64)(int64_t n, const void *a, int sa, const void *b, int sb, void *y);
    MLK_MAP1_FLOAT(MAP1_FLOAT)
    MLK_MAP1_ANY(MAP1_ANY)
#define MAP1_ALL(f) MAP1_ANY(f) void (*f##_u8)(int64_t n, const void *x, void *y);
#define MAP2_ALL(f) MAP2_ANY(f) void (*f##_u8)(int64_t n, const void *a, int sa, const void *b, int sb, void *y);
#define MAP3(f) void (*f)(int64_t n, const void *a, int sa, const void *b, int sb, const void *c, int sc, void *y);
    MLK_MAP2_FLOAT(MAP2_FLOAT)
    MLK_MAP2_ANY(MAP2_ANY)
    MLK_TEST(MAP1_ALL)
    MLK_COMPARE(MAP2_ALL)
    MLK_SLOPE(MAP2_FLOAT)
    MAP3(where_4) MAP3(where_8) MAP3(where_1)              /* a[i] ? b[i] : c[i], by the size of an element */
    MAP3(clamp_f32) MAP3(clamp_f64) MAP3(clamp_i64)        /* a, at least b, at most c */
    MAP3(lerp_f32) MAP3(lerp_f64)                          /* a + c (b - a) */
    MAP3(tanh_bend_f32) MAP3(tanh_bend_f64)                /* a b (-2 c) */
    MAP3(sigmoid_bend_f32) MAP3(sigmoid_bend_f64)          /* a b (1 - 2 c) */

    /* Sums in f64 of groups of 8; see sums.c. sum_*: one number. */
    double  (*sum_f32)(int64_t n, const float *x);
    double  (*sum_f64)(int64_t n, const double *x);
    double  (*sum_sq_diff_f32)(int64_t n, const float *a, const float *b); /* sum (a - b)^2 */
    double  (*sum_sq_diff_f64)(int64_t n, const double *a, const double *b);
    /* total (n) += x (rows, n) */
    void (*sum_rows_f32)(int64_t rows, int64_t n, const float *x, int64_t step, double *total);
    void (*sum_rows_f64)(int64_t rows, int64_t n, const double *x, int64_t step, double *total);

    /* Rows of n: y = softmax(x) and the like. */
    void (*softmax_f32)(int64_t rows, int64_t n, const float *x, float *y);
    void (*softmax_f64)(int64_t rows, int64_t n, const double *x, double *y);
    void (*log_softmax_f32)(int64_t rows, int64_t n, const float *x, float *y);
    void (*log_softmax_f64)(int64_t rows, int64_t n, const double *x, double *y);
    void (*logsumexp_f32)(int64_t rows, int64_t n, const float *x, float *y); /* y (rows) */
    void (*logsumexp_f64)(int64_t rows, int64_t n, const double *x, double *y);
    /* -log softmax(x)[label] of each row; labels are in 0..n-1 after base is taken off */
    void (*cross_entropy_f32)(int64_t rows, int64_t n, const float *x, const int64_t *labels, int64_t base, double *loss);
    void (*cross_entropy_f64)(int64_t rows, int64_t n, const double *x, const int64_t *labels, int64_t base, double *loss);
    /* dx = scale (softmax(x) - one_hot(label)) */
    void (*cross_entropy_dx_f32)(int64_t rows, int64_t n, const float *x, const int64_t *labels, int64_t base, double scale, float *dx);
    void (*cross_entropy_dx_f64)(int64_t rows, int64_t n, const double *x, const int64_t *labels, int64_t base, double scale, double *dx);

    /* Matrix products. Each element is summed over k in one order, whatever the tiling, so threads do not change bits. */
    bool (*gemm_f32)(const mlk_gemm *g); /* false: no memory for the packed panel */
    bool (*gemm_f64)(const mlk_gemm *g);

    void (*taps_f32)(const mlk_taps *t);
    void (*taps_f64)(const mlk_taps *t);
    void (*tap_sums_pack_f32)(int64_t images, int64_t image_step, int64_t m, int64_t n, const void *y, int64_t y_step, void *packed);
    void (*tap_sums_pack_f64)(int64_t images, int64_t image_step, int64_t m, int64_t n, const void *y, int64_t y_step, void *packed);
    void (*tap_sums_f32)(const mlk_tap_sums *t);
    void (*tap_sums_f64)(const mlk_tap_sums *t);
#define PLANES(S)                                                                                                                        \
    void (*plane_fill_##S)(int64_t count, const void *image, int64_t image_step, int64_t h, int64_t w, int64_t top, int64_t left,        \
                           int64_t down, int64_t right, int64_t rows, int64_t cols, void *to, int64_t to_step);                          \
    void (*plane_store_##S)(int64_t rows, int64_t width, const void *x, int64_t pitch, const void *bias, mlk_act act, void *y,           \
                            int64_t y_row, int64_t y_step);
    PLANES(f32)
    PLANES(f64)
#undef PLANES

    /* Recurrent cells; rows of values into planes of MLK_PANEL samples side by side, and back. */
#define CELL(f) void (*f##_f32)(const mlk_cell *c); void (*f##_f64)(const mlk_cell *c);
    CELL(rnn_step) CELL(rnn_back) CELL(gru_step) CELL(gru_back) CELL(lstm_step) CELL(lstm_back)
#undef CELL
#define LANES(S)                                                                                              \
    void (*lanes_load_##S)(int64_t rows, int64_t width, const void *from, int64_t row_step, void *planes);    \
    void (*lanes_store_##S)(int64_t rows, int64_t width, const void *planes, void *to, int64_t row_step);
    LANES(f32)
    LANES(f64)
#undef LANES

    /* Attention. attend: row i of s (m, n) becomes the softmax of scale times its first seen + i more values (at most n), 0 behind. */
#define ATTENTION(S)                                                                                          \
    void (*dots_##S)(const mlk_dots *t);                                                                      \
    void (*weigh_##S)(const mlk_weigh *t);                                                                    \
    void (*attend_##S)(int64_t m, int64_t n, int64_t seen, int64_t more, double scale, void *s);              \
    void (*attend_dx_##S)(int64_t m, int64_t n, const void *p, double scale, void *ds); /* p (ds - sum p ds) scale, in place */
    ATTENTION(f32)
    ATTENTION(f64)
#undef ATTENTION

    /* Pooling of one plane. at: where in the plane the first largest value of a window is, from base on. */
#define POOL(S)                                                                                        \
    void (*max_pool_##S)(const mlk_pool *p, const void *x, void *y);                                   \
    void (*max_pool_at_##S)(const mlk_pool *p, const void *x, int64_t base, int64_t *at);              \
    void (*max_pool_dx_##S)(const mlk_pool *p, const void *x, const void *dy, void *dx);               \
    void (*avg_pool_##S)(const mlk_pool *p, const void *x, void *y);                                   \
    void (*avg_pool_dx_##S)(const mlk_pool *p, const void *dy, void *dx);
    POOL(f32)
    POOL(f64)
#undef POOL

    /* Normalisation of n values that lie together; w, b: one weight for each of them, NULL: none. */
#define NORM(S)                                                                                                                   \
    double (*norm_squares_##S)(int64_t n, const void *x, double mean);                   /* sum (x - mean)^2 */                   \
    void (*norm_slopes_##S)(int64_t n, const void *dy, const void *x, const void *w, double mean, double sums[2]); /* sum dy w, sum dy w (x - mean) */ \
    void (*norm_scale_##S)(int64_t n, const void *x, double mean, double scale, double shift, void *y); /* (x - mean) scale + shift */ \
    void (*norm_scale_each_##S)(int64_t n, const void *x, double mean, double scale, const void *w, const void *b, void *y); /* (x - mean) scale w + b */ \
    void (*norm_dx_##S)(int64_t n, const void *dy, const void *x, const void *w, double mean, double scale, double level, double tilt, void *dx); /* scale dy w - level - (x - mean) tilt */ \
    /* The same with a relu behind norm_scale, z = (x - mean) scale + shift: dy counts where z > 0. */                            \
    void (*norm_scale_relu_##S)(int64_t n, const void *x, double mean, double scale, double shift, void *y);                      \
    void (*norm_slopes_relu_##S)(int64_t n, const void *dy, const void *x, double mean, double scale, double shift, double sums[2]); \
    void (*norm_dx_relu_##S)(int64_t n, const void *dy, const void *x, double mean, double scale, double shift, double level, double tilt, void *dx); \
    void (*norm_dw_##S)(int64_t n, const void *dy, const void *x, double mean, double scale, double *dw, double *db); /* dw += dy (x - mean) scale, db += dy */
    NORM(f32)
    NORM(f64)
#undef NORM

    /* Optimizer steps: one pass over weights w, gradient g and state. */
    void (*adam_f32)(int64_t n, const mlk_adam *o, float *w, const float *g, float *m, float *v);
    void (*adam_f64)(int64_t n, const mlk_adam *o, double *w, const double *g, double *m, double *v);
    void (*sgd_f32)(int64_t n, const mlk_sgd *o, float *w, const float *g, float *buf); /* buf NULL without momentum */
    void (*sgd_f64)(int64_t n, const mlk_sgd *o, double *w, const double *g, double *buf);
    void (*rmsprop_f32)(int64_t n, const mlk_rmsprop *o, float *w, const float *g, float *v, float *mean, float *buf); /* the last two may be NULL */
    void (*rmsprop_f64)(int64_t n, const mlk_rmsprop *o, double *w, const double *g, double *v, double *mean, double *buf);
    void (*adagrad_f32)(int64_t n, const mlk_adagrad *o, float *w, const float *g, float *sum);
    void (*adagrad_f64)(int64_t n, const mlk_adagrad *o, double *w, const double *g, double *sum);
    void (*lion_f32)(int64_t n, const mlk_lion *o, float *w, const float *g, float *m);
    void (*lion_f64)(int64_t n, const mlk_lion *o, double *w, const double *g, double *m);
    void (*muon_f32)(int64_t n, const mlk_muon *o, float *w, const float *g, const float *u, float *m); /* u: the step's direction */
    void (*muon_f64)(int64_t n, const mlk_muon *o, double *w, const double *g, const double *u, double *m);
} ml_kernels;
#undef MAP1_FLOAT
#undef MAP1_ANY
#undef MAP2_FLOAT
#undef MAP2_ANY
#undef MAP1_ALL
#undef MAP2_ALL
#undef MAP3

/* Sorted rows of n: at[i] is the position of the i-th value in its row, y[i] that value; either may be NULL. Stable; NaN
 * comes last in both directions; -0 equals 0. One row needs scratch of mlk_sort_scratch(n) bytes. u8 is for bool too. */
size_t mlk_sort_scratch(int64_t n);
#define MLK_SORT(X) X(f32, float) X(f64, double) X(i64, int64_t) X(u8, uint8_t)
#define DECLARE_SORT(S, T) \
    void mlk_sort_rows_##S(int64_t rows, int64_t n, const T *x, bool descending, int64_t *at, T *y, void *scratch);
MLK_SORT(DECLARE_SORT)
#undef DECLARE_SORT

/* Smoothing. average[i] = (1 - past) (y[i] + past y[i-1] + past^2 y[i-2] + ...), over the sum of these weights, so that it
 * does not begin at zero. What is not finite stays what it is and does not count: its neighbours are next to each other. Goes
 * on from a state, { .past = past } at first, 0 <= past < 1; y and average may be one. */
typedef struct mlk_average {
    double past, sum, weight;
} mlk_average;
void mlk_smooth(int64_t n, const double *y, double *average, mlk_average *state);

/* How many points of equal weight are as steady as that average: (1 + past) / (1 - past), rounded; the variance of both is
 * the same for independent noise. 1 for 0, 3 for 0.5, 19 for 0.9, 199 for 0.99. */
int64_t mlk_smooth_width(double past);

/* low[i], high[i]: the extremes of the finite ones among y[i - width + 1] .. y[i], or y[i] where it is not finite. O(n); scratch
 * has n values. */
void mlk_rolling_range(int64_t n, const double *y, int64_t width, double *low, double *high, double *scratch);

const ml_kernels *mlk(void); /* MOONLAB_CPU=generic|x86-64-v3|x86-64-v4 asks for another level than the best */

#endif
