/* moonlab/optim.h - optimizers: turn gradients into steps.
 *
 *     ml_adam_opts opts = ml_adamw_defaults();
 *     opts.weight_decay = 0.1;
 *     ml_optim *opt = ml_adamw(ml_module_parameters(net), ml_module_n_parameters(net), &opts);
 *     for (int step = 0; step < 1000; step++) {
 *         ml_scope scope = ml_scope_begin();
 *         if (!ml_optim_minimize(opt, ml_cross_entropy(ml_module_forward(net, x), y, NULL))) break;
 *         ml_scope_end(&scope);
 *     }
 *     ml_optim_release(opt);
 *
 * Each step is one pass over each parameter and its state, in PyTorch's arithmetic: the same numbers up to rounding, and
 * the same bits on any number of threads. f32 and f64; the state has the parameter's dtype, the bias corrections of Adam
 * are f64 always. The state's memory is taken when an optimizer is made, and a step that fails has changed nothing (LBFGS
 * forgets what it knew of curvature).
 *
 * Ownership: the optimizer retains its parameters. One that is listed twice (tied weights) is stepped once. One without a
 * gradient sits a step out: its state stays, and its own count of steps does too.
 */
#ifndef MOONLAB_OPTIM_H
#define MOONLAB_OPTIM_H

#include "moonlab/autograd.h"

typedef struct ml_optim ml_optim; /* opaque: the fields are in src/optim */

typedef struct ml_sgd_opts {
    double lr;           /* 1e-2 */
    double momentum;     /* 0; v = momentum v + g, w -= lr v; v starts as the first g */
    bool   nesterov;     /* w -= lr (g + momentum v) instead; needs momentum > 0 */
    double weight_decay; /* 0; L2: g += weight_decay w, before all else */
    bool   decoupled;    /* false; true: w *= 1 - lr weight_decay instead, first (Loshchilov & Hutter 2019) */
} ml_sgd_opts;

/* m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, w -= lr / (1 - b1^t) m / (sqrt(v / (1 - b2^t)) + eps) */
typedef struct ml_adam_opts {
    double lr;           /* 1e-3 */
    double betas[2];     /* 0.9, 0.999: each in [0, 1) */
    double eps;          /* 1e-8 */
    double weight_decay; /* Adam: 0, L2: g += weight_decay w. AdamW: 1e-2, decoupled: w *= 1 - lr weight_decay, first */
} ml_adam_opts;

/* v = alpha v + (1 - alpha) g^2, w -= lr g / (sqrt(v) + eps) */
typedef struct ml_rmsprop_opts {
    double lr;           /* 1e-2 */
    double alpha;        /* 0.99: in [0, 1) */
    double eps;          /* 1e-8 */
    double momentum;     /* 0; b = momentum b + that step without lr, w -= lr b */
    bool   centered;     /* sqrt(v - m^2) with m = alpha m + (1 - alpha) g: the standard deviation */
    double weight_decay; /* 0; L2 */
    bool   decoupled;    /* false; as in SGD */
} ml_rmsprop_opts;

/* s += g^2, w -= lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps) */
typedef struct ml_adagrad_opts {
    double lr;           /* 1e-2 */
    double lr_decay;     /* 0 */
    double initial_sum;  /* 0: s before the first step */
    double eps;          /* 1e-10 */
    double weight_decay; /* 0; L2 */
    bool   decoupled;    /* false; as in SGD */
} ml_adagrad_opts;

/* w -= lr sign(b1 m + (1 - b1) g), m = b2 m + (1 - b2) g */
typedef struct ml_lion_opts {
    double lr;           /* 1e-4 */
    double betas[2];     /* 0.9, 0.99 */
    double weight_decay; /* 0; decoupled: w *= 1 - lr weight_decay, first */
} ml_lion_opts;

/* m = momentum m + (1 - momentum) g; u = m, or with nesterov momentum m + (1 - momentum) g; u made nearly orthogonal by ns_steps
 * Newton-Schulz steps; w -= lr sqrt(max(1, rows / columns)) u. Parameters of one dimension or none: AdamW with adam_... */
