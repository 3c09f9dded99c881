/* Layers of sequences: against PyTorch's (tests/golden/sequences.py), the fast ways against the definitions at sizes that are cut
 * into blocks, what may go through them, and a state handed on. */
#include "checks.h"
#include "moonlab/nn.h"
#include "moonlab/optim.h"
#include "moonlab/transform.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(sequences, .init = begin_test, .fini = end_test, .timeout = 120);

enum { MOST_PARAMS = 24, ROOM = 1 << 17 };

static ml_tensor *normals(ml_shape shape, uint64_t stream) { return ml_randn(shape, ML_F64, ml_key_of(11, stream)); }

/* --- the golden file -------------------------------------------------------------------------------------------------------- */
typedef struct {
    char       name[64];
    int        n_params, n_dparams;
    ml_tensor *params[MOST_PARAMS], *x, *state, *y, *last, *dy, *dlast, *dx, *dstate, *dparams[MOST_PARAMS], *labels;
} golden;

static ml_tensor *read_tensor(char *text)
{
    ml_shape shape = ML_SCALAR;
    char    *p     = strchr(text, '(');
    cr_assert(p, "no sizes at '%.40s'", text);
    for (p++; *p != ')'; p += *p == ',') shape.size[shape.n++] = strtoll(p, &p, 10);
    p++;
    ml_tensor *t = ml_empty(shape, ML_F64);
    double    *v = ml_tensor_mutable_data(t);
    for (int64_t i = 0; i < ml_tensor_numel(t); i++) {
        char *end;
        v[i] = strtod(p, &end);
        cr_assert(end > p, "the line of %.20s ends early", text);
        p = end;
    }
    cr_assert_eq(p[strspn(p, " \n")], '\0', "too many values: %.40s", text);
    return t;
}

/* Lines up to an empty one, or up to the first step of a training. */
static void read_golden(FILE *f, golden *g)
{
    static char text[ROOM];
    while (fgets(text, sizeof text, f) && text[0] != '\n' && strncmp(text, "step", 4) != 0) {
        char *rest = strchr(text, ' ');
        cr_assert(rest, "no word: %.40s", text);
        *rest = '\0';
        ml_tensor *t = read_tensor(rest + 1);
        const struct { const char *word; ml_tensor **to; } places[] = { { "x", &g->x }, { "state", &g->state }, { "y", &g->y }, { "last", &g->last },
            { "dy", &g->dy }, { "dlast", &g->dlast }, { "dx", &g->dx }, { "dstate", &g->dstate }, { "labels", &g->labels },
            { "param", &g->params[g->n_params] }, { "dparam", &g->dparams[g->n_dparams] } };
        size_t i = 0, n = sizeof places / sizeof *places;
        while (i < n && strcmp(places[i].word, text) != 0) i++;
        cr_assert(i < n, "'%s' is no word of the file", text);
        *places[i].to = t;
        g->n_params += i == n - 2;
        g->n_dparams += i == n - 1;
        cr_assert(g->n_params < MOST_PARAMS && g->n_dparams < MOST_PARAMS);
    }
}

static bool find_line(FILE *f, const char *word, char *name)
{
    static char text[ROOM];
    size_t      n = strlen(word);
    while (fgets(text, sizeof text, f))
        if (strncmp(text, word, n) == 0 && text[n] == ' ') return sscanf(text + n, "%63s", name) == 1;
    return false;
}

typedef ml_module *(*recurrent_make)(int64_t, int64_t, const ml_recurrent_opts *);

static ml_module *recurrent_of(const golden *g, ml_dtype dtype)
{
    ml_recurrent_opts o    = { .dtype = dtype };
    recurrent_make    make = strncmp(g->name, "rnn", 3) == 0 ? ml_nn_rnn : strncmp(g->name, "gru", 3) == 0 ? ml_nn_gru : strncmp(g->name, "lstm", 4) == 0 ? ml_nn_lstm : NULL;
    if (strstr(g->name, "2_layers")) o.layers = 2;
    o.bidirectional = o.layers == 2 || strstr(g->name, "bidirectional");
    o.no_bias       = strstr(g->name, "no_bias") != NULL;
    o.act           = strstr(g->name, "relu") ? ML_ACT_RELU : ML_ACT_TANH;
    int64_t hidden  = ml_tensor_size(g->params[1], 1);
    cr_assert(make, "what is '%s'?", g->name);
    return make(ml_tensor_size(g->x, 2), hidden, &o);
}

