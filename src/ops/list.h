/* list.h - every operator, one line each: LOFI_OP(symbol). The recipe for a new one is in graph/op.h. */
