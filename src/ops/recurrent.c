/* Recurrent cells over a whole sequence: rnn, gru, lstm. What the input adds to the gates is known for all steps before the first
 * and comes in as x; here is the rest, a product with the state and a pointwise step, in turn.
 *
 * compose defines them, step by step in recorded operations. forward and vjp_direct work on MLK_PANEL samples at a time, which lie
 * side by side, so that every loop runs over whole vectors however small the state is; the sequence stays near while it is walked.
 * The derivative computes the gates of a step again from the states that the result holds: they are several times as large. */
#include "ops/matrix.h"

#include <string.h>

typedef struct cell {
    int  gates, states;
    bool one_slope; /* the derivatives of what input and state add to the gates are the same */
    bool by_gates, by_result; /* the derivative reads the gates and the state before; the states after */
    void (*step[2])(const mlk_cell *); /* f32, f64 */
    void (*back[2])(const mlk_cell *);
    /* The states after a step from x and a (..., gates h), in place of those before. */
    void (*compose)(const ml_call *c, ml_tensor *x, ml_tensor *a, ml_tensor **s);
} cell;

static const cell *cell_of(const ml_call *c);

_Static_assert(offsetof(ml_rnn_opts, reverse) == 0 && offsetof(ml_gru_opts, reverse) == 0 && offsetof(ml_lstm_opts, reverse) == 0, "read alike");
static bool reversed(const ml_call *c) { return *(const bool *)c->opts; }

/* --- shapes: x (n, t, gates h), w (gates h, h), b (gates h), s (n, h) or (2, n, h) -> (n, t, h) or (2, n, t, h) ---------------- */
static bool recurrent_infer(ml_call *c)
{
    const char *op    = ml_op_info_at(c->id)->name;
    int         gates = cell_of(c)->gates, states = cell_of(c)->states;
    ml_shape    x = c->in[0]->shape, w = c->in[1]->shape, b = c->in[2]->shape, s = c->in[3]->shape;
    if (c->id == ML_OP_rnn && !mli_choice(op, "act", ((const ml_rnn_opts *)c->opts)->act, ML_ACT_COUNT)) return false;
    if (w.n != 2 || w.size[0] != gates * w.size[1])
        return ml_fail("%s: the weight must be (%s, h) for a state of h values, got %s", op, gates == 1 ? "h" : gates == 3 ? "3 h" : "4 h", ml_shape_text(&w));
    int64_t h = w.size[1];
    if (x.n != 3 || x.size[2] != gates * h)
        return ml_fail("%s: the input must be (n, t, %lld), as the weight has %lld rows, got %s", op, (long long)(gates * h), (long long)(gates * h), ml_shape_text(&x));
    if (b.n != 1 || b.size[0] != gates * h) return ml_fail("%s: the bias must have shape (%lld), got %s", op, (long long)(gates * h), ml_shape_text(&b));
    ml_shape first = states == 1 ? ML_SHAPE(x.size[0], h) : ML_SHAPE(states, x.size[0], h);
    if (!ml_shape_equal(&s, &first)) return ml_fail("%s: the first state must have shape %s, got %s", op, ml_shape_text(&first), ml_shape_text(&s));
    c->shape = states == 1 ? ML_SHAPE(x.size[0], x.size[1], h) : ML_SHAPE(states, x.size[0], x.size[1], h);
    return true;
}

/* --- definitions ------------------------------------------------------------------------------------------------------------- */
static ml_tensor *columns(ml_tensor *x, int k, int64_t h)
{
    return ml_slice(x, &(ml_slice_opts){ .dim = -1, .start = k * h, .stop = (k + 1) * h, .step = 1 });
}

static int64_t last_of(const ml_tensor *s) { return s ? s->shape.size[s->shape.n - 1] : 0; }

static void rnn_compose(const ml_call *c, ml_tensor *x, ml_tensor *a, ml_tensor **s)
{
    s[0] = mli_act(((const ml_rnn_opts *)c->opts)->act, ml_add(x, a));
}