/* The layer that a case is about, from its name. */
static ml_module *module_of(const golden *g, ml_dtype dtype)
{
    int64_t dim    = ml_tensor_size(g->x, 2);
    bool    causal = strstr(g->name, "causal") != NULL;
    if (strncmp(g->name, "attention", 9) == 0) {
        ml_attention_layer_opts o = { .causal = causal, .no_bias = strstr(g->name, "no_bias") != NULL, .rotary = strstr(g->name, "rotary") != NULL, .dtype = dtype };
        return ml_nn_multi_head_attention(dim, o.no_bias ? 1 : causal ? 4 : 2, &o);
    }
    if (strcmp(g->name, "sines") == 0) return ml_nn_sinusoidal_embedding(dim);
    if (strcmp(g->name, "positions") == 0) return ml_nn_positional_embedding(5, dim, &(ml_embedding_layer_opts){ .dtype = dtype });
    if (strncmp(g->name, "block", 5) != 0) return recurrent_of(g, dtype);
    bool rms = strstr(g->name, "rms") != NULL;
    ml_transformer_opts o = { .causal = causal, .gelu = strstr(g->name, "gelu") != NULL, .last = strstr(g->name, "last") != NULL,
                              .norm_behind = !strstr(g->name, "first"), .rotary = strstr(g->name, "rotary") != NULL, .norm = rms ? ML_BLOCK_RMS_NORM : ML_BLOCK_LAYER_NORM,
                              .mlp = ml_tensor_size(g->params[rms ? 6 : 8], 0), .dtype = dtype };
    return ml_nn_transformer_block(dim, 2, &o);
}

static ml_tensor *as(ml_tensor *t, ml_dtype dtype) { return t ? ml_requires_grad(ml_clone(ml_cast(t, &(ml_cast_opts){ dtype })), true) : NULL; }

/* The value, the last state and all gradients; recorded ones too, which come from the definition. */
static void compare(const golden *g, ml_dtype dtype, double tolerance)
{
    ml_module *m = module_of(g, dtype);
    cr_assert(m, "%s: %s", g->name, ml_error_message());
    expect(ml_module_n_parameters(m) == g->n_params, "%s has %d parameters, not %d", g->name, ml_module_n_parameters(m), g->n_params);
    ml_tensor *params[MOST_PARAMS], *leaves[MOST_PARAMS + 2], *wanted[MOST_PARAMS + 2], *grads[MOST_PARAMS + 2], *x = as(g->x, dtype), *state = as(g->state, dtype), *last = NULL;
    int        n = 0;
    leaves[n] = x, wanted[n++] = g->dx;
    if (state) leaves[n] = state, wanted[n++] = g->dstate;
    for (int i = 0; i < g->n_params; i++) leaves[n] = params[i] = as(g->params[i], dtype), wanted[n++] = g->dparams[i];
    ml_tensor *y = g->last ? ml_module_scan(m, params, g->n_params, x, state, &last, NULL) : ml_module_apply(m, params, g->n_params, x);
    cr_assert(y, "%s: %s", g->name, ml_error_message());
    expect_close(y, g->y, tolerance, "%s", g->name);
    ml_tensor *total = ml_sum(ml_mul(y, ml_cast(g->dy, &(ml_cast_opts){ dtype })), NULL);
    if (g->last) {
        expect_close(last, g->last, tolerance, "%s, last state", g->name);
        total = ml_add(total, ml_sum(ml_mul(last, ml_cast(g->dlast, &(ml_cast_opts){ dtype })), NULL));
    }
    for (int create = 0; create < 2; create++) {
        cr_assert(ml_grad(total, leaves, n, grads, &(ml_grad_opts){ .keep_graph = true, .create_graph = create }), "%s: %s", g->name, ml_error_message());
        for (int i = 0; i < n; i++) expect_close(grads[i], wanted[i], tolerance, "%s, %sgradient %d", g->name, create ? "recorded " : "", i);
    }
    ml_module_release(m);
}

Test(sequences, layers_are_those_of_pytorch)
{
    FILE *f = fopen(TESTS_GOLDEN "/sequences.txt", "r");
    int   n = 0;
    cr_assert(f, TESTS_GOLDEN "/sequences.txt is missing");
    for (;; n++) {
        golden   g     = { .n_params = 0 };
        ml_scope scope = ml_scope_begin();
        bool     found = find_line(f, "case", g.name);
        if (found) {
            read_golden(f, &g);
            compare(&g, ML_F64, 1e-13);
            compare(&g, ML_F32, 2e-6);
        }
        ml_scope_end(&scope);
        if (!found) break;
    }
    fclose(f);
    expect(n >= 24, "only %d cases", n);
}

