/* The same bits for any number of threads: every operation on sizes that are shared out, forward and gradient. */
#include "samples.h"

TestSuite(threads, .init = begin_test, .fini = end_test);

static const ml_sum_opts rows = { .dims = { 1, { 0 } } }, columns = { .dims = { 1, { 1 } }, .keepdim = true },
                         ends               = { .dims = { 2, { 0, 2 } } };
static const ml_argmax_opts       first_arg = { .dim = 0 };
static const ml_logsumexp_opts    first_lse = { .dim = 0 };
static const ml_softmax_opts      first     = { .dim = 0 };
static const ml_sum_to_opts       to_row = { { 2, { 1, 450 } } }, to_column = { { 2, { 150, 1 } } };
static const ml_unslice_opts      spread = { 0, 1, 301, 2 };
static const ml_scatter_rows_opts to_50  = { .rows = 50 };
static const ml_one_hot_opts      fifty  = { .classes = 50 };
static const ml_linear_opts       with_relu = { ML_ACT_RELU }, with_tanh = { ML_ACT_TANH },
                            with_sigmoid      = { ML_ACT_SIGMOID };
static const ml_token_linear_opts tokens_relu = { .act = ML_ACT_RELU };
static const ml_batch_norm_opts   norm_relu = { 1e-5, ML_ACT_RELU };

static const ml_roll_opts         roll_both = { { 2, { 7, -3 } }, { 2, { 0, 1 } } };
static const ml_tile_opts         tile_both = { { 2, { 2, 3 } } };
static const ml_repeat_interleave_opts three_times = { 3, 1 };
static const ml_pad_opts          by_5 = { .pad = { 4, { 5, 5, 5, 5 } } }, mirror = { .pad = { 4, { 5, 5, 5, 5 } }, .mode = ML_PAD_REFLECT };
static const ml_overlap_add_opts  windows = { -2, 1010, 2 };
static const ml_index_select_opts second = { .dim = 1 };
static const ml_sort_opts         sort_down = { 0, true };
static const ml_argsort_opts      argsort_down = { 0, true, 0 };
static const ml_argtopk_opts      best_10 = { .k = 10, .dim = -1, .largest = true };
static const ml_bincount_opts     count_50 = { .classes = 50 };
static const ml_einsum_opts contraction = { "bij,bjk,bi->ik" };

static const ml_cumsum_opts       first_sums = { .dim = 0 };
static const ml_kthvalue_opts     hundredth = { .k = 100, .dim = 0 };
static const ml_quantile_opts     low_tenth = { .q = 0.1, .dim = 1 };
static const ml_var_opts          variance = { .dims = { 1, { 0 } }, .correction = 1 };
static const ml_norm_opts         cubes = { .p = 3, .dims = { 1, { 0 } } };

static const ml_conv2d_dx_opts conv_dx = { .stride = { 1, 1 }, .dilation = { 1, 1 }, .groups = 1, .size = { 30, 31 } };
static const ml_conv2d_dw_opts conv_dw = { .stride = { 1, 1 }, .dilation = { 1, 1 }, .groups = 1, .kernel = { 3, 3 } };
static const ml_conv2d_bias_opts conv_relu = { .stride = { 2, 2 }, .padding = { 1, 1 }, .dilation = { 1, 1 }, .groups = 1, .act = ML_ACT_RELU };
static const ml_adaptive_avg_pool2d_opts sevenths = { { 7, 7 } };
static const ml_group_norm_opts three_groups = { .groups = 3, .eps = 1e-5 };
static const ml_self_attention_opts two_heads = { .heads = 2, .causal = true };

