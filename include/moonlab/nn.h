/* moonlab/nn.h - layers: modules that hold their parameters, and are pure functions of them too.
 *
 *     ml_module *net = ml_nn_sequential((ml_module *[]){ ml_nn_linear(2, 64, NULL), ml_nn_activation(ML_OP_tanh),
 *                                                        ml_nn_linear(64, 2, NULL) }, 3);
 *     ml_tensor *y = ml_module_forward(net, x);                       // with the parameters that it holds
 *     ml_tensor *z = ml_module_apply(net, params, n_params, x);       // with those given: for derivatives and copies
 *     ml_module_release(net);
 *
 * Ownership: modules are counted; a new one has one reference. Parameters are leaves with requires_grad, owned by their
 * module. NULL in, NULL out, the first message stays: one check after the last line is enough.
 *
 * Random numbers: a new layer takes ml_key_next() (inside vmap: ml_draw) once for each of its parameters, in their order, whatever their
 * initialiser. So ml_seed(s) before the first layer settles the whole network.
 */
#ifndef MOONLAB_NN_H
#define MOONLAB_NN_H

#include "moonlab/autograd.h"

/* --- initialisers --------------------------------------------------------------------------------------------- */
/* fan_in and fan_out of a weight (out, in, ...): in and out, each times the sizes behind them; of a vector: its size; of a
 * layer's bias: those of its weight. */
typedef enum ml_init_kind {
    ML_INIT_DEFAULT,        /* what the layer's own documentation says */
    ML_INIT_ZEROS,
    ML_INIT_CONSTANT,       /* scale */
    ML_INIT_UNIFORM,        /* U(-scale, scale) */
    ML_INIT_NORMAL,         /* N(0, scale^2) */
    ML_INIT_FAN_IN_UNIFORM, /* U(-scale/sqrt(fan_in), scale/sqrt(fan_in)): PyTorch's default for linear layers */
    ML_INIT_GLOROT_UNIFORM, /* U(-a, a), a = scale sqrt(6 / (fan_in + fan_out)); Glorot & Bengio 2010 */
    ML_INIT_GLOROT_NORMAL,  /* N(0, s^2), s = scale sqrt(2 / (fan_in + fan_out)) */
    ML_INIT_HE_UNIFORM,     /* U(-a, a), a = scale sqrt(6 / fan_in); He et al. 2015, for ReLU */
    ML_INIT_HE_NORMAL,      /* N(0, s^2), s = scale sqrt(2 / fan_in) */
    ML_INIT_COUNT
} ml_init_kind;

typedef struct ml_init {
    ml_init_kind kind;
    double       scale; /* 0 = 1 */
} ml_init;

/* Fills a contiguous leaf of floats: the values depend on init, key and shape alone. False, and unchanged, for another
 * tensor, for ML_INIT_DEFAULT (only a layer has one) and for a scale that is not finite. */
bool        ml_init_fill(ml_tensor *w, ml_init init, ml_key key);
bool        ml_init_draw(ml_tensor *w, ml_init init); /* with the next key of the default stream; inside vmap as ml_draw says */
const char *ml_init_name(ml_init_kind kind);                      /* "he_normal"; "?" for none */
bool        ml_init_parse(const char *name, ml_init_kind *kind);  /* false, with a message that names the nearest */

/* --- layers ----------------------------------------------------------------------------------------------------- */
typedef struct ml_module ml_module; /* opaque: the fields are in src/nn */

typedef struct ml_linear_layer_opts {
    bool     no_bias;
    ml_init  weight_init, bias_init; /* default: both U(-1/sqrt(in), 1/sqrt(in)), as PyTorch */
    ml_dtype dtype;                  /* default f32 */
} ml_linear_layer_opts;

/* Pairs are rows, columns; layers of one dimension read the first of each. */
typedef struct ml_conv_layer_opts {
    int64_t  stride[2], dilation[2]; /* 0 = 1 */
    int64_t  padding[2];
    int64_t  groups;                 /* 0 = 1 */
    int64_t  output_padding[2];      /* of a transposed one: so much larger at the end */
    bool     same;                   /* as much padding as keeps the size, with a stride of 1; one more at the end where it is odd */
    bool     circular;               /* the padding is what stands at the other end */
    bool     no_bias;
    ml_init  weight_init, bias_init; /* default: both U(-1/sqrt(fan_in), 1/sqrt(fan_in)), as PyTorch */
    ml_dtype dtype;                  /* default f32 */
} ml_conv_layer_opts;