/* --- 100 steps of Adam -------------------------------------------------------------------------------------------------------- */
static ml_module *trained_module(const char *name, ml_dtype dtype)
{
    ml_recurrent_opts    o = { .bidirectional = true, .dtype = dtype };
    ml_linear_layer_opts l = { .dtype = dtype };
    if (strcmp(name, "gru") == 0) return ml_nn_sequential((ml_module *[]){ ml_nn_gru(1, 3, &o), ml_nn_flatten(), ml_nn_linear(30, 4, &l) }, 3);
    cr_assert_str_eq(name, "transformer");
    ml_embedding_layer_opts e = { .dtype = dtype };
    ml_transformer_opts     t = { .mlp = 6, .causal = true, .no_bias = true, .norm = ML_BLOCK_NO_NORM, .last = true, .dtype = dtype };
    return ml_nn_sequential((ml_module *[]){ ml_nn_embedding(5, 4, &e), ml_nn_positional_embedding(3, 4, &e), ml_nn_transformer_block(4, 2, &t), ml_nn_linear(4, 5, &l) }, 4);
}

static void follow(FILE *f, golden *g, ml_dtype dtype, double tolerance)
{
    ml_module *m = trained_module(g->name, dtype);
    cr_assert(m, "%s: %s", g->name, ml_error_message());
    ml_tensor *const *params = ml_module_parameters(m);
    bool       ids = strcmp(g->name, "transformer") == 0;
    ml_tensor *x = ml_cast(g->x, &(ml_cast_opts){ ids ? ML_I64 : dtype }), *labels = ml_cast(g->labels, &(ml_cast_opts){ ML_I64 });
    cr_assert_eq(ml_module_n_parameters(m), g->n_params);
    for (int i = 0; i < g->n_params; i++) cr_assert(ml_copy_into(params[i], g->params[i]), "%s", ml_error_message());
    ml_adam_opts o   = ml_adam_defaults();
    o.lr             = 1e-2;
    ml_optim    *opt = ml_adam(params, g->n_params, &o);
    for (int step = 1; step <= 100; step++) {
        ml_scope scope = ml_scope_begin();
        cr_assert(ml_optim_minimize(opt, ml_cross_entropy(ml_module_forward(m, x), labels, NULL)), "%s", ml_error_message());
        if (step == 1 || step == 10 || step == 100) {
            static char text[ROOM];
            ml_tensor  *flat[MOST_PARAMS];
            for (int i = 0; i < g->n_params; i++) flat[i] = ml_reshape(ml_detach(params[i]), &(ml_reshape_opts){ ML_SHAPE(-1) });
            if (step > 1) cr_assert(fgets(text, sizeof text, f) && atoi(text + 5) == step, "step %d was to come", step);
            cr_assert(fgets(text, sizeof text, f));
            expect_close(ml_cat(flat, g->n_params, NULL), read_tensor(text), tolerance, "%s, step %d", g->name, step);
        }
        ml_scope_end(&scope);
    }
    ml_optim_release(opt);
    ml_module_release(m);
}

Test(sequences, trajectories_are_those_of_pytorch)
{
    FILE *f = fopen(TESTS_GOLDEN "/sequences.txt", "r");
    int   n = 0;
    cr_assert(f);
    for (;; n++) {
        golden   g     = { .n_params = 0 };
        ml_scope scope = ml_scope_begin();
        bool     found = find_line(f, "train", g.name);
        if (found) {
            read_golden(f, &g); /* reads the line of the first step too */
            long at = ftell(f);
            follow(f, &g, ML_F64, 1e-11);
            fseek(f, at, SEEK_SET);
            follow(f, &g, ML_F32, 2e-5);
        }
        ml_scope_end(&scope);
        if (!found) break;
    }
    fclose(f);
    expect(n >= 2, "only %d trainings", n);
}

/* --- blocks ----------------------------------------------------------------------------------------------------------------------- */
/* More samples than lie side by side, and states larger and smaller than a tile: the direct derivative against that of the definition. */
static void fast_is_defined(int id, int64_t n, int64_t t, int64_t h, bool reverse, ml_dtype dtype)
{
    int64_t      gates = id == ML_OP_gru ? 3 : id == ML_OP_lstm ? 4 : 1;
    ml_rnn_opts  o     = { .reverse = reverse, .act = ML_ACT_TANH };
    ml_shape     shapes[4] = { ML_SHAPE(n, t, gates * h), ML_SHAPE(gates * h, h), ML_SHAPE(gates * h), id == ML_OP_lstm ? ML_SHAPE(2, n, h) : ML_SHAPE(n, h) };
    ml_tensor   *in[4], *direct[4], *recorded[4];
    for (int i = 0; i < 4; i++)
        in[i] = ml_requires_grad(ml_normal(shapes[i], dtype, 0, i == 1 ? 1 / sqrt((double)h) : 1, ml_key_of(3, (uint64_t)i)), true);
    ml_tensor *y = ml_op_apply(id, in, 4, &o), *dy = y ? ml_randn(ml_tensor_shape(y), dtype, ml_key_of(4, 1)) : NULL;
    cr_assert(y, "%s", ml_error_message());
    cr_assert(ml_grad(y, in, 4, direct, &(ml_grad_opts){ .seed = dy, .keep_graph = true }) &&
              ml_grad(y, in, 4, recorded, &(ml_grad_opts){ .seed = dy, .create_graph = true }), "%s", ml_error_message());
    for (int i = 0; i < 4; i++)
        expect_close(direct[i], recorded[i], dtype == ML_F64 ? 1e-13 : 2e-5, "%s of %d x %d x %d, gradient %d", ml_op_info_at(id)->name, (int)n, (int)t, (int)h, i);
    if (n < 2) return;
    ml_tensor *one[4]; /* the samples know nothing of each other: the last one alone */
    for (int i = 0; i < 4; i++) one[i] = i == 0 || i == 3 ? ml_slice(in[i], &(ml_slice_opts){ i == 3 && id == ML_OP_lstm ? 1 : 0, n - 1, n, 1 }) : in[i];
    expect_close(ml_slice(y, &(ml_slice_opts){ id == ML_OP_lstm ? 1 : 0, n - 1, n, 1 }), ml_op_apply(id, one, 4, &o), dtype == ML_F64 ? 1e-14 : 1e-6, "%s, the last sample", ml_op_info_at(id)->name);
}

