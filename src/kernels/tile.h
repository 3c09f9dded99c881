/* The tile of results that the bodies of gemm.c and conv.c keep in registers, MR rows of NR columns, for the type T with the
 * suffix S. Included once for each type: no include guard, on purpose. tile_end.h takes the names back. */
#define FN(name) MLK_PASTE(name, S)
#define VEC      FN(vec)
#define VL       ((int64_t)(MLK_VECTOR / sizeof(T)))
#define NR       (2 * VL)
#if MLK_VECTOR == 64
#define MR 12 /* 24 of 32 registers hold the tile */
#else
#define MR 6  /* 12 of 16 */
#endif

typedef T VEC __attribute__((vector_size(MLK_VECTOR), aligned(sizeof(T)), may_alias));
