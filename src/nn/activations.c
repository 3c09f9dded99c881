/* Activations: every operation of one input, and those that are more than one. */
#include "nn/module.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- those of the table ------------------------------------------------------------------------------------------------------ */
static ml_tensor *activate(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    (void)a;
    const void *opts = m->activation.has_opts ? m->activation.opts : NULL;
    return mli_blame(m, ml_op_info_at(m->activation.op)->name, ml_op_apply(m->activation.op, &x, 1, opts));
}

/* An option that is not as the table has it, ", slope 0.2"; dimensions count from 1, as layers do in a path. */
static int option_text(const ml_field *f, const void *given, const void *usual, char *to, size_t bytes)
{
    switch (f->kind) {
    case ML_FIELD_REAL:
        return *(const double *)given == *(const double *)usual ? 0 : snprintf(to, bytes, ", %s %g", f->name, *(const double *)given);
    case ML_FIELD_FLAG:
        return *(const bool *)given == *(const bool *)usual ? 0 : snprintf(to, bytes, ", %s%s", *(const bool *)given ? "" : "not ", f->name);
    case ML_FIELD_DIM: {
        int dim = *(const int *)given;
        return dim == *(const int *)usual ? 0 : snprintf(to, bytes, ", %s %d", f->name, dim < 0 ? dim : dim + 1);
    }
    default: return 0;
    }
}

static void text(const ml_module *m, char *to, size_t bytes)
{
    const ml_op_info *info = ml_op_info_at(m->activation.op);
    char              said[96] = "";
    int               used = 0;
    for (const ml_field *f = info->fields; m->activation.has_opts && f && f->name && used < (int)sizeof said; f++)
        used += option_text(f, m->activation.opts + f->offset, (const char *)info->defaults + f->offset, said + used, sizeof said - (size_t)used);
    if (used) snprintf(to, bytes, "%s(%s)", m->activation.name, said + 2);
    else snprintf(to, bytes, "%s", m->activation.name);
}

const mli_module_kind mli_activation_kind = { NULL, activate, text, { NULL }, { NULL } };

ml_act mli_activation_act(const ml_module *m)
{
    if (m->kind != &mli_activation_kind) return ML_ACT_NONE;
    switch (m->activation.op) {
    case ML_OP_relu: return ML_ACT_RELU;
    case ML_OP_tanh: return ML_ACT_TANH;
    case ML_OP_sigmoid: return ML_ACT_SIGMOID;
    default: return ML_ACT_NONE;
    }
}

/* "log_sigmoid" -> "LogSigmoid", as layers are called; but for parts that everybody knows by another spelling: "LeakyReLU". */
static size_t part_of_name(const char *part, size_t n, char *to, size_t bytes)
{
    static const struct { const char *op, *layer; } known[] = { { "relu", "ReLU" }, { "elu", "ELU" }, { "gelu", "GELU" }, { "silu", "SiLU" } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].op) == n && strncmp(known[i].op, part, n) == 0) return (size_t)snprintf(to, bytes, "%s", known[i].layer);
    return (size_t)snprintf(to, bytes, "%c%.*s", toupper((unsigned char)*part), (int)n - 1, part + 1);
}

static void layer_name(ml_op_id op, char *to, size_t bytes)
{
    size_t used = 0;
    for (const char *from = ml_op_info_at(op)->name; *from && used < bytes; from += *from == '_') {
        size_t n = strcspn(from, "_");
        used += part_of_name(from, n, to + used, bytes - used);
        from += n;
    }
}

ml_module *ml_nn_activation_with(ml_op_id op, const void *opts)
{
    const ml_op_info *info = ml_op_info_at(op);
    if (!info) return ml_fail("activation: there is no operation %d", (int)op);
    if (info->n_in != 1) return ml_fail("activation: %s is none; an activation has one input", info->name);
    ml_module *m = mli_module_new(&mli_activation_kind, 0, 0);
    if (!m) return NULL;
    m->activation.op       = op;
    m->activation.has_opts = opts && info->opts_bytes;
    if (m->activation.has_opts) memcpy(m->activation.opts, opts, info->opts_bytes);
    layer_name(op, m->activation.name, sizeof m->activation.name);
    return m;
}