typedef struct ml_pool_layer_opts {
    int64_t stride[2]; /* 0 = the kernel */
    int64_t padding[2];
    bool    count_only_inside; /* in means: padding is not counted */
} ml_pool_layer_opts;

typedef struct ml_norm_layer_opts {
    double   eps;         /* 0 = 1e-5 */
    double   momentum;    /* of the running statistics: new = (1 - momentum) old + momentum batch; 0 = 0.1 */
    bool     no_affine;   /* without weight and bias */
    bool     no_tracking; /* BatchNorm: no running statistics, always those of the batch */
    ml_dtype dtype;       /* default f32 */
} ml_norm_layer_opts;

typedef struct ml_embedding_layer_opts {
    ml_init  init;  /* default: N(0, 1), as PyTorch */
    ml_dtype dtype; /* default f32 */
    int      base;  /* what ids count from: C 0, Lua 1 */
} ml_embedding_layer_opts;

ml_module *ml_nn_linear(int64_t in, int64_t out, const ml_linear_layer_opts *opts); /* (..., in) -> (..., out); weight (out, in), bias (out) */
ml_module *ml_nn_embedding(int64_t rows, int64_t dim, const ml_embedding_layer_opts *opts); /* ids (...) -> (..., dim); weight (rows, dim) */
/* (n, in, h, w) -> (n, out, h', w'); weight (out, in/groups, kh, kw), bias (out). Of one dimension: (n, in, l), weight (out, in/groups, k) */
ml_module *ml_nn_conv2d(int64_t in, int64_t out, const int64_t kernel[2], const ml_conv_layer_opts *opts);
ml_module *ml_nn_conv1d(int64_t in, int64_t out, int64_t kernel, const ml_conv_layer_opts *opts);
/* The adjoint of such a convolution as a layer: h' = (h - 1) stride - 2 padding + dilation (kh - 1) + output_padding + 1; weight (in, out/groups, kh, kw) */
ml_module *ml_nn_conv_transpose2d(int64_t in, int64_t out, const int64_t kernel[2], const ml_conv_layer_opts *opts);
ml_module *ml_nn_max_pool2d(const int64_t kernel[2], const ml_pool_layer_opts *opts);   /* (..., h, w) */
ml_module *ml_nn_max_pool1d(int64_t kernel, const ml_pool_layer_opts *opts);            /* (..., c, l) */
ml_module *ml_nn_avg_pool2d(const int64_t kernel[2], const ml_pool_layer_opts *opts);
ml_module *ml_nn_avg_pool1d(int64_t kernel, const ml_pool_layer_opts *opts);
ml_module *ml_nn_adaptive_avg_pool2d(const int64_t size[2]);                            /* (..., h, w) -> (..., size) */
ml_module *ml_nn_global_avg_pool(void);                                                 /* (n, c, ...) -> (n, c) */
/* In training by the batch's statistics, which it keeps a running mean of (state: running_mean, running_var, with n - 1); else by
 * these. dims 1: (n, c) or (n, c, l); 2: (n, c, h, w). weight 1, bias 0. Ioffe & Szegedy 2015. */