Test(sequences, blocks_of_samples_leave_no_trace)
{
    static const int ids[] = { ML_OP_rnn, ML_OP_gru, ML_OP_lstm };
    for (int k = 0; k < 3; k++)
        for (int wide = 0; wide < 2; wide++) {
            ml_dtype dtype = wide ? ML_F64 : ML_F32;
            fast_is_defined(ids[k], 70, 5, 3, false, dtype);
            fast_is_defined(ids[k], 33, 4, 19, true, dtype);
            fast_is_defined(ids[k], 1, 3, 300, false, dtype); /* more than one block of taps */
        }
}

/* Attention large enough for gemm and for more than one block of queries, small enough for neither, and in between. */
static void attention_is_defined(int64_t n, int64_t t, int64_t s, int64_t d, int64_t e, bool causal, ml_dtype dtype)
{
    ml_attention_opts o  = { .causal = causal };
    ml_tensor *in[3] = { ml_randn(ML_SHAPE(n, t, d), dtype, ml_key_of(3, 1)), ml_randn(ML_SHAPE(n, s, d), dtype, ml_key_of(3, 2)), ml_randn(ML_SHAPE(n, s, e), dtype, ml_key_of(3, 3)) };
    ml_tensor *direct[3], *recorded[3], *dy = ml_randn(ML_SHAPE(n, t, e), dtype, ml_key_of(4, 1));
    for (int i = 0; i < 3; i++) ml_requires_grad(in[i], true);
    ml_tensor *y = ml_attention(in[0], in[1], in[2], &o), *scores = ml_mul(ml_matmul(in[0], ml_mT(in[1])), ml_number(1 / sqrt((double)d)));
    if (causal) scores = ml_add(scores, ml_triu(ml_full(ML_SHAPE(t, s), dtype, -1e30), &(ml_triu_opts){ .diagonal = s - t + 1 }));
    double tolerance = dtype == ML_F64 ? 1e-12 : 1e-5;
    expect_close(y, ml_matmul(ml_softmax(scores, NULL), in[2]), tolerance, "attention of %d x %d queries, %d keys of %d, %d", (int)n, (int)t, (int)s, (int)d, (int)e);
    cr_assert(ml_grad(y, in, 3, direct, &(ml_grad_opts){ .seed = dy, .keep_graph = true }) &&
              ml_grad(y, in, 3, recorded, &(ml_grad_opts){ .seed = dy, .create_graph = true }), "%s", ml_error_message());
    for (int i = 0; i < 3; i++)
        expect_close(direct[i], recorded[i], tolerance, "attention of %d x %d queries, %d keys of %d, %d: gradient %d", (int)n, (int)t, (int)s, (int)d, (int)e, i);
}

Test(sequences, blocks_of_queries_leave_no_trace)
{
    for (int wide = 0; wide < 2; wide++)
        for (int causal = 0; causal < 2; causal++) {
            ml_dtype dtype = wide ? ML_F64 : ML_F32;
            attention_is_defined(3, 3, 3, 32, 32, causal, dtype);
            attention_is_defined(2, 15, 40, 17, 5, causal, dtype);
            attention_is_defined(2, 40, 40, 9, 33, causal, dtype);
            attention_is_defined(2, 1, 600, 8, 8, causal, dtype);
            attention_is_defined(1, 300, 400, 8, 6, causal, dtype); /* blocks of 164 queries */
            attention_is_defined(1, 300, 300, 3, 2, causal, dtype);
        }
    attention_is_defined(1, 9000, 12, 4, 4, false, ML_F32); /* blocks without gemm */
}

