/* Recurrent layers: RNN, GRU, LSTM. One layer that reads in one direction is a module with the four parameters; several layers, or
 * both directions, are a container of those: layer by layer, in each first the one that reads forwards. */
#include "nn/module.h"

#include "tensor/tensor_impl.h"

#include <stdio.h>

#define MOST_LAYERS 64

static const mli_module_kind rnn_kind, gru_kind, lstm_kind;

static bool is_recurrent(const ml_module *m)
{
    return m && (m->kind == &rnn_kind || m->kind == &gru_kind || m->kind == &lstm_kind);
}

static int64_t gates_of(const mli_module_kind *kind) { return kind == &gru_kind ? 3 : kind == &lstm_kind ? 4 : 1; }
static int     states_of(const ml_module *m) { return m->kind == &lstm_kind ? 2 : 1; } /* LSTM: h and c */
static int     directions_of(const ml_module *m) { return m->recurrent.bidirectional ? 2 : 1; }

/* --- one layer, one direction ------------------------------------------------------------------------------------------------- */
static ml_tensor *run_cell(const ml_module *m, ml_tensor *x, ml_tensor *w, ml_tensor *b, ml_tensor *first)
{
    bool reverse = m->recurrent.reverse;
    if (m->kind == &gru_kind) return ml_gru(x, w, b, first, &(ml_gru_opts){ .reverse = reverse });
    if (m->kind == &lstm_kind) return ml_lstm(x, w, b, first, &(ml_lstm_opts){ .reverse = reverse });
    return ml_rnn(x, w, b, first, &(ml_rnn_opts){ .reverse = reverse, .act = m->recurrent.act });
}

static ml_tensor *plane(ml_tensor *y, int k) /* h or c of what lstm gives */
{
    return ml_squeeze(ml_slice(y, &(ml_slice_opts){ .dim = 0, .start = k, .stop = k + 1, .step = 1 }), &(ml_squeeze_opts){ ML_DIMS(0) });
}

/* The states after the last step: (n, h), or (2, n, h). */
static ml_tensor *final_of(const ml_module *m, ml_tensor *y, int64_t t)
{
    int64_t at = m->recurrent.reverse ? 0 : t - 1;
    return ml_squeeze(ml_slice(y, &(ml_slice_opts){ .dim = -2, .start = at, .stop = at + 1, .step = 1 }), &(ml_squeeze_opts){ ML_DIMS(-2) });
}

/* The outputs (n, t, h); *final: the states after the last step, where they are wanted. */
static ml_tensor *run_one(const ml_module *m, ml_tensor *const *params, ml_tensor *x, ml_tensor *first, ml_tensor **final)
{
    bool       bias = m->recurrent.bias;
    int64_t    rows = ml_tensor_size(params[1], 0);
    ml_tensor *none = bias ? NULL : ml_zeros(ML_SHAPE(rows), ml_tensor_dtype(params[0]));
    ml_tensor *y    = run_cell(m, ml_linear(x, params[0], bias ? params[2] : none, NULL), params[1], bias ? params[3] : none, first);
    if (final && y) *final = final_of(m, y, ml_tensor_size(x, 1));
    return states_of(m) == 1 ? y : plane(y, 0);
}

/* The same of module i of a container, whose part of what m was given `own` is. */
static ml_tensor *run_child(const ml_module *one, const mli_args *own, int i, ml_tensor *x, ml_tensor *first, ml_tensor **final)
{
    mli_entered e;
    return mli_enter(one, own, i, &e) ? mli_leave(&e, run_one(one, e.args.params, x, first, final)) : NULL;
}