ml_module *ml_nn_activation(ml_op_id op)
{
    const ml_op_info *info = ml_op_info_at(op);
    if (info && (info->n_in != 1 || info->opts_bytes))
        return ml_fail("activation: %s is none; an activation has one input and no options", info->name);
    return ml_nn_activation_with(op, NULL);
}

/* --- SELU: the fixed point of mean 0 and variance 1 ------------------------------------------------------------------------------- */
static ml_tensor *selu(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    (void)m, (void)a;
    return ml_mul(ml_elu(x, &(ml_elu_opts){ 1.6732632423543772848170429916717 }), ml_number(1.0507009873554804934193349852946));
}

static const mli_module_kind selu_kind = { "SELU", selu, NULL, { NULL }, { NULL } };

ml_module *ml_nn_selu(void) { return mli_module_new(&selu_kind, 0, 0); }

/* --- Sine ---------------------------------------------------------------------------------------------------------------------------- */
static ml_tensor *sine(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    (void)a;
    return ml_sin(ml_mul(x, ml_number(m->sine.w0)));
}

static void sine_text(const ml_module *m, char *to, size_t bytes) { snprintf(to, bytes, "Sine(%g)", m->sine.w0); }
static const mli_module_kind sine_kind = { "Sine", sine, sine_text, { NULL }, { NULL } };

ml_module *ml_nn_sine(double w0)
{
    if (!(w0 > -HUGE_VAL && w0 < HUGE_VAL)) return ml_fail("Sine: w0 must be finite, got %g", w0);
    ml_module *m = mli_module_new(&sine_kind, 0, 0);
    if (m) m->sine.w0 = w0;
    return m;
}

/* --- Maxout -------------------------------------------------------------------------------------------------------------------------- */
static ml_tensor *maxout(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    ml_shape s = ml_tensor_shape(x), split = { .n = s.n + 1 };
    int      d = m->maxout.dim < 0 ? s.n + m->maxout.dim : m->maxout.dim;
    (void)a;
    if (d < 0 || d >= s.n || s.n == ML_MAX_DIMS || s.size[d] % m->maxout.pieces)
        return ml_fail("%s: the input must have a dimension there of a multiple of %lld, got %s", ml_module_text(m),
                       (long long)m->maxout.pieces, ml_shape_text(&s));
    for (int i = 0; i < s.n; i++) split.size[i + (i > d)] = s.size[i];
    split.size[d]     = s.size[d] / m->maxout.pieces;
    split.size[d + 1] = m->maxout.pieces;
    return ml_max(ml_reshape(x, &(ml_reshape_opts){ split }), &(ml_max_opts){ .dims = ML_DIMS(d + 1) });
}

static void maxout_text(const ml_module *m, char *to, size_t bytes)
{
    int used = snprintf(to, bytes, "Maxout(%lld", (long long)m->maxout.pieces), dim = m->maxout.dim;
    if (dim != -1) used += snprintf(to + used, bytes - (size_t)used, ", dim %d", dim < 0 ? dim : dim + 1);
    snprintf(to + used, bytes - (size_t)used, ")");
}

static const mli_module_kind maxout_kind = { "Maxout", maxout, maxout_text, { NULL }, { NULL } };

ml_module *ml_nn_maxout(int64_t pieces, int dim)
{
    if (pieces < 1) return ml_fail("Maxout: there must be at least 1 piece, got %lld", (long long)pieces);
    if (dim < -ML_MAX_DIMS || dim >= ML_MAX_DIMS) return ml_fail("Maxout: there is no dimension %d", dim);
    ml_module *m = mli_module_new(&maxout_kind, 0, 0);
    if (!m) return NULL;
    m->maxout.pieces = pieces;
    m->maxout.dim    = dim;
    return m;
}