Test(sequences, heads_lie_where_they_are_written)
{
    ml_tensor *x = ml_requires_grad(normals(ML_SHAPE(5, 7, 36), 8), true), *parts[3], *grads[2], *dy = normals(ML_SHAPE(5, 7, 12), 9);
    for (int i = 0; i < 3; i++)
        parts[i] = ml_transpose(ml_reshape(ml_slice(x, &(ml_slice_opts){ 2, 12 * i, 12 * i + 12, 1 }), &(ml_reshape_opts){ ML_SHAPE(5, 7, 3, 4) }), &(ml_transpose_opts){ 1, 2 });
    ml_tensor *y = ml_attention(parts[0], parts[1], parts[2], &(ml_attention_opts){ .causal = true });
    y = ml_reshape(ml_transpose(y, &(ml_transpose_opts){ 1, 2 }), &(ml_reshape_opts){ ML_SHAPE(5, 7, 12) });
    ml_tensor *all = ml_self_attention(x, &(ml_self_attention_opts){ .heads = 3, .causal = true });
    expect_close(all, y, 1e-14, "self_attention");
    cr_assert(ml_grad(all, &x, 1, grads, &(ml_grad_opts){ .seed = dy }) && ml_grad(y, &x, 1, grads + 1, &(ml_grad_opts){ .seed = dy }), "%s", ml_error_message());
    expect_close(grads[0], grads[1], 1e-14, "self_attention, gradient");
}

/* --- states handed on ------------------------------------------------------------------------------------------------------------- */
Test(sequences, a_sequence_may_be_read_in_pieces)
{
    static const recurrent_make makes[] = { ml_nn_rnn, ml_nn_gru, ml_nn_lstm };
    for (int k = 0; k < 3; k++) {
        ml_module *m = makes[k](2, 3, &(ml_recurrent_opts){ .layers = 2, .dtype = ML_F64 });
        ml_tensor *x = normals(ML_SHAPE(4, 7, 2), 1), *whole, *state = NULL, *end, *parts[3];
        whole = ml_module_scan(m, NULL, 0, x, NULL, &end, NULL);
        for (int i = 0; i < 3; i++) {
            static const int64_t cut[] = { 0, 2, 3, 7 };
            parts[i] = ml_module_scan(m, NULL, 0, ml_slice(x, &(ml_slice_opts){ 1, cut[i], cut[i + 1], 1 }), state, &state, NULL);
        }
        expect_close(ml_cat(parts, 3, &(ml_cat_opts){ 1 }), whole, 1e-14, "%s", ml_module_text(m));
        expect_close(state, end, 1e-14, "%s, state", ml_module_text(m));
        expect_same(ml_module_forward(m, x), whole, "%s without a state", ml_module_text(m));
        ml_module_release(m);
    }
}

Test(sequences, the_last_output_is_that_of_each_direction)
{
    for (int both = 0; both < 2; both++) {
        ml_recurrent_opts o = { .bidirectional = both, .dtype = ML_F64 };
        ml_seed(5);
        ml_module *all = ml_nn_gru(2, 3, &o);
        ml_seed(5);
        o.last          = true;
        ml_module *last = ml_nn_gru(2, 3, &o);
        ml_tensor *x = normals(ML_SHAPE(4, 5, 2), 2), *state;
        cr_assert(ml_module_scan(all, NULL, 0, x, NULL, &state, NULL));
        ml_tensor *wanted = ml_reshape(ml_transpose(state, &(ml_transpose_opts){ 0, 1 }), &(ml_reshape_opts){ ML_SHAPE(4, 3 * (1 + both)) });
        expect_same(ml_module_forward(last, x), wanted, "%s", ml_module_text(last));
        ml_module_release(all);
        ml_module_release(last);
    }
}

/* --- transformers: what the golden file does not see ---------------------------------------------------------------------------- */
Test(sequences, the_last_position_alone_is_that_of_all)
{
    ml_transformer_opts o = { .mlp = 5, .causal = true, .rotary = true, .dtype = ML_F64 };
    for (int k = 0; k < 3; k++) {
        ml_module *m[2];
        for (int last = 0; last < 2; last++) {
            ml_seed(6);
            o.last  = last;
            m[last] = ml_nn_transformer_block(6, 3, &o);
        }
        ml_tensor *x = normals(ML_SHAPE(3, 5, 6), 3), *all = ml_module_forward(m[0], x);
        expect_close(ml_module_forward(m[1], x), ml_squeeze(ml_slice(all, &(ml_slice_opts){ 1, 4, 5, 1 }), &(ml_squeeze_opts){ ML_DIMS(1) }), 1e-14, "%s", ml_module_text(m[1]));
        ml_module_release(m[0]);
        ml_module_release(m[1]);
        o.causal = o.rotary = false;
        o.norm              = ML_BLOCK_NO_NORM;
        o.no_mlp            = k == 1;
    }
}

