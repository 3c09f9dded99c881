/* The body of conv.c, included once for f32 and once for f64: T is the type, S its suffix. No include guard: on purpose. */
#include "kernels/tile.h"

/* --- c (m, n) = sum over taps ---------------------------------------------------------------------------------------------- */
/* mr rows, one panel of NR columns; mr is a constant wherever this is inlined, so the tile lives in registers. */
static inline __attribute__((always_inline)) void
FN(taps_tile)(const mlk_taps *t, int mr, int64_t k0, int64_t kc, int64_t i0, int64_t j0)
{
    const T       *a = (const T *)t->a + k0 * t->a_step + i0, *b = (const T *)t->b + j0;
    const int64_t *off = t->off + k0, step = t->a_step;
    VEC acc[MR][2];
    for (int i = 0; i < mr; i++) acc[i][0] = acc[i][1] = (VEC){ 0 };
    for (int64_t k = 0; k < kc; k++, a += step) {
        const T  *run = b + off[k];
        const VEC b0 = *(const VEC *)run, b1 = *(const VEC *)(run + VL);
#pragma GCC unroll 12
        for (int i = 0; i < mr; i++) {
            const T x = a[i];
            acc[i][0] += x * b0;
            acc[i][1] += x * b1;
        }
    }
#pragma GCC unroll 12
    for (int i = 0; i < mr; i++) {
        T *c = (T *)t->c + (i0 + i) * t->c_step + j0;
        if (k0 > 0) acc[i][0] += *(VEC *)c, acc[i][1] += *(VEC *)(c + VL);
        *(VEC *)c        = acc[i][0];
        *(VEC *)(c + VL) = acc[i][1];
    }
}

/* Rows in steps of 12, 8, 6, 4, 2 and 1: what remains of any number is done in few steps. */
static void FN(taps_column)(const mlk_taps *t, int64_t k0, int64_t kc, int64_t j0)
{
    int64_t i = 0;
#if MR == 12
    for (; i + 12 <= t->m; i += 12) FN(taps_tile)(t, 12, k0, kc, i, j0);
    if (i + 8 <= t->m) FN(taps_tile)(t, 8, k0, kc, i, j0), i += 8;
#endif
    for (; i + 6 <= t->m; i += 6) FN(taps_tile)(t, 6, k0, kc, i, j0);
    if (i + 4 <= t->m) FN(taps_tile)(t, 4, k0, kc, i, j0), i += 4;
    if (i + 2 <= t->m) FN(taps_tile)(t, 2, k0, kc, i, j0), i += 2;
    if (i < t->m) FN(taps_tile)(t, 1, k0, kc, i, j0);
}

static void FN(taps)(const mlk_taps *t)
{
    for (int64_t k0 = 0; k0 < t->k || k0 == 0; k0 += KC) /* k = 0 still writes zeros */
        for (int64_t j = 0; j < t->n; j += NR) FN(taps_column)(t, k0, t->k - k0 < KC ? t->k - k0 : KC, j);
}

/* --- c (k, m) += sum over positions -------------------------------------------------------------------------------------------- */
/* How wide the panel from row i on of m is: the last one, where one vector has room for it, is so slim. Else half of its sums, and the work
 * for them, would be for nothing: with 16 channels, the first layers of many networks. */
static inline int64_t FN(panel_width)(int64_t m, int64_t i) { return m - i <= VL ? VL : NR; }

/* The first rows of y (m, n), rows of y_step, as n columns of step values, those that are missing 0. */
static inline void FN(pack_rows)(int64_t m, int64_t n, const T *from, int64_t y_step, int64_t step, T *to)
{
    int64_t width = m < step ? m : step, j = 0;
    if (width < step) memset(to, 0, (size_t)(n * step) * sizeof(T));
    for (; j + 4 <= n; j += 4) /* a line of y is read whole while it is near */
        for (int64_t l = 0; l < width; l++) {
            const T *row = from + l * y_step + j;
            to[j * step + l]       = row[0];
            to[(j + 1) * step + l] = row[1];
            to[(j + 2) * step + l] = row[2];
            to[(j + 3) * step + l] = row[3];
        }
    for (; j < n; j++)
        for (int64_t l = 0; l < width; l++) to[j * step + l] = from[l * y_step + j];
}

/* y (images, m, n) as panels: one holds rows i.. of all images. */
static void FN(tap_sums_pack)(int64_t images, int64_t image_step, int64_t m, int64_t n, const void *y, int64_t y_step, void *packed)
{
    T *to = packed;
    for (int64_t i = 0, step; i < m; i += step) {
        step = FN(panel_width)(m, i);
        for (int64_t image = 0; image < images; image++, to += n * step)
            FN(pack_rows)(m - i, n, (const T *)y + image * image_step + i * y_step, y_step, step, to);
    }
}