typedef struct ml_muon_opts {
    double  lr;           /* 0.02 */
    double  momentum;     /* 0.95 */
    bool    nesterov;     /* true */
    double  weight_decay; /* 0; decoupled */
    int64_t ns_steps;     /* 5 */
    double  adam_lr;      /* 3e-4; follows lr in proportion */
    double  adam_betas[2]; /* 0.9, 0.95 */
    double  adam_eps;     /* 1e-10 */
    double  adam_weight_decay; /* 0 */
} ml_muon_opts;

typedef struct ml_lbfgs_opts {
    double  lr;               /* 1: the first step that is tried on a line; of the very first line lr min(1, 1 / sum |g|) */
    int64_t max_iter;         /* 20: lines a call */
    int64_t max_evals;        /* 0: 5/4 of them; losses a call */
    int64_t history;          /* 10: steps remembered */
    double  tolerance_grad;   /* 1e-7: done when no element of the gradient is larger */
    double  tolerance_change; /* 1e-9: or when the loss, or the parameters, change less */
    bool    line_search;      /* true: strong Wolfe conditions; false: steps of lr */
} ml_lbfgs_opts;

/* dw/dt = -dL/dw, Runge-Kutta 5(4) with steps that keep the error of each within atol + rtol |w| */
typedef struct ml_flow_opts {
    double  span;      /* 0: a call makes one step; else it goes on by this time */
    double  rtol;      /* 1e-5 */
    double  atol;      /* 1e-8: above 0 */
    int64_t max_evals; /* 100000: losses a call */
} ml_flow_opts;

typedef struct ml_sam_opts {
    double rho;      /* 0.05: the radius */
    bool   adaptive; /* false: in units of each weight (Kwon et al. 2021) */
} ml_sam_opts;

ml_lbfgs_opts   ml_lbfgs_defaults(void);
ml_flow_opts    ml_flow_defaults(void);
ml_sam_opts     ml_sam_defaults(void);
ml_sgd_opts     ml_sgd_defaults(void);
ml_adam_opts    ml_adam_defaults(void);
ml_adam_opts    ml_adamw_defaults(void);
ml_rmsprop_opts ml_rmsprop_defaults(void);
ml_adagrad_opts ml_adagrad_defaults(void);
ml_lion_opts    ml_lion_defaults(void);
ml_muon_opts    ml_muon_defaults(void);

/* --- making one; options NULL = the defaults -------------------------------------------------------------------------- */
/* NULL with a message for an option out of range, for no parameters, and for one that no optimizer can step: not a leaf
 * with requires_grad, not contiguous. */
ml_optim *ml_sgd    (ml_tensor *const *params, int n, const ml_sgd_opts *opts);     /* Nesterov: Sutskever et al. 2013 */
ml_optim *ml_adam   (ml_tensor *const *params, int n, const ml_adam_opts *opts);    /* Kingma & Ba 2015 */
ml_optim *ml_adamw  (ml_tensor *const *params, int n, const ml_adam_opts *opts);    /* Loshchilov & Hutter 2019 */
ml_optim *ml_rmsprop(ml_tensor *const *params, int n, const ml_rmsprop_opts *opts); /* Tieleman & Hinton 2012; centered: Graves 2013 */
ml_optim *ml_adagrad(ml_tensor *const *params, int n, const ml_adagrad_opts *opts); /* Duchi et al. 2011 */
ml_optim *ml_lion   (ml_tensor *const *params, int n, const ml_lion_opts *opts);    /* Chen et al. 2023 */
ml_optim *ml_muon   (ml_tensor *const *params, int n, const ml_muon_opts *opts);    /* Jordan 2024; matrices, the rest by AdamW */
/* These two compute the loss themselves, several times a call: ml_optim_minimize_fn. Of the full batch, without chance in it. */
ml_optim *ml_lbfgs  (ml_tensor *const *params, int n, const ml_lbfgs_opts *opts);   /* Liu & Nocedal 1989 */
ml_optim *ml_gradient_flow(ml_tensor *const *params, int n, const ml_flow_opts *opts); /* Dormand & Prince 1980 */
/* From now on steps are sharpness-aware (Foret et al. 2021): two losses a step, ml_optim_minimize_fn. rho 0: no more. */
bool      ml_optim_set_sam(ml_optim *opt, const ml_sam_opts *opts);
ml_optim *ml_optim_retain(ml_optim *opt);
void      ml_optim_release(ml_optim *opt); /* NULL is fine */