/* --- all of them ------------------------------------------------------------------------------------------------------------------ */
/* Of module i of so many, in layers x directions: its part of the states (layers x directions, n, h), or (2, ..., n, h). */
static ml_tensor *first_state(const ml_module *m, ml_tensor *state, int i, int64_t n, ml_dtype dtype)
{
    int64_t h = m->recurrent.hidden;
    if (!state) return ml_zeros(states_of(m) == 1 ? ML_SHAPE(n, h) : ML_SHAPE(2, n, h), dtype);
    return ml_squeeze(ml_slice(state, &(ml_slice_opts){ .dim = -3, .start = i, .stop = i + 1, .step = 1 }), &(ml_squeeze_opts){ ML_DIMS(-3) });
}

static int modules_in(const ml_module *m) { return m->n_children ? m->n_children : 1; }

static bool check_input(const ml_module *m, ml_tensor *x, ml_tensor *state)
{
    ml_shape s = ml_tensor_shape(x);
    if (s.n != 3 || s.size[2] != m->recurrent.in)
        return ml_fail("%s: the input must be (n, t, %lld), samples first, then steps, got %s%s", ml_module_text(m), (long long)m->recurrent.in, ml_shape_text(&s),
                       s.n == 2 && m->recurrent.in == 1 ? "; x:unsqueeze(-1) makes one value a step of it" : "");
    if (!state) return true;
    int64_t  n = s.size[0], h = m->recurrent.hidden, modules = modules_in(m);
    ml_shape wanted = states_of(m) == 1 ? ML_SHAPE(modules, n, h) : ML_SHAPE(2, modules, n, h), got = ml_tensor_shape(state);
    return ml_shape_equal(&wanted, &got) || ml_fail("%s: the state must have shape %s, %ssamples, units, got %s", ml_module_text(m), ml_shape_text(&wanted),
                                                    states_of(m) == 1 ? "layers and directions, " : "h and c, layers and directions, ", ml_shape_text(&got));
}

/* The outputs (n, t, directions h) of the last layer. final: room for as many as there are modules, or NULL. */
static ml_tensor *run_all(const ml_module *m, const mli_args *a, ml_tensor *x, ml_tensor *state, ml_tensor **final)
{
    if (!check_input(m, x, state)) return NULL;
    int      n = modules_in(m), directions = directions_of(m);
    ml_dtype dtype = ml_tensor_dtype(a->params[0]);
    mli_args own   = *a;
    int64_t  samples = ml_tensor_size(x, 0);
    for (int i = 0; x && i < n; i += directions) {
        ml_tensor *y[2] = { NULL, NULL };
        if (i > 0) x = mli_dropout(m, a, m->recurrent.dropout, x);
        for (int k = 0; k < directions; k++) {
            ml_tensor *first = first_state(m, state, i + k, samples, dtype), **end = final ? final + i + k : NULL;
            if (m->n_children == 0) y[k] = run_one(m, own.params, x, first, end);
            else y[k] = run_child(m->children[i + k], &own, i + k, x, first, end), own = mli_args_behind(&own, m->children[i + k]);
        }
        x = directions == 1 ? y[0] : y[0] && y[1] ? ml_cat(y, 2, &(ml_cat_opts){ -1 }) : NULL;
    }
    return x;
}

/* The last output of each direction: of that which reads backwards the one at the first step. */
static ml_tensor *last_outputs(const ml_module *m, ml_tensor *y)
{
    int64_t    t = y ? ml_tensor_size(y, 1) : 0, h = m->recurrent.hidden;
    ml_tensor *last[2];
    if (!y) return NULL;
    if (t == 0) return ml_fail("%s: a sequence of no steps has no last output", ml_module_text(m));
    for (int k = 0; k < directions_of(m); k++) {
        int64_t    at   = k == 1 || m->recurrent.reverse ? 0 : t - 1;
        ml_tensor *step = ml_squeeze(ml_slice(y, &(ml_slice_opts){ .dim = 1, .start = at, .stop = at + 1, .step = 1 }), &(ml_squeeze_opts){ ML_DIMS(1) });
        last[k]         = directions_of(m) == 1 ? step : ml_slice(step, &(ml_slice_opts){ .dim = 1, .start = k * h, .stop = (k + 1) * h, .step = 1 });
        if (!last[k]) return NULL;
    }
    return directions_of(m) == 1 ? last[0] : ml_cat(last, 2, &(ml_cat_opts){ -1 });
}