/* kr taps by a panel of nv vectors; both are constants wherever this is inlined. */
static inline __attribute__((always_inline)) void FN(sums_tile)(const mlk_tap_sums *t, int kr, int nv, const T *y, int64_t k0, int64_t i0)
{
    const int64_t step = t->step, rows = t->rows;
    const T *run[MR];
    VEC      acc[MR][2];
    for (int k = 0; k < kr; k++) acc[k][0] = acc[k][1] = (VEC){ 0 };
    for (int64_t r = 0, n = 0; n < t->images; r + 1 < rows ? r++ : (r = 0, n++)) {
        const T *b = (const T *)t->b + n * t->image + r * t->pitch;
        for (int k = 0; k < kr; k++) run[k] = b + t->off[k0 + k];
        for (int64_t j = 0; j < t->width; j++, y += nv * VL) {
            const VEC y0 = *(const VEC *)y, y1 = *(const VEC *)(y + (nv - 1) * VL);
#pragma GCC unroll 12
            for (int k = 0; k < kr; k++) {
                const T x = run[k][j * step];
                acc[k][0] += x * y0;
                if (nv > 1) acc[k][1] += x * y1;
            }
        }
    }
#pragma GCC unroll 12
    for (int k = 0; k < kr; k++) {
        T *c = (T *)t->c + (k0 + k) * t->c_step + i0;
        *(VEC *)c += acc[k][0];
        if (nv > 1) *(VEC *)(c + VL) += acc[k][1];
    }
}

static inline __attribute__((always_inline)) void FN(sums_panel)(const mlk_tap_sums *t, int nv, const T *y, int64_t i)
{
    int64_t k = 0;
    for (; k + MR <= t->k; k += MR) FN(sums_tile)(t, MR, nv, y, k, i);
#if MR == 12
    if (k + 6 <= t->k) FN(sums_tile)(t, 6, nv, y, k, i), k += 6;
#endif
    if (k + 4 <= t->k) FN(sums_tile)(t, 4, nv, y, k, i), k += 4;
    if (k + 2 <= t->k) FN(sums_tile)(t, 2, nv, y, k, i), k += 2;
    if (k < t->k) FN(sums_tile)(t, 1, nv, y, k, i);
}

static void FN(tap_sums)(const mlk_tap_sums *t)
{
    const T *y = t->packed;
    for (int64_t i = 0, step; i < t->m; i += step, y += t->images * t->rows * t->width * step) {
        step = FN(panel_width)(t->m, i);
        if (step == VL) FN(sums_panel)(t, 1, y, i);
        else FN(sums_panel)(t, 2, y, i);
    }
}

/* --- into planes and out of them --------------------------------------------------------------------------------------------------- */
/* Rows of images are short, and a call of memcpy or memset costs as much as one of them: compilers make such calls of plain loops. */
static inline void FN(copy_row)(int64_t n, const T *x, T *y)
{
    int64_t j = 0;
    for (; j + VL <= n; j += VL) *(VEC *)(y + j) = *(const VEC *)(x + j);
    for (int64_t part = VL / 2; part > 0; part /= 2)
        if ((n - j) & part) {
            switch (part) {
            case 8: memcpy(y + j, x + j, 8 * sizeof(T)); break;
            case 4: memcpy(y + j, x + j, 4 * sizeof(T)); break;
            case 2: memcpy(y + j, x + j, 2 * sizeof(T)); break;
            default: y[j] = x[j];
            }
            j += part;
        }
}

static inline void FN(zero_few)(int64_t n, T *y)
{
    for (int64_t j = 0; j < n; j++) {
        y[j] = 0;
        __asm__ volatile("" ::: "memory"); /* one after the other */
    }
}

/* Of each of count images, image_step apart, to planes (rows, cols), contiguous, to_step apart: element (i, j) is that of the image (h, w)
 * at (top + i down, left + j right), 0 outside it. */
static void FN(plane_fill)(int64_t count, const void *image, int64_t image_step, int64_t h, int64_t w, int64_t top, int64_t left, int64_t down,
                           int64_t right, int64_t rows, int64_t cols, void *to, int64_t to_step)
{
    int64_t first = left >= 0 ? 0 : (-left + right - 1) / right, last = left >= w ? 0 : (w - left + right - 1) / right;
    if (first > cols) first = cols;
    if (last > cols) last = cols;
    if (last < first) last = first;
    for (int64_t n = 0; n < count; n++) {
        const T *from = (const T *)image + n * image_step;
        T       *y    = (T *)to + n * to_step;
        for (int64_t i = 0; i < rows; i++, y += cols) {
            int64_t at = top + i * down;
            if (at < 0 || at >= h) {
                memset(y, 0, (size_t)cols * sizeof(T));
                continue;
            }
            const T *x = from + at * w + left;
            FN(zero_few)(first, y);
            if (right == 1) FN(copy_row)(last - first, x + first, y + first);
            else for (int64_t j = first; j < last; j++) y[j] = x[j * right];
            FN(zero_few)(cols - last, y + last);
        }
    }
}

/* y (rows, width), rows of y_row, values y_step apart = act(x (rows, width), rows of pitch, + bias); bias NULL: none. */
static void FN(plane_store)(int64_t rows, int64_t width, const void *x, int64_t pitch, const void *bias, mlk_act act, void *y, int64_t y_row,
                            int64_t y_step)
{
    const T  plus = bias ? *(const T *)bias : 0;
    const T *from = x;
    T       *to   = y;
    for (int64_t i = 0; i < rows; i++, from += pitch, to += y_row) {
        if (y_step != 1) for (int64_t j = 0; j < width; j++) to[j * y_step] = from[j] + plus;
        else if (act == MLK_ACT_RELU) for (int64_t j = 0; j < width; j++) to[j] = from[j] + plus < 0 ? 0 : from[j] + plus;
        else for (int64_t j = 0; j < width; j++) to[j] = from[j] + plus;
    }
}

#include "kernels/tile_end.h"