/* Groups of parameters with options of their own:
 *
 *     ml_adam_opts opts = ml_adamw_defaults(), plain = opts;
 *     plain.weight_decay = 0;
 *     ml_param_group groups[] = { { .params = weights, .n = 3 }, { .params = biases, .n = 3, .opts = &plain } };
 *     ml_optim *opt = ml_optim_new("AdamW", groups, 2, &opts);
 *
 * A parameter belongs to one group. */
typedef struct ml_param_group {
    ml_tensor *const *params;
    int               n;
    const void       *opts;     /* of its kind; NULL: those of the whole optimizer, or of another kind the defaults */
    double            lr_scale; /* its lr counts so often; 0 stands for 1 */
    const char       *kind;     /* "SGD": another rule for this group. NULL: that of the whole */
} ml_param_group;
ml_optim *ml_optim_new(const char *kind, const ml_param_group *groups, int n, const void *opts);

/* Every kind, for bindings and tests: its options as data. */
typedef enum ml_option_kind { ML_OPTION_NUMBER, ML_OPTION_PAIR, ML_OPTION_INTEGER, ML_OPTION_FLAG } ml_option_kind;

typedef struct ml_optim_option {
    const char    *name;                /* NULL ends the list */
    ml_option_kind kind;                /* in the struct: double, double[2], int64_t, bool */
    size_t         offset;
    double         low, high;           /* its range; both are in it, unless open */
    bool           open_low, open_high;
} ml_optim_option;

#define ML_OPTIM_OPTS_BYTES 128 /* no option struct is larger */

typedef struct ml_optim_info {
    const char            *name; /* "AdamW" */
    size_t                 opts_bytes;
    const void            *defaults;
    const ml_optim_option *options;
} ml_optim_info;
const ml_optim_info *ml_optim_info_at(int i); /* from 0; NULL behind the last */

/* --- using it ------------------------------------------------------------------------------------------------------------ */
/* zero_grad, backward, step. False on error: then no parameter and no state has changed. */
bool ml_optim_minimize(ml_optim *opt, ml_tensor *loss);
/* The same for a loss that is computed when asked for: where the parameters are then, recorded; NULL with a message. *value: that
 * of the first time, NAN where copies have one each; value may be NULL. Any optimizer can; LBFGS, GradientFlow and SAM must. */
typedef ml_tensor *(*ml_loss_fn)(void *ctx);
bool ml_optim_minimize_fn(ml_optim *opt, ml_loss_fn loss, void *ctx, double *value);
/* From the gradients that the parameters hold. False when none holds one. */
bool ml_optim_step(ml_optim *opt);
void ml_optim_zero_grad(ml_optim *opt); /* drops them */

/* Gradients are made shorter before a step: each element, then all together; INFINITY (and at first) as they are. */
bool   ml_optim_set_clip_value(ml_optim *opt, double most);
bool   ml_optim_set_clip_norm(ml_optim *opt, double most);
double ml_optim_clip_value(const ml_optim *opt);
double ml_optim_clip_norm(const ml_optim *opt);
/* For those who step by hand: of the gradients that parameters hold. The norm is that before, f64 (), inside vmap of each copy. */
ml_tensor *ml_clip_grad_norm(ml_tensor *const *params, int n, double most);
bool       ml_clip_grad_value(ml_tensor *const *params, int n, double most);

