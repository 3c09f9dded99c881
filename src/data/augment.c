/* Augmentation: each step draws the same number of values whatever they turn out to be, and touches one example alone. */
#include "data/augment.h"

#include <string.h>

static const struct {
    const char *name;
    bool        image;     /* needs rows and columns */
    double      low, high; /* of amount */
    const char *amount;
} steps[ML_AUGMENT_COUNT] = {
    [ML_AUGMENT_SHIFT]         = { "shift", true, 0, 4096, "pixels" },
    [ML_AUGMENT_ROTATE]        = { "rotate", true, 0, 360, "degrees" },
    [ML_AUGMENT_FLIP]          = { "flip", true, 0, 1, "a probability" },
    [ML_AUGMENT_FLIP_VERTICAL] = { "flip_vertical", true, 0, 1, "a probability" },
    [ML_AUGMENT_CUTOUT]        = { "cutout", true, 0, 4096, "pixels" },
    [ML_AUGMENT_NOISE]         = { "noise", false, 0, 1e6, "a standard deviation" },
    [ML_AUGMENT_MIXUP]         = { "mixup", false, 1e-3, 1e3, "the parameter of a Beta distribution" },
};

const char *ml_augment_name(ml_augment_kind kind) { return (unsigned)kind < ML_AUGMENT_COUNT ? steps[kind].name : "?"; }

bool ml_augment_parse(const char *name, ml_augment_kind *kind)
{
    const char *known[ML_AUGMENT_COUNT], *nearest;
    for (int k = 0; k < ML_AUGMENT_COUNT; k++) {
        if (strcmp(name, steps[k].name) == 0) return *kind = (ml_augment_kind)k, true;
        known[k] = steps[k].name;
    }
    nearest = ml_nearest_word(name, known, ML_AUGMENT_COUNT);
    return ml_fail("loader: there is no augmentation '%s'%s%s%s", name, nearest ? "; did you mean '" : "; it knows shift, rotate, flip, ",
                   nearest ? nearest : "flip_vertical, cutout, noise and mixup", nearest ? "'?" : "");
}

bool mli_augment_check(const ml_augment *step, ml_shape example)
{
    if ((unsigned)step->kind >= ML_AUGMENT_COUNT) return ml_fail("loader: there is no augmentation %d", (int)step->kind);
    const char *name = steps[step->kind].name;
    if (!(step->amount >= steps[step->kind].low && step->amount <= steps[step->kind].high))
        return ml_fail("loader: %s takes %s, %g..%g, got %g", name, steps[step->kind].amount, steps[step->kind].low, steps[step->kind].high, step->amount);
    if (steps[step->kind].image && example.n != 2 && example.n != 3)
        return ml_fail("loader: %s needs images, (n, rows, columns) or (n, channels, rows, columns), and an example is %s", name, ml_shape_text(&example));
    return true;
}

static int64_t whole_within(mli_draws *draws, double amount) /* -amount..amount */
{
    int64_t most = (int64_t)amount;
    return mli_draw_below(draws, 2 * most + 1) - most;
}

static void shift(mli_frame f, int64_t right, int64_t down, float *x, const float *from)
{
    int64_t x0 = right > 0 ? right : 0, x1 = right < 0 ? f.columns + right : f.columns;
    memset(x, 0, sizeof(float) * (size_t)(f.channels * f.rows * f.columns));
    for (int64_t c = 0; c < f.channels; c++)
        for (int64_t i = 0; x0 < x1 && i < f.rows; i++) {
            if (i - down < 0 || i - down >= f.rows) continue;
            memcpy(x + (c * f.rows + i) * f.columns + x0, from + (c * f.rows + i - down) * f.columns + x0 - right, sizeof(float) * (size_t)(x1 - x0));
        }
}

static float pixel(mli_frame f, const float *from, int64_t i, int64_t j)
{
    return i < 0 || i >= f.rows || j < 0 || j >= f.columns ? 0 : from[i * f.columns + j];
}

/* Each pixel of x looks where it comes from: with the clock by angle. */
static void rotate(mli_frame f, double angle, float *x, const float *from)
{
    double mid_i = (double)(f.rows - 1) / 2, mid_j = (double)(f.columns - 1) / 2, cosine = cos(angle), sine = sin(angle);
    for (int64_t i = 0; i < f.rows; i++)
        for (int64_t j = 0; j < f.columns; j++) {
            double  di = (double)i - mid_i, dj = (double)j - mid_j;
            double  at_i = mid_i + cosine * di - sine * dj, at_j = mid_j + sine * di + cosine * dj;
            int64_t i0 = (int64_t)floor(at_i), j0 = (int64_t)floor(at_j);
            float   ti = (float)(at_i - (double)i0), tj = (float)(at_j - (double)j0);
            for (int64_t c = 0; c < f.channels; c++) {
                const float *p     = from + c * f.rows * f.columns;
                float        above = pixel(f, p, i0, j0) * (1 - tj) + pixel(f, p, i0, j0 + 1) * tj;
                float        below = pixel(f, p, i0 + 1, j0) * (1 - tj) + pixel(f, p, i0 + 1, j0 + 1) * tj;
                x[(c * f.rows + i) * f.columns + j] = above * (1 - ti) + below * ti;
            }
        }
}