static void gru_compose(const ml_call *c, ml_tensor *x, ml_tensor *a, ml_tensor **s)
{
    (void)c;
    int64_t    h = last_of(s[0]);
    ml_tensor *r = ml_sigmoid(ml_add(columns(x, 0, h), columns(a, 0, h))), *z = ml_sigmoid(ml_add(columns(x, 1, h), columns(a, 1, h)));
    ml_tensor *m = ml_tanh(ml_add(columns(x, 2, h), ml_mul(r, columns(a, 2, h))));
    s[0]         = ml_lerp(m, s[0], z);
}

static void lstm_compose(const ml_call *c, ml_tensor *x, ml_tensor *a, ml_tensor **s)
{
    (void)c;
    int64_t    h   = last_of(s[0]);
    ml_tensor *sum = ml_add(x, a), *forget = ml_sigmoid(columns(sum, 1, h)), *out = ml_sigmoid(columns(sum, 3, h));
    s[1] = ml_add(ml_mul(forget, s[1]), ml_mul(ml_sigmoid(columns(sum, 0, h)), ml_tanh(columns(sum, 2, h))));
    s[0] = ml_mul(out, ml_tanh(s[1]));
}

static ml_tensor *at_step(ml_tensor *x, int dim, int64_t at)
{
    return ml_squeeze(ml_slice(x, &(ml_slice_opts){ .dim = dim, .start = at, .stop = at + 1, .step = 1 }), &(ml_squeeze_opts){ ML_DIMS(dim) });
}

/* All four may have a batch in front, or none of them: dimensions are counted from the end. */
static bool walk(const ml_call *c, ml_tensor *const *in, ml_tensor **every, int64_t t)
{
    const cell *cl   = cell_of(c);
    ml_tensor  *s[2] = { in[3], NULL };
    for (int i = 0; cl->states > 1 && i < cl->states; i++) s[i] = at_step(in[3], -3, i);
    for (int64_t i = 0; i < t; i++) {
        int64_t    at = reversed(c) ? t - 1 - i : i;
        ml_tensor *a  = ml_linear(s[0], in[1], in[2], NULL);
        cl->compose(c, at_step(in[0], -2, at), a, s);
        for (int k = 0; k < cl->states; k++)
            if (!(every[k * t + at] = s[k])) return false;
    }
    return true;
}

static ml_tensor *unrolled(const ml_call *c, ml_tensor *const *in)
{
    int        states = cell_of(c)->states;
    int64_t    t      = in[0]->shape.size[in[0]->shape.n - 2];
    ml_tensor *y[2]   = { NULL, NULL };
    if (t == 0) /* no states, but of the right shape */
        y[0] = y[1] = columns(in[0], 0, last_of(in[3]));
    size_t      bytes = (size_t)(states * t + 1) * sizeof(ml_tensor *);
    ml_tensor **every = ml_block_take(bytes);
    if (!every) return NULL;
    bool ok = walk(c, in, every, t);
    for (int k = 0; ok && t && k < states; k++) y[k] = ml_stack(every + k * t, (int)t, &(ml_stack_opts){ -2 });
    ml_block_give(every, bytes);
    if (!ok || states == 1) return ok ? y[0] : NULL;
    return y[0] && y[1] ? ml_stack(y, 2, &(ml_stack_opts){ -4 }) : NULL;
}

static ml_tensor *recurrent_compose(ml_call *c) { return unrolled(c, c->in); }

/* A batch of sequences with the same weights is so many sequences more; with weights of their own each is walked, all at a time. */
static ml_tensor *recurrent_vmap(ml_call *c, const bool batched[], int64_t n)
{
    ml_tensor *in[4];
    int        states = cell_of(c)->states;
    for (int i = 0; i < 4; i++) in[i] = i == 0 || i == 3 || batched[1] || batched[2] ? mli_with_batch(c->in[i], batched[i], n) : c->in[i];
    if (!in[0] || !in[1] || !in[2] || !in[3]) return NULL;
    if (batched[1] || batched[2]) return unrolled(c, in);
    ml_shape x = in[0]->shape, s = in[3]->shape;
    in[0] = ml_reshape(in[0], &(ml_reshape_opts){ ML_SHAPE(n * x.size[1], x.size[2], x.size[3]) });
    if (states > 1) in[3] = ml_movedim(in[3], &(ml_movedim_opts){ 0, 1 }); /* (n, 2, m, h) -> (2, n, m, h) */
    int64_t m = s.size[s.n - 2], h = s.size[s.n - 1];
    in[3] = ml_reshape(in[3], &(ml_reshape_opts){ states > 1 ? ML_SHAPE(states, n * m, h) : ML_SHAPE(n * m, h) });
    ml_tensor *y = ml_op_apply(c->id, in, 4, c->opts);
    if (states == 1) return ml_reshape(y, &(ml_reshape_opts){ ML_SHAPE(n, m, x.size[2], h) });
    return ml_movedim(ml_reshape(y, &(ml_reshape_opts){ ML_SHAPE(states, n, m, x.size[2], h) }), &(ml_movedim_opts){ 1, 0 });
}