ml_module *ml_nn_batch_norm(int dims, int64_t channels, const ml_norm_layer_opts *opts);
ml_module *ml_nn_layer_norm(ml_shape last, const ml_norm_layer_opts *opts);             /* over the last dimensions, of that shape */
ml_module *ml_nn_rms_norm(ml_shape last, const ml_norm_layer_opts *opts);
ml_module *ml_nn_group_norm(int64_t groups, int64_t channels, const ml_norm_layer_opts *opts);
ml_module *ml_nn_dropout(double p); /* in training: each value is 0 with probability p, else x / (1 - p); Srivastava et al. 2014 */
ml_module *ml_nn_flatten(void);                                                     /* (n, ...) -> (n, product) */
ml_module *ml_nn_activation(ml_op_id op);                                           /* any operation of one input without options */
/* --- sequences: (n, t, ...), samples first, then steps ------------------------------------------------------------- */
typedef struct ml_recurrent_opts {
    int      layers;        /* 0 = 1; each reads what the one before it gives */
    bool     bidirectional; /* each layer also from the end: its outputs behind the others' */
    bool     no_bias;
    bool     last;          /* the outputs after the last step alone, (n, directions hidden), instead of all */
    double   dropout;       /* in training, between layers */
    ml_act   act;           /* of RNN: tanh (also for 0) or relu */
    ml_dtype dtype;         /* default f32 */
} ml_recurrent_opts;
/* (n, t, in) -> (n, t, directions hidden); the first state is 0. PyTorch's formulas, gates in its order, all parameters at first
 * U(-1/sqrt(hidden), 1/sqrt(hidden)): weight_ih (gates hidden, in), weight_hh (gates hidden, hidden), bias_ih, bias_hh. One of several
 * layers or directions is a child of its own: layer by layer, first the one that reads forwards. */
ml_module *ml_nn_rnn(int64_t in, int64_t hidden, const ml_recurrent_opts *opts);  /* h = act(W_ih x + b_ih + W_hh h + b_hh) */
ml_module *ml_nn_gru(int64_t in, int64_t hidden, const ml_recurrent_opts *opts);  /* reset, update, new: see the operation gru */
ml_module *ml_nn_lstm(int64_t in, int64_t hidden, const ml_recurrent_opts *opts); /* in, forget, new, out: see the operation lstm */

typedef struct ml_attention_layer_opts {
    bool     causal;  /* each position sees itself and those before it */
    bool     no_bias;
    bool     rotary;  /* queries and keys are turned by their positions (Su et al. 2021) */
    double   dropout; /* in training, of the weights */
    ml_dtype dtype;   /* default f32 */
} ml_attention_layer_opts;

typedef enum ml_block_norm { ML_BLOCK_LAYER_NORM, ML_BLOCK_RMS_NORM, ML_BLOCK_NO_NORM } ml_block_norm;
typedef struct ml_transformer_opts {
    int64_t       mlp;         /* width of its hidden layer; 0 = 4 dim */
    bool          no_mlp;      /* attention alone */
    bool          gelu;        /* instead of ReLU */
    bool          causal, no_bias, rotary;
    ml_block_norm norm;
    bool          norm_behind; /* behind each sum, as in 2017, instead of before attention and mlp */
    bool          last;        /* the last position alone, (n, dim): the queries of the others are not computed */
    double        dropout;     /* in training: of the weights, of the hidden layer, before each sum */
    ml_dtype      dtype;       /* default f32 */
} ml_transformer_opts;

/* (n, t, dim) -> the same; in_proj_weight (3 dim, dim): queries, keys, values; out_proj_weight (dim, dim). Begins as PyTorch's: Glorot
 * uniform, U(-1/sqrt(dim), 1/sqrt(dim)), biases 0. Vaswani et al. 2017 */
ml_module *ml_nn_multi_head_attention(int64_t dim, int64_t heads, const ml_attention_layer_opts *opts);
/* x + attention(norm(x)), then x + mlp(norm(x)). Children: norm, attention, norm, the two Linear of the mlp, those that it has. */
ml_module *ml_nn_transformer_block(int64_t dim, int64_t heads, const ml_transformer_opts *opts);
ml_module *ml_nn_positional_embedding(int64_t positions, int64_t dim, const ml_embedding_layer_opts *opts); /* x (..., t, dim) + weight (positions, dim); N(0, 0.02^2) */
ml_module *ml_nn_sinusoidal_embedding(int64_t dim); /* x (..., t, dim) + sin and cos of t 10000^(-2i/dim), side by side; Vaswani et al. 2017 */

/* One after the other; n = 0 is the identity. Takes the references over, also when it fails and when one is NULL, so that
 * the layers can be made in the call. A layer that stands twice (tied weights) needs two references. */
