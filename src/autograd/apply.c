/* Running an operation: check, promote, infer the shape, allocate, compute, record. */
#include "autograd/node.h"

#include <stdio.h>
#include <string.h>

static _Thread_local bool recording = true;

bool ml_recording(void) { return recording; }

bool ml_set_recording(bool on)
{
    bool was  = recording;
    recording = on;
    return was;
}

/* The dtype that the inputs meet in. A plain number gives way: x + 2 and x + 0.5 keep the dtype of x, unless x is
 * of a lesser kind (integers + 0.5 is f32). */
static ml_dtype common_dtype(const ml_op *op, ml_tensor *const *in, int n_in, int first)
{
    ml_dtype dtype = ML_BOOL;
    bool     found = false;
    for (int i = first; i < n_in; i++) {
        if (in[i]->number) continue;
        dtype = found ? ml_dtype_promote(dtype, (ml_dtype)in[i]->dtype) : (ml_dtype)in[i]->dtype;
        found = true;
    }
    if (!found) dtype = ML_F32;
    if (!ml_dtype_is_float(dtype)) {
        for (int i = first; i < n_in; i++) {
            if (!in[i]->number) continue;
            double v = in[i]->inner ? 0.5 : ml_item(in[i]); /* one of a batch may be anything */
            dtype    = ml_dtype_promote(dtype, v == (double)(int64_t)v ? ML_I64 : ML_F32);
        }
        if (op->flags & ML_FLOAT_ONLY) dtype = ML_F32;
        bool counts = (op->flags & ML_COUNTS) || (op->kind == ML_POINTWISE && !(op->flags & ML_TO_BOOL));
        if (counts && dtype != ML_I64 && !ml_dtype_is_float(dtype)) dtype = ML_I64;
    }
    return dtype;
}

static ml_tensor *to_dtype(ml_tensor *x, ml_dtype dtype)
{
    if (x->number && !x->inner) return ml_scalar(ml_item(x), dtype); /* of one dtype from here on: rules compute with it alone */
    if (x->dtype == dtype) return x;
    return ml_cast(x, &(ml_cast_opts){ dtype });
}

static bool infer_pointwise(ml_call *c)
{
    c->shape = c->in[0]->shape;
    for (int i = 1; i < c->n_in; i++) {
        if (ml_shape_equal(&c->shape, &c->in[i]->shape)) continue;
        ml_shape out;
        if (!ml_shape_broadcast(&c->shape, &c->in[i]->shape, &out))
            return ml_fail("%s: shapes do not broadcast: %s and %s; sizes must be equal or 1, from the last dimension",
                           ml_op_info_at(c->id)->name, ml_shape_text(&c->shape), ml_shape_text(&c->in[i]->shape));
        c->shape = out;
    }
    if (c->op->flags & ML_TO_BOOL) c->dtype = ML_BOOL;
    return true;
}

/* What failed inside a composed operation is told under the name that the user called. */
static void name_failure(const char *name)
{
    char        text[1024];
    size_t      n = strlen(name);
    const char *message = ml_error_message();
    if ((strncmp(message, name, n) == 0 && message[n] == ':') || strncmp(message, "out of memory", 13) == 0) return;
    snprintf(text, sizeof text, "%s: %s", name, message);
    ml_fail("%s", text);
}

static bool infer(ml_call *c)
{
    c->dtype = (ml_dtype)c->in[c->n_in - 1]->dtype;
    return c->op->infer ? c->op->infer(c) : infer_pointwise(c);
}

static ml_tensor *compute(ml_call *c)
{
    const ml_op *op = c->op;
    if (!op->forward) {
        bool was = ml_set_recording(false);
        c->out   = op->compose(c);
        ml_set_recording(was);
        if (!c->out) name_failure(ml_op_info_at(c->id)->name);
        return c->out && c->out->node ? ml_detach(c->out) : c->out; /* nothing was recorded: it is an input, handed back */
    }
    c->out = NULL;
    if (!(op->flags & ML_VIEW) && !(c->out = ml_empty(c->shape, c->dtype))) return NULL;
    return op->forward(c) ? c->out : NULL;
}

/* With inputs of the right dtypes; `defers`: one of them is inside fuse. */
static ml_tensor *apply(ml_call *c, bool defers)
{
    const ml_op *op = c->op;
    if (!infer(c)) return NULL; /* what is wrong is said of one, before a batch comes in */
    for (int i = 0; i < c->n_in; i++)
        if (c->in[i]->inner) return mli_apply_batched(c);
    ml_tensor *out = NULL;
    if (defers && (!mli_defer(c, &out) || out)) return out;
    out = compute(c);
    if (out && ml_anomaly_detection() && !mli_check_finite(ml_op_info_at(c->id)->name, out, "operation", NULL)) out = NULL;
    if (!out) return NULL;
    if (recording && !(op->flags & ML_NOGRAD))
        for (int i = 0; i < c->n_in; i++)
            if (mli_records(c->in[i])) c->needs |= 1u << (i < 31 ? i : 31);
    if (!c->needs) {
        out->defers |= defers && !out->node;
        return out;
    }
    ml_node *node = mli_record(c);
    if (!node) return NULL;
    /* an operation may hand back its input (contiguous of a contiguous tensor): record a view of it */
    if (out->node || out->requires_grad) out = ml_detach(out);
    if (out) out->node = node;
    else mli_node_release(node);
    return out;
}

ml_tensor *mli_apply(int id, ml_tensor *const *in, int n_in, const void *opts)
{
    const ml_op *op = mli_op_at(id);
    ml_tensor   *few[ML_MAX_IN], **local = few, **many = NULL;
    size_t       many_bytes = (size_t)n_in * sizeof *many;
    ml_call      c = { .op = op, .id = id, .n_in = n_in, .in = in, .opts = opts };
    bool         defers = false;
    for (int i = 0; i < n_in; i++) {
        if (!in[i]) return NULL;
        defers |= in[i]->defers;
        if (!in[i]->storage && !in[i]->inner && !in[i]->wait) return ml_fail("%s: internal error: reads a value that its rule did not save", ml_op_info_at(id)->name);
    }
    if (n_in == 0) return ml_fail("%s: needs at least one tensor", ml_op_info_at(id)->name);
    ml_scope scope = ml_scope_begin();
    if (!(op->flags & ML_NO_PROMOTE)) {
        int      first = id == ML_OP_where ? 1 : 0; /* the condition keeps its own dtype */
        ml_dtype dtype = common_dtype(op, in, n_in, first);
        bool     same  = true;
        for (int i = first; i < n_in; i++) same &= in[i]->dtype == dtype && !in[i]->number;
        if (!same) {
            if (n_in > ML_MAX_IN && !(local = many = ml_block_take(many_bytes))) return ml_scope_return(&scope, NULL);
            for (int i = 0; local && i < n_in; i++)
                if (!(local[i] = i < first ? in[i] : to_dtype(in[i], dtype))) local = NULL;
            c.in = local;
        }
    }
    ml_tensor *out = c.in ? apply(&c, defers) : NULL;
    if (many) ml_block_give(many, many_bytes);
    return ml_scope_return(&scope, out);
}