/* --- the fast way: blocks of samples side by side ------------------------------------------------------------------------------ */
#define LANES MLK_PANEL

typedef struct {
    const cell    *cell;
    mlk_act        act;
    int            wide; /* 0: f32, 1: f64 */
    bool           reverse, failed;
    int64_t        n, t, h, gates, bytes;    /* gates: their values, of all units */
    const char    *x, *first, *w, *from_state; /* w (gates, h); from_state (h + 1, gates): its transpose and, as one more row, the bias */
    const int64_t *off, *off_state;          /* the planes of the gates; of h and of the ones that meet the bias */
    char          *y;
    const char    *dy;                       /* backward: */
    char          *dx, *da, *ds;             /* da: that of what came from the state, which the derivative of the weights is made of */
} job;

/* Planes that a task works in. */
typedef struct {
    char *x, *a, *s, *next, *dy, *dx, *da, *ds, *carry, *end;
} room;

static int64_t planes(const job *j, int64_t n) { return n * LANES * j->bytes; }
static int64_t position(const job *j, int64_t step) { return j->reverse ? j->t - 1 - step : step; }
static int64_t states_at(const job *j, int k, int64_t row, int64_t at) { return ((k * j->n + row) * j->t + at) * j->h * j->bytes; }
static int64_t gates_at(const job *j, int64_t row, int64_t at) { return (row * j->t + at) * j->gates * j->bytes; }

static void load(const job *j, int64_t rows, int64_t width, const char *from, int64_t step, char *to)
{
    (j->wide ? mlk()->lanes_load_f64 : mlk()->lanes_load_f32)(rows, width, from, step, to);
}

static void store(const job *j, int64_t rows, int64_t width, const char *from, char *to, int64_t step)
{
    (j->wide ? mlk()->lanes_store_f64 : mlk()->lanes_store_f32)(rows, width, from, to, step);
}

/* States after the step at a position, of y or what is like it; before the first step those that were given. */
static void load_states(const job *j, const char *of, int64_t row, int64_t rows, int64_t at, char *s)
{
    for (int k = 0; k < j->cell->states; k++) load(j, rows, j->h, of + states_at(j, k, row, at), j->t * j->h, s + planes(j, k * j->h));
}

static void load_before(const job *j, int64_t row, int64_t rows, int64_t step, char *s)
{
    if (step > 0) load_states(j, j->y, row, rows, position(j, step - 1), s);
    else for (int k = 0; k < j->cell->states; k++) load(j, rows, j->h, j->first + (k * j->n + row) * j->h * j->bytes, j->h, s + planes(j, k * j->h));
}

static void product(const job *j, int64_t m, int64_t k, const char *a, const char *b, const int64_t *off, char *c)
{
    mlk_taps t = { .m = m, .k = k, .n = LANES, .a = a, .a_step = m, .b = b, .off = off, .c = c, .c_step = LANES };
    (j->wide ? mlk()->taps_f64 : mlk()->taps_f32)(&t);
}

static void fill_ones(const job *j, char *plane)
{
    for (int i = 0; i < LANES; i++)
        if (j->wide) ((double *)(void *)plane)[i] = 1;
        else ((float *)(void *)plane)[i] = 1;
}

