/* moonlab/optim.h - optimizers: turn gradients into steps.
 *
 *     ml_adam_opts opts = ml_adamw_defaults();
 *     opts.weight_decay = 0.1;
 *     ml_optim *opt = ml_adamw(params, n, &opts);
 *     while (training) ml_optim_minimize(opt, ml_cross_entropy(ml_module_forward(net, x), y, NULL));
 *     ml_optim_release(opt);
 *
 * Each step is one pass over each parameter and its state. Ownership: the optimizer retains its parameters. A parameter
 * without a gradient is left as it is. f32 and f64; the state has the parameter's dtype.
 */
#ifndef MOONLAB_OPTIM_H
#define MOONLAB_OPTIM_H

#include "moonlab/autograd.h"

typedef struct ml_optim ml_optim; /* opaque: the fields are in src/optim */

typedef struct ml_sgd_opts {
    double lr;           /* 1e-2 */
    double momentum;     /* 0; v = momentum v + g, w -= lr v */
    bool   nesterov;     /* w -= lr (g + momentum v); needs momentum > 0 */
    double weight_decay; /* 0; L2: g += weight_decay w */
} ml_sgd_opts;

typedef struct ml_adam_opts {
    double lr;           /* 1e-3 */
    double betas[2];     /* 0.9, 0.999 */
    double eps;          /* 1e-8, added to sqrt(v) after the bias correction, as PyTorch */
    double weight_decay; /* Adam: 0, L2: g += weight_decay w. AdamW: 1e-2, decoupled: w -= lr weight_decay w */
} ml_adam_opts;

ml_sgd_opts  ml_sgd_defaults(void);
ml_adam_opts ml_adam_defaults(void);
ml_adam_opts ml_adamw_defaults(void);

/* --- making one; options NULL = the defaults. Fails on values out of range, on no parameters, on one that is no leaf - */
ml_optim *ml_sgd  (ml_tensor *const *params, int n, const ml_sgd_opts *opts);  /* with Nesterov: Sutskever et al. 2013 */
ml_optim *ml_adam (ml_tensor *const *params, int n, const ml_adam_opts *opts); /* Kingma & Ba 2015 */
ml_optim *ml_adamw(ml_tensor *const *params, int n, const ml_adam_opts *opts); /* Loshchilov & Hutter 2019 */
ml_optim *ml_optim_retain(ml_optim *opt);
void      ml_optim_release(ml_optim *opt); /* NULL is fine */

/* --- using it ------------------------------------------------------------------------------------------------------- */
bool ml_optim_minimize(ml_optim *opt, ml_tensor *loss); /* zero_grad, backward, step; false on error, then no step was made */
bool ml_optim_step(ml_optim *opt);                      /* from the gradients that the parameters hold */
void ml_optim_zero_grad(ml_optim *opt);

/* --- looking, changing ---------------------------------------------------------------------------------------------- */
const char *ml_optim_kind(const ml_optim *opt);    /* "SGD", "Adam", "AdamW" */
double      ml_optim_lr(const ml_optim *opt);
bool        ml_optim_set_lr(ml_optim *opt, double lr);
double      ml_optim_weight_decay(const ml_optim *opt);
bool        ml_optim_set_weight_decay(ml_optim *opt, double weight_decay);
int64_t     ml_optim_steps(const ml_optim *opt);   /* steps made so far */
int         ml_optim_n_parameters(const ml_optim *opt);

#endif
