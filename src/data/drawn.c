/* Images drawn by rule. A glyph's strokes are bent a little, turned, scaled and moved, become short straight pieces, and a pixel
 * is as dark as it is near to the nearest of them: a pen of a round tip, anti-aliased over one pixel.
 *
 * Example i is a function of (options, i): threads share the examples and nothing else. */
#include "moonlab/data.h"

#include <math.h>

#include "data/draws.h"
#include "data/glyphs.h"

#define SMALLEST   8
#define LARGEST    256
#define MOST       10000000
#define PIECES     6    /* of a curve, between two of its points */
#define FILL       0.36 /* half the height of a glyph, in sizes of the image: as MNIST's 20 of 28 pixels */
#define STREAM     0x647261776eu       /* "drawn" in ASCII */
#define ORDER      (STREAM << 16 | 1u) /* of the classes */

typedef struct { double x, y; } point;
typedef struct { point from, to; } piece;
typedef struct {
    int   n;
    piece piece[MLI_MOST_STROKES * MLI_MOST_POINTS * PIECES];
} pieces;

ml_drawn_opts ml_drawn_defaults(void)
{
    ml_look look = { .rotation = { -12, 12 }, .shear = { -0.15, 0.15 }, .scale = { 0.8, 1.05 }, .shift = { -2, 2 }, .thickness = { 1.6, 3 }, .wobble = 0.06 };
    return (ml_drawn_opts){ .n_train = 8000, .n_test = 2000, .size = 28, .train = look, .test = look, .seed = 1 };
}

int ml_drawn_classes(ml_drawing what) { return what == ML_DRAW_DIGITS ? MLI_DIGITS : MLI_SHAPES; }

const char *ml_drawn_name(ml_drawing what, int class)
{
    if (class < 0 || class >= ml_drawn_classes(what)) return ml_fail("drawn: there is no class %d of %d", class, ml_drawn_classes(what));
    return what == ML_DRAW_DIGITS ? mli_digits[class].name : mli_shapes[class].name;
}

/* --- options --------------------------------------------------------------------------------------------------------- */
static bool check_range(const char *where, const char *part, const char *name, const double range[2], double low, double high)
{
    if (range[0] >= low && range[1] >= range[0] && range[1] <= high) return true;
    return ml_fail("%s: %s of the %s set must be a range within %g..%g, got %g..%g", where, name, part, low, high, range[0], range[1]);
}

static bool check_look(const char *where, const char *part, const ml_look *l, double size)
{
    const double wobble[2] = { l->wobble, l->wobble }, noise[2] = { l->noise, l->noise };
    return check_range(where, part, "rotation", l->rotation, -360, 360) && check_range(where, part, "shear", l->shear, -4, 4) &&
           check_range(where, part, "scale", l->scale, 0.01, 10) && check_range(where, part, "shift", l->shift, -size, size) &&
           check_range(where, part, "thickness", l->thickness, 0.1, size) && check_range(where, part, "wobble", wobble, 0, 1) &&
           check_range(where, part, "noise", noise, 0, 10);
}

static bool check(const char *where, const ml_drawn_opts *o)
{
    if (o->size < SMALLEST || o->size > LARGEST) return ml_fail("%s: size must be %d..%d, got %lld", where, SMALLEST, LARGEST, (long long)o->size);
    if (o->n_train < 1 || o->n_train > MOST) return ml_fail("%s: n_train must be 1..%d, got %lld", where, MOST, (long long)o->n_train);
    if (o->n_test < 1 || o->n_test > MOST) return ml_fail("%s: n_test must be 1..%d, got %lld", where, MOST, (long long)o->n_test);
    if (o->base != 0 && o->base != 1) return ml_fail("%s: base must be 0 or 1, got %d", where, o->base);
    return check_look(where, "training", &o->train, (double)o->size) && check_look(where, "test", &o->test, (double)o->size);
}