/* The planes of a task: backward has more of them. NULL in .x when there is no memory. */
static room make_room(const job *j)
{
    bool    back  = j->dy != NULL;
    int64_t gates = planes(j, j->gates), states = planes(j, j->cell->states * j->h), size[] = { gates, gates, states + planes(j, 1), states + planes(j, 1),
                    back * states, back * gates, back * gates, back * states, back * states };
    int64_t total = 0;
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) total += size[i];
    char *at = ml_block_take((size_t)total), **place[9];
    room  r  = { 0 };
    if (!at) return r;
    place[0] = &r.x, place[1] = &r.a, place[2] = &r.s, place[3] = &r.next, place[4] = &r.dy, place[5] = &r.dx, place[6] = &r.da, place[7] = &r.ds, place[8] = &r.carry;
    for (int i = 0; i < 9; i++) *place[i] = at, at += size[i];
    r.end = at;
    fill_ones(j, r.s + states);
    fill_ones(j, r.next + states);
    return r;
}

static void walk_forward(void *ctx, int64_t task)
{
    job    *j    = ctx;
    int64_t row  = task * LANES, rows = j->n - row < LANES ? j->n - row : LANES;
    room    r    = make_room(j);
    if (!r.x) {
        __atomic_store_n(&j->failed, true, __ATOMIC_RELAXED);
        return;
    }
    mlk_cell c = { .n = j->h * LANES, .act = j->act, .x = r.x, .a = r.a };
    load_before(j, row, rows, 0, r.s);
    for (int64_t i = 0; i < j->t; i++) {
        int64_t at = position(j, i);
        load(j, rows, j->gates, j->x + gates_at(j, row, at), j->t * j->gates, r.x);
        product(j, j->gates, j->h + 1, j->from_state, r.s, j->off_state, r.a);
        c.s = r.s;
        c.y = r.next;
        j->cell->step[j->wide](&c);
        for (int k = 0; k < j->cell->states; k++) store(j, rows, j->h, r.next + planes(j, k * j->h), j->y + states_at(j, k, row, at), j->t * j->h);
        r.next = (char *)(uintptr_t)c.s;
        r.s    = c.y;
    }
    char *begin = r.x;
    ml_block_give(begin, (size_t)(r.end - begin));
}

static void add_to(const job *j, int64_t n, const char *x, char *sum)
{
    if (j->wide) mlk()->add_f64(n, x, 1, sum, 1, sum);
    else mlk()->add_f32(n, x, 1, sum, 1, sum);
}

static void walk_back(void *ctx, int64_t task)
{
    job    *j      = ctx;
    int64_t row    = task * LANES, rows = j->n - row < LANES ? j->n - row : LANES, states = j->cell->states * j->h;
    room    r      = make_room(j);
    if (!r.x) {
        __atomic_store_n(&j->failed, true, __ATOMIC_RELAXED);
        return;
    }
    char    *da = j->cell->one_slope ? r.dx : r.da;
    mlk_cell c  = { .n = j->h * LANES, .act = j->act, .x = r.x, .a = r.a, .s = r.s, .y = r.next, .dy = r.dy, .dx = r.dx, .da = r.da, .ds = r.ds };
    memset(r.carry, 0, (size_t)planes(j, states));
    for (int64_t i = j->t; i-- > 0;) {
        int64_t at = position(j, i);
        load_states(j, j->dy, row, rows, at, r.dy);
        add_to(j, states * LANES, r.carry, r.dy);
        if (j->cell->by_result) load_states(j, j->y, row, rows, at, r.next);
        if (j->cell->by_gates) {
            load_before(j, row, rows, i, r.s);
            load(j, rows, j->gates, j->x + gates_at(j, row, at), j->t * j->gates, r.x);
            product(j, j->gates, j->h + 1, j->from_state, r.s, j->off_state, r.a);
        }
        j->cell->back[j->wide](&c);
        product(j, j->h, j->gates, j->w, da, j->off, r.carry); /* that of h, through the gates */
        memset(r.carry + planes(j, j->h), 0, (size_t)planes(j, states - j->h));
        add_to(j, states * LANES, r.ds, r.carry);
        store(j, rows, j->gates, r.dx, j->dx + gates_at(j, row, at), j->t * j->gates);
        if (j->da != j->dx) store(j, rows, j->gates, da, j->da + gates_at(j, row, at), j->t * j->gates);
    }
    for (int k = 0; j->ds && k < j->cell->states; k++) store(j, rows, j->h, r.carry + planes(j, k * j->h), j->ds + (k * j->n + row) * j->h * j->bytes, j->h);
    ml_block_give(r.x, (size_t)(r.end - r.x));
}