/* What is not pointwise has its sizes here. */
static const struct {
    int       id;
    ml_sample sample;
} large[] = {
    { ML_OP_where, { .in = { "b(150, 450)", "(150, 450)", "(450)" } } },
    { ML_OP_cast, { .in = { "(150, 450)" } } },
    { ML_OP_sum, { .in = { "(150, 450)" } } },
    { ML_OP_sum, { .in = { "(150, 450)" }, .opts = &rows } },
    { ML_OP_sum, { .in = { "(150, 450)" }, .opts = &columns } },
    { ML_OP_sum, { .in = { "(3, 140000)" }, .opts = &columns } },
    { ML_OP_sum, { .in = { "(40, 50, 100)" }, .opts = &ends } },
    { ML_OP_sum, { .in = { "(40, 500, 20)" }, .opts = &columns } },
    { ML_OP_mean, { .in = { "(150, 450)" }, .opts = &rows } },
    { ML_OP_mean, { .in = { "(150, 450)" } } },
    { ML_OP_max, { .in = { "(150, 450)" }, .opts = &rows } },
    { ML_OP_min, { .in = { "(150, 450)" }, .opts = &columns } },
    { ML_OP_argmax, { .in = { "(150, 450)" } } },
    { ML_OP_prod, { .in = { "(150, 450)" }, .opts = &rows } },
    { ML_OP_any, { .in = { "b(150, 450)" }, .opts = &rows } },
    { ML_OP_all, { .in = { "b(150, 450)" }, .opts = &columns } },
    { ML_OP_count_nonzero, { .in = { "b(150, 450)" } } },
    { ML_OP_var, { .in = { "(150, 450)" }, .opts = &variance } },
    { ML_OP_std, { .in = { "(150, 450)" } } },
    { ML_OP_norm, { .in = { "(150, 450)" } } },
    { ML_OP_norm, { .in = { "(150, 450)" }, .opts = &cubes } },
    { ML_OP_cumsum, { .in = { "(150, 450)" } } },
    { ML_OP_cumsum, { .in = { "(150, 450)" }, .opts = &first_sums } },
    { ML_OP_cumprod, { .in = { "(150, 450)" } } },
    { ML_OP_cummax, { .in = { "(150, 450)" } } },
    { ML_OP_kthvalue, { .in = { "(150, 450)" }, .opts = &hundredth } },
    { ML_OP_median, { .in = { "(150, 450)" } } },
    { ML_OP_quantile, { .in = { "(150, 450)" }, .opts = &low_tenth } },
    { ML_OP_histogram, { .in = { "(150, 450)" } } },
    { ML_OP_argmin, { .in = { "(150, 450)" }, .opts = &first_arg } },
    { ML_OP_logsumexp, { .in = { "(150, 450)" } } },
    { ML_OP_logsumexp, { .in = { "(150, 450)" }, .opts = &first_lse } },
    { ML_OP_sum_to, { .in = { "(150, 450)" }, .opts = &to_row } },
    { ML_OP_sum_to, { .in = { "(150, 450)" }, .opts = &to_column } },
    { ML_OP_flatten, { .in = { "(150, 450)" } } },
    { ML_OP_stack, { .in = { "(150, 450)", "(150, 450)" } } },
    { ML_OP_flip, { .in = { "(150, 450)" } } },
    { ML_OP_roll, { .in = { "(150, 450)" }, .opts = &roll_both } },
    { ML_OP_tile, { .in = { "(150, 450)" }, .opts = &tile_both } },
    { ML_OP_repeat_interleave, { .in = { "(150, 450)" }, .opts = &three_times } },
    { ML_OP_pad, { .in = { "(150, 450)" }, .opts = &by_5 } },
    { ML_OP_pad, { .in = { "(150, 450)" }, .opts = &mirror } },
    { ML_OP_diag_embed, { .in = { "(20, 60)" } } },
    { ML_OP_tril, { .in = { "(150, 450)" } } },
    { ML_OP_triu, { .in = { "(150, 450)" } } },
    { ML_OP_overlap_add, { .in = { "(20, 500, 12)" }, .opts = &windows } },
    { ML_OP_index_select, { .in = { "(50, 300, 7)", "i(1000)" }, .opts = &second, .ids = 300 } },
    { ML_OP_gather, { .in = { "(150, 450)", "i(150, 450)" }, .ids = 450 } },
    { ML_OP_scatter, { .in = { "(150, 450)", "i(150, 450)", "(150, 450)" }, .ids = 450 } },
    { ML_OP_scatter_add, { .in = { "(150, 450)", "i(150, 450)", "(150, 450)" }, .ids = 450 } },
    { ML_OP_take, { .in = { "(150, 450)", "i(60000)" }, .ids = 150 * 450 } },
    { ML_OP_masked_select, { .in = { "(150, 450)", "b(150, 450)" } } },
    { ML_OP_masked_select, { .in = { "(1500, 45)", "b(1500)" } } },
    { ML_OP_nonzero, { .in = { "b(150, 450)" } } },
    { ML_OP_sort, { .in = { "(150, 450)" } } },
    { ML_OP_sort, { .in = { "(450, 150)" }, .opts = &sort_down } },
    { ML_OP_argsort, { .in = { "(60000)" } } },
    { ML_OP_argsort, { .in = { "(450, 150)" }, .opts = &argsort_down } },
    { ML_OP_argtopk, { .in = { "(150, 450)" }, .opts = &best_10 } },
    { ML_OP_searchsorted, { .in = { "(450)", "(150, 450)" } } },
    { ML_OP_bincount, { .in = { "i(60000)" }, .ids = 50, .opts = &count_50 } },
    { ML_OP_unslice, { .in = { "(150, 450)" }, .opts = &spread } },
    { ML_OP_cat, { .in = { "(150, 450)", "(100, 450)" } } },
    { ML_OP_embedding, { .in = { "(1000, 70)", "i(3000)" }, .ids = 1000 } },
    { ML_OP_scatter_rows, { .in = { "(3000, 70)", "i(3000)" }, .opts = &to_50, .ids = 50 } },
    { ML_OP_one_hot, { .in = { "i(20000)" }, .opts = &fifty, .ids = 50 } },
    { ML_OP_matmul, { .in = { "(150, 300)", "(300, 170)" } } },
    { ML_OP_matmul, { .in = { "(16, 40, 30)", "(16, 30, 20)" } } },
    { ML_OP_matmul, { .in = { "(2, 120, 300)", "(2, 300, 100)" } } },
    { ML_OP_matmul, { .in = { "(20, 30, 40)", "(40, 50)" } } },
    { ML_OP_matmul, { .in = { "(1000, 300)", "(300)" } } },
    { ML_OP_bmm, { .in = { "(16, 40, 30)", "(16, 30, 20)" } } },
    { ML_OP_dot, { .in = { "(60000)", "(60000)" } } },
    { ML_OP_outer, { .in = { "(200)", "(300)" } } },
    { ML_OP_kron, { .in = { "(20, 30)", "(10, 10)" } } },
    { ML_OP_trace, { .in = { "(300, 300)" } } },
    { ML_OP_einsum, { .in = { "(12, 30, 40)", "(12, 40, 20)", "(12, 30)" }, .opts = &contraction } },
    { ML_OP_rnn, { .in = { "(70, 9, 5)", "(5, 5)", "(5)", "(70, 5)" } } },
    { ML_OP_gru, { .in = { "(70, 9, 15)", "(15, 5)", "(15)", "(70, 5)" } } },
    { ML_OP_lstm, { .in = { "(70, 9, 20)", "(20, 5)", "(20)", "(2, 70, 5)" } } },
    { ML_OP_attention, { .in = { "(4, 40, 9)", "(4, 50, 9)", "(4, 50, 7)" } } },
    { ML_OP_attention, { .in = { "(150, 300)", "(300, 300)", "(300, 30)" } } },
    { ML_OP_self_attention, { .in = { "(60, 5, 24)" }, .opts = &two_heads } },
    { ML_OP_cross_attention, { .in = { "(60, 5, 8)", "(60, 7, 16)" }, .opts = &two_heads } },
    { ML_OP_inv, { .in = { "m(3, 40, 40)" } } },
    { ML_OP_det, { .in = { "m(3, 40, 40)" } } },
    { ML_OP_cofactor, { .in = { "m(3, 40, 40)" } } },
    { ML_OP_slogdet, { .in = { "m(3, 40, 40)" } } },
    { ML_OP_expm, { .in = { "m(3, 40, 40)" } } },
    { ML_OP_matrix_power, { .in = { "m(3, 40, 40)" } } },
    { ML_OP_pinv, { .in = { "m(3, 40, 40)" } } },
    { ML_OP_svd_parts, { .in = { "m(3, 40, 40)" } } },
    { ML_OP_svdvals, { .in = { "m(3, 40, 40)" } } },
    { ML_OP_qr_parts, { .in = { "m(3, 40, 40)" } } },
    { ML_OP_matrix_rank, { .in = { "m(3, 40, 40)" } } },
    { ML_OP_eigh_parts, { .in = { "s(3, 40, 40)" } } },
    { ML_OP_eigvalsh, { .in = { "s(3, 40, 40)" } } },
    { ML_OP_cholesky, { .in = { "s(3, 40, 40)" } } },
    { ML_OP_expm_frechet, { .in = { "m(3, 20, 20)", "(3, 20, 20)" } } },
    { ML_OP_rfft, { .in = { "(300, 1000)" } } },
    { ML_OP_irfft, { .in = { "(300, 128, 2)" } } },
    { ML_OP_solve, { .in = { "m(3, 40, 40)", "(40, 60)" } } },
    { ML_OP_solve_triangular, { .in = { "m(3, 40, 40)", "(40, 60)" } } },
    { ML_OP_lstsq, { .in = { "m(3, 40, 40)", "(40, 60)" } } },
    { ML_OP_conv2d, { .in = { "(6, 5, 30, 31)", "(9, 5, 3, 3)" } } },
    { ML_OP_conv2d_dx, { .in = { "(6, 9, 28, 29)", "(9, 5, 3, 3)" }, .opts = &conv_dx } },
    { ML_OP_conv2d_dw, { .in = { "(9, 5, 30, 31)", "(9, 9, 28, 29)" }, .opts = &conv_dw } },
    { ML_OP_conv2d_bias, { .in = { "(6, 5, 30, 31)", "(8, 5, 3, 3)", "(8)" }, .opts = &conv_relu } },
    { ML_OP_max_pool2d, { .in = { "(90, 30, 31)" } } },
    { ML_OP_max_pool2d_positions, { .in = { "(90, 30, 31)" } } },
    { ML_OP_avg_pool2d, { .in = { "(90, 30, 31)" } } },
    { ML_OP_adaptive_avg_pool2d, { .in = { "(90, 30, 31)" }, .opts = &sevenths } },
    { ML_OP_layer_norm, { .in = { "(150, 450)", "(450)", "(450)" } } },
    { ML_OP_rms_norm, { .in = { "(150, 450)", "(450)" } } },
    { ML_OP_group_norm, { .in = { "(20, 6, 30, 31)", "(6)", "(6)" }, .opts = &three_groups } },
    { ML_OP_batch_norm, { .in = { "(20, 6, 30, 31)", "(6)", "(6)" } } },
    { ML_OP_batch_norm, { .in = { "(450, 150)", "(150)", "(150)" } } },
    { ML_OP_batch_norm, { .in = { "(20, 6, 30, 31)", "(6)", "(6)" }, .opts = &norm_relu } },
    { ML_OP_channel_moments, { .in = { "(20, 6, 30, 31)" } } },
    { ML_OP_channel_moments, { .in = { "(450, 150)" } } },
    { ML_OP_dropout, { .in = { "(150, 450)" } } },
    { ML_OP_linear, { .in = { "(300, 130)", "(120, 130)", "(120)" } } },
    { ML_OP_linear, { .in = { "(300, 130)", "(120, 130)", "(120)" }, .opts = &with_relu } },
    { ML_OP_linear, { .in = { "(300, 130)", "(120, 130)", "(120)" }, .opts = &with_tanh } },
    { ML_OP_linear, { .in = { "(300, 130)", "(120, 130)", "(120)" }, .opts = &with_sigmoid } },
    { ML_OP_linear, { .in = { "(30, 60, 70)", "(30, 50, 70)", "(30, 50)" }, .opts = &with_tanh } },
    { ML_OP_act_dx, { .in = { "(150, 450)", "(150, 450)" } } },
    { ML_OP_token_linear, { .in = { "i(3000, 2)", "(50, 40)", "(60, 80)", "(60)" }, .ids = 50 } },
    { ML_OP_token_linear,
      { .in = { "i(300, 2)", "(50, 40)", "(60, 80)", "(60)" }, .opts = &tokens_relu, .ids = 50 } },
    { ML_OP_softmax, { .in = { "(150, 450)" } } },
    { ML_OP_softmax, { .in = { "(150, 450)" }, .opts = &first } },
    { ML_OP_log_softmax, { .in = { "(150, 450)" } } },
    { ML_OP_cross_entropy, { .in = { "(3000, 60)", "i(3000)" }, .ids = 60 } },
    { ML_OP_weighted_cross_entropy, { .in = { "(3000, 60)", "i(3000)", "(60)" }, .ids = 60, .low = 0.5, .high = 2 } },
    { ML_OP_bce_with_logits, { .in = { "(300, 600)", "(300, 600)" } } },
    { ML_OP_hinge, { .in = { "(300, 600)", "(300, 600)" } } },
    { ML_OP_logistic_loss, { .in = { "(300, 600)", "(300, 600)" } } },
    { ML_OP_exponential_loss, { .in = { "(300, 600)", "(300, 600)" } } },
    { ML_OP_huber, { .in = { "(300, 600)", "(300, 600)" } } },
    { ML_OP_smooth_l1, { .in = { "(300, 600)", "(300, 600)" } } },
    { ML_OP_kl_div, { .in = { "(300, 600)", "(300, 600)" } } },
    { ML_OP_multi_margin, { .in = { "(3000, 60)", "i(3000)" }, .ids = 60 } },
    { ML_OP_margin, { .in = { "(3000, 60)", "i(3000)" }, .ids = 60 } },
    { ML_OP_mse, { .in = { "(150, 450)", "(150, 450)" } } },
};
enum { N_LARGE = sizeof large / sizeof *large };