Test(sequences, causal_positions_do_not_see_what_comes)
{
    ml_module *m = ml_nn_transformer_block(6, 3, &(ml_transformer_opts){ .causal = true, .rotary = true, .dtype = ML_F64 });
    ml_tensor *x = normals(ML_SHAPE(2, 6, 6), 4), *y = ml_module_forward(m, x);
    ml_slice_opts before = { 1, 0, 4, 1 };
    ml_tensor *other = ml_cat((ml_tensor *[]){ ml_slice(x, &before), normals(ML_SHAPE(2, 2, 6), 5) }, 2, &(ml_cat_opts){ 1 });
    expect_close(ml_slice(ml_module_forward(m, other), &before), ml_slice(y, &before), 1e-14, "with another end");
    ml_tensor *rest = ml_sub(ml_module_forward(m, other), y);
    expect(ml_item(ml_max(ml_abs(rest), NULL)) > 1e-3, "the end makes no difference at all");
    ml_module_release(m);
}

Test(sequences, rotary_weights_depend_on_distances_alone)
{
    ml_module *m = ml_nn_multi_head_attention(8, 2, &(ml_attention_layer_opts){ .rotary = true, .dtype = ML_F64 });
    ml_tensor *x = ml_expand(normals(ML_SHAPE(1, 1, 8), 6), &(ml_expand_opts){ ML_SHAPE(1, 6, 8) }), *p = ml_log(ml_attention_pattern(m, NULL, 0, x));
    cr_assert(p, "%s", ml_error_message());
    for (int64_t h = 0; h < 2; h++)
        for (int64_t i = 0; i < 4; i++) { /* log p(i, j) - log p(i, i) = f(j - i) */
            double a = ml_tensor_at(p, (int64_t[]){ 0, h, i, i + 1 }) - ml_tensor_at(p, (int64_t[]){ 0, h, i, i });
            double b = ml_tensor_at(p, (int64_t[]){ 0, h, i + 1, i + 2 }) - ml_tensor_at(p, (int64_t[]){ 0, h, i + 1, i + 1 });
            double far = ml_tensor_at(p, (int64_t[]){ 0, h, i, i + 2 }) - ml_tensor_at(p, (int64_t[]){ 0, h, i, i });
            expect(fabs(a - b) < 1e-12 && fabs(a - far) > 1e-6, "head %d, position %d: %g, %g, %g", (int)h, (int)i, a, b, far);
        }
    ml_module_release(m);
}

Test(sequences, weights_dropped_and_not_are_the_same_in_the_mean)
{
    ml_module *m = ml_nn_multi_head_attention(4, 2, &(ml_attention_layer_opts){ .causal = true, .dropout = 0.3, .dtype = ML_F64 });
    ml_tensor *x = normals(ML_SHAPE(2, 3, 4), 7), *mean = NULL, *one;
    int        n = ml_module_n_parameters(m);
    for (uint64_t i = 0; i < 2000; i++) {
        ml_key     key   = ml_key_of(i, 0);
        ml_scope   scope = ml_scope_begin();
        ml_tensor *y     = ml_detach(ml_module_apply_with(m, ml_module_parameters(m), n, x, &(ml_apply_opts){ .key = &key }));
        if (i == 1) expect(ml_item(ml_max(ml_abs(ml_sub(y, mean)), NULL)) > 1e-6, "nothing is dropped");
        one = ml_scope_return(&scope, mean ? ml_add(mean, y) : y);
        mean = one;
    }
    ml_tensor *calm = ml_module_apply_with(m, ml_module_parameters(m), n, x, &(ml_apply_opts){ .mode = ML_MODE_EVAL });
    expect_close(ml_mul(mean, ml_number(1.0 / 2000)), calm, 0.05, "the mean of 2000");
    ml_module_release(m);
}

/* --- what goes through ------------------------------------------------------------------------------------------------------------- */
typedef struct {
    ml_module *m;
    int        n;
} net;

/* in: the parameters, then x (n, t, c) of one sample or more -> a number */
static bool loss_of(void *ctx, ml_tensor *const *in, ml_tensor **out)
{
    net       *f = ctx;
    ml_tensor *y = ml_module_apply(f->m, in, f->n, in[f->n]);
    out[0]       = ml_sum(ml_mul(ml_sin(y), y), NULL);
    return out[0] != NULL;
}

/* The gradient of all parameters, as results. */
static bool gradient_of(void *ctx, ml_tensor *const *in, ml_tensor **out)
{
    net        *f = ctx;
    ml_function loss = { loss_of, f, f->n + 1, 1 };
    ml_tensor  *value, *grads[MOST_PARAMS];
    if (!ml_vjp(&loss, in, NULL, NULL, &value, grads)) return false;
    for (int i = 0; i < f->n; i++) out[i] = grads[i];
    return true;
}