/* What forward and backward have in common; tensors made here belong to the scope. */
static bool make_job(const ml_call *c, const ml_tensor *y, job *j)
{
    ml_tensor *x = mli_contiguous(c->in[0]), *w = mli_contiguous(c->in[1]), *b = c->in[2], *first = mli_contiguous(c->in[3]);
    if (!x || !w || !first) return false;
    *j = (job){ .cell = cell_of(c), .wide = c->dtype == ML_F64, .reverse = reversed(c), .n = x->shape.size[0], .t = x->shape.size[1], .h = w->shape.size[1],
                .gates = w->shape.size[0], .bytes = (int64_t)ml_dtype_bytes(c->dtype), .x = mli_data(x), .first = mli_data(first), .w = mli_data(w), .y = mli_data(y) };
    if (c->id == ML_OP_rnn) j->act = mli_kernel_act(((const ml_rnn_opts *)c->opts)->act);
    ml_tensor *turned = ml_empty(ML_SHAPE(j->h + 1, j->gates), c->dtype), *off = ml_empty(ML_SHAPE(j->gates + j->h + 1), ML_I64);
    ml_tensor *view   = mli_view(w, ML_SHAPE(j->h, j->gates), (int64_t[]){ w->strides[1], w->strides[0] }, w->offset);
    if (!turned || !off || !view) return false;
    char    *to = mli_data(turned);
    int64_t *o  = mli_data(off);
    mli_strided_copy(view, c->dtype, to);
    mli_strided_copy(b, c->dtype, to + j->h * j->gates * j->bytes);
    j->from_state = to;
    for (int64_t i = 0; i < j->gates; i++) o[i] = i * LANES;
    for (int64_t i = 0; i < j->h; i++) o[j->gates + i] = i * LANES;
    o[j->gates + j->h] = j->cell->states * j->h * LANES;
    j->off             = o;
    j->off_state       = o + j->gates;
    return true;
}

static bool recurrent_forward(ml_call *c)
{
    job j;
    if (ml_tensor_numel(c->out) == 0) return true;
    if (!make_job(c, c->out, &j)) return false;
    ml_parallel((j.n + LANES - 1) / LANES, walk_forward, &j);
    return !j.failed;
}

/* The h that each step began with, (n t, h): those of the result one step later. */
static ml_tensor *states_before(const job *j, ml_dtype dtype)
{
    ml_tensor *before = ml_empty(ML_SHAPE(j->n * j->t, j->h), dtype);
    char      *to     = before ? mli_data(before) : NULL;
    size_t     one = (size_t)(j->h * j->bytes), others = (size_t)(j->t - 1) * one;
    for (int64_t i = 0; before && i < j->n; i++, to += others + one) {
        const char *y = j->y + i * (int64_t)(others + one), *first = j->first + i * (int64_t)one;
        memcpy(to + (j->reverse ? 0 : one), y + (j->reverse ? one : 0), others);
        memcpy(to + (j->reverse ? others : 0), first, one);
    }
    return before;
}

static bool recurrent_direct(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    job        j;
    bool       weights = ml_needs(c, 1) || ml_needs(c, 2);
    ml_tensor *y = mli_contiguous(c->out), *da;
    if (ml_tensor_numel(c->out) == 0) return true; /* nothing depends on anything */
    if (!(dy = mli_contiguous(dy)) || !y || !make_job(c, y, &j)) return false;
    if (!(dx[0] = ml_empty(c->in[0]->shape, c->dtype)) || (ml_needs(c, 3) && !(dx[3] = ml_empty(c->in[3]->shape, c->dtype)))) return false;
    da = weights && !j.cell->one_slope ? ml_empty(c->in[0]->shape, c->dtype) : dx[0];
    if (!da) return false;
    j.dy = mli_data(dy);
    j.dx = mli_data(dx[0]);
    j.da = mli_data(da);
    j.ds = dx[3] ? mli_data(dx[3]) : NULL;
    ml_parallel((j.n + LANES - 1) / LANES, walk_back, &j);
    if (j.failed || !weights) return !j.failed;
    if (!(da = mli_view(da, ML_SHAPE(j.n * j.t, j.gates), NULL, da->offset))) return false;
    if (ml_needs(c, 1)) dx[1] = ml_matmul(ml_mT(da), states_before(&j, c->dtype)); /* (gates, n t) x (n t, h) */
    if (ml_needs(c, 2)) dx[2] = ml_sum_dim(da, 0, false);
    return !ml_failed();
}

