#undef FN
#undef VEC
#undef VL
#undef NR
#undef MR