/* --- from strokes to pieces ------------------------------------------------------------------------------------------ */
/* Between b and c at t in 0..1, on the curve through a, b, c, d (Catmull & Rom 1974). */
static double curve(double a, double b, double c, double d, double t)
{
    return b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

static point on_curve(const mli_stroke *s, const point *p, int i, double t)
{
    int   last = s->n - 1;
    point a = p[i > 0 ? i - 1 : s->closed ? last : 0], b = p[i], c = p[(i + 1) % s->n], d = p[s->closed ? (i + 2) % s->n : i + 2 > last ? last : i + 2];
    return (point){ curve(a.x, b.x, c.x, d.x, t), curve(a.y, b.y, c.y, d.y, t) };
}

static void add_stroke(pieces *all, const mli_stroke *s, const point *p)
{
    int spans = s->closed ? s->n : s->n - 1, cuts = s->smooth ? PIECES : 1;
    for (int i = 0; i < spans; i++)
        for (int k = 0; k < cuts; k++) {
            point from = s->smooth ? on_curve(s, p, i, (double)k / cuts) : p[i];
            point to   = s->smooth ? on_curve(s, p, i, (double)(k + 1) / cuts) : p[(i + 1) % s->n];
            all->piece[all->n++] = (piece){ from, to };
        }
}

/* The glyph as one example has it, in pixels; *width is that of its pen. */
static void place_glyph(const mli_glyph *glyph, const ml_look *look, double size, mli_draws *draws, pieces *all, double *width)
{
    double angle = mli_draw_between(draws, look->rotation) * 3.14159265358979323846 / 180, shear = mli_draw_between(draws, look->shear);
    double unit  = mli_draw_between(draws, look->scale) * FILL * size;
    double dx = (size - 1) / 2 + mli_draw_between(draws, look->shift), dy = (size - 1) / 2 + mli_draw_between(draws, look->shift);
    *width = mli_draw_between(draws, look->thickness);
    all->n = 0;
    for (int s = 0; s < glyph->n; s++) {
        const mli_stroke *stroke = &glyph->stroke[s];
        point             p[MLI_MOST_POINTS];
        for (int i = 0; i < stroke->n; i++) {
            double x = stroke->at[i][0] + look->wobble * mli_draw_normal(draws), y = stroke->at[i][1] + look->wobble * mli_draw_normal(draws);
            x -= shear * y;
            p[i] = (point){ dx + unit * (x * cos(angle) - y * sin(angle)), dy + unit * (x * sin(angle) + y * cos(angle)) };
        }
        add_stroke(all, stroke, p);
    }
}

/* --- from pieces to pixels --------------------------------------------------------------------------------------------- */
static double square_distance(const piece *s, double x, double y)
{
    double ux = s->to.x - s->from.x, uy = s->to.y - s->from.y, vx = x - s->from.x, vy = y - s->from.y;
    double length = ux * ux + uy * uy, t = length > 0 ? (ux * vx + uy * vy) / length : 0;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return (vx - t * ux) * (vx - t * ux) + (vy - t * uy) * (vy - t * uy);
}

static int64_t bounded(double v, int64_t size) { return v < 0 ? 0 : v > (double)size ? size : (int64_t)v; }

/* cover = how much of each pixel the pen has touched, 0..1; only pixels near to a piece are looked at. */
static void draw_lines(const pieces *all, double width, int64_t size, float *cover)
{
    double reach = width / 2 + 0.5;
    for (int64_t i = 0; i < size * size; i++) cover[i] = 0;
    for (const piece *s = all->piece; s < all->piece + all->n; s++) {
        double  left = fmin(s->from.x, s->to.x), right = fmax(s->from.x, s->to.x), top = fmin(s->from.y, s->to.y), bottom = fmax(s->from.y, s->to.y);
        int64_t x0 = bounded(left - reach, size), x1 = bounded(right + reach + 1, size), y0 = bounded(top - reach, size), y1 = bounded(bottom + reach + 1, size);
        for (int64_t y = y0; y < y1; y++)
            for (int64_t x = x0; x < x1; x++) {
                double d = square_distance(s, (double)x, (double)y);
                if (d >= reach * reach) continue;
                float c = (float)fmin(1, reach - sqrt(d));
                if (c > cover[y * size + x]) cover[y * size + x] = c;
            }
    }
}

/* What the pieces enclose is covered too: a pixel from which a ray to the right meets an odd number of them. */
static void fill_inside(const pieces *all, int64_t size, float *cover)
{
    for (int64_t y = 0; y < size; y++)
        for (int64_t x = 0; x < size; x++) {
            bool inside = false;
            for (const piece *s = all->piece; s < all->piece + all->n; s++)
                if ((s->from.y > (double)y) != (s->to.y > (double)y) &&
                    (double)x < s->from.x + (s->to.x - s->from.x) * ((double)y - s->from.y) / (s->to.y - s->from.y))
                    inside = !inside;
            if (inside) cover[y * size + x] = 1;
        }
}

/* --- sets ------------------------------------------------------------------------------------------------------------------ */
typedef struct set_task {
    const ml_drawn_opts *o;
    const ml_look       *look;
    ml_drawing           what;
    const int64_t       *labels; /* from base on */
    int64_t              first;  /* number of the set's first example */
    float               *x;
} set_task;

/* Two colours that can be told apart: ink and ground. */
static void draw_colours(mli_draws *draws, float ink[3], float ground[3])
{
    float apart;
    do {
        apart = 0;
        for (int c = 0; c < 3; c++) {
            ink[c]    = (float)mli_draw_uniform(draws);
            ground[c] = (float)mli_draw_uniform(draws);
            apart     = fmaxf(apart, fabsf(ink[c] - ground[c]));
        }
    } while (apart < 0.4f);
}

static void draw_one(void *ctx, int64_t i)
{
    const set_task      *t = ctx;
    const ml_drawn_opts *o = t->o;
    mli_draws            draws = mli_draws_of(ml_key_of(o->seed, STREAM), t->first + i);
    int64_t              pixels = o->size * o->size;
    int                  channels = o->colour ? 3 : 1;
    float               *x = t->x + i * channels * pixels, ink[3] = { 1 }, ground[3] = { 0 };
    pieces               all;
    double               width;
    const mli_glyph     *glyph = (t->what == ML_DRAW_DIGITS ? mli_digits : mli_shapes) + (t->labels[i] - o->base);
    place_glyph(glyph, t->look, (double)o->size, &draws, &all, &width);
    draw_lines(&all, width, o->size, x);
    if (o->filled) fill_inside(&all, o->size, x);
    if (o->colour) draw_colours(&draws, ink, ground);
    for (int c = channels - 1; c >= 0; c--) /* the first channel, which has the cover, last */
        for (int64_t k = 0; k < pixels; k++) {
            float v = ground[c] + x[k] * (ink[c] - ground[c]);
            if (t->look->noise > 0) v += (float)(t->look->noise * mli_draw_normal(&draws));
            x[c * pixels + k] = v < 0 ? 0 : v > 1 ? 1 : v;
        }
}

static bool make_set(const ml_drawn_opts *o, ml_drawing what, bool test, ml_dataset *set)
{
    int64_t n = test ? o->n_test : o->n_train;
    set->x = ml_empty(ML_SHAPE(n, o->colour ? 3 : 1, o->size, o->size), ML_F32);
    set->y = ml_empty(ML_SHAPE(n), ML_I64);
    if (!set->x || !set->y) return false;
    ml_scope       scope  = ml_scope_begin();
    int64_t       *labels = ml_tensor_mutable_data(set->y);
    const int64_t *order  = ml_tensor_data(ml_randperm(n, ml_key_of(o->seed, ORDER + test)));
    for (int64_t i = 0; order && i < n; i++) labels[order[i]] = i % ml_drawn_classes(what) + o->base;
    set_task task = { o, test ? &o->test : &o->train, what, labels, test ? o->n_train : 0, ml_tensor_mutable_data(set->x) };
    if (order) ml_parallel(n, draw_one, &task);
    ml_scope_end(&scope);
    return order != NULL;
}

bool ml_data_drawn(ml_drawing what, const ml_drawn_opts *opts, ml_dataset *train, ml_dataset *test)
{
    ml_dataset first, second;
    if (!check(what == ML_DRAW_DIGITS ? "digits" : "shapes", opts)) return false;
    if (!make_set(opts, what, false, &first) || !make_set(opts, what, true, &second)) return false;
    *train = first;
    *test  = second;
    return true;
}