static void expect_same_bits(const trial *t)
{
    for (int d = 0; d < 2; d++) {
        ml_tensor *in[ML_MAX_IN];
        ml_scope   scope = ml_scope_begin();
        trial_inputs(t, d ? ML_F64 : ML_F32, LAYOUT_CONTIGUOUS, 3, in);
        for (int create = 0; create < 2 - d; create++) {
            ml_threads_set(1);
            run one = trial_run(t, in, ALL, NULL, create);
            expect(one.ok, "%s", t->label);
            for (int threads = 2; threads <= 4; threads += 2) {
                ml_threads_set(threads);
                run many = trial_run(t, in, ALL, NULL, create);
                expect_same(many.y, one.y, "%s with %d threads", t->label, threads);
                for (int i = 0; i < t->n_in; i++)
                    if (one.dx[i])
                        expect_same(many.dx[i], one.dx[i], "%s: gradient %d with %d threads", t->label, i,
                                    threads);
            }
        }
        ml_scope_end(&scope);
    }
}

static bool pointwise(const ml_op *op, const ml_op_info *info)
{
    (void)info;
    return op->kind == ML_POINTWISE;
}
ParameterizedTestParameters(threads, do_not_change_pointwise_bits) { return groups_where(pointwise); }
ParameterizedTest(group *g, threads, do_not_change_pointwise_bits)
{
    trial t;
    FOR_EACH_OP(g, t) {
        ml_sample whole = *t.sample, spread_out = *t.sample;
        for (int i = 0; i < t.n_in; i++) whole.in[i] = "(150, 450)";
        trial_of(t.id, &whole, 0, &t);
        expect_same_bits(&t);
        if (t.n_in < 2) continue;
        spread_out.in[0] = "(150, 1)";
        spread_out.in[1] = "(450)";
        if (t.n_in > 2) spread_out.in[2] = "()";
        trial_of(t.id, &spread_out, 1, &t);
        expect_same_bits(&t);
    }
}

static bool has_sizes_here(const ml_op *op, const ml_op_info *info)
{
    (void)info;
    return op->kind != ML_POINTWISE && !(op->flags & ML_VIEW);
}
ParameterizedTestParameters(threads, do_not_change_bits) { return groups_where(has_sizes_here); }
ParameterizedTest(group *g, threads, do_not_change_bits)
{
    for (int k = 0; k < g->n; k++) {
        int   found = 0;
        trial t;
        for (int i = 0; i < N_LARGE; i++) {
            if (large[i].id != g->id[k]) continue;
            trial_of(g->id[k], &large[i].sample, found++, &t);
            expect_same_bits(&t);
        }
        expect(found > 0, "%s has no large sizes: add some to the list of this file",
               ml_op_info_at(g->id[k])->name);
    }
}