static void goes_through_everything(ml_module *m, ml_tensor *x) /* x: (batch, n, t, ...) */
{
    net         f = { m, ml_module_n_parameters(m) };
    ml_function loss = { loss_of, &f, f.n + 1, 1 }, gradient = { gradient_of, &f, f.n + 1, f.n };
    ml_tensor  *in[MOST_PARAMS], *many[MOST_PARAMS], *v[MOST_PARAMS], *hv[MOST_PARAMS], *near[2][MOST_PARAMS], *one[MOST_PARAMS], *jacobian, *grads[MOST_PARAMS], *value;
    int         dims[MOST_PARAMS];
    int64_t     batch = ml_tensor_size(x, 0);
    cr_assert(f.n + 1 < MOST_PARAMS);
    for (int i = 0; i < f.n; i++) in[i] = ml_detach(ml_module_parameters(m)[i]), dims[i] = ML_WHOLE;
    /* vmap of grad: each as a loop does it */
    in[f.n]   = x;
    dims[f.n] = 0;
    cr_assert(ml_vmap(&gradient, in, dims, many, NULL), "%s: %s", ml_module_text(m), ml_error_message());
    for (int64_t b = 0; b < batch; b++) {
        in[f.n] = ml_squeeze(ml_slice(x, &(ml_slice_opts){ 0, b, b + 1, 1 }), &(ml_squeeze_opts){ ML_DIMS(0) });
        cr_assert(gradient_of(&f, in, one), "%s", ml_error_message());
        for (int i = 0; i < f.n; i++)
            expect_close(ml_squeeze(ml_slice(many[i], &(ml_slice_opts){ 0, b, b + 1, 1 }), &(ml_squeeze_opts){ ML_DIMS(0) }), one[i], 1e-11, "%s: vmap(grad) %d of sample %d",
                         ml_module_text(m), i, (int)b);
    }
    /* the Hessian times v: against differences of the gradient */
    double h = 1e-5;
    for (int i = 0; i <= f.n; i++) v[i] = normals(ml_tensor_shape(in[i]), 40 + (uint64_t)i);
    cr_assert(ml_hvp(&loss, in, v, hv), "%s: %s", ml_module_text(m), ml_error_message());
    for (int side = 0; side < 2; side++) {
        ml_tensor *moved[MOST_PARAMS];
        for (int i = 0; i <= f.n; i++) moved[i] = ml_add(in[i], ml_mul(v[i], ml_number(side ? h : -h)));
        cr_assert(ml_vjp(&loss, moved, NULL, NULL, &value, near[side]));
    }
    for (int i = 0; i <= f.n; i++)
        expect_close(hv[i], ml_mul(ml_sub(near[1][i], near[0][i]), ml_number(1 / (2 * h))), 1e-7, "%s: hvp %d", ml_module_text(m), i);
    /* the Jacobian of a number is the gradient */
    cr_assert(ml_jacobian(&loss, in, f.n, &jacobian) && ml_vjp(&loss, in, NULL, NULL, &value, grads), "%s: %s", ml_module_text(m), ml_error_message());
    expect_close(jacobian, grads[f.n], 1e-11, "%s: jacobian", ml_module_text(m));
}

Test(sequences, every_transform_goes_through_transformers)
{
    ml_transformer_opts o = { .mlp = 3, .causal = true, .gelu = true, .dtype = ML_F64 };
    for (int k = 0; k < 4; k++) {
        ml_module *m = ml_nn_transformer_block(4, 2, &o);
        goes_through_everything(m, normals(ML_SHAPE(3, 2, 3, 4), 7));
        ml_module_release(m);
        if (k == 0) o.norm = ML_BLOCK_RMS_NORM, o.norm_behind = true, o.rotary = true;
        if (k == 1) o.norm = ML_BLOCK_NO_NORM, o.last = true;
        if (k == 2) o.no_mlp = true, o.rotary = false, o.causal = false, o.last = false;
    }
}

Test(sequences, every_transform_goes_through_recurrent_layers)
{
    ml_recurrent_opts o = { .layers = 2, .bidirectional = true, .dtype = ML_F64 };
    static const recurrent_make makes[] = { ml_nn_rnn, ml_nn_gru, ml_nn_lstm };
    for (int k = 0; k < 3; k++) {
        ml_module *m = makes[k](2, 2, &o);
        goes_through_everything(m, normals(ML_SHAPE(3, 2, 3, 2), 6));
        ml_module_release(m);
        o.layers = 1;
    }
}