ml_module *ml_nn_sequential(ml_module *const *layers, int n);
ml_module *ml_module_retain(ml_module *m);
void       ml_module_release(ml_module *m); /* NULL is fine */

/* --- using one --------------------------------------------------------------------------------------------------- */
/* A Sequential runs neighbours as one operation where the table has one: Linear with the ReLU, Tanh or Sigmoid behind it;
 * Embedding, Flatten and Linear in front of that, when there are more rows than tokens. The same value up to rounding. */
ml_tensor *ml_module_forward(ml_module *m, ml_tensor *x);
/* The same with params in place of the module's own: of the same shapes, in the order of ml_module_parameters. The running
 * statistics stay as they are. */
ml_tensor *ml_module_apply(ml_module *m, ml_tensor *const *params, int n, ml_tensor *x);

/* --- state: what a layer keeps beside its parameters, and the two ways of running ----------------------------------- */
/* A new module is in training. Batch normalisation and dropout compute something else in evaluation. */
void ml_module_train(ml_module *m, bool on); /* of it and all its layers */
bool ml_module_training(const ml_module *m);
int  ml_module_n_state(const ml_module *m);  /* running statistics, with those of all children */
ml_tensor *const *ml_module_state(const ml_module *m);
bool ml_module_state_name(const ml_module *m, int i, char *name, size_t bytes); /* "2.running_mean" */

typedef enum ml_mode { ML_MODE_OWN, ML_MODE_TRAIN, ML_MODE_EVAL } ml_mode; /* own: as ml_module_train left each layer */
typedef struct ml_apply_opts {
    ml_tensor *const *state;     /* in place of the module's own, in the order of ml_module_state; NULL = its own */
    int               n_state;
    ml_tensor       **new_state; /* room for as many; NULL = not wanted. In the innermost scope */
    ml_mode           mode;
    const ml_key     *key;       /* of dropout: what a layer draws depends on it and on the layer's place; NULL = the default stream, by ml_draw */
} ml_apply_opts;
/* ml_module_apply with all that a layer reads given: nothing in the module changes, so every transform may go through it. */
ml_tensor *ml_module_apply_with(ml_module *m, ml_tensor *const *params, int n, ml_tensor *x, const ml_apply_opts *opts);

/* A recurrent layer with its first state given (NULL = 0): (modules, n, hidden), where the modules are the layers, in each its
 * directions; of LSTM (2, modules, n, hidden), h and c. *last becomes the state after the last step, of the same shape; NULL = not
 * wanted. params NULL = its own. Pure, as apply is. */
ml_tensor *ml_module_scan(ml_module *m, ml_tensor *const *params, int n, ml_tensor *x, ml_tensor *first, ml_tensor **last, const ml_apply_opts *opts);

/* What MultiHeadAttention looks at: (n, heads, t, t), rows sum to 1. params NULL = its own. */
ml_tensor *ml_attention_pattern(ml_module *m, ml_tensor *const *params, int n, ml_tensor *x);

/* --- looking inside ---------------------------------------------------------------------------------------------- */
const char *ml_module_kind(const ml_module *m);                   /* "Linear", "Sequential", ...; an activation "ReLU" */
int         ml_module_children(const ml_module *m);
ml_module  *ml_module_child(const ml_module *m, int i);           /* borrowed; NULL with a message outside */
int         ml_module_n_parameters(const ml_module *m);           /* with those of all children */
ml_tensor *const *ml_module_parameters(const ml_module *m);       /* all of them, in the order of the layers; borrowed */
ml_tensor  *ml_module_parameter(const ml_module *m, int i);       /* one of them; NULL with a message outside */
/* "1.weight": the path counts layers from 1, in C as in Lua. False with a message outside or when it does not fit. */
bool        ml_module_parameter_name(const ml_module *m, int i, char *name, size_t bytes);
ml_tensor  *ml_module_own(const ml_module *m, const char *name);  /* "weight", "bias", "running_mean" of this layer; NULL without message */
/* A line about the layer itself: "Linear(256 -> 97)"; the text lives until the next call on this thread. */
const char *ml_module_text(const ml_module *m);

#endif
