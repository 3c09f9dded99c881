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
    ML_INIT_LECUN_UNIFORM,  /* U(-a, a), a = scale sqrt(3 / fan_in); LeCun et al. 1998, "Efficient BackProp" */
    ML_INIT_LECUN_NORMAL,   /* N(0, s^2), s = scale sqrt(1 / fan_in) */
    /* What follows needs a matrix; other weights are one of (first size) rows: (out, in kh kw) of a convolution. */
    ML_INIT_ORTHOGONAL,     /* scale times orthonormal rows, or columns where there are fewer; uniform among all (Saxe et al. 2013) */
    ML_INIT_IDENTITY,       /* scale where output i meets input i, in the middle of a kernel; else 0 */
    ML_INIT_SPARSE,         /* in each row as many values as connections says, at places drawn, from N(0, scale^2); Martens 2010 */
    ML_INIT_COUNT
} ml_init_kind;

typedef enum ml_fan { ML_FAN_DEFAULT, ML_FAN_IN, ML_FAN_OUT, ML_FAN_MEAN, ML_FAN_COUNT } ml_fan;

typedef struct ml_init {
    ml_init_kind kind;
    double       scale;       /* 0 = 1 */
    ml_fan       fan;         /* in place of the one in the formula (Glorot's is the mean); only of those that go by one */
    int64_t      connections; /* of sparse; 0 = 15, as Martens; at most the inputs */
    int64_t      groups;      /* of identity: of the convolution; layers set it; 0 = 1 */
} ml_init;

/* The scale that keeps the variance through an activation: 1 for linear, sigmoid and sin; 5/3 for tanh; sqrt(2) for relu; sqrt(2 / (1 +
 * slope^2)) for leaky_relu (He et al. 2015); 3/4 for selu, as PyTorch (Klambauer et al. 2017 ask for lecun_normal with 1). */
bool ml_init_gain(const char *activation, double slope, double *gain); /* false, with a message that names the nearest */

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
    ml_pad_mode padding_mode;        /* what the padding is: zeros; or, as of the operation pad, from the image itself */
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
/* x (..., in1 + in2), two vectors a and b side by side -> (..., out): a^T W b + bias; weight (out, in1, in2), bias (out) */
ml_module *ml_nn_bilinear(int64_t in1, int64_t in2, int64_t out, const ml_linear_layer_opts *opts); /* default: both U(-1/sqrt(in1), 1/sqrt(in1)) */
ml_module *ml_nn_embedding(int64_t rows, int64_t dim, const ml_embedding_layer_opts *opts); /* ids (...) -> (..., dim); weight (rows, dim) */
/* (n, in, h, w) -> (n, out, h', w'); weight (out, in/groups, kh, kw), bias (out). Of one dimension: (n, in, l), weight (out, in/groups, k).
 * With in 1 the input may come without that dimension: (n, h, w), (n, l). */
ml_module *ml_nn_conv2d(int64_t in, int64_t out, const int64_t kernel[2], const ml_conv_layer_opts *opts);
ml_module *ml_nn_conv1d(int64_t in, int64_t out, int64_t kernel, const ml_conv_layer_opts *opts);
/* The same with other weights at each place of an image of that size: weight (places, out, in, kh, kw), bias (out, h', w'). Neither groups
 * nor dilation, and no initialiser that needs a matrix. Of one dimension: weight (places, out, in, k), bias (out, l'). */
