/* A step length that fulfils the strong Wolfe conditions (Nocedal & Wright 2006, algorithms 3.5 and 3.6, with the safeguards of
 * Schmidt's minFunc): first the step grows until a minimum lies between two points, then cubic interpolation closes in on it.
 * A loss that is no number counts as infinitely high: the way there is shortened. */
#include "optim/flat.h"

#define SUFFICIENT 1e-4 /* the loss falls by this share of what the slope promises */
#define FLATTER    0.9  /* and the slope shrinks to this */
#define MOST       25   /* losses on one line */

static bool evaluate(mli_line *line, double t, mli_point *p)
{
    mli_flat_move(line->n, line->x, t, line->d, line->at);
    mli_flat_write(line->opt, line->at);
    line->evaluations++;
    p->t = t;
    if (!mli_flat_loss(line->opt, line->f, &p->loss, p->g)) return false;
    p->slope = mli_flat_dot(line->n, p->g, line->d);
    line->shortest = fmin(line->shortest, t);
    if (isfinite(p->loss) && isfinite(p->slope)) line->finite++;
    else p->loss = INFINITY, p->slope = INFINITY;
    return true;
}

/* Where the cubic through two points with their slopes is lowest, in low..high. */
static double lowest(const mli_point *a, const mli_point *b, double low, double high)
{
    if (a->t > b->t) {
        const mli_point *swap = a;
        a = b, b = swap;
    }
    double middle = (low + high) / 2;
    if (!isfinite(a->loss) || !isfinite(b->loss)) return middle;
    double d = a->slope + b->slope - 3 * (a->loss - b->loss) / (a->t - b->t), root = d * d - a->slope * b->slope;
    if (!(root >= 0)) return middle;
    root     = sqrt(root);
    double t = b->t - (b->t - a->t) * ((b->slope + root - d) / (b->slope - a->slope + 2 * root));
    return isnan(t) ? middle : fmin(fmax(t, low), high);
}

static void swap_points(mli_point *a, mli_point *b)
{
    mli_point was = *a;
    *a = *b, *b = was;
}

static bool too_high(const mli_point *start, const mli_point *p)
{
    return !(p->loss <= start->loss + SUFFICIENT * p->t * start->slope);
}

static bool flat_enough(const mli_point *start, const mli_point *p)
{
    return fabs(p->slope) <= -FLATTER * start->slope;
}

/* Between low, the best so far, and high, on the other side of a minimum; p is scratch. */
static bool close_in(mli_line *line, const mli_point *start, mli_point *low, mli_point *high, mli_point *p, int *tries)
{
    double width   = mli_flat_largest(line->n, line->d);
    bool   stalled = false;
    while (*tries < MOST && fabs(high->t - low->t) * width >= line->tolerance) {
        double left = fmin(low->t, high->t), right = fmax(low->t, high->t), edge = 0.1 * (right - left);
        double t = lowest(low, high, left, right);
        if (fmin(right - t, t - left) < edge) { /* near an end: once is progress enough, twice is not */
            bool pushed = stalled || t >= right || t <= left;
            if (pushed) t = fabs(t - right) < fabs(t - left) ? right - edge : left + edge;
            stalled = !pushed;
        } else {
            stalled = false;
        }
        if (!evaluate(line, t, p)) return false;
        ++*tries;
        if (too_high(start, p) || p->loss >= low->loss) {
            swap_points(high, p);
            if (high->loss < low->loss) swap_points(low, high); /* only by the other condition */
            continue;
        }
        bool done = flat_enough(start, p);
        if (!done && p->slope * (high->t - low->t) >= 0) {
            swap_points(high, low);
        }
        swap_points(low, p);
        if (done) break;
    }
    return true;
}

bool mli_line_search(mli_line *line, const mli_point *start, double t, mli_point *found, double *const spare[3])
{
    mli_point before = *start, now = { .g = spare[0] }, next = { .g = spare[1] };
    int       tries  = 0;
    before.g = spare[2];
    for (int64_t i = 0; i < line->n; i++) before.g[i] = start->g[i];
    if (!evaluate(line, t, &now)) return false;
    bool between = false, done = false;
    while (tries < MOST && !between && !done) {
        if (too_high(start, &now) || (tries > 1 && now.loss >= before.loss)) between = true;
        else if (flat_enough(start, &now)) done = true;
        else if (now.slope >= 0) between = true;
        else {
            t = lowest(&before, &now, now.t + 0.01 * (now.t - before.t), now.t * 10);
            if (!evaluate(line, t, &next)) return false;
            swap_points(&before, &now);
            swap_points(&now, &next);
            tries++;
        }
    }
    if (done) before = now; /* of which only the gradient is looked at below */
    else if (now.loss < before.loss) swap_points(&before, &now);
    if (!done && between && !close_in(line, start, &before, &now, &next, &tries)) return false;
    double *g = found->g;
    *found    = before;
    found->g  = g;
    for (int64_t i = 0; i < line->n; i++) g[i] = before.g[i];
    return true;
}