/* --- looking, changing --------------------------------------------------------------------------------------------------- */
const char *ml_optim_kind(const ml_optim *opt);    /* "SGD", "AdamW", ... */
double      ml_optim_lr(const ml_optim *opt);
bool        ml_optim_set_lr(ml_optim *opt, double lr); /* false, and as before, when negative or not finite */
double      ml_optim_weight_decay(const ml_optim *opt);
bool        ml_optim_set_weight_decay(ml_optim *opt, double weight_decay);
/* What all rates of learning count so often at the next step: for schedules. 1 at first; no part of the state. */
bool        ml_optim_set_factor(ml_optim *opt, double factor);
double      ml_optim_factor(const ml_optim *opt);
double      ml_optim_time(const ml_optim *opt);    /* that GradientFlow has reached; 0 for others */
int64_t     ml_optim_steps(const ml_optim *opt);   /* steps made so far */
int         ml_optim_n_parameters(const ml_optim *opt); /* one that was listed twice counts once */
int         ml_optim_n_groups(const ml_optim *opt);
const char *ml_optim_group_kind(const ml_optim *opt, int group); /* "?" for no group */
int         ml_optim_parameter_group(const ml_optim *opt, int i);

/* The rates of a group, or of the whole optimizer (group -1; the functions above). When that of the whole changes, the
 * learning rates of all groups change in proportion, and so does a weight decay, except where it differed from the first:
 * a group without decay stays so. */
typedef enum ml_rate { ML_LR, ML_WEIGHT_DECAY, ML_RATE_COUNT } ml_rate;
double ml_optim_rate(const ml_optim *opt, int group, ml_rate which);
bool   ml_optim_set_rate(ml_optim *opt, int group, ml_rate which, double value);

/* Inside vmap: a number for each copy of the parameters, as a tensor of shape () that is one of a batch. While one is set,
 * ml_optim_lr gives what was set before it; the getters give NULL, without message, when one number is for all. */
bool        ml_optim_set_rate_each(ml_optim *opt, int group, ml_rate which, ml_tensor *value);
ml_tensor  *ml_optim_rate_each(const ml_optim *opt, int group, ml_rate which);
bool        ml_optim_rate_varies(const ml_optim *opt, int group, ml_rate which);  /* is there one for each copy? */
bool        ml_optim_rate_follows(const ml_optim *opt, int group, ml_rate which); /* does it change with that of the whole? */
bool        ml_optim_set_lr_each(ml_optim *opt, ml_tensor *lr); /* of the whole */
bool        ml_optim_set_weight_decay_each(ml_optim *opt, ml_tensor *weight_decay);
ml_tensor  *ml_optim_lr_each(const ml_optim *opt);
ml_tensor  *ml_optim_weight_decay_each(const ml_optim *opt);

/* --- going on later --------------------------------------------------------------------------------------------------------
 * The next steps depend on the parameters, the options, and this: steps, and for each parameter its own steps and some
 * tensors of its shape and dtype. Put back into an optimizer that was made alike, they go on to the bit. */
int         ml_optim_n_state(const ml_optim *opt, int i);             /* tensors of parameter i: SGD 0 or 1 (momentum), Adam 2 */
const char *ml_optim_state_name(const ml_optim *opt, int i, int k);   /* "momentum"; "mean", "square"; "?" for none */
ml_tensor  *ml_optim_state(const ml_optim *opt, int i, int k); /* borrowed; of parameter i; NULL with a message outside */
int64_t     ml_optim_parameter_steps(const ml_optim *opt, int i);
/* parameter_steps: one a parameter; state: all of parameter 0, then of parameter 1, ...; copied. False, and as before,
 * when a shape or dtype differs or a number is negative. */
bool        ml_optim_set_state(ml_optim *opt, int64_t steps, const int64_t *parameter_steps, ml_tensor *const *state);

/* What LBFGS and GradientFlow remember as a whole: f64. own: n_own of them. */
int         ml_optim_n_own(const ml_optim *opt);
const char *ml_optim_own_name(const ml_optim *opt, int k);
ml_tensor  *ml_optim_own(const ml_optim *opt, int k); /* borrowed */
bool        ml_optim_set_own(ml_optim *opt, ml_tensor *const *own);

#endif