ml_module *ml_nn_locally_connected2d(int64_t in, int64_t out, const int64_t kernel[2], const int64_t size[2], const ml_conv_layer_opts *opts);
ml_module *ml_nn_locally_connected1d(int64_t in, int64_t out, int64_t kernel, int64_t size, const ml_conv_layer_opts *opts);
/* The adjoint of such a convolution as a layer: h' = (h - 1) stride - 2 padding + dilation (kh - 1) + output_padding + 1; weight (in, out/groups, kh, kw) */
ml_module *ml_nn_conv_transpose2d(int64_t in, int64_t out, const int64_t kernel[2], const ml_conv_layer_opts *opts);
ml_module *ml_nn_conv_transpose1d(int64_t in, int64_t out, int64_t kernel, const ml_conv_layer_opts *opts);
ml_module *ml_nn_max_pool2d(const int64_t kernel[2], const ml_pool_layer_opts *opts);   /* (..., h, w) */
ml_module *ml_nn_max_pool1d(int64_t kernel, const ml_pool_layer_opts *opts);            /* (..., c, l) */
ml_module *ml_nn_avg_pool2d(const int64_t kernel[2], const ml_pool_layer_opts *opts);
ml_module *ml_nn_avg_pool1d(int64_t kernel, const ml_pool_layer_opts *opts);
ml_module *ml_nn_adaptive_avg_pool2d(const int64_t size[2]);                            /* (..., h, w) -> (..., size) */
ml_module *ml_nn_adaptive_avg_pool1d(int64_t size);                                     /* (..., c, l) -> (..., c, size) */
ml_module *ml_nn_adaptive_max_pool2d(const int64_t size[2]);                            /* largest values of the same parts */
ml_module *ml_nn_adaptive_max_pool1d(int64_t size);
ml_module *ml_nn_global_avg_pool(void);                                                 /* (n, c, ...) -> (n, c) */
ml_module *ml_nn_global_max_pool(void);
/* Convolutions that know of symmetries (Cohen & Welling 2016): p4, the quarter turns, or p4m, these and the mirror. A lifting one sees an
 * image in each of them, (n, in, h, w) -> (n, out, 4 or 8, h', w'); a group one goes from there to there. When the image turns, the result
 * turns and its symmetries change places: equivariance, exact where the stride lets the kernel reach both edges. Symmetry 4 m + t mirrors
 * columns (m = 1), then turns t times from rows to columns, as numpy's rot90. weight (out, in, k, k), or (out, in, 4 or 8, k, k); bias (out).
 * The kernel is square, no groups; layers that act on each place and channel alone, and norms of channels, keep equivariance. */
typedef enum ml_symmetry { ML_SYMMETRY_P4, ML_SYMMETRY_P4M } ml_symmetry;
ml_module *ml_nn_lift_conv2d(ml_symmetry group, int64_t in, int64_t out, int64_t kernel, const ml_conv_layer_opts *opts);
ml_module *ml_nn_group_conv2d(ml_symmetry group, int64_t in, int64_t out, int64_t kernel, const ml_conv_layer_opts *opts);
ml_module *ml_nn_group_pool(bool mean); /* (n, c, symmetries, h, w) -> (n, c, h, w): the largest of all symmetries, or their mean */
/* In training by the batch's statistics, which it keeps a running mean of (buffers: running_mean, running_var, with n - 1); else by
 * these. dims 1: (n, c) or (n, c, l); 2: (n, c, h, w) or (n, c, symmetries, h, w). weight 1, bias 0. Ioffe & Szegedy 2015. */
ml_module *ml_nn_batch_norm(int dims, int64_t channels, const ml_norm_layer_opts *opts);
ml_module *ml_nn_layer_norm(ml_shape last, const ml_norm_layer_opts *opts);             /* over the last dimensions, of that shape */
ml_module *ml_nn_rms_norm(ml_shape last, const ml_norm_layer_opts *opts);
ml_module *ml_nn_group_norm(int64_t groups, int64_t channels, const ml_norm_layer_opts *opts);
ml_module *ml_nn_dropout(double p); /* in training: each value is 0 with probability p, else x / (1 - p); Srivastava et al. 2014 */
ml_module *ml_nn_flatten(void);                                                     /* (n, ...) -> (n, product) */
ml_module *ml_nn_activation(ml_op_id op);                                           /* any operation of one input without options */
ml_module *ml_nn_activation_with(ml_op_id op, const void *opts); /* of one input: opts as its C function takes, NULL = its defaults */
ml_module *ml_nn_selu(void);       /* 1.0507 elu(x) with alpha 1.6733: keeps mean 0 and variance 1 (Klambauer et al. 2017) */
ml_module *ml_nn_sine(double w0);  /* sin(w0 x); Sitzmann et al. 2020 */
ml_module *ml_nn_maxout(int64_t pieces, int dim); /* the largest of each so many neighbours along dim: (..., pieces k, ...) -> (..., k, ...);
                                                     behind a Linear or a convolution: Goodfellow et al. 2013 */
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