static ml_tensor *forward(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    ml_tensor *y = run_all(m, a, x, NULL, NULL);
    return m->recurrent.last ? last_outputs(m, y) : y;
}

static void text(const ml_module *m, char *to, size_t bytes)
{
    int layers = modules_in(m) / directions_of(m), used = snprintf(to, bytes, "%s(%lld -> %lld", m->kind->name, (long long)m->recurrent.in, (long long)m->recurrent.hidden);
    if (layers > 1) used += snprintf(to + used, bytes - (size_t)used, ", %d layers", layers);
    snprintf(to + used, bytes - (size_t)used, "%s%s%s%s)", m->recurrent.bidirectional ? ", bidirectional" : "", m->recurrent.reverse ? ", reverse" : "",
             m->recurrent.last ? ", last output" : "", m->recurrent.bias ? "" : ", no bias");
}

#define OWN { "weight_ih", "weight_hh", "bias_ih", "bias_hh" }
static const mli_module_kind rnn_kind = { "RNN", forward, text, OWN, { NULL } }, gru_kind = { "GRU", forward, text, OWN, { NULL } },
                      lstm_kind = { "LSTM", forward, text, OWN, { NULL } };

/* --- with states given and handed back ---------------------------------------------------------------------------------------------- */
static ml_tensor *scan(ml_module *m, const mli_args *a, ml_tensor *x, ml_tensor *first, ml_tensor **last)
{
    int         n     = modules_in(m);
    size_t      bytes = (size_t)n * sizeof(ml_tensor *);
    ml_tensor **each  = last ? ml_block_take(bytes) : NULL;
    if (last && !each) return NULL;
    ml_tensor *y = run_all(m, a, x, first, each);
    if (y && last && ml_tensor_size(x, 1) == 0) y = ml_fail("%s: after a sequence of no steps there is no state but the first", ml_module_text(m));
    if (y && last && !(*last = ml_stack(each, n, &(ml_stack_opts){ -3 }))) y = NULL;
    if (each) ml_block_give(each, bytes);
    return y && m->recurrent.last ? last_outputs(m, y) : y;
}

ml_tensor *ml_module_scan(ml_module *m, ml_tensor *const *params, int n, ml_tensor *x, ml_tensor *first, ml_tensor **last, const ml_apply_opts *opts)
{
    if (last) *last = NULL;
    if (!m || !x) return NULL;
    if (!is_recurrent(m)) return ml_fail("scan: only a recurrent layer (RNN, GRU, LSTM) has a state that goes from step to step; this is %s", ml_module_text(m));
    if (params && n != m->n_params) return ml_fail("%s: it has %d parameters, %d were given", ml_module_text(m), m->n_params, n);
    for (int i = 0; params && i < n; i++)
        if (!params[i]) return NULL;
    ml_key     key   = opts && opts->key ? *opts->key : (ml_key){ 0 };
    mli_args   a     = { .params = params ? params : m->params, .mode = opts ? opts->mode : ML_MODE_OWN, .key = opts && opts->key ? &key : NULL };
    ml_tensor *end   = NULL;
    ml_scope   scope = ml_scope_begin();
    mli_entered e;
    ml_tensor  *y = mli_enter(m, &a, 0, &e) ? mli_leave(&e, scan(m, &e.args, x, first, last ? &end : NULL)) : NULL;
    if (y) ml_retain(end);
    y = ml_scope_return(&scope, y);
    if (!y || !last) return y;
    if (!mli_scope_adopt(end)) return ml_release(end), NULL;
    *last = end;
    return y;
}