/* --- mistakes, refused memory ---------------------------------------------------------------------------------------------------- */
Test(sequences, say_what_is_wrong)
{
    ml_module *m = ml_nn_gru(1, 3, NULL), *l = ml_nn_linear(2, 2, NULL);
    ml_tensor *x = ml_zeros(ML_SHAPE(2, 5), ML_F32), *last;
    expect_fails(ml_module_forward(m, x), "GRU(1 -> 3): the input must be (n, t, 1), samples first, then steps, got (2, 5); x:unsqueeze(-1)");
    x = ml_zeros(ML_SHAPE(2, 5, 1), ML_F32);
    expect_fails(ml_module_scan(m, NULL, 0, x, ml_zeros(ML_SHAPE(2, 3), ML_F32), &last, NULL), "the state must have shape (1, 2, 3)");
    expect_fails(ml_module_scan(l, NULL, 0, x, NULL, &last, NULL), "only a recurrent layer");
    expect_fails(ml_module_scan(m, (ml_tensor *[]){ x }, 1, x, NULL, &last, NULL), "it has 4 parameters, 1 were given");
    expect_fails(ml_nn_gru(0, 3, NULL), "sizes must be at least 1");
    expect_fails(ml_nn_lstm(1, 3, &(ml_recurrent_opts){ .dropout = 0.5 }), "dropout is done between layers");
    expect_fails(ml_nn_rnn(1, 3, &(ml_recurrent_opts){ .layers = 65 }), "layers must be 1..64");
    expect_fails(ml_attention_pattern(l, NULL, 0, x), "only MultiHeadAttention has one");
    expect_fails(ml_nn_multi_head_attention(6, 4, NULL), "4 heads do not divide 6 values");
    expect_fails(ml_nn_multi_head_attention(6, 2, &(ml_attention_layer_opts){ .rotary = true }), "heads of an even width, got 3");
    expect_fails(ml_nn_transformer_block(6, 4, NULL), "4 heads do not divide 6 values");
    expect_fails(ml_nn_transformer_block(6, 2, &(ml_transformer_opts){ .dropout = 2 }), "dropout must be in 0..1");
    expect_fails(ml_nn_sinusoidal_embedding(5), "needs an even width");
    ml_module *p = ml_nn_positional_embedding(4, 3, NULL), *a = ml_nn_multi_head_attention(4, 2, NULL);
    expect_fails(ml_module_forward(p, ml_zeros(ML_SHAPE(2, 5, 3), ML_F32)), "PositionalEmbedding(4, 3): the input has 5 positions, there are 4");
    expect_fails(ml_module_forward(p, ml_zeros(ML_SHAPE(2, 3, 4), ML_F32)), "the input must be (..., t, 3), got (2, 3, 4)");
    expect_fails(ml_module_forward(a, ml_zeros(ML_SHAPE(3, 4), ML_F32)), "the input must be (n, t, 4), samples first");
    ml_module_release(p);
    ml_module_release(a);
    ml_module_release(m);
    ml_module_release(l);
    ml_tensor *w = ml_zeros(ML_SHAPE(9, 3), ML_F32), *b = ml_zeros(ML_SHAPE(9), ML_F32), *s = ml_zeros(ML_SHAPE(2, 3), ML_F32);
    expect_fails(ml_gru(ml_zeros(ML_SHAPE(2, 5, 6), ML_F32), w, b, s, NULL), "gru: the input must be (n, t, 9)");
    expect_fails(ml_lstm(ml_zeros(ML_SHAPE(2, 5, 9), ML_F32), w, b, s, NULL), "lstm: the weight must be (4 h, h)");
    expect_fails(ml_gru(ml_zeros(ML_SHAPE(2, 5, 9), ML_F32), w, b, ml_zeros(ML_SHAPE(3, 3), ML_F32), NULL), "gru: the first state must have shape (2, 3)");
}

static bool try_all(void)
{
    ml_scope          scope = ml_scope_begin();
    ml_recurrent_opts o     = { .layers = 2, .bidirectional = true, .dropout = 0.5 };
    ml_module        *m     = ml_nn_gru(1, 2, &o);
    ml_tensor        *x = ml_randn(ML_SHAPE(2, 2, 1), ML_F32, ml_key_of(1, 1)), *last = NULL, *y = ml_module_scan(m, NULL, 0, x, NULL, &last, NULL);
    bool              ok = y && last && ml_backward(ml_add(ml_sum(y, NULL), ml_sum(last, NULL)), NULL);
    ml_module_release(m);
    ml_module *t = ml_nn_sequential((ml_module *[]){ ml_nn_sinusoidal_embedding(4), ml_nn_positional_embedding(3, 4, NULL),
                                                     ml_nn_transformer_block(4, 2, &(ml_transformer_opts){ .mlp = 3, .dropout = 0.5, .rotary = true }),
                                                     ml_nn_transformer_block(4, 2, &(ml_transformer_opts){ .mlp = 3, .last = true }) }, 4);
    y  = ok ? ml_module_forward(t, ml_randn(ML_SHAPE(2, 3, 4), ML_F32, ml_key_of(1, 2))) : NULL;
    ok = y && ml_backward(ml_sum(y, NULL), NULL);
    ml_module_release(t);
    ml_scope_end(&scope);
    return ok;
}

Test(sequences, survive_refused_memory) { expect_survives_refused_memory(try_all); }