/* The other containers; these take references over likewise. */
typedef struct ml_residual_layer_opts { double scale; } ml_residual_layer_opts; /* opts NULL: 1 */
ml_module *ml_nn_residual(ml_module *inner, const ml_residual_layer_opts *opts); /* y = x + scale inner(x); He et al. 2016 */
/* y = shortcut(x) + scale inner(x), where the inner layers change the shape. The two are called inner and shortcut. */
ml_module *ml_nn_residual_with(ml_module *inner, ml_module *shortcut, const ml_residual_layer_opts *opts);
typedef enum ml_merge { ML_MERGE_CONCAT, ML_MERGE_SUM, ML_MERGE_STACK } ml_merge;
typedef struct ml_parallel_layer_opts {
    ml_merge merge;
    int      dim; /* of concat and stack: the dimension that grows, or that is new */
} ml_parallel_layer_opts;
/* All branches run on the same input; opts NULL = concat along dimension 1, the channels. */
ml_module *ml_nn_parallel(ml_module *const *branches, int n, const ml_parallel_layer_opts *opts);

ml_module *ml_module_retain(ml_module *m);
void       ml_module_release(ml_module *m); /* NULL is fine */

/* --- using one --------------------------------------------------------------------------------------------------- */
/* A Sequential runs neighbours as one operation where the table has one: Linear with the ReLU, Tanh or Sigmoid behind it;
 * Embedding, Flatten and Linear in front of that, when there are more rows than tokens. The same value up to rounding. */
ml_tensor *ml_module_forward(ml_module *m, ml_tensor *x);
/* The same with params in place of the module's own: of the same shapes, in the order of ml_module_parameters. The running
 * statistics stay as they are. */
ml_tensor *ml_module_apply(ml_module *m, ml_tensor *const *params, int n, ml_tensor *x);

/* --- buffers: what a layer keeps beside its parameters; the two ways of running -------------------------------------- */
/* A new module is in training. Batch normalisation and dropout compute something else in evaluation. */
void ml_module_train(ml_module *m, bool on); /* of it and all its layers */
bool ml_module_training(const ml_module *m);
int  ml_module_n_buffers(const ml_module *m);  /* running statistics, with those of all children */
ml_tensor *const *ml_module_buffers(const ml_module *m);
bool ml_module_buffer_name(const ml_module *m, int i, char *name, size_t bytes); /* "2.running_mean" */

typedef enum ml_mode { ML_MODE_OWN, ML_MODE_TRAIN, ML_MODE_EVAL } ml_mode; /* own: as ml_module_train left each layer */
typedef struct ml_apply_opts {
    ml_tensor *const *buffers;     /* in place of the module's own, in the order of ml_module_buffers; NULL = its own */
    int               n_buffers;
    ml_tensor       **new_buffers; /* room for as many; NULL = not wanted. In the innermost scope */
    ml_mode           mode;
    const ml_key     *key;         /* of dropout: what a layer draws depends on it and on the layer's place; NULL = the default stream, by ml_draw */
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
bool        ml_module_child_name(const ml_module *m, int i, char *name, size_t bytes); /* "inner"; of most "1", "2", ... */
ml_module  *ml_module_child_named(const ml_module *m, const char *name); /* borrowed; NULL without message when none is called so */
int         ml_module_n_parameters(const ml_module *m);           /* with those of all children */
ml_tensor *const *ml_module_parameters(const ml_module *m);       /* all of them, in the order of the layers; borrowed */
ml_tensor  *ml_module_parameter(const ml_module *m, int i);       /* one of them; NULL with a message outside */
/* "1.weight": the path counts layers from 1, in C as in Lua. False with a message outside or when it does not fit. */
bool        ml_module_parameter_name(const ml_module *m, int i, char *name, size_t bytes);
ml_tensor  *ml_module_own(const ml_module *m, const char *name);  /* "weight", "bias", "running_mean" of this layer; NULL without message */
/* A line about the layer itself: "Linear(256 -> 97)"; the text lives until the next call on this thread. */
const char *ml_module_text(const ml_module *m);

#endif