/* --- making one ------------------------------------------------------------------------------------------------------------------------ */
static ml_module *make_one(const mli_module_kind *kind, int64_t in, int64_t hidden, const ml_recurrent_opts *o, bool reverse)
{
    ml_module *m = mli_module_new(kind, o->no_bias ? 2 : 4, 0);
    if (!m) return NULL;
    m->recurrent.in      = in;
    m->recurrent.hidden  = hidden;
    m->recurrent.act     = o->act == ML_ACT_NONE ? ML_ACT_TANH : o->act;
    m->recurrent.bias    = !o->no_bias;
    m->recurrent.reverse = reverse;
    int64_t             rows   = gates_of(kind) * hidden;
    ml_init             init   = { ML_INIT_FAN_IN_UNIFORM, 0 };
    const mli_parameter list[] = { { ML_SHAPE(rows, in), init }, { ML_SHAPE(rows, hidden), init }, { ML_SHAPE(rows), init }, { ML_SHAPE(rows), init } };
    return mli_module_fill(m, list, o->no_bias ? 2 : 4, o->dtype, hidden, hidden); /* all of them by the state's size, as PyTorch */
}

static ml_module *make_all(const mli_module_kind *kind, int64_t in, int64_t hidden, const ml_recurrent_opts *o)
{
    int        layers = o->layers ? o->layers : 1, directions = o->bidirectional ? 2 : 1, n = layers * directions;
    ml_module *one[2 * MOST_LAYERS];
    if (n == 1) return make_one(kind, in, hidden, o, false);
    ml_key first = ml_key_next();
    ml_key_reset(first);
    for (int i = 0; i < n; i++) one[i] = make_one(kind, i < directions ? in : directions * hidden, hidden, o, i % directions == 1);
    ml_module *m = mli_container_new(kind, one, n, 0, 0);
    if (!m) {
        ml_key_reset(first);
        return NULL;
    }
    m->recurrent = m->children[0]->recurrent;
    return m;
}

static ml_module *make(const mli_module_kind *kind, int64_t in, int64_t hidden, const ml_recurrent_opts *opts)
{
    ml_recurrent_opts o = opts ? *opts : (ml_recurrent_opts){ 0 };
    if (in < 1 || hidden < 1) return ml_fail("%s: sizes must be at least 1, got %lld -> %lld", kind->name, (long long)in, (long long)hidden);
    if (o.layers < 0 || o.layers > MOST_LAYERS) return ml_fail("%s: layers must be 1..%d, got %d", kind->name, MOST_LAYERS, o.layers);
    if (!(o.dropout >= 0 && o.dropout <= 1)) return ml_fail("%s: dropout must be in 0..1, got %g", kind->name, o.dropout);
    if (o.dropout > 0 && o.layers < 2) return ml_fail("%s: dropout is done between layers, and there is one; put nn.Dropout behind it", kind->name);
    if (!ml_dtype_is_float(o.dtype)) return ml_fail("%s: dtype must be f32 or f64, got %s", kind->name, ml_dtype_name(o.dtype));
    ml_module *m = make_all(kind, in, hidden, &o);
    if (!m) return NULL;
    m->recurrent.bidirectional = o.bidirectional;
    m->recurrent.last          = o.last;
    m->recurrent.dropout       = o.dropout;
    return m;
}

ml_module *ml_nn_rnn(int64_t in, int64_t hidden, const ml_recurrent_opts *opts)
{
    if (opts && (opts->act < 0 || opts->act >= ML_ACT_COUNT)) return ml_fail("RNN: there is no activation %d", (int)opts->act);
    return make(&rnn_kind, in, hidden, opts);
}

ml_module *ml_nn_gru(int64_t in, int64_t hidden, const ml_recurrent_opts *opts) { return make(&gru_kind, in, hidden, opts); }
ml_module *ml_nn_lstm(int64_t in, int64_t hidden, const ml_recurrent_opts *opts) { return make(&lstm_kind, in, hidden, opts); }