static void flip(mli_frame f, bool vertical, float *x, const float *from)
{
    for (int64_t c = 0; c < f.channels; c++)
        for (int64_t i = 0; i < f.rows; i++)
            for (int64_t j = 0; j < f.columns; j++)
                x[(c * f.rows + i) * f.columns + j] = from[(c * f.rows + (vertical ? f.rows - 1 - i : i)) * f.columns + (vertical ? j : f.columns - 1 - j)];
}

static void cut_out(mli_frame f, int64_t size, int64_t i0, int64_t j0, float *x)
{
    for (int64_t c = 0; c < f.channels; c++)
        for (int64_t i = i0 < 0 ? 0 : i0; i < i0 + size && i < f.rows; i++)
            for (int64_t j = j0 < 0 ? 0 : j0; j < j0 + size && j < f.columns; j++) x[(c * f.rows + i) * f.columns + j] = 0;
}

/* Box & Muller in f32, two of a pair of words: 24 bits reach 5.8 standard deviations. */
static void two_normals(const uint32_t r[2], float std, float z[2])
{
    float radius = std * sqrtf(-2 * logf(((float)(r[0] >> 8) + 0.5f) * 0x1p-24f)), angle = 6.2831853f * ((float)(r[1] >> 8) * 0x1p-24f);
    z[0] = radius * cosf(angle);
    z[1] = radius * sinf(angle);
}

/* A quarter of a block for each value: noise on every pixel is the dearest step. */
static void add_noise(int64_t n, float std, mli_draws *draws, float *x)
{
    for (int64_t i = 0; i < n; i += 4) {
        uint32_t r[4];
        float    z[4];
        ml_philox(draws->key, draws->counter++, r);
        two_normals(r, std, z);
        two_normals(r + 2, std, z + 2);
        for (int64_t k = 0; k < 4 && i + k < n; k++) x[i + k] += z[k];
    }
}

void mli_augment(const ml_augment *step, mli_frame f, mli_draws *draws, float *x, float *spare)
{
    int64_t n = f.channels * f.rows * f.columns, a, b;
    double  angle;
    bool    vertical = step->kind == ML_AUGMENT_FLIP_VERTICAL;
    switch (step->kind) {
    case ML_AUGMENT_SHIFT:
        a = whole_within(draws, step->amount), b = whole_within(draws, step->amount);
        memcpy(spare, x, sizeof(float) * (size_t)n);
        shift(f, a, b, x, spare);
        break;
    case ML_AUGMENT_ROTATE:
        angle = step->amount * (2 * mli_draw_uniform(draws) - 1) * 3.14159265358979323846 / 180;
        memcpy(spare, x, sizeof(float) * (size_t)n);
        rotate(f, angle, x, spare);
        break;
    case ML_AUGMENT_FLIP:
    case ML_AUGMENT_FLIP_VERTICAL:
        if (mli_draw_uniform(draws) >= step->amount) break;
        memcpy(spare, x, sizeof(float) * (size_t)n);
        flip(f, vertical, x, spare);
        break;
    case ML_AUGMENT_CUTOUT:
        a = mli_draw_below(draws, f.rows), b = mli_draw_below(draws, f.columns);
        cut_out(f, (int64_t)step->amount, a - (int64_t)step->amount / 2, b - (int64_t)step->amount / 2, x);
        break;
    case ML_AUGMENT_NOISE: add_noise(n, (float)step->amount, draws, x); break;
    default: break;
    }
}

/* Marsaglia & Tsang 2000; below 1 by Gamma(a) = Gamma(a + 1) u^(1/a), in logarithms, as u^(1/a) may be too small. */
static double log_gamma_draw(mli_draws *draws, double a)
{
    double d = (a < 1 ? a + 1 : a) - 1.0 / 3, c = 1 / sqrt(9 * d), boost = a < 1 ? log(1 - mli_draw_uniform(draws)) / a : 0;
    for (;;) {
        double z = mli_draw_normal(draws), v = 1 + c * z;
        if (v <= 0) continue;
        v = v * v * v;
        if (log(1 - mli_draw_uniform(draws)) < z * z / 2 + d - d * v + d * log(v)) return log(d * v) + boost;
    }
}

double mli_draw_beta(mli_draws *draws, double a)
{
    double x = log_gamma_draw(draws, a), y = log_gamma_draw(draws, a);
    return 1 / (1 + exp(y - x));
}