/* --- cells, samples, operations -------------------------------------------------------------------------------------------------- */
#define STEP(f) static void f##_32(const mlk_cell *c) { mlk()->f##_f32(c); } static void f##_64(const mlk_cell *c) { mlk()->f##_f64(c); }
STEP(rnn_step) STEP(rnn_back) STEP(gru_step) STEP(gru_back) STEP(lstm_step) STEP(lstm_back)

static const cell *cell_of(const ml_call *c)
{
    static const cell rnn = { 1, 1, true, false, true, { rnn_step_32, rnn_step_64 }, { rnn_back_32, rnn_back_64 }, rnn_compose };
    static const cell gru = { 3, 1, false, true, false, { gru_step_32, gru_step_64 }, { gru_back_32, gru_back_64 }, gru_compose };
    static const cell lstm = { 4, 2, true, true, true, { lstm_step_32, lstm_step_64 }, { lstm_back_32, lstm_back_64 }, lstm_compose };
    return c->id == ML_OP_rnn ? &rnn : c->id == ML_OP_gru ? &gru : &lstm;
}

static const ml_rnn_opts  rnn_back_to_front = { .reverse = true, .act = ML_ACT_TANH }, rnn_relu = { .act = ML_ACT_RELU }, rnn_sigmoid = { .act = ML_ACT_SIGMOID },
                          rnn_linear = { .act = ML_ACT_NONE };
static const ml_gru_opts  gru_back_to_front  = { .reverse = true };
static const ml_lstm_opts lstm_back_to_front = { .reverse = true };

static const ml_sample rnn_samples[] = {
    { .in = { "(2, 3, 2)", "(2, 2)", "(2)", "(2, 2)" } },
    { .in = { "(2, 2, 2)", "(2, 2)", "(2)", "(2, 2)" }, .opts = &rnn_back_to_front },
    { .in = { "(1, 2, 2)", "(2, 2)", "(2)", "(1, 2)" }, .opts = &rnn_relu, .low = 0.2, .high = 1 }, /* away from the kink */
    { .in = { "(1, 2, 2)", "(2, 2)", "(2)", "(1, 2)" }, .opts = &rnn_sigmoid },
    { .in = { "(1, 2, 2)", "(2, 2)", "(2)", "(1, 2)" }, .opts = &rnn_linear },
    { 0 }
};
static const ml_sample gru_samples[] = {
    { .in = { "(2, 3, 6)", "(6, 2)", "(6)", "(2, 2)" } },
    { .in = { "(1, 2, 3)", "(3, 1)", "(3)", "(1, 1)" }, .opts = &gru_back_to_front },
    { 0 }
};
static const ml_sample lstm_samples[] = {
    { .in = { "(2, 2, 8)", "(8, 2)", "(8)", "(2, 2, 2)" } },
    { .in = { "(1, 2, 4)", "(4, 1)", "(4)", "(2, 1, 1)" }, .opts = &lstm_back_to_front },
    { 0 }
};

#define RECURRENT(op) \
    const ml_op ml_op_##op = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_IN(0) | ML_SAVE_IN(1) | ML_SAVE_IN(2) | ML_SAVE_IN(3) | ML_SAVE_OUT, \
                               .infer = recurrent_infer, .forward = recurrent_forward, .vjp_direct = recurrent_direct, .compose = recurrent_compose, \
                               .vmap = recurrent_vmap, .samples = op##_samples };
RECURRENT(rnn)
RECURRENT(gru)
RECURRENT(lstm)
